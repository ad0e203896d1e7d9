"""Those who were away for long read the store's log together, until the feed can take them on."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, Generic

from app.domain.errors import DomainError, Unavailable
from app.live.inbox import Entry
from app.live.subscription import Subscription
from app.store import Log

log = logging.getLogger("profilegraph")

GATHER_S: Final = 0.02
"""How long others are waited for who come back at the same time."""

PAGE: Final = 1_000

Admit = Callable[[Subscription[Any, Any], str], bool]


class Reader:
    """Somebody who waits until all that they missed has been read."""

    def __init__(self, subscription: Subscription[Any, Any]) -> None:
        self.subscription = subscription
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def has_left(self) -> bool:
        return self.done.done()


class CatchUp(Generic[Entry]):
    """Reads the log once for all who wait, from wherever each of them left off.

    A pass begins at one of their places. When it comes by the place of another, that one joins;
    those whose places it did not come by were further back, and get a pass of their own.

    Args:
        source: The log.
        keys_of: By which keys a subscription may have asked for an entry.
        admit: Hands a subscription over to the feed, if that remembers what follows a place.
    """

    def __init__(
        self, source: Log[Entry], keys_of: Callable[[Entry], tuple[str, ...]], admit: Admit
    ) -> None:
        self._log = source
        self._keys_of = keys_of
        self._admit = admit
        self._waiting: defaultdict[str, list[Reader]] = defaultdict(list)
        self._at_the_end: defaultdict[str, list[Reader]] = defaultdict(list)
        self._arrived = asyncio.Event()

    async def join(self, subscription: Subscription[Any, Any], after: str) -> None:
        """Return once the subscription has all that follows a place, and the feed goes on from it.

        Raises:
            CursorExpired: the log does not reach back so far.
        """
        reader = Reader(subscription)
        self._waiting[after].append(reader)
        self._arrived.set()
        await reader.done

    def look_again(self) -> None:
        """Go on with those who stood at the end of the log, since it has grown."""
        if self._at_the_end:
            for place, readers in self._at_the_end.items():
                self._waiting[place] += readers
            self._at_the_end.clear()
            self._arrived.set()

    async def run(self) -> None:
        """Serve those who come, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await asyncio.sleep(GATHER_S)
            while self._waiting:
                # Whose place is the furthest back is a guess; a wrong one costs one more pass.
                await self._read_from(min(self._waiting, key=lambda place: (len(place), place)))

    async def _read_from(self, place: str) -> None:
        readers = self._waiting.pop(place)
        try:
            await self._follow(place, readers)
        except DomainError as fault:
            _fail(readers, fault)
        except Exception as fault:
            # Whatever a driver fails with, those who wait are told to come again.
            log.error("Catching up broke off: %s", type(fault).__qualname__)
            _fail(readers, Unavailable("The change log cannot be read now; try again."))

    async def _follow(self, place: str, readers: list[Reader]) -> None:
        by_key: defaultdict[str, list[Reader]] = defaultdict(list)
        _sort_in(readers, by_key)
        while not self._admit_all(readers, place):
            page = await self._log.page(place, PAGE)
            if not page:
                self._at_the_end[place] += readers
                return
            for entry in page:
                for key in self._keys_of(entry):
                    for reader in by_key.get(key, ()):
                        if not reader.has_left:
                            reader.subscription.put(entry, place)
                place = entry.cursor
                joining = self._waiting.pop(place, [])
                _sort_in(joining, by_key)
                readers += joining
            await asyncio.sleep(0)

    def _admit_all(self, readers: list[Reader], place: str) -> bool:
        """Hand everybody over to the feed, if it remembers what follows the place."""
        for reader in readers:
            if not reader.has_left:
                if not self._admit(reader.subscription, place):
                    return False
                reader.done.set_result(None)
        return True


def _sort_in(readers: list[Reader], by_key: defaultdict[str, list[Reader]]) -> None:
    for reader in readers:
        by_key[reader.subscription.key].append(reader)


def _fail(readers: list[Reader], fault: Exception) -> None:
    for reader in readers:
        if not reader.has_left:
            reader.done.set_exception(fault)
