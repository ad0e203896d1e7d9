"""A device that passes from one person to another, or to nobody."""

from datetime import datetime
from typing import Any

from app.domain.devices import Device
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.user import SEEN_STEP, Edit, User, linked, revised, unlinked


def device_of(user: User, identity: Identity) -> Device | None:
    """Return the device as the user has it registered, if it is."""
    return next((device for device in user.devices if device.id == identity.value), None)


def departed(user: User, identity: Identity, now: datetime) -> Edit:
    """Return the edit that takes the device away from its user."""
    return Edit(revised(user, unlinked(user, identity), now))


def arrived(
    user: User, identity: Identity, device: Device | None, now: datetime, limits: Limits
) -> Edit:
    """Return the edit that gives a device, registered or not, to a user, push token included."""
    owner = linked(user, [identity], now, limits, ())
    others = tuple(held for held in owner.devices if held.id != identity.value)
    devices = others if device is None else (*others, device)
    return Edit(revised(user, owner.model_copy(update={"devices": devices}), now))


def logged_out(user: User, identity: Identity, now: datetime) -> Edit:
    """Return the edit that ends the session on a device.

    A user who was never identified keeps the device, but for its token: nothing else finds them.
    """
    if user.identified:
        return departed(user, identity, now)
    devices = tuple(
        device.model_copy(update={"push": None}) if device.id == identity.value else device
        for device in user.devices
    )
    return Edit(revised(user, user.model_copy(update={"devices": devices}), now))


def seen(user: User, identity: Identity, now: datetime) -> User:
    """Return the user as just seen on the device; times move in steps of a minute at the least."""
    update: dict[str, Any] = {}
    if user.last_seen_at is None or now - user.last_seen_at >= SEEN_STEP:
        update["last_seen_at"] = now
    device = device_of(user, identity)
    if device and now - device.last_seen_at >= SEEN_STEP:
        update["devices"] = tuple(
            held.model_copy(update={"last_seen_at": now}) if held is device else held
            for held in user.devices
        )
    return user.model_copy(update=update) if update else user
