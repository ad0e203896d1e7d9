"""Who belongs to a segment over time: judged at each change, and when time alone may alter it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.domain.change import MembershipKind
from app.domain.criteria import Criterion, matches, missing_events
from app.domain.due import next_due, timed_events
from app.domain.events import Event
from app.domain.segment import Segments
from app.domain.user import User
from app.domain.windows import Moment

MAX_TURNS: Final = 10_000
"""How often time alone may have altered one membership while nobody looked, to tell each time."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether somebody belongs to a segment, and until when that surely stays so.

    Attributes:
        member: Whether they belong.
        due: When time alone may next alter it; None for never.
    """

    member: bool
    due: datetime | None


OUTSIDE: Final = Membership(member=False, due=None)
"""What needs no record: whoever has none does not belong, and time will not change that."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one membership, and what is told of it.

    Attributes:
        after: What stands now.
        kind: Whether somebody entered or left; None if nothing is to be told.
        at: When that became true.
    """

    segment_id: str
    after: Membership
    kind: MembershipKind | None
    at: datetime


@dataclass(frozen=True)
class Judge:
    """Says of people to which segments they belong now.

    Attributes:
        segments: What each segment asks for, by id.
        moment: Now.
    """

    segments: Mapping[str, Criterion]
    moment: Moment

    def needs(self, user: User, before: Mapping[str, Membership]) -> frozenset[str]:
        """Return the keys of the user's archived events without which nothing can be judged."""
        keys: frozenset[str] = frozenset()
        for segment_id, criterion in self.segments.items():
            start = self._start(user, before.get(segment_id, OUTSIDE))
            keys |= missing_events(criterion, user, start) | timed_events(criterion, user, start)
        return keys

    def judged(
        self, user: User, before: Mapping[str, Membership], history: Iterable[Event] = ()
    ) -> list[Step]:
        """Return what has to be written, and told, of the user's memberships.

        Args:
            user: As stored.
            before: The memberships on record, by segment.
            history: The archived events that `needs` names, or more.
        """
        history = list(history)
        return [
            step
            for segment_id, criterion in self.segments.items()
            for step in self._judged_one(
                segment_id, criterion, user, before.get(segment_id, OUTSIDE), history
            )
        ]

    def gone(self, before: Mapping[str, Membership]) -> list[Step]:
        """Return how somebody leaves who is there no longer: deleted, or merged into another."""
        return [
            Step(
                segment_id,
                OUTSIDE,
                MembershipKind.LEFT if membership.member else None,
                self.moment.now,
            )
            for segment_id, membership in before.items()
        ]

    def is_overdue(self, membership: Membership) -> bool:
        return membership.due is not None and membership.due <= self.moment.now

    def _start(self, user: User, before: Membership) -> Moment:
        """Return from when on time has to be followed.

        What fell due while nobody looked is told as of then; not if the user has changed since,
        for who they were then is not known.
        """
        if before.due is not None and user.updated_at < before.due <= self.moment.now:
            return Moment(before.due, self.moment.zone)
        return self.moment

    def _judged_one(
        self,
        segment_id: str,
        criterion: Criterion,
        user: User,
        before: Membership,
        history: list[Event],
    ) -> Iterator[Step]:
        moment = self._start(user, before)
        state = before
        for _ in range(MAX_TURNS):
            member = matches(criterion, user, moment, history)
            due = next_due(criterion, user, moment, history)
            is_last = due is None or due > self.moment.now
            if member is not state.member:
                state = Membership(member, due)
                kind = MembershipKind.ENTERED if member else MembershipKind.LEFT
                yield Step(segment_id, state, kind, moment.now)
            elif is_last and self._must_note(state, due):
                yield Step(segment_id, Membership(member, due), None, moment.now)
            if due is None or is_last:
                return
            moment = Moment(due, moment.zone)
        yield from self._judged_one(
            segment_id, criterion, user, Membership(state.member, None), history
        )

    def _must_note(self, state: Membership, due: datetime | None) -> bool:
        """Return whether a due instant has to be written: one too early only costs a look."""
        if due == state.due:
            return False
        if state.due is None or self.is_overdue(state):
            return True
        return due is not None and due < state.due


# ---------------------------------------------------------------- who judges, and how far they are


@dataclass(frozen=True)
class Scan:
    """How far everybody has been judged anew, since a segment was saved.

    Attributes:
        meaning: Of which criteria; see `meanings`.
        after: The id of the last user judged; None once everybody was.
        done: How many were judged.
    """

    meaning: str
    after: str | None = ""
    done: int = 0

    @property
    def is_complete(self) -> bool:
        return self.after is None


@dataclass(frozen=True)
class Leadership:
    """Which process judges, and what it has done.

    Attributes:
        holder: The process's own token; empty if it gave the leadership up.
        beat: Grows as long as the holder lives.
        cursor: Up to where the change log was followed; None if it never was.
        scans: By segment.
        lag_ms: How late what time alone brings about was told last.
    """

    holder: str
    beat: int = 0
    cursor: str | None = None
    scans: Mapping[str, Scan] = field(default_factory=dict)
    lag_ms: int = 0


def meanings(segments: Segments, zone: ZoneInfo) -> Mapping[str, str]:
    """Return for each segment a text that changes when what it asks for does.

    It covers the segments referred to, and the zone whose midnight begins a day.
    """
    return {
        id: _digest([zone.key, _spelled_out(segment.criteria, segments)])
        for id, segment in segments.items()
    }


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()


def _spelled_out(criteria: Any, segments: Segments) -> Any:
    if isinstance(criteria, list | tuple):
        return [_spelled_out(part, segments) for part in criteria]
    if not isinstance(criteria, Mapping):
        return criteria
    spelled = {}
    for kind, value in criteria.items():
        other = segments.get(value) if kind == "segment" and isinstance(value, str) else None
        spelled[kind] = _spelled_out(other.criteria if other else value, segments)
    return spelled
