"""What a subscriber has not read yet: the newest change of each person, or every entry."""

import sys
from collections import deque
from dataclasses import replace
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from app.domain.change import Change, ChangeKind


class Logged(Protocol):
    """An entry of a log.

    Attributes:
        size: How many messages it may come to.
    """

    @property
    def cursor(self) -> str: ...

    @property
    def size(self) -> int: ...


Entry = TypeVar("Entry", bound=Logged)


class Newest:
    """One change a person, the newest: however slowly it is read, it misses nothing still true.

    Changes come out in the order of the log, so that whoever reads on after any of them hears of
    everybody who has changed since.

    Attributes:
        limit: None is needed: there are no more changes than people.
    """

    limit = sys.maxsize

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}

    def add(self, entry: Change, before: str) -> bool:
        """Keep a change, unless it is no news; there is always room."""
        if entry.is_news:
            unread = self._changes.pop(entry.user_id, None)
            self._changes[entry.user_id] = entry if unread is None else _conflated(unread, entry)
        return True

    def take(self) -> Change | None:
        """Return the next change, or None if there is none yet."""
        if not self._changes:
            return None
        return self._changes.pop(next(iter(self._changes)))


def _conflated(earlier: Change, later: Change) -> Change:
    """Return one change for two: who was created and then changed was, to a reader, created."""
    if earlier.kind is ChangeKind.CREATED and later.kind is ChangeKind.UPDATED:
        return replace(later, kind=ChangeKind.CREATED)
    return later


STILL_AFTER_S: Final = 2
"""Whoever takes nothing for so long, though there is something, does not read."""


class Every(Generic[Entry]):
    """Every entry, each with the place in the log before it; at most so many messages' worth.

    Attributes:
        limit: How many.
        is_read: When there was no room last: whether the reader was reading, and it was the
            process that did not keep up.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_read = True
        self._moved_at = 0.0
        self._size = 0
        self._entries: deque[tuple[str, Entry]] = deque()

    def add(self, entry: Entry, before: str) -> bool:
        """Keep an entry, or return that there is no room."""
        if not self._entries:
            self._moved_at = monotonic()
        elif self._size + entry.size > self.limit:
            self.is_read = monotonic() - self._moved_at < STILL_AFTER_S
            return False
        self._size += entry.size
        self._entries.append((before, entry))
        return True

    def take(self) -> tuple[str, Entry] | None:
        """Return the next entry and the place before it, or None if there is none yet."""
        if not self._entries:
            return None
        before, entry = self._entries.popleft()
        self._size -= entry.size
        self._moved_at = monotonic()
        return before, entry
