"""One person as they are, then after each change."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.domain.change import Change, ChangeKind
from app.domain.user import User
from app.live.feed import Feed, NewestOfEach
from app.live.place import Place
from app.store import Store, UserRef


@dataclass(frozen=True, eq=False)
class UserChange:
    """What happened to somebody, and who they are by now; all who are told of it share it.

    Attributes:
        kind: What happened.
        user_id: To whom; where two were merged, the id that was absorbed.
        user: The person at this change, or later; None once deleted.
        at: When.
        place: After which to go on.
    """

    kind: ChangeKind
    user_id: str
    user: User | None
    at: datetime
    place: Place


async def watch_user(
    store: Store,
    feed: Feed[Change],
    ref: UserRef,
    now: datetime,
    after: Place | None = None,
    *,
    tells_of_gone: bool = True,
) -> AsyncIterator[UserChange]:
    """Yield the person as they are now, then after each change, until they are deleted.

    Nobody yet is waited for; who is merged into another is followed there. Versions only grow:
    what a later state has shown already is not told again.

    Args:
        store: Where people are.
        feed: Their changes.
        ref: Whom to watch.
        now: When this begins.
        after: Begin with what came after this place, instead of the person as they are now.
        tells_of_gone: Whether the place may name somebody who was deleted since; whoever made it
            up would learn that they were.

    Raises:
        CursorExpired: what came after the place is no longer known.
    """
    await feed.ready()
    watch = _Watch(store, feed)
    if after is None:
        arrival = await _arrival(store, feed, ref)
    elif (user_id := await followed_id(store, ref, after, tells_of_gone=tells_of_gone)) is None:
        arrival = replace(await _arrival(store, feed, ref), kind=ChangeKind.CREATED)
    else:
        watch.told = after.version if after.user_id == user_id else 0
        async with feed.subscribe(user_id, after.log) as changes:
            async for change in watch.follow(changes):
                yield change
        arrival = None
    occasion = arrival or watch.merged
    if occasion and occasion.kind is ChangeKind.CURRENT:
        occasion = replace(occasion, at=now)
    while occasion is not None:
        followed = await store.whose(occasion.user_id)
        if followed is None:
            yield _deleted(occasion)
            return
        async with feed.subscribe(followed) as changes:
            # One name for all that is told, so that the first state is not held for ever.
            change = await watch.now(occasion, followed)
            yield change
            if change.user is None:
                return
            async for change in watch.follow(changes):
                yield change
        occasion = watch.merged


class _Watch:
    """What a watcher has been told.

    Attributes:
        told: The newest version of the person who is followed.
        merged: How they were merged into another, once they were.
    """

    def __init__(self, store: Store, feed: Feed[Change]) -> None:
        self._store = store
        self._feed = feed
        self.told = 0
        self.merged: Change | None = None

    async def follow(self, changes: NewestOfEach) -> AsyncIterator[UserChange]:
        """Yield one person's changes, until they are deleted, or merged into another."""
        self.merged = None
        async for change in changes:
            if change.kind is ChangeKind.DELETED:
                yield _deleted(change)
                return
            if change.kind is ChangeKind.MERGED:
                self.merged = change
                return
            # Created before the log said so, the person was told of as they were.
            kind = ChangeKind.UPDATED if self.told else change.kind
            key = (watch_user, change.cursor, kind)
            told = self._feed.once.kept(key) or await self._feed.once.of(
                key, partial(self._by_now, change, kind)
            )
            if told and told.place.version > self.told and told.place.user_id == change.user_id:
                self.told = told.place.version
                yield told

    async def _by_now(self, change: Change, kind: ChangeKind) -> UserChange | None:
        user = await self._store.find(change.user_id)
        return _shown(replace(change, kind=kind), user) if user else None

    async def now(self, occasion: Change, user_id: str) -> UserChange:
        """Return a person as they are now, or that they are gone."""
        user = await self._store.find(user_id)
        if user is None:
            return _deleted(occasion)
        self.told = user.version
        return _shown(occasion, user)


def _shown(occasion: Change, user: User) -> UserChange:
    place = Place(occasion.cursor, user.id, user.version)
    return UserChange(occasion.kind, occasion.user_id, user, told_at(occasion, user), place)


def told_at(occasion: Change, user: User) -> datetime:
    """Return when somebody came to be as they are told: whoever reads may be ahead of the log."""
    return user.updated_at if user.version > occasion.version else occasion.at


async def followed_id(
    store: Store, ref: UserRef, after: Place, *, tells_of_gone: bool
) -> str | None:
    """Return whom a reader goes on following, or None if there is nobody yet.

    It is the person who was followed before, if `ref` still finds them, or if they are gone: that
    has to be told to whoever may know of everybody. A place is no way to somebody whom `ref` does
    not name.
    """
    user = await store.find(ref)
    if tells_of_gone and after.user_id and await store.find(after.user_id) is None:
        return after.user_id
    if user is None:
        return None
    return after.user_id if after.user_id in user.absorbed else user.id


async def _arrival(store: Store, feed: Feed[Change], ref: UserRef) -> Change:
    """Return that the person is there, or wait until they come."""
    cursor = feed.cursor
    async with feed.subscribe() as everyone:
        if user := await store.find(ref):
            return Change(ChangeKind.CURRENT, user.id, user.version, user.updated_at, (), cursor)
        async for change in everyone:
            user = await store.find(ref)
            if user and change.user_id == user.id:
                if change.kind is ChangeKind.CREATED:
                    return change
                return replace(change, kind=ChangeKind.CURRENT)
    raise AssertionError("A subscription ends by an error only.")


def _deleted(occasion: Change) -> UserChange:
    """Return that somebody is gone; nobody is followed from there."""
    return UserChange(
        ChangeKind.DELETED, occasion.user_id, None, occasion.at, Place(occasion.cursor)
    )
