"""Everyone who changes, or those of whom something is true after the change."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final

from app.domain.change import Change, ChangeKind
from app.domain.user import User
from app.live.feed import ALL, Feed
from app.live.place import Place
from app.live.watch_user import UserChange, told_at
from app.store import Store

REMEMBERED_VERSIONS: Final = 1_000
"""Of so many people a reader is not told a version twice: once with an earlier change, once with
its own."""


async def watch_users(
    store: Store,
    feed: Feed[Change],
    is_meant: Callable[[User], Awaitable[bool]] | None,
    after: Place | None = None,
) -> AsyncIterator[UserChange]:
    """Yield each change to those who are meant after it; a deleted person is not, by anything.

    Quick changes to one person may come as one; the last state always comes.

    Args:
        store: Where people are.
        feed: Their changes.
        is_meant: Whether somebody is meant; everyone is, deletions included, unless given.
        after: Begin with what came after this place.

    Raises:
        CursorExpired: what came after the place is no longer known.
    """
    await feed.ready()
    told: OrderedDict[str, int] = OrderedDict()
    async with feed.subscribe(ALL, after.log if after else None) as changes:
        is_new = await feed.now() if after is None else None
        async for change in changes:
            if is_new and not is_new(change):
                continue
            message = await feed.once.of(
                (watch_users, change.cursor, change.kind), partial(_by_now, store, change)
            )
            user = message.user
            if message.kind is ChangeKind.DELETED and is_meant is None:
                yield message
            elif user is None or _is_told_elsewhere(change, user, told.get(change.user_id, 0)):
                continue
            elif is_meant is None or await is_meant(user):
                _remember(told, change.user_id, user.version)
                yield message


async def _by_now(store: Store, change: Change) -> UserChange:
    user = None if change.kind is ChangeKind.DELETED else await store.find(change.user_id)
    at = told_at(change, user) if user else change.at
    # Of one who was absorbed, the log tells no deletion: it is the survivor's.
    is_gone = change.kind is ChangeKind.MERGED and user is None
    kind = ChangeKind.DELETED if is_gone else change.kind
    return UserChange(kind, change.user_id, user, at, Place(change.cursor))


def _is_told_elsewhere(change: Change, user: User, told_version: int) -> bool:
    """Return whether an earlier or a later change tells all that this one does."""
    if change.kind is ChangeKind.MERGED:
        return False
    return user.id != change.user_id or user.version <= told_version


def _remember(told: OrderedDict[str, int], user_id: str, version: int) -> None:
    told[user_id] = version
    told.move_to_end(user_id)
    if len(told) > REMEMBERED_VERSIONS:
        told.popitem(last=False)
