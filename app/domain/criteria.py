"""Criteria: what can be asked of a person, and when it is true.

A criterion is true or false of every person at every moment; there is no third value. Its opposites
(`didNot`, `notEquals`, ...) are read as `Not`, so that they are exact.
"""

import math
import operator
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from app.domain.events import Event
from app.domain.fields import Gender, Location
from app.domain.identity import IdentityKind
from app.domain.properties import Properties, PropertyValue, kind_of, same
from app.domain.reach import Channel, ProfileType, age_on
from app.domain.user import User
from app.domain.windows import Moment, Span, Window, span_of

EARTH_RADIUS_M: Final = 6_371_008.8
STANDARD_NAMES: Final = ("name", "email", "phone", "timezone", "birthday")
"""The standard fields that a property filter may name; there, they are properties as all others."""


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included; None is without end on that side."""

    low: float | None
    high: float | None

    def holds(self, number: float | Fraction) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )


_ONCE: Final = Range(1, None)


# ---------------------------------------------------------------- of a value


class Order(StrEnum):
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True)
class OneOf:
    """Equal to one of the values; a list in any order."""

    values: tuple[PropertyValue, ...]


@dataclass(frozen=True)
class Contains:
    """A text with this in it, or a list with this element; case does not count."""

    text: str


@dataclass(frozen=True)
class StartsWith:
    """A text that begins so; case does not count."""

    text: str


@dataclass(frozen=True)
class Exists:
    """There is a value at all."""


@dataclass(frozen=True)
class Compares:
    """On one side of a value of the same kind."""

    order: Order
    value: PropertyValue


@dataclass(frozen=True)
class Between:
    """Between two values of the same kind, both included."""

    low: PropertyValue
    high: PropertyValue


@dataclass(frozen=True)
class Within:
    """A day or an instant in a window; a day is its midnight."""

    window: Window


ValueFilter = OneOf | Contains | StartsWith | Exists | Compares | Between | Within


# ---------------------------------------------------------------- of a person


@dataclass(frozen=True)
class All:
    criteria: tuple["Criterion", ...]


@dataclass(frozen=True)
class Any:
    criteria: tuple["Criterion", ...]


@dataclass(frozen=True)
class Not:
    criterion: "Criterion"


@dataclass(frozen=True)
class HasType:
    types: frozenset[ProfileType]


@dataclass(frozen=True)
class HasAge:
    range: Range


@dataclass(frozen=True)
class HasGender:
    genders: frozenset[Gender]


@dataclass(frozen=True)
class Speaks:
    """The language is one of the tags, or a narrower one: `de` is also `de-CH`."""

    tags: frozenset[str]


@dataclass(frozen=True)
class Circle:
    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class LivesIn:
    """Every part that is given; region and city are case-folded."""

    countries: frozenset[str] | None
    regions: frozenset[str] | None
    cities: frozenset[str] | None
    near: Circle | None


@dataclass(frozen=True)
class HasIdentity:
    kind: IdentityKind
    value: str | None


@dataclass(frozen=True)
class IsReachableBy:
    channel: Channel


@dataclass(frozen=True)
class HasProperty:
    name: str
    filter: ValueFilter


@dataclass(frozen=True)
class EventPropertyFilter:
    """A filter on an event's property, or its exact opposite."""

    name: str
    filter: ValueFilter
    negated: bool


@dataclass(frozen=True)
class Did:
    """Events of a name, in a window, with properties: their count, or a sum over them, lies in it.

    Attributes:
        key: The event's key.
        where: What their properties all satisfy.
        window: When; ever if None.
        range: For the count, or the sum.
        summed: The numeric property to sum up instead of counting; events without it count 0.
    """

    key: str
    where: tuple[EventPropertyFilter, ...]
    window: Window | None
    range: Range
    summed: str | None


@dataclass(frozen=True)
class InSegment:
    """The criterion of a segment, as it is now."""

    id: str
    criterion: "Criterion"


@dataclass(frozen=True)
class WasCreated:
    window: Window


@dataclass(frozen=True)
class WasSeen:
    window: Window


Fact = (
    HasType
    | HasAge
    | HasGender
    | Speaks
    | LivesIn
    | HasIdentity
    | IsReachableBy
    | WasCreated
    | WasSeen
)
"""What is asked of a standard field, or of what follows from the profile."""

Leaf = Fact | HasProperty
"""What has no other criterion in it, and no events to count."""

Criterion = All | Any | Not | InSegment | Did | Leaf

EVERYONE: Final = All(())


@dataclass(frozen=True)
class Question:
    """A criterion, and the moment at which it is asked of everybody."""

    criterion: Criterion
    moment: Moment


