"""What a database can tell of a criterion by itself: whom it may be true of, whom it surely is.

A store compiles each criterion to two conditions, so that

    surely true  ⊆  true  ⊆  possibly true

and looks, with the domain's `matches`, only at those in between. Where both are the same, the
condition is exact. Negation swaps the two, so that nothing is lost by it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from app.domain.criteria import All, Any, Criterion, Did, InSegment, Leaf, Not, Range
from app.domain.errors import LimitExceeded
from app.domain.windows import Moment, Span, span_of

Condition = TypeVar("Condition")


@dataclass(frozen=True)
class Bounds(Generic[Condition]):
    """Two conditions: who may be meant, and who surely is."""

    possible: Condition
    certain: Condition

    @property
    def is_exact(self) -> bool:
        return self.possible == self.certain


@dataclass(frozen=True)
class Total:
    """What may be asked of somebody's total of an event; all of it has to be so."""

    count: Range | None = None
    first_at: Span | None = None
    last_at: Span | None = None


class Logic(Protocol[Condition]):
    """How a database says everyone, nobody, and, or, not; and what it knows of totals."""

    everyone: Condition
    nobody: Condition

    def both(self, conditions: Iterable[Condition]) -> Condition: ...

    def either(self, conditions: Iterable[Condition]) -> Condition: ...

    def negated(self, condition: Condition) -> Condition: ...

    def total(self, key: str, alternatives: Sequence[Total]) -> Condition:
        """Who has a total of this event that is as one of the alternatives says."""


ANY_MOMENT: Final = Moment(datetime(1970, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
"""Stands for the moment of a question that time does not alter."""


def exact(condition: Condition) -> Bounds[Condition]:
    return Bounds(condition, condition)


def compiled(
    logic: Logic[Condition],
    criterion: Criterion,
    moment: Moment,
    leaf: Callable[[Leaf, Moment], Bounds[Condition]],
) -> Bounds[Condition]:
    """Return the conditions of a criterion, given those of what it is made of."""

    def inner(part: Criterion) -> Bounds[Condition]:
        return compiled(logic, part, moment, leaf)

    match criterion:
        case All(parts):
            return all_of(logic, map(inner, parts))
        case Any(parts):
            return any_of(logic, map(inner, parts))
        case Not(part):
            return opposite(logic, inner(part))
        case InSegment(criterion=meant):
            return inner(meant)
        case Did():
            return did(logic, criterion, moment)
        case _:
            return leaf(criterion, moment)


def all_of(logic: Logic[Condition], parts: Iterable[Bounds[Condition]]) -> Bounds[Condition]:
    parts = list(parts)
    return Bounds(
        logic.both(part.possible for part in parts), logic.both(part.certain for part in parts)
    )


def any_of(logic: Logic[Condition], parts: Iterable[Bounds[Condition]]) -> Bounds[Condition]:
    parts = list(parts)
    return Bounds(
        logic.either(part.possible for part in parts), logic.either(part.certain for part in parts)
    )


def opposite(logic: Logic[Condition], part: Bounds[Condition]) -> Bounds[Condition]:
    return Bounds(logic.negated(part.certain), logic.negated(part.possible))


def did(logic: Logic[Condition], criterion: Did, moment: Moment) -> Bounds[Condition]:
    """Return what the exact totals tell of events in a window."""
    window, key, wanted = criterion.window, criterion.key, criterion.range
    span = Span(None, None) if window is None else span_of(window, moment)
    reaching = Total(None, Span(None, span.end), Span(span.start, None))
    none = [logic.negated(logic.total(key, [reaching]))] if wanted.holds(0) else []
    if criterion.where or criterion.summed is not None:
        if none:
            return Bounds(logic.everyone, none[0])
        low = None if criterion.summed is not None else wanted.low
        return Bounds(logic.total(key, [replace(reaching, count=Range(low, None))]), logic.nobody)
    if window is None:
        return exact(logic.either([logic.total(key, [Total(wanted)]), *none]))
    known = [Total(wanted, Span(span.start, None), Span(None, span.end))]
    if wanted.high is None and (wanted.low or 0) <= 1:  # one is enough
        known += [Total(first_at=span), Total(last_at=span)]
    certain = logic.either([logic.total(key, known), *none])
    unknown = list(_reaching_beyond(span, Range(wanted.low, None)))
    possible = logic.either([logic.total(key, [*known, *unknown]), *none])
    return Bounds(possible, certain)


def _reaching_beyond(span: Span, count: Range) -> Iterator[Total]:
    """Yield the totals of events of which some may lie in a span, and some surely do not."""
    if span.start is not None:
        yield Total(count, Span(None, _earlier(span.start, span.end)), Span(span.start, None))
    if span.end is not None:
        yield Total(count, Span(None, span.end), Span(_later(span.start, span.end), None))


def _earlier(start: datetime, end: datetime | None) -> datetime:
    return start if end is None else min(start, end)


def _later(start: datetime | None, end: datetime) -> datetime:
    return end if start is None else max(start, end)


def check_budget(candidates: int, limit: int) -> None:
    """Refuse a question for which too many people would have to be looked at one by one."""
    if candidates > limit:
        raise LimitExceeded(
            f"Over {limit} people would have to be looked at one by one; ask for fewer.",
            ("where",),
            limit,
        )


def birthdays(ages: Range, today: date) -> tuple[str | None, str | None]:
    """Return after which day, and up to which, somebody of these ages was born, as ISO texts.

    The texts compare as `age_on` does, also where they name no real day, such as 2023-02-29.
    """

    def turned(age: float) -> str:
        year = today.year - int(age)
        if year > date.max.year:
            return "9999-99-99"  # after all days, as this year is
        return f"{year:04d}-{today:%m-%d}" if year >= 0 else ""

    after = None if ages.high is None else turned(ages.high + 1)
    until = None if ages.low is None else turned(ages.low)
    return after, until


def days_in(span: Span, moment: Moment) -> tuple[date | None, date | None]:
    """Return the first and the last day whose midnight lies in a span.

    If there is none, the first is after the last. The calendar's own ends may count as inside.
    """
    return (
        None if span.start is None else _first_day(span.start, moment),
        None if span.end is None else _last_day(span.end, moment),
    )


def _first_day(start: datetime, moment: Moment) -> date:
    """Return the first day whose midnight is not before `start`: clocks may turn around it."""
    day = _shifted(moment.day_of(start), -1)
    while moment.midnight(day) < start and day < date.max:
        day = _shifted(day, 1)
    return day


def _last_day(end: datetime, moment: Moment) -> date:
    """Return the last day whose midnight is before `end`."""
    day = _shifted(moment.day_of(end), 1)
    while moment.midnight(day) >= end and day > date.min:
        day = _shifted(day, -1)
    return day


def _shifted(day: date, days: int) -> date:
    """Return the day so many days later, within the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))
