"""Writers to one user take turns in a process, instead of losing compare-and-set races."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.domain.errors import Busy


@dataclass
class _Turn:
    """Whose turn it is, and how many want it, the one who has it included."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Turns:
    """The turns of those who write now; nothing is kept of anybody else."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    @asynccontextmanager
    async def of(self, user_id: str) -> AsyncIterator[None]:
        """Wait for a turn with the user, and have it for as long as the block runs.

        Raises:
            Busy: it took too long; the block did not run.
        """
        turn = self._turns.setdefault(user_id, _Turn())
        turn.wanted += 1
        try:
            try:
                async with asyncio.timeout(self._patience_s):
                    await turn.lock.acquire()
            except TimeoutError:
                raise Busy from None
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[user_id]
