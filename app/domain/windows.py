"""Windows in time, as criteria name them, and the span of instants each is at a moment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from app.domain.errors import InvalidInput, Path
from app.domain.times import parse_day, parse_instant

_DURATION: Final = re.compile(r"P(?=.)([0-9]+W|([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)")
_TIMEDELTA: Final = TypeAdapter(timedelta)
TICK: Final = timedelta(milliseconds=1)
"""The step in which time is kept."""


@dataclass(frozen=True)
class Moment:
    """The one "now" of a question, and the zone whose midnight begins a day."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.day_of(self.now)

    def day_of(self, instant: datetime) -> date:
        """Return the day on which an instant lies in the zone; the calendar's ends stay within."""
        try:
            return instant.astimezone(self.zone).date()
        except OverflowError:
            return instant.date()

    def midnight(self, day: date) -> datetime:
        """Return the instant at which a day begins in the zone; the calendar's ends stay within."""
        try:
            return datetime.combine(day, time.min, self.zone).astimezone(UTC)
        except OverflowError:
            return datetime.combine(day, time.min, UTC)

    def next_midnight(self, day: date) -> datetime:
        """Return the next instant at which a day begins, or the last one if it began for good.

        It begins twice where clocks go back over its midnight.
        """
        first = self.midnight(day)
        return first if first > self.now else self._midnight_again(day)

    @property
    def may_repeat(self) -> bool:
        """Whether today may turn into yesterday once more: clocks go back over this midnight."""
        return self.now < self._midnight_again(self.today) != self.midnight(self.today)

    def _midnight_again(self, day: date) -> datetime:
        try:
            return datetime.combine(day, time.min, self.zone).replace(fold=1).astimezone(UTC)
        except OverflowError:
            return datetime.combine(day, time.min, UTC)


@dataclass(frozen=True)
class Span:
    """The instants from `start` on, before `end`; None is without end on that side."""

    start: datetime | None
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        return (self.start is None or instant >= self.start) and (
            self.end is None or instant < self.end
        )


@dataclass(frozen=True)
class LastDays:
    """From midnight `days` days ago until now."""

    days: int


@dataclass(frozen=True)
class Last:
    """The newest `duration` until now."""

    duration: timedelta


@dataclass(frozen=True)
class Days:
    """Whole days, both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class Before:
    instant: datetime


@dataclass(frozen=True)
class Since:
    instant: datetime


Window = LastDays | Last | Days | Before | Since


def span_of(window: Window, moment: Moment) -> Span:
    """Return which instants a window holds at a moment."""
    until_now = moment.now + TICK
    match window:
        case LastDays(days):
            return Span(moment.midnight(moment.today - timedelta(days=days)), until_now)
        case Last(duration):
            return Span(moment.now - duration, until_now)
        case Days(first, date.max):
            return Span(moment.midnight(first), None)
        case Days(first, last):
            return Span(moment.midnight(first), moment.midnight(last + timedelta(days=1)))
        case Before(instant):
            return Span(None, instant)
        case Since(instant):
            return Span(instant, None)


def parse_window(raw: Mapping[str, Any], path: Path) -> Window:
    """Return the window that a `TimeWindow` of the API, or its JSON form, names."""
    ((kind, value),) = raw.items()
    here = (*path, kind)
    match kind:
        case "lastDays":
            return LastDays(_days(value, here))
        case "last":
            return Last(_duration(value, here))
        case "on":
            day = _day(value, here)
            return Days(day, day)
        case "between":
            return _between(value, here)
        case "before":
            return Before(_instant(value, here))
        case "since":
            return Since(_instant(value, here))
        case _:
            raise InvalidInput("There is no such window.", here)


MAX_DAYS: Final = 36_525


def _days(value: Any, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_DAYS:
        raise InvalidInput(f"This is no number of days from 0 to {MAX_DAYS}.", path)
    return value


def _duration(value: Any, path: Path) -> timedelta:
    if isinstance(value, str) and _DURATION.fullmatch(value):
        try:
            duration = _TIMEDELTA.validate_python(value)
        except ValidationError:
            pass
        else:
            if duration <= timedelta(days=MAX_DAYS):
                return duration
    raise InvalidInput(
        f"This is no ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT24H, "
        f"of at most {MAX_DAYS} days.",
        path,
    )


def _between(value: Mapping[str, Any], path: Path) -> Days:
    first, last = (_day(value[end], (*path, end)) for end in ("from", "to"))
    if first > last:
        raise InvalidInput("`from` is after `to`.", path)
    return Days(first, last)


def _day(value: Any, path: Path) -> date:
    return value if isinstance(value, date) else parse_day(str(value), path)


def _instant(value: Any, path: Path) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(str(value), path)
