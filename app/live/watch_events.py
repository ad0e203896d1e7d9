"""Every event as it is recorded, once."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from app.domain.change import Change, ChangeKind
from app.domain.errors import FellBehind
from app.domain.events import Event
from app.domain.user import User
from app.live.feed import ALL, Feed
from app.live.place import Place
from app.live.watch_user import followed_id
from app.store import Store, UserRef


@dataclass(frozen=True, eq=False)
class RecordedEvent:
    """An event that was recorded.

    Attributes:
        user_id: Of whom, at the time.
        user: Who that is by now.
        event: The event.
        place: After which to go on.
    """

    user_id: str
    user: User
    event: Event
    place: Place


async def watch_events(
    store: Store,
    feed: Feed[Change],
    key: str | None = None,
    ref: UserRef | None = None,
    after: Place | None = None,
    *,
    tells_of_gone: bool = True,
) -> AsyncIterator[RecordedEvent]:
    """Yield every event that is recorded; those of people who were erased since are left out.

    One person is followed when they are merged into another, until they are deleted.

    Args:
        store: Where people are.
        feed: Their changes.
        key: Only events of this name.
        ref: Only those of this person; nobody yet is waited for.
        after: Begin with what came after this place.
        tells_of_gone: Whether the place may name somebody who was deleted since.

    Raises:
        CursorExpired: what came after the place is no longer known.
        FellBehind: too many events wait; it names the place of the last one.
    """
    await feed.ready()
    start = feed.cursor
    begun = after or Place(start)
    reading = _Reading(store, feed, key, begun, None if after else await feed.now())
    try:
        if ref is None:
            async for told in reading.of(ALL, begun.log):
                yield told
            return
        known = after and await followed_id(store, ref, after, tells_of_gone=tells_of_gone)
        if after and known:
            followed, log = known, after.log
        else:
            followed, log = await _arrival(store, feed, ref, start)
        while followed:
            async for told in reading.of(followed, log):
                yield told
            log = reading.ended_at
            survivor = await store.find(followed)
            followed = survivor.id if survivor else ""
    except FellBehind as fault:
        raise FellBehind(fault.limit, reading.last) from None


async def _arrival(store: Store, feed: Feed[Change], ref: UserRef, start: str) -> tuple[str, str]:
    """Return who the person is, and from where in the log; wait for them to come."""
    async with _closing(feed.every(ALL, start)) as entries:
        if user := await store.find(ref):
            return user.id, start
        async for before, change in entries:
            user = await store.find(ref)
            if user and change.user_id == user.id:
                return user.id, before
    raise AssertionError("A subscription ends by an error only.")


class _Reading:
    """Reads events off changes.

    Attributes:
        last: After which to go on: what came until there is told, or is not asked for.
        ended_at: Where the log told that the person followed was merged or deleted.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed[Change],
        key: str | None,
        begun: Place,
        is_new: Callable[[Change], bool] | None,
    ) -> None:
        self._store = store
        self._feed = feed
        self._key = key
        self._begun = begun
        self._is_new = is_new
        self.last = begun
        self.ended_at = ""

    async def of(self, followed: str, log: str) -> AsyncIterator[RecordedEvent]:
        """Yield the events of a person, until merged or deleted; of everybody, for ever."""
        async with _closing(self._feed.every(followed, log)) as entries:
            async for before, change in entries:
                if change.event_ids and (self._is_new is None or self._is_new(change)):
                    for told in await self._not_told(change, before):
                        self.last = told.place
                        yield told
                self.last = _after(change, len(change.event_ids), before)
                is_over = change.kind in (ChangeKind.MERGED, ChangeKind.DELETED)
                if is_over and followed == change.user_id:
                    self.ended_at = change.cursor
                    return

    async def _not_told(self, change: Change, before: str) -> list[RecordedEvent]:
        recorded = await self._feed.once.of(
            (watch_events, change.cursor, before), partial(self._events_of, change, before)
        )
        told = self._told_already(change)
        return [
            event
            for number, event in recorded
            if number > told and self._key in (None, event.event.key)
        ]

    async def _events_of(self, change: Change, before: str) -> list[tuple[int, RecordedEvent]]:
        """Return the events of a change that are still there, each by its number among them."""
        user = await self._store.find(change.user_id)
        if user is None:
            return []
        events = await self._read(user, change.event_ids)
        return [
            (number, RecordedEvent(change.user_id, user, event, _after(change, number, before)))
            for number, event_id in enumerate(change.event_ids, 1)
            if (event := events.get(event_id))
        ]

    def _told_already(self, change: Change) -> int:
        """Return how many events of a change were told before the reader went away."""
        begun = self._begun
        is_same = (begun.user_id, begun.version) == (change.user_id, change.version)
        return begun.events if is_same else 0

    async def _read(self, user: User, event_ids: tuple[str, ...]) -> dict[str, Event]:
        wanted = frozenset(event_ids)
        found = {event.id: event for event in user.events if event.id in wanted}
        missing = [event_id for event_id in event_ids if event_id not in found]
        if missing and user.archived:
            archived = await self._store.archived_by_id(user, missing)
            found |= {event.id: event for event in archived}
        return found


def _after(change: Change, number: int, before: str) -> Place:
    """Return the place after so many of the events that a change brought."""
    if number == len(change.event_ids):
        return Place(change.cursor, change.user_id, change.version)
    return Place(before, change.user_id, change.version, number)


def _closing(entries: AsyncIterator[tuple[str, Change]]) -> Any:
    """Close the generator behind the iterator with the block."""
    return aclosing(cast("Any", entries))
