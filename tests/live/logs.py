"""A change log that a test writes by hand."""

import asyncio
from collections.abc import AsyncIterator

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, Unsupported
from app.domain.user import User
from app.store import UserRef
from tests.builders import NOON, linked_identity
from tests.builders import user as a_user


class HandwrittenStore:
    """People and a log of them, as far as live reading needs a store.

    Attributes:
        people: By id.
        log: All that changed, in order.
        faults: What reading the log fails with next, each time once.
        has_log: Whether there is a log at all.
        readings: From which cursor it was followed, each time.
        pages: From which cursor pages of it were read, each time.
        forgotten: How many of its first entries it no longer has.
    """

    def __init__(self) -> None:
        self.people: dict[str, User] = {}
        self.log: list[Change] = []
        self.faults: list[Exception] = []
        self.has_log = True
        self.readings: list[str] = []
        self.pages: list[str] = []
        self.forgotten = 0
        self.written = asyncio.Event()

    def write(self, id: str, kind: ChangeKind = ChangeKind.UPDATED, *keys: str) -> Change:
        """Let somebody change, and return how the log tells it."""
        return self.tell(self.put(id, *keys), kind)

    def put(self, id: str, *keys: str) -> User:
        """Let somebody change, of which the log tells nothing yet."""
        before = self.people.get(id)
        self.people[id] = a_user(
            id=id,
            version=before.version + 1 if before else 1,
            identities=before.identities if before else tuple(map(linked_identity, keys)),
        )
        return self.people[id]

    def tell(self, user: User, kind: ChangeKind, *event_ids: str) -> Change:
        """Let the log tell of a change."""
        change = Change(kind, user.id, user.version, NOON, event_ids, str(len(self.log) + 1))
        self.log.append(change)
        self._wake()
        return change

    def break_off(self, fault: Exception) -> None:
        """End every reading of the log with a fault."""
        self.faults.append(fault)
        self._wake()

    def lose_log(self) -> None:
        self.has_log = False
        self._wake()

    def _wake(self) -> None:
        self.written.set()
        self.written = asyncio.Event()

    async def find(self, ref: UserRef) -> User | None:
        await asyncio.sleep(0)
        if isinstance(ref, str):
            return self.people.get(ref)
        return next((user for user in self.people.values() if user.has(ref)), None)

    async def whose(self, ref: UserRef) -> str | None:
        user = await self.find(ref)
        return user.id if user else None

    @property
    def changes(self) -> "HandwrittenLog":
        return HandwrittenLog(self)


class HandwrittenLog:
    """The log of a handwritten store."""

    def __init__(self, store: HandwrittenStore) -> None:
        self._store = store

    async def cursor(self) -> str:
        self._check()
        return str(len(self._store.log))

    def is_after(self, cursor: str, other: str) -> bool:
        return int(cursor) > int(other)

    async def recently(self, limit: int) -> str:
        return str(max(self._store.forgotten, len(self._store.log) - limit))

    async def page(self, after: str, limit: int) -> list[Change]:
        self._store.pages.append(after)
        self._check()
        if not after.isdecimal() or not self._store.forgotten <= int(after) <= len(self._store.log):
            raise CursorExpired
        await asyncio.sleep(0)
        return self._store.log[int(after) : int(after) + limit]

    async def follow(self, after: str) -> AsyncIterator[Change]:
        self._store.readings.append(after)
        position = int(after)
        while True:
            self._check()
            if position < len(self._store.log):
                position += 1
                yield self._store.log[position - 1]
            else:
                await self._store.written.wait()

    def _check(self) -> None:
        if not self._store.has_log:
            raise Unsupported("It stands alone.")
        if self._store.faults:
            raise self._store.faults.pop(0)
