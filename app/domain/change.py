"""A change to a person, as the store's change log tells it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    CURRENT = "current"
    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"
    DELETED = "deleted"


@dataclass(frozen=True)
class Change:
    """Something readable changed about a person; what it is now has to be read.

    Attributes:
        kind: What happened; `CURRENT` never stands in a log.
        user_id: To whom.
        version: The person's version after it.
        at: When it was written.
        event_ids: The events that were recorded with it.
        cursor: Its place in the log; opaque to all but the store.
    """

    kind: ChangeKind
    user_id: str
    version: int
    at: datetime
    event_ids: tuple[str, ...]
    cursor: str
