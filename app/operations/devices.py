"""Register a device, and log out on one."""

from dataclasses import dataclass

from app.domain.access import Guard, anybody
from app.domain.devices import Device, Registration
from app.domain.errors import DeviceNotFound, UserNotFound
from app.domain.handover import logged_out
from app.domain.identity import Identity
from app.domain.user import Edit, User, linked, revised, with_device
from app.operations.find import WhoeverRef, change_existing, change_or_create
from app.operations.terms import Terms
from app.store import Store


@dataclass(frozen=True)
class Registered:
    user: User
    device: Device


async def register_device(
    store: Store,
    ref: WhoeverRef,
    registration: Registration,
    terms: Terms,
    *,
    create_if_missing: bool = False,
    guard: Guard = anybody,
) -> Registered:
    """Give the device to the user, or bring what is known about it up to date.

    A device that names itself and is nobody's makes an anonymous user; `create_if_missing`, any
    identity that is nobody's makes a user.

    Raises:
        UserNotFound: nobody is there.
        IdentityTaken: another person has the device.
        Forbidden: the guard says so.
    """
    identity = registration.identity

    def step(user: User, _: frozenset[str]) -> Edit:
        guard(user)
        owner = linked(user, [identity], terms.now, terms.limits, ("device",))
        return Edit(revised(user, with_device(owner, registration, terms.now), terms.now))

    if ref == identity or create_if_missing:
        edit = await change_or_create(store, ref, step, terms)
    else:
        edit = await change_existing(store, ref, step)
    (device,) = (device for device in edit.user.devices if device.id == identity.value)
    return Registered(edit.user, device)


async def log_out_device(
    store: Store,
    identity: Identity,
    terms: Terms,
    *,
    quietly: bool = False,
    guard: Guard = anybody,
) -> None:
    """End the session on a device: its token no longer reaches the person who had it.

    Raises:
        DeviceNotFound: it is nobody's; `quietly`, that is as good.
        Forbidden: the guard says so.
    """

    def step(user: User, _: frozenset[str]) -> Edit:
        if not user.has(identity):
            raise DeviceNotFound(identity.value)
        guard(user)
        return logged_out(user, identity, terms.now)

    try:
        await change_existing(store, identity, step)
    except (UserNotFound, DeviceNotFound):
        if not quietly:
            raise DeviceNotFound(identity.value) from None
