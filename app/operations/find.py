"""Find somebody, to read or to change, or make somebody by the name that found nobody."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from ulid import ULID

from app.domain.access import not_oneself
from app.domain.errors import Busy, IdentityTaken, UserNotFound
from app.domain.identity import Identity, Impossible
from app.domain.user import Edit, User, linked, new_user
from app.operations.terms import Terms
from app.store import Step, Store, UserRef

WhoeverRef = UserRef | Impossible

MAX_RACES: Final = 50
"""How often somebody may be created, or vanish, just before we do the same."""


async def find(store: Store, ref: WhoeverRef) -> User | None:
    """Return the user, or None for nobody."""
    return None if isinstance(ref, Impossible) else await store.find(ref)


async def only_oneself(store: Store, ref: WhoeverRef, me: Identity) -> Identity:
    """Return `me` if `ref` finds whoever has this identity, or is it.

    Raises:
        Forbidden: it finds somebody else, or nobody.
    """
    if ref != me:
        user = await find(store, ref)
        if user is None or not user.has(me):
            raise not_oneself()
    return me


async def change_existing(
    store: Store, ref: WhoeverRef, step: Step, event_ids: Collection[str] = ()
) -> Edit:
    """Change whoever `ref` finds.

    Raises:
        UserNotFound: it finds nobody.
    """
    if isinstance(ref, Impossible):
        raise UserNotFound
    return await store.change(ref, step, event_ids)


async def change_or_create(
    store: Store, ref: WhoeverRef, step: Step, terms: Terms, event_ids: Collection[str] = ()
) -> Edit:
    """Change whoever `ref` finds, or a new user with that one identity.

    Raises:
        UserNotFound: `ref` is an id that finds nobody: ids are made here, not brought.
        InvalidInput: `ref` is no possible identity.
    """
    if isinstance(ref, Impossible):
        raise ref.fault
    for _ in range(MAX_RACES):
        try:
            return await change_existing(store, ref, step, event_ids)
        except UserNotFound:
            if isinstance(ref, str):
                raise
        try:
            return await create(store, [ref], lambda user: step(user, frozenset()), terms)
        except IdentityTaken as fault:
            if fault.identity != ref:
                raise
    raise Busy


async def create(
    store: Store, identities: list[Identity], step: Callable[[User], Edit], terms: Terms
) -> Edit:
    """Create a user with the identities, and all that `step` makes of it, at once.

    Raises:
        IdentityTaken: somebody has one of the identities.
    """
    nobody = new_user(str(ULID.from_datetime(terms.now)), terms.now)
    edit = step(linked(nobody, identities, terms.now, terms.limits, ("identities",)))
    first = edit.user.model_copy(update={"version": 1, "updated_at": terms.now})
    return await store.create(replace(edit, user=first))