def matches(
    criterion: Criterion, user: User, moment: Moment, history: Iterable[Event] = ()
) -> bool:
    """Return whether a criterion is true of a user at a moment.

    Args:
        criterion: What is asked.
        user: Of whom.
        moment: When; it is the same for everybody whom one question is about.
        history: Those of the user's archived events that `missing_events` names, or more.
    """
    match criterion:
        case All(criteria):
            return all(matches(part, user, moment, history) for part in criteria)
        case Any(criteria):
            return any(matches(part, user, moment, history) for part in criteria)
        case Not(negated):
            return not matches(negated, user, moment, history)
        case InSegment(criterion=meant):
            return matches(meant, user, moment, history)
        case Did():
            return _did(criterion, user, moment, history)
        case HasProperty(name, value_filter):
            value = property_of(user, name)
            return value is not None and value_matches(value_filter, value, moment)
        case _:
            return _is(criterion, user, moment)


def _is(criterion: Fact, user: User, moment: Moment) -> bool:
    match criterion:
        case HasType(types):
            return user.type in types
        case HasAge(ages):
            return user.birthday is not None and ages.holds(age_on(moment.today, user.birthday))
        case HasGender(genders):
            return user.gender in genders
        case Speaks(tags):
            return user.language is not None and speaks(user.language, tags)
        case LivesIn():
            return user.location is not None and lives_in(user.location, criterion)
        case HasIdentity(kind, value):
            return any(i.kind is kind and value in (None, i.value) for i in user.identities)
        case IsReachableBy(channel):
            return channel in user.reachable_by
        case WasCreated(window):
            return span_of(window, moment).holds(user.created_at)
        case WasSeen(window):
            seen_at = user.last_seen_at
            return seen_at is not None and span_of(window, moment).holds(seen_at)


def speaks(language: str, tags: frozenset[str]) -> bool:
    """Return whether a language is one of the tags, or a narrower one."""
    return any(language == tag or language.startswith(f"{tag}-") for tag in tags)


def lives_in(location: Location, criterion: LivesIn) -> bool:
    """Return whether a location has every part that is asked for."""
    parts = (
        (criterion.countries, location.country),
        (criterion.regions, location.region and location.region.casefold()),
        (criterion.cities, location.city and location.city.casefold()),
    )
    return all(wanted is None or part in wanted for wanted, part in parts) and (
        criterion.near is None or _is_near(location, criterion.near)
    )


def _is_near(location: Location, circle: Circle) -> bool:
    if location.latitude is None or location.longitude is None:
        return False
    return distance_m(location.latitude, location.longitude, circle) <= circle.radius_m


