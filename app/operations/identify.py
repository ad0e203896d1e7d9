"""Log a person in: find, or create."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.changes import UserChanges
from app.domain.errors import Busy, IdentityTaken, InvalidInput, UserNotFound
from app.domain.identity import Identity
from app.domain.user import Edit, User, change_edit, linked, updated
from app.operations.find import MAX_RACES, create
from app.operations.terms import Terms
from app.store import Store


class IdentifyOutcome(StrEnum):
    CREATED = "created"
    FOUND = "found"
    CONVERTED = "converted"
    MERGED = "merged"
    SWITCHED = "switched"


@dataclass(frozen=True)
class Identified:
    user: User
    outcome: IdentifyOutcome


async def identify(
    store: Store, identities: Sequence[Identity], changes: UserChanges, terms: Terms
) -> Identified:
    """Return the one user whom all the identities name, created if they are nobody's.

    Those that are nobody's join the user whom the others name.

    Raises:
        InvalidInput: there is no identity, or one that names no person.
        IdentityTaken: they belong to two or more users; nothing changed.
        LimitExceeded, InvalidInput: the user cannot take them, or the changes, on.
        Busy: others were faster for too long.
    """
    _refuse_nameless(identities)
    distinct = list(dict.fromkeys(identities))

    def step(user: User) -> Edit:
        named = linked(user, distinct, terms.now, terms.limits, ("identities",))
        after = updated(named, changes, terms.now, terms.limits)
        return change_edit(user, after, changes, terms.now)

    for _ in range(MAX_RACES):
        owner = await _owner(store, distinct)
        try:
            if owner is None:
                edit = await create(store, distinct, step, terms)
                return Identified(edit.user, IdentifyOutcome.CREATED)
            edit = await store.change(owner.id, lambda user, _: step(user))
            return Identified(edit.user, IdentifyOutcome.FOUND)
        except (IdentityTaken, UserNotFound):
            continue  # somebody was created, linked or deleted since we looked
    raise Busy


def _refuse_nameless(identities: Sequence[Identity]) -> None:
    if not identities:
        raise InvalidInput("There is no identity to log in by.", ("identities",))
    for position, identity in enumerate(identities):
        if not identity.is_strong:
            path = ("identities", str(position), identity.kind.value)
            raise InvalidInput("A device names no person.", path)


async def _owner(store: Store, identities: Sequence[Identity]) -> User | None:
    """Return the one owner of those identities that have one."""
    owner: User | None = None
    for identity, found in zip(identities, await store.find_many(identities), strict=True):
        if owner and found and found.id != owner.id:
            raise IdentityTaken(identity, found.id)
        owner = owner or found
    return owner
