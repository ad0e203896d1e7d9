"""One reader of a log a process, any number of subscribers.

The newest entries stay in memory, so that whoever was away briefly is told from there; whoever was
away for longer catches up from the store, together with all others who do.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from operator import attrgetter
from time import monotonic
from typing import Any, Final, Generic

from app.domain.change import Change, Crossing
from app.domain.errors import CursorExpired, DomainError, FellBehind, Unavailable, Unsupported
from app.live.catch_up import CatchUp
from app.live.inbox import Entry, Every, Newest
from app.live.once import Once
from app.live.recent import Recent
from app.live.subscription import Subscription
from app.live.turns import AT_ONCE, Turns
from app.store import Log, Store

log = logging.getLogger("profilegraph")

ALL: Final = ""
"""The key under which every entry is told."""

KEPT_ENTRIES: Final = 10_000
MAX_UNREAD: Final = 2 * KEPT_ENTRIES
"""How many entries may wait for a subscriber who is told of every one."""

RETRY_AFTER_S: Final = 0.5
READY_WITHIN_S: Final = 5
PAGE: Final = 500

NewestOfEach = Subscription[Change, Change]


class Feed(Generic[Entry]):
    """Hands every entry of a log to the subscribers whom it concerns.

    Args:
        source: The log.
        key_of: Whom or what an entry concerns, by which subscribers choose.

    Attributes:
        once: Makes once what all subscribers want who are told of one entry.
    """

    def __init__(self, source: Log[Entry], key_of: Callable[[Entry], str]) -> None:
        self._log = source
        self._key_of = key_of
        self.once = Once(monotonic)
        self._turns = Turns()
        self._subscribers: defaultdict[str, set[Subscription[Any, Any]]] = defaultdict(set)
        self._recent: Recent[Entry] = Recent(KEPT_ENTRIES)
        self._unsupported: Unsupported | None = None
        self._known = asyncio.Event()
        self._grown = asyncio.Event()
        self._catch_up: CatchUp[Entry] = CatchUp(source, self._keys_of, self._admit)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Feed[Entry]"]:
        """Follow the log for as long as the block runs."""
        following = asyncio.create_task(self._follow(), name="feed")
        catching_up = asyncio.create_task(self._catch_up.run(), name="catch-up")
        try:
            yield self
        finally:
            for task in (following, catching_up):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    # ------------------------------------------------------------ reading the log

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except CursorExpired as fault:
                self._recent.forget()
                self._fail_all(fault)
            except Unsupported as fault:
                self._unsupported = fault
                self._known.set()
                self._fail_all(fault)
            except Exception as fault:
                # Whatever a driver fails with, the log is read on from where it broke off.
                log.error("A log broke off: %s", type(fault).__qualname__)
            await asyncio.sleep(RETRY_AFTER_S)

    async def _follow_once(self) -> None:
        end = self._recent.end or await self._remember()
        self._unsupported = None
        self._known.set()
        async for entry in self._log.follow(end):
            self._hand_out(entry)

    async def _remember(self) -> str:
        """Remember what was logged lately, so that a restart is no long absence for anybody."""
        now = await self._log.cursor()
        start = end = await self._log.recently(KEPT_ENTRIES)
        recent: Recent[Entry] = Recent(KEPT_ENTRIES)
        recent.begin(start)
        with suppress(CursorExpired):  # while it was read, it was cut off: then there is less
            while page := await self._log.page(end, PAGE):
                for entry in page:
                    recent.append(entry)
                end = page[-1].cursor
        if end == start:
            end = now
            recent.begin(now)
        self._recent = recent
        return end

    def _hand_out(self, entry: Entry) -> None:
        before = self._recent.append(entry)
        for key in self._keys_of(entry):
            for subscriber in self._subscribers.get(key, ()):
                subscriber.put(entry, before)
        self._catch_up.look_again()
        self._grown.set()
        self._grown = asyncio.Event()

    def _keys_of(self, entry: Entry) -> tuple[str, ...]:
        return (self._key_of(entry), ALL)

    def end(self, key: str, fault: DomainError) -> None:
        """End all subscriptions to a key with a fault."""
        for subscriber in self._subscribers.get(key, ()):
            subscriber.fail(fault)

    def _fail_all(self, fault: DomainError) -> None:
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.fail(fault)

    async def ready(self) -> None:
        """Return once the log is read, or known not to be there; or when that takes too long."""
        with suppress(TimeoutError):
            # Not `wait_for`: before Python 3.12 it may lose a cancellation.
            async with asyncio.timeout(READY_WITHIN_S):
                await self._known.wait()

    @property
    def cursor(self) -> str:
        """Where the log stands.

        Raises:
            Unsupported: the store keeps no log.
            Unavailable: it has not been read yet.
        """
        if self._unsupported:
            raise self._unsupported
        if self._recent.end is None:
            raise Unavailable("The change log is not read yet; try again.")
        return self._recent.end

    async def now(self) -> Callable[[Entry], bool]:
        """Return what tells whether an entry came after this call.

        The feed may be a moment behind the log: whoever begins now has not asked for what was
        logged before, and is told it soon.
        """
        end = await self._log.cursor()
        return lambda entry: self._log.is_after(entry.cursor, end)

    # ------------------------------------------------------------ subscribing

    @asynccontextmanager
    async def subscribe(
        self, key: str = ALL, after: str | None = None
    ) -> AsyncIterator[NewestOfEach]:
        """Collect the newest change of each person; none falls between this and a first read.

        Args:
            key: Whose changes; everyone's unless given.
            after: From where on; from now on unless given.

        Raises:
            Unsupported: the store keeps no log.
            CursorExpired: the log does not reach back so far, or was never at such a place.
        """
        subscription = NewestOfEach(key, Newest(), self._turns)
        place = self.cursor if after is None else after
        with self._leaving(subscription):
            if not self._admit(subscription, place):
                await self._catch_up.join(subscription, place)
            yield subscription

    async def every(
        self, key: str = ALL, after: str | None = None
    ) -> AsyncIterator[tuple[str, Entry]]:
        """Yield every entry, with the place before it, in the order of the log.

        Where more is logged than this process can tell at once, whoever reads it is told the rest
        from the store.

        Args:
            key: Which entries; all unless given.
            after: Where to begin; now unless given.

        Raises:
            Unsupported: the store keeps no log.
            CursorExpired: the log does not reach back so far, or was never at such a place.
            FellBehind: too many entries waited, and the reader read none of them.
        """
        place = self.cursor if after is None else after
        while True:
            inbox: Every[Entry] = Every(MAX_UNREAD)
            try:
                async with aclosing(self._every(inbox, key, place)) as entries:
                    async for before, entry in entries:
                        yield before, entry
                        place = entry.cursor
            except FellBehind:
                if not inbox.is_read:
                    raise

    async def _every(
        self, inbox: Every[Entry], key: str, place: str
    ) -> AsyncGenerator[tuple[str, Entry], None]:
        """Yield every entry from a place on, until the inbox has no room for one."""
        subscription = Subscription(key, inbox, self._turns)
        with self._leaving(subscription):
            while not self._admit(subscription, place):
                grown = self._grown
                page = await self._log.page(place, PAGE)
                for number, entry in enumerate(page):
                    if key in self._keys_of(entry):
                        yield place, entry
                    place = entry.cursor
                    if number % AT_ONCE == 0:
                        await asyncio.sleep(0)
                if not page:
                    await grown.wait()
            async for item in subscription:
                yield item

    def _admit(self, subscription: Subscription[Any, Any], place: str) -> bool:
        """Tell a subscriber what follows a place, and all that comes, if that is remembered."""
        if self._unsupported:
            raise self._unsupported
        missed = self._recent.after(place)
        if missed is None:
            return False
        for before, entry in missed:
            if subscription.key in self._keys_of(entry):
                subscription.put(entry, before)
        self._subscribers[subscription.key].add(subscription)
        return True

    @contextmanager
    def _leaving(self, subscription: Subscription[Any, Any]) -> Iterator[None]:
        """Forget the subscription at the end of the block, if it was registered."""
        try:
            yield
        finally:
            subscribers = self._subscribers.get(subscription.key)
            if subscribers is not None:
                subscribers.discard(subscription)
                if not subscribers:
                    del self._subscribers[subscription.key]


def changes_feed(store: Store) -> Feed[Change]:
    """Return the feed of changes to people; its keys are their ids."""
    return Feed(store.changes, attrgetter("user_id"))


def crossings_feed(store: Store) -> Feed[Crossing]:
    """Return the feed of who enters or leaves a segment; its keys are the segments' ids."""
    return Feed(store.crossings, attrgetter("segment_id"))
