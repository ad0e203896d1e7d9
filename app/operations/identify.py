"""Log a person in: find, create, convert, merge or switch."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from app.domain.changes import NO_CHANGES, UserChanges
from app.domain.errors import (
    Busy,
    Forbidden,
    IdentityTaken,
    InvalidInput,
    LimitExceeded,
    UserNotFound,
)
from app.domain.handover import seen
from app.domain.identity import Identity
from app.domain.login import IdentifyOutcome, login_outcome
from app.domain.user import Edit, User, change_edit, linked, updated
from app.operations.find import MAX_RACES, create
from app.operations.terms import Terms
from app.store import Store


@dataclass(frozen=True)
class Identified:
    user: User
    outcome: IdentifyOutcome


@dataclass(frozen=True)
class Login:
    """What one call asks for.

    Attributes:
        takes_over: Whether the device of somebody else who is identified may change hands.
        changed: The ids of the users who have the changes already; whoever looks again after
            somebody was faster must not apply them again.
    """

    identities: Sequence[Identity]
    device: Identity | None
    changes: UserChanges
    terms: Terms
    takes_over: bool = True
    changed: list[str] = field(default_factory=list)

    def step(self, user: User, *, with_device: bool) -> Edit:
        """Return the edit that gives the user the identities, the changes, and perhaps the device.

        Raises:
            LimitExceeded, InvalidInput: the user cannot take them on.
        """
        now, limits = self.terms.now, self.terms.limits
        comes = [self.device] if with_device and self.device else []
        named = linked(user, [*self.identities, *comes], now, limits, ("identities",))
        has_changes = not {user.id, *user.absorbed}.isdisjoint(self.changed)
        changes = NO_CHANGES if has_changes else self.changes
        after = updated(named, changes, now, limits)
        if self.device and after.has(self.device):
            after = seen(after, self.device, now)
        return replace(change_edit(user, after, changes, now), coiner=self.terms.coiner)


class _Outrun(Exception):
    """Somebody was faster, so that what was decided no longer fits: look again."""


async def identify(
    store: Store,
    identities: Sequence[Identity],
    device: Identity | None,
    changes: UserChanges,
    terms: Terms,
    *,
    takes_over: bool = True,
) -> Identified:
    """Return the one user whom all the strong identities name, logged in on the device.

    Identities that are nobody's join the user whom the others name. What is refused is refused
    before anything is written.

    Raises:
        InvalidInput: there is no identity, or one that names no person.
        IdentityTaken: they belong to two or more users; nothing changed.
        LimitExceeded, InvalidInput: the user cannot take them, or the changes, on.
        Forbidden: the device is somebody else's, and not to be taken over.
        Busy: others were faster for too long.
    """
    _refuse_nameless(identities)
    login = Login(list(dict.fromkeys(identities)), device, changes, terms, takes_over)
    for _ in range(MAX_RACES):
        owner = await _owner(store, login.identities)
        holder = await store.find(device) if device else None
        try:
            return await _log_in(store, login, owner, holder)
        except (IdentityTaken, UserNotFound, _Outrun):
            continue  # somebody was created, linked, merged or deleted since we looked
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


async def _log_in(
    store: Store, login: Login, owner: User | None, holder: User | None
) -> Identified:
    outcome = login_outcome(owner, holder)
    if outcome is IdentifyOutcome.SWITCHED and not login.takes_over:
        raise Forbidden("Somebody else is logged in on this device.")
    if owner and holder and outcome is IdentifyOutcome.MERGED:
        survivor = await _merged(store, login, owner, holder)
        if survivor is None:
            outcome = IdentifyOutcome.SWITCHED
        else:
            owner = survivor
    try:
        user = await _named(store, login, owner, holder, outcome)
    except UserNotFound:
        if owner is None or outcome is not IdentifyOutcome.MERGED:
            raise
        # They were deleted after the merge, with the one whose device it was. A new login would
        # tell nobody what became of that one; so this one came first.
        user = login.step(owner, with_device=False).user
    login.changed.append(user.id)
    if outcome is IdentifyOutcome.SWITCHED and login.device and holder:
        if not await store.transfer(login.device, holder.id, user.id, login.terms.now):
            raise _Outrun
        user = await _seen_on(store, login.device, user, login.terms)
    return Identified(user, outcome)


async def _named(
    store: Store,
    login: Login,
    owner: User | None,
    holder: User | None,
    outcome: IdentifyOutcome,
) -> User:
    """Return the user who has the identities and the changes; the device, if it is nobody's."""
    if owner:
        edit = await store.change(
            owner.id, lambda user, _: login.step(user, with_device=holder is None)
        )
        return edit.user
    if holder and outcome is IdentifyOutcome.CONVERTED:
        edit = await store.change(holder.id, lambda user, _: _converted(user, login))
        return edit.user
    comes = [login.device] if login.device and holder is None else []
    edit = await create(
        store,
        [*login.identities, *comes],
        lambda user: login.step(user, with_device=False),
        login.terms,
    )
    return edit.user


def _converted(user: User, login: Login) -> Edit:
    if user.identified or not (login.device and user.has(login.device)):
        raise _Outrun
    return login.step(user, with_device=False)


async def _merged(store: Store, login: Login, owner: User, holder: User) -> User | None:
    """Merge the device's anonymous user in, and return who is left; None if a limit forbids it.

    The changes come after, so that they win. What they refuse is refused before the merge; so is an
    identity that somebody else takes meanwhile.
    """
    merge = partial(
        store.merge,
        owner.id,
        holder.id,
        login.terms.now,
        anonymous_only=True,
        keep=login.device,
    )
    try:
        preview = await merge(dry_run=True)
        if preview is None:
            raise _Outrun
        login.step(preview.user, with_device=False)
        if not all(map(owner.has, login.identities)):
            naming = replace(login, changes=NO_CHANGES)
            await store.change(owner.id, lambda user, _: naming.step(user, with_device=False))
        merged = await merge()
    except LimitExceeded:
        return None
    if merged is None:
        raise _Outrun
    return merged.user


async def _seen_on(store: Store, device: Identity, user: User, terms: Terms) -> User:
    edit = await store.change(user.id, lambda user, _: Edit(seen(user, device, terms.now)))
    return edit.user
