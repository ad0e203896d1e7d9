"""A change log that a test writes by hand."""

import asyncio
from collections.abc import AsyncIterator

from app.domain.change import Change, ChangeKind
from app.domain.errors import Unsupported
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
        readings: From which cursor it was read, each time.
    """

    def __init__(self) -> None:
        self.people: dict[str, User] = {}
        self.log: list[Change] = []
        self.faults: list[Exception] = []
        self.has_log = True
        self.readings: list[str] = []
        self._written = asyncio.Event()

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

    def tell(self, user: User, kind: ChangeKind) -> Change:
        """Let the log tell of a change."""
        change = Change(kind, user.id, user.version, NOON, (), str(len(self.log) + 1))
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
        self._written.set()
        self._written = asyncio.Event()

    async def find(self, ref: UserRef) -> User | None:
        await asyncio.sleep(0)
        if isinstance(ref, str):
            return self.people.get(ref)
        return next((user for user in self.people.values() if user.has(ref)), None)

    async def cursor(self) -> str:
        return str(len(self.log))

    async def changes(self, after: str) -> AsyncIterator[Change]:
        self.readings.append(after)
        position = int(after)
        while True:
            if not self.has_log:
                raise Unsupported("It stands alone.")
            if self.faults:
                raise self.faults.pop(0)
            if position < len(self.log):
                position += 1
                yield self.log[position - 1]
            else:
                await self._written.wait()