def distance_m(latitude: float, longitude: float, circle: Circle) -> float:
    """Return the great-circle distance to a circle's centre in metres (haversine, mean radius)."""
    here, there = math.radians(latitude), math.radians(circle.latitude)
    chord = (
        math.sin((here - there) / 2) ** 2
        + math.cos(here)
        * math.cos(there)
        * math.sin(math.radians(longitude - circle.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


# ---------------------------------------------------------------- values


def property_of(user: User, name: str) -> PropertyValue | None:
    """Return a custom property, or the standard field of that name where filters may name it."""
    if name in STANDARD_NAMES:
        standard: PropertyValue | None = getattr(user, name)
        return standard
    return user.properties.get(name)


def value_matches(value_filter: ValueFilter, value: PropertyValue, moment: Moment) -> bool:
    """Return whether a value satisfies a filter; of another kind, it never does."""
    match value_filter:
        case Exists():
            return True
        case OneOf(values):
            return any(_equal(value, wanted) for wanted in values)
        case Contains(text):
            return _contains(value, text.casefold())
        case StartsWith(text):
            return isinstance(value, str) and value.casefold().startswith(text.casefold())
        case Compares(order, bound):
            return kind_of(value) is kind_of(bound) and _COMPARED[order](value, bound)
        case Between(low, high):
            return kind_of(value) is kind_of(low) and not (
                _COMPARED[Order.LT](value, low) or _COMPARED[Order.GT](value, high)
            )
        case Within(window):
            instant = instant_of(value, moment)
            return instant is not None and span_of(window, moment).holds(instant)


def _equal(value: PropertyValue, wanted: PropertyValue) -> bool:
    if isinstance(value, tuple) and isinstance(wanted, tuple):
        return frozenset(value) == frozenset(wanted)
    return same(value, wanted)


def _contains(value: PropertyValue, folded: str) -> bool:
    match value:
        case str():
            return folded in value.casefold()
        case tuple():
            return any(text.casefold() == folded for text in value)
        case _:
            return False


_COMPARED: Final[Mapping[Order, Callable[[typing.Any, typing.Any], bool]]] = {
    Order.GT: operator.gt,
    Order.GTE: operator.ge,
    Order.LT: operator.lt,
    Order.LTE: operator.le,
}


def is_in_order(low: PropertyValue, high: PropertyValue) -> bool:
    """Return whether the first of two values of one kind is not above the second."""
    return _COMPARED[Order.LTE](low, high)


def instant_of(value: PropertyValue, moment: Moment) -> datetime | None:
    """Return the instant that a value names, of a day its midnight; None of other kinds."""
    match value:
        case datetime():
            return value
        case date():
            return moment.midnight(value)
        case _:
            return None


# ---------------------------------------------------------------- events


def _did(criterion: Did, user: User, moment: Moment, history: Iterable[Event]) -> bool:
    """Return whether count or sum lies in the range, from totals alone where they tell."""
    if (known := _known(criterion, user, moment)) is not None:
        return known
    counted = [
        event
        for event in events_of(user, criterion.key, history)
        if event_matches(criterion, event, moment)
    ]
    if criterion.summed is None:
        return criterion.range.holds(len(counted))
    return criterion.range.holds(
        _sum([_number(event.properties, criterion.summed) for event in counted])
    )


def events_of(user: User, key: str, history: Iterable[Event]) -> list[Event]:
    """Return the user's events of one name, those of the archive among them, each once."""
    found = {event.id: event for event in history if event.key == key}
    found |= {event.id: event for event in user.events if event.key == key}
    return list(found.values())


def _sum(numbers: list[float]) -> float | Fraction:
    """Return the sum, exactly rounded, or exact where it is beyond the range of a float."""
    try:
        return math.fsum(numbers)
    except OverflowError:
        return sum(map(Fraction, numbers), Fraction())


def _number(properties: Properties, name: str) -> float:
    value = properties.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def event_matches(criterion: Did, event: Event, moment: Moment) -> bool:
    """Return whether an event is among those that are counted."""
    return (
        event.key == criterion.key
        and (criterion.window is None or span_of(criterion.window, moment).holds(event.at))
        and all(_event_property_matches(f, event.properties, moment) for f in criterion.where)
    )


def _event_property_matches(
    condition: EventPropertyFilter, properties: Properties, moment: Moment
) -> bool:
    value = properties.get(condition.name)
    found = value is not None and value_matches(condition.filter, value, moment)
    return found is not condition.negated


def asks_whether_ever(criterion: Did) -> bool:
    """Return whether one event decides, whichever it is."""
    return criterion.range == _ONCE and not criterion.where and criterion.summed is None


def _known(criterion: Did, user: User, moment: Moment) -> bool | None:
    """Return whether it is true, as far as the exact totals tell; None if events must be read."""
    if (count := known_count(criterion, user, moment)) is not None:
        return criterion.range.holds(count)
    if asks_whether_ever(criterion) and criterion.window is not None:
        total, span = user.activity[criterion.key], span_of(criterion.window, moment)
        if span.holds(total.first_at) or span.holds(total.last_at):
            return True
    return None


def known_count(criterion: Did, user: User, moment: Moment) -> int | None:
    """Return the count, or sum, as far as the exact totals tell it; None if events must be read."""
    total = user.activity.get(criterion.key)
    if total is None:
        return 0
    span = Span(None, None) if criterion.window is None else span_of(criterion.window, moment)
    if not (_reaches(span, total.first_at, total.last_at)):
        return 0
    everything = span.holds(total.first_at) and span.holds(total.last_at)
    if everything and not criterion.where and criterion.summed is None:
        return total.count
    return None


def _reaches(span: Span, first_at: datetime, last_at: datetime) -> bool:
    """Return whether some instant from first to last can lie in the span."""
    return (span.start is None or last_at >= span.start) and (
        span.end is None or first_at < span.end
    )


def missing_events(criterion: Criterion, user: User, moment: Moment) -> frozenset[str]:
    """Return the keys of the events that have to be fetched from the archive to decide."""
    if not user.archived or user.archived_until is None:
        return frozenset()
    match criterion:
        case All(parts) | Any(parts):
            return frozenset().union(*(missing_events(part, user, moment) for part in parts))
        case Not(part) | InSegment(criterion=part):
            return missing_events(part, user, moment)
        case Did(key=key):
            return frozenset([key] if _needs_archive(criterion, user, moment) else [])
        case _:
            return frozenset()


def _needs_archive(criterion: Did, user: User, moment: Moment) -> bool:
    if _known(criterion, user, moment) is not None:
        return False
    start = None if criterion.window is None else span_of(criterion.window, moment).start
    return start is None or user.archived_until is None or user.archived_until >= start
