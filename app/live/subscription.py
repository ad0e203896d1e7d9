"""What one subscriber is told, as it arrives."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

from app.domain.errors import DomainError, FellBehind
from app.live.inbox import Entry, Logged
from app.live.turns import AT_ONCE, Turns

Item_co = TypeVar("Item_co", covariant=True)
Entry_contra = TypeVar("Entry_contra", bound=Logged, contravariant=True)


class Inbox(Protocol[Entry_contra, Item_co]):
    """What is unread, in the order of the log.

    Attributes:
        limit: How much may be unread.
    """

    @property
    def limit(self) -> int: ...

    def add(self, entry: Entry_contra, before: str) -> bool: ...

    def take(self) -> Item_co | None: ...


class Subscription(Generic[Entry, Item_co]):
    """The entries that one subscriber has not read yet.

    Attributes:
        key: Whom the entries concern.
    """

    def __init__(self, key: str, inbox: Inbox[Entry, Item_co], turns: Turns) -> None:
        self.key = key
        self._inbox = inbox
        self._turns = turns
        self._awaits_turn = False
        self._fault: DomainError | None = None
        self._waiting: asyncio.Future[None] | None = None

    def put(self, entry: Entry, before: str) -> None:
        """Add an entry, and the place in the log before it."""
        if self._fault is None and not self._inbox.add(entry, before):
            self._fault = FellBehind(self._inbox.limit)
        # What comes before the turn does is told with what came first, or instead of it.
        if not self._awaits_turn:
            self._awaits_turn = True
            self._turns.wait(self._wake)

    def _wake(self) -> None:
        self._awaits_turn = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    def fail(self, fault: DomainError) -> None:
        """End the subscription: its iterator raises the fault once all is read."""
        self._fault = fault
        self._wake()

    async def __aiter__(self) -> AsyncIterator[Item_co]:
        while True:
            told = 0
            while (item := self._inbox.take()) is not None:
                yield item
                told += 1
                if told % AT_ONCE == 0:
                    await asyncio.sleep(0)
            if self._fault:
                raise self._fault
            # An event would do as well, at twice the price for each who is told.
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
