"""The newest entries of a log, in memory, to be read on from any of them."""

from collections import deque
from itertools import islice
from typing import Generic

from app.live.inbox import Entry


class Recent(Generic[Entry]):
    """Up to `size` messages' worth of entries, without a gap.

    Attributes:
        end: Where the log stands; None until that is known.
    """

    def __init__(self, size: int) -> None:
        self.end: str | None = None
        self._room = self._size = size
        self._entries: deque[tuple[str, Entry]] = deque()
        self._first = 0
        self._following: dict[str, int] = {}

    def begin(self, cursor: str) -> None:
        """Forget everything, and go on from a place in the log."""
        self.end = cursor
        self._entries.clear()
        self._room = self._size
        self._first = 0
        self._following = {cursor: 0}

    def forget(self) -> None:
        """Forget everything, and where the log stands."""
        self.begin("")
        self.end = None
        self._following.clear()

    def append(self, entry: Entry) -> str:
        """Add the next entry, and return the place before it."""
        before = self.end or ""
        self._entries.append((before, entry))
        self._room -= entry.size
        while self._room < 0:
            forgotten, oldest = self._entries.popleft()
            self._room += oldest.size
            self._following.pop(forgotten, None)
            self._first += 1
        self.end = entry.cursor
        self._following[entry.cursor] = self._first + len(self._entries)
        return before

    def after(self, cursor: str) -> list[tuple[str, Entry]] | None:
        """Return what follows a place, each with the place before it; None if it is not here."""
        number = self._following.get(cursor)
        if number is None:
            return None
        return list(islice(self._entries, number - self._first, None))
