"""One person as they are, then after each change."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.change import Change, ChangeKind
from app.domain.user import User
from app.live.feed import Feed
from app.store import Store, UserRef


@dataclass(frozen=True)
class UserChange:
    """What happened to somebody, and who they are by now.

    Attributes:
        kind: What happened.
        user_id: To whom; where two were merged, the id that was absorbed.
        user: The person at this change, or later; None once deleted.
        at: When.
        cursor: The place of the change in the log.
    """

    kind: ChangeKind
    user_id: str
    user: User | None
    at: datetime
    cursor: str


async def watch_user(
    store: Store, feed: Feed, ref: UserRef, now: datetime
) -> AsyncIterator[UserChange]:
    """Yield the person as they are now, then after each change, until they are deleted.

    Nobody yet is waited for; who is merged into another is followed there. Versions only grow:
    what a later state has shown already is not told again.
    """
    await feed.ready()
    occasion = await _arrival(store, feed, ref, now)
    while True:
        found = await store.find(occasion.user_id)
        if found is None:
            yield _deleted(occasion)
            return
        with feed.subscribe(found.id) as changes:
            user = await store.find(found.id)
            if user is None:
                yield _deleted(occasion)
                return
            yield _now(occasion, user)
            told = user.version
            async for change in changes:
                occasion = change
                if occasion.kind is ChangeKind.DELETED:
                    yield _deleted(occasion)
                    return
                if occasion.kind is ChangeKind.MERGED:
                    break
                user = await store.find(occasion.user_id)
                if user and user.version > told and user.id == occasion.user_id:
                    # Created before the log said so, the person was told of as they were.
                    known = replace(change, kind=ChangeKind.UPDATED)
                    yield _now(known, user)
                    told = user.version


async def _arrival(store: Store, feed: Feed, ref: UserRef, now: datetime) -> Change:
    """Return that the person is there, or wait until they come."""
    with feed.subscribe() as everyone:
        if user := await store.find(ref):
            return Change(ChangeKind.CURRENT, user.id, user.version, now, (), everyone.cursor)
        async for change in everyone:
            user = await store.find(ref)
            if user and change.user_id == user.id:
                if change.kind is ChangeKind.CREATED:
                    return change
                return Change(ChangeKind.CURRENT, user.id, user.version, now, (), change.cursor)
    raise AssertionError("A subscription ends by an error only.")


def _now(occasion: Change, user: User) -> UserChange:
    return UserChange(occasion.kind, occasion.user_id, user, occasion.at, occasion.cursor)


def _deleted(occasion: Change) -> UserChange:
    return UserChange(ChangeKind.DELETED, occasion.user_id, None, occasion.at, occasion.cursor)
