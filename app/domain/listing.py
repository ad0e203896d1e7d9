"""In which order people and events are listed, and where in the list somebody stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.events import Event
from app.domain.user import User


class UserOrder(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    LAST_SEEN = "lastSeen"


@dataclass(frozen=True)
class UserPosition:
    """Where a user stands; `seen_at` counts only in the order LAST_SEEN."""

    seen_at: datetime | None
    id: str


def position_of(user: User, order: UserOrder) -> UserPosition:
    seen_at = user.last_seen_at if order is UserOrder.LAST_SEEN else None
    return UserPosition(seen_at, user.id)


@dataclass(frozen=True)
class EventPosition:
    at: datetime
    id: str


@dataclass(frozen=True)
class EventQuery:
    """Which of a user's events, newest first.

    Attributes:
        key: Only those of this name.
        since: From this instant on.
        until: Before this instant.
        after: Only those that follow this position.
        first: How many at the most.
    """

    key: str | None
    since: datetime | None
    until: datetime | None
    after: EventPosition | None
    first: int

    def takes(self, event: Event) -> bool:
        return self.takes_one(event.key, event.at, event.id)

    def takes_one(self, key: str, at: datetime, id: str) -> bool:
        """Return whether it takes an event of which these are known."""
        return (
            (self.key is None or key == self.key)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and (self.after is None or (at, id) < (self.after.at, self.after.id))
        )


def listed(query: EventQuery, *sources: Iterable[Event]) -> tuple[list[Event], bool]:
    """Return the events that answer the query, and whether more follow.

    Args:
        query: The question.
        sources: Where events lie; one that lies in two counts once, and the first source has it.
    """
    found: dict[str, Event] = {}
    for source in sources:
        for event in source:
            found.setdefault(event.id, event)
    taken = filter(query.takes, found.values())
    ordered = sorted(taken, key=lambda event: event.order, reverse=True)
    return ordered[: query.first], len(ordered) > query.first


def is_settled(oldest_at: datetime | None, archived_until: datetime | None, *, more: bool) -> bool:
    """Return whether no event of the archive belongs on a page of events that are not there.

    Args:
        oldest_at: When the last event on the page happened; None if there is none.
        archived_until: When the newest event in the archive happened.
        more: Whether others that are not in the archive follow.
    """
    if not more or oldest_at is None or archived_until is None:
        return False
    return oldest_at > archived_until
