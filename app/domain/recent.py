"""The newest events of a person, which the person's document holds; the archive has the others."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Protocol, overload

from app.domain.events import Event, stored_bytes
from app.domain.limits import Limits

MAX_EMBEDDED_BYTES: Final = 896 * 1024
"""What the events in a user's document may take there; fewer than the limit stay if they are large,
so that the whole document stays far below MongoDB's 16 MB."""


class Unread(Protocol):
    """Events in a store's own form, newest first, of which most often nobody needs to know more."""

    def __len__(self) -> int: ...

    def read(self) -> tuple[Event, ...]:
        """Return all of them."""

    def newest(self) -> Event | None:
        """Return the first, if there is one."""

    def among(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are ids of events among these."""


class Recent(Sequence[Event]):
    """Events, newest first; those that come from a store are read when somebody looks at them.

    Most writes add one event to a hundred, or none, and need not know what is in the others.

    Attributes:
        front: The newest.
        unread: All that follow; None if nothing does.
    """

    __slots__ = ("_all", "_size_bytes", "front", "unread")

    def __init__(
        self, front: Sequence[Event], unread: Unread | None = None, size_bytes: int | None = None
    ) -> None:
        """Keep the events as they come.

        Args:
            front: The newest.
            unread: All that follow; None if nothing does.
            size_bytes: What they take in a stored document, if somebody reckoned it before.
        """
        self.front = front
        self.unread = unread
        self._size_bytes = size_bytes
        self._all: Sequence[Event] | None = front if unread is None else None

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Recent":
        """Return events, newest first, as what they may be already."""
        return events if isinstance(events, cls) else cls(events)

    @property
    def size_bytes(self) -> int:
        """At least the bytes that the events take in a stored document."""
        if self._size_bytes is None:
            self._size_bytes = sum(map(stored_bytes, self))
        return self._size_bytes

    def among(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are ids of events among these."""
        found = {event.id for event in self.front}.intersection(ids)
        return found if self.unread is None else found | self.unread.among(ids)

    def joined(self, events: Sequence[Event]) -> "Recent":
        """Return these with others, none of which is among them."""
        if not events:
            return self
        ordered = newest_first(events)
        if not len(self):
            return Recent(ordered)
        size_bytes = self.size_bytes + sum(map(stored_bytes, events))
        newest = self._newest()
        if newest is None or ordered[-1].order > newest.order:
            return Recent((*ordered, *self.front), self.unread, size_bytes)
        return Recent(newest_first((*self, *events)), size_bytes=size_bytes)

    def _newest(self) -> Event | None:
        if self.front:
            return self.front[0]
        return None if self.unread is None else self.unread.newest()

    def __len__(self) -> int:
        return len(self.front) + (0 if self.unread is None else len(self.unread))

    def __iter__(self) -> Iterator[Event]:
        return iter(self._read())

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        return self._read()[place]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Sequence) and tuple(self) == tuple(other))

    def __repr__(self) -> str:
        return repr(self._read())

    def _read(self) -> Sequence[Event]:
        if self._all is None:
            self._all = (*self.front, *(() if self.unread is None else self.unread.read()))
        return self._all


def newest_first(events: Collection[Event]) -> tuple[Event, ...]:
    if len(events) < 2:
        return tuple(events)
    return tuple(sorted(events, key=lambda event: event.order, reverse=True))


def divided(
    recent: Sequence[Event], fresh: Sequence[Event], limits: Limits
) -> tuple[Sequence[Event], tuple[Event, ...]]:
    """Return the events that stay in the document and those that leave it, newest first.

    Half of what fits stays, so that not every further event makes one leave.

    Args:
        recent: Those in the document, newest first.
        fresh: Those that come to it, in any order.
        limits: How many fit.
    """
    held = Recent.of(recent)
    if len(held) + len(fresh) <= limits.embedded_events:
        joined = held.joined(fresh)
        if joined.size_bytes <= MAX_EMBEDDED_BYTES:
            return joined, ()
    ordered = newest_first((*held, *fresh))
    kept, taken = 0, 0
    while kept < limits.embedded_events // 2:
        taken += stored_bytes(ordered[kept])
        if taken > MAX_EMBEDDED_BYTES // 2:
            break
        kept += 1
    return ordered[:kept], ordered[kept:]
