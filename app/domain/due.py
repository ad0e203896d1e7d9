"""When time alone can next alter what is true of a person: a window passes, a birthday comes."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from app.domain.criteria import (
    All,
    Any,
    Criterion,
    Did,
    HasAge,
    HasProperty,
    InSegment,
    Not,
    Range,
    WasCreated,
    WasSeen,
    Within,
    asks_whether_ever,
    event_matches,
    events_of,
    instant_of,
    property_of,
)
from app.domain.events import Activity, Event
from app.domain.user import User
from app.domain.windows import TICK, Last, LastDays, Moment, Window, span_of


def next_due(
    criterion: Criterion, user: User, moment: Moment, history: Iterable[Event] = ()
) -> datetime | None:
    """Return an instant up to which the criterion stays as true of the user as it is now.

    Nothing but time passes meanwhile. At that instant it may change, and need not.

    Args:
        criterion: What is asked.
        user: Of whom.
        moment: From when on.
        history: Those of the user's archived events that `timed_events` names, or more.

    Returns:
        An instant after the moment's; None if it stays so for ever.
    """
    match criterion:
        case All(parts) | Any(parts):
            return _first(next_due(part, user, moment, history) for part in parts)
        case Not(part) | InSegment(criterion=part):
            return next_due(part, user, moment, history)
        case HasAge(ages):
            return None if user.birthday is None else _birthday(ages, user.birthday, moment)
        case WasCreated(window):
            return _first(_turns(window, user.created_at, moment))
        case WasSeen(window):
            seen_at = user.last_seen_at
            return None if seen_at is None else _first(_turns(window, seen_at, moment))
        case HasProperty(name, Within(window)):
            value = property_of(user, name)
            instant = None if value is None else instant_of(value, moment)
            return None if instant is None else _first(_turns(window, instant, moment))
        case Did():
            return _did(criterion, user, moment, history)
        case _:
            return None


def timed_events(criterion: Criterion, user: User, moment: Moment) -> frozenset[str]:
    """Return the keys of the events that have to be fetched from the archive for `next_due`."""
    if not user.archived or user.archived_until is None:
        return frozenset()
    match criterion:
        case All(parts) | Any(parts):
            return frozenset().union(*(timed_events(part, user, moment) for part in parts))
        case Not(part) | InSegment(criterion=part):
            return timed_events(part, user, moment)
        case Did(key=key, window=window):
            total = user.activity.get(key)
            if total is None or not _passes(criterion) or _totals_tell(criterion, total, moment):
                return frozenset()
            start = None if window is None else span_of(window, moment).start
            reaches = start is None or user.archived_until >= start
            return frozenset([key] if reaches else [])
        case _:
            return frozenset()


def is_timeless(criterion: Criterion) -> bool:
    """Return whether time alone never alters of whom a criterion is true."""
    match criterion:
        case All(parts) | Any(parts):
            return all(map(is_timeless, parts))
        case Not(part) | InSegment(criterion=part):
            return is_timeless(part)
        case HasAge() | WasCreated() | WasSeen() | HasProperty(filter=Within()):
            return False
        case Did(window=window):
            return window is None and not _has_timed_filter(criterion)
        case _:
            return True


def _passes(criterion: Did) -> bool:
    """Return whether what is counted depends on what time it is."""
    return isinstance(criterion.window, LastDays | Last) or _has_timed_filter(criterion)


def _has_timed_filter(criterion: Did) -> bool:
    return any(
        isinstance(condition.filter, Within)
        and isinstance(condition.filter.window, LastDays | Last)
        for condition in criterion.where
    )


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _turns(window: Window, instant: datetime, moment: Moment) -> Iterator[datetime]:
    """Yield when an instant comes to lie in a window, and when it lies there no longer."""
    match window:
        case LastDays(days):
            yield from _repetition(moment)
            ends = _midnight_after(moment.day_of(instant), days + 1, moment)
        case Last(duration):
            ends = _later(instant, duration + TICK)
        case _:
            return  # its ends do not move
    yield from (turn for turn in (instant, ends) if turn is not None and turn > moment.now)


def _repetition(moment: Moment) -> Iterator[datetime]:
    """Yield the next minute where the day may turn back: seldom enough to look at each."""
    if moment.may_repeat:
        yield moment.now + timedelta(minutes=1)


def _later(instant: datetime, duration: timedelta) -> datetime | None:
    try:
        return instant + duration
    except OverflowError:
        return None


def _midnight_after(day: date, days: int, moment: Moment) -> datetime | None:
    try:
        return moment.next_midnight(day + timedelta(days=days))
    except OverflowError:
        return None


def _birthday(ages: Range, birthday: date, moment: Moment) -> datetime | None:
    """Return when the person next comes to be of one of these ages, or is so no longer."""
    bounds = [math.ceil(ages.low)] if ages.low is not None else []
    bounds += [math.floor(ages.high) + 1] if ages.high is not None else []
    days = (_day_of_age(birthday, age) for age in bounds)
    to_come = (day for day in days if day is not None and day > moment.today)
    midnights = (moment.next_midnight(day) for day in to_come)
    return _first([*midnights, *_repetition(moment)])


def _day_of_age(birthday: date, age: int) -> date | None:
    """Return the day on which somebody turns so old, as `age_on` counts."""
    year = birthday.year + age
    if not date.min.year <= year <= date.max.year:
        return None
    try:
        return birthday.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


# ---------------------------------------------------------------- events


def _did(criterion: Did, user: User, moment: Moment, history: Iterable[Event]) -> datetime | None:
    total = user.activity.get(criterion.key)
    if total is None or not _passes(criterion):
        return None
    if criterion.window and _totals_tell(criterion, total, moment):
        return _first(_turns(criterion.window, total.last_at, moment))
    of_name = events_of(user, criterion.key, history)
    if criterion.summed is not None or _has_timed_filter(criterion) or moment.may_repeat:
        return _first(turn for event in of_name for turn in _event_turns(criterion, event, moment))
    return _count_turns(criterion, of_name, moment)


def _totals_tell(criterion: Did, total: Activity, moment: Moment) -> bool:
    """Return whether it hangs on the newest event alone: others are over before it is.

    So it does if that one is over, or if it is asked whether there was any at all.
    """
    if criterion.window is None or _has_timed_filter(criterion) or moment.may_repeat:
        return False
    start = span_of(criterion.window, moment).start
    is_over = start is not None and total.last_at < start
    return is_over or (asks_whether_ever(criterion) and total.last_at <= moment.now)


def _event_turns(criterion: Did, event: Event, moment: Moment) -> Iterator[datetime]:
    """Yield when an event may begin or cease to be counted."""
    if criterion.window is not None:
        yield from _turns(criterion.window, event.at, moment)
    for condition in criterion.where:
        value = event.properties.get(condition.name)
        if isinstance(condition.filter, Within) and value is not None:
            instant = instant_of(value, moment)
            if instant is not None:
                yield from _turns(condition.filter.window, instant, moment)


def _count_turns(criterion: Did, events: Iterable[Event], moment: Moment) -> datetime | None:
    """Return when the count next goes over an end of its range."""
    steps: list[tuple[datetime, int]] = []
    count = 0
    for event in events:
        counted_now = event_matches(criterion, event, moment)
        count += counted_now
        turns = sorted(_event_turns(criterion, event, moment))
        if counted_now:
            steps += [(turn, -1) for turn in turns[:1]]
        elif len(turns) == 2 and event_matches(criterion, event, _at(turns[0], moment)):
            steps += [(turns[0], 1), (turns[1], -1)]
    changes: defaultdict[datetime, int] = defaultdict(int)
    for instant, change in steps:
        changes[instant] += change
    holds = criterion.range.holds(count)
    for instant in sorted(changes):
        count += changes[instant]
        if criterion.range.holds(count) is not holds:
            return instant
    return None


def _at(instant: datetime, moment: Moment) -> Moment:
    return Moment(instant, moment.zone)
