"""What the store's logs tell: changes to people, and who entered or left a segment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final


class ChangeKind(StrEnum):
    CURRENT = "current"
    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed about a person; what it is now has to be read.

    Attributes:
        kind: What happened; `CURRENT` never stands in a log.
        user_id: To whom; of two who were merged, the one that was absorbed.
        version: The person's version after it.
        at: When it was written.
        event_ids: The events that were recorded with it.
        cursor: Its place in the log; opaque to all but the store.
        is_news: False if nothing that makes a version changed, but `last_seen_at`: segments may
            depend on it, clients are not told.
    """

    kind: ChangeKind
    user_id: str
    version: int
    at: datetime
    event_ids: tuple[str, ...]
    cursor: str
    is_news: bool = True

    @property
    def size(self) -> int:
        """How many messages it may come to: one for each event, but never less than one."""
        return max(1, len(self.event_ids))


SEEN: Final = "seen"
"""How stores write the kind of an update that is no news."""


def logged_kind(text: str) -> tuple[ChangeKind, bool]:
    """Return the kind of a change as a store wrote it, and whether it is news."""
    return (ChangeKind.UPDATED, False) if text == SEEN else (ChangeKind(text), True)


class MembershipKind(StrEnum):
    ENTERED = "entered"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody entered or left a segment.

    Attributes:
        at: When it became true: the instant of the judgement, or the one at which time alone
            brought it about.
        cursor: Its place in the log of crossings; opaque to all but the store.
        size: How many messages it comes to.
    """

    size: ClassVar[int] = 1

    kind: MembershipKind
    segment_id: str
    user_id: str
    at: datetime
    cursor: str
