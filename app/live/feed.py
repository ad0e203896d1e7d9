"""One reader of the change log a process, any number of subscribers.

A subscriber's queue holds one entry a person at the most, the newest: whoever reads slowly costs
nothing and misses nothing that is still true.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Final

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, DomainError, Unavailable, Unsupported
from app.store import Store

log = logging.getLogger("profilegraph")

EVERYONE: Final = ""
RETRY_AFTER_S: Final = 0.5
READY_WITHIN_S: Final = 5


class Subscription:
    """The changes that one subscriber has not read yet, the newest of each person.

    Attributes:
        cursor: Where the log stood when the subscription began.
    """

    def __init__(self, cursor: str) -> None:
        self.cursor = cursor
        self._unread: dict[str, Change] = {}
        self._fault: DomainError | None = None
        self._arrived = asyncio.Event()

    def put(self, change: Change) -> None:
        """Add a change; it takes the place of an unread one of the same person."""
        unread = self._unread.pop(change.user_id, None)
        self._unread[change.user_id] = change if unread is None else _conflated(unread, change)
        self._arrived.set()

    def fail(self, fault: DomainError) -> None:
        """End the subscription: its iterator raises the fault once all is read."""
        self._fault = fault
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Change]:
        while True:
            while self._unread:
                yield self._unread.pop(next(iter(self._unread)))
            if self._fault:
                raise self._fault
            self._arrived.clear()
            await self._arrived.wait()


def _conflated(earlier: Change, later: Change) -> Change:
    """Return one change for two: who was created and then changed was, to a reader, created."""
    if earlier.kind is ChangeKind.CREATED and later.kind is ChangeKind.UPDATED:
        return replace(later, kind=ChangeKind.CREATED)
    return later


class Feed:
    """Hands every change of the store to the subscribers whom it concerns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._subscribers: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._cursor: str | None = None
        self._unsupported: Unsupported | None = None
        self._known = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Feed"]:
        """Follow the store's log for as long as the block runs."""
        following = asyncio.create_task(self._follow(), name="feed")
        try:
            yield self
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except CursorExpired as fault:
                self._cursor = None
                self._fail_all(fault)
            except Unsupported as fault:
                self._unsupported = fault
                self._known.set()
                self._fail_all(fault)
            except Exception as fault:
                # Whatever a driver fails with, the log is read on from where it broke off.
                log.error("The change log broke off: %s", type(fault).__qualname__)
            await asyncio.sleep(RETRY_AFTER_S)

    async def _follow_once(self) -> None:
        if self._cursor is None:
            self._cursor = await self._store.cursor()
        self._unsupported = None
        self._known.set()
        async for change in self._store.changes(self._cursor):
            self._cursor = change.cursor
            self._hand_out(change)

    def _hand_out(self, change: Change) -> None:
        for key in (change.user_id, EVERYONE):
            for subscriber in self._subscribers.get(key, ()):
                subscriber.put(change)

    def _fail_all(self, fault: DomainError) -> None:
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.fail(fault)

    async def ready(self) -> None:
        """Return once the log is read, or known not to be there; or when that takes too long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._known.wait(), READY_WITHIN_S)

    @contextmanager
    def subscribe(self, user_id: str = EVERYONE) -> Iterator[Subscription]:
        """Collect changes from now on, so that none falls between this and a first read.

        Args:
            user_id: Whose changes; everyone's unless given.

        Raises:
            Unsupported: the store keeps no log.
            CursorExpired: on iterating, if the log was cut off.
        """
        if self._unsupported:
            raise self._unsupported
        if self._cursor is None:
            raise Unavailable("The change log is not read yet; try again.")
        subscription = Subscription(self._cursor)
        self._subscribers[user_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers[user_id].discard(subscription)
            if not self._subscribers[user_id]:
                del self._subscribers[user_id]
