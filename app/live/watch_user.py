"""One person as they are, then after each change."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from app.domain.change import ChangeKind
from app.domain.user import User
from app.live.feed import Feed
from app.store import Store, UserRef


@dataclass(frozen=True)
class UserChange:
    """What happened to somebody, and who they are by now."""

    kind: ChangeKind
    user_id: str
    user: User
    at: datetime
    cursor: str


async def watch_user(
    store: Store, feed: Feed, ref: UserRef, now: datetime
) -> AsyncIterator[UserChange]:
    """Yield the person as they are now, then after each change; nobody yet is waited for.

    The state told is that of the change or a later one; versions only grow.
    """
    await feed.ready()
    user_id, kind = await _arrival(store, feed, ref)
    with feed.subscribe(user_id) as changes:
        user = await store.find(user_id)
        if user is None:
            return
        at = now if kind is ChangeKind.CURRENT else user.created_at
        yield UserChange(kind, user.id, user, at, changes.cursor)
        told = user.version
        async for change in changes:
            if change.version <= told or (user := await store.find(user_id)) is None:
                continue
            told = user.version
            yield UserChange(change.kind, user.id, user, change.at, change.cursor)


async def _arrival(store: Store, feed: Feed, ref: UserRef) -> tuple[str, ChangeKind]:
    """Return whom `ref` finds, and whether they were there or had to be waited for."""
    with feed.subscribe() as everyone:
        if user := await store.find(ref):
            return user.id, ChangeKind.CURRENT
        async for change in everyone:
            if user := await store.find(ref):
                was_created = change.user_id == user.id and change.kind is ChangeKind.CREATED
                return user.id, ChangeKind.CREATED if was_created else ChangeKind.CURRENT
    raise AssertionError("A subscription ends by an error only.")
