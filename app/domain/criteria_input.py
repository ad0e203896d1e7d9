"""Criteria read from plain values: the JSON form of the API's input `Criteria`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from app.domain import criteria as c
from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.events import event_key
from app.domain.fields import Gender, parse_degrees, parse_field
from app.domain.identity import IdentityKind, normalised
from app.domain.limits import Limits
from app.domain.properties import PropertyKind, PropertyValue, kind_of, parse_number, parse_value
from app.domain.reach import Channel, ProfileType
from app.domain.text import bounded
from app.domain.times import show_instant
from app.domain.windows import parse_window

MAX_SEGMENT_CHAIN: Final = 10
MAX_NODES_IN_ALL: Final = 20_000
MAX_VALUES: Final = 5_000
"""How many values, tags or names one criterion lists."""

Raw = Mapping[str, Any]
SegmentDocuments = Mapping[str, Raw]
"""The criteria of every segment, by id."""


@dataclass(frozen=True)
class _Known:
    """A segment as it was read: how many segments it reaches in a row, and its criteria in all."""

    criterion: c.Criterion
    chain: int
    nodes: int


@dataclass
class _Reading:
    """What one question's criteria are read with.

    Attributes:
        chain: The segments through which these criteria are reached.
        known: Each segment that was read; once is enough.
        nodes: How many criteria were read.
        longest: How many segments they reach in a row.
        total: How many criteria the segments in them have.
    """

    limits: Limits
    segments: SegmentDocuments
    chain: tuple[str, ...]
    known: dict[str, _Known] = field(default_factory=dict)
    nodes: int = 0
    longest: int = 0
    total: int = 0

    def enter(self, path: Path, level: int) -> None:
        self.nodes += 1
        if self.nodes > self.limits.criteria_nodes:
            limit = self.limits.criteria_nodes
            raise LimitExceeded(f"There are over {limit} criteria in this.", path, limit)
        if level > self.limits.criteria_levels:
            limit = self.limits.criteria_levels
            raise LimitExceeded(f"The criteria are over {limit} levels deep.", path, limit)


def parse_criteria(
    raw: Raw,
    path: Path,
    limits: Limits,
    segments: SegmentDocuments,
    chain: tuple[str, ...] = (),
) -> c.Criterion:
    """Return the criterion that plain values name.

    Args:
        raw: By name as in the API; enumerations by member or name, days and instants as such or
            as text.
        path: Where it was sent.
        limits: How large criteria, and the texts in them, may be.
        segments: The segments that may be named.
        chain: The segments through which this is reached; naming one of them again is refused.

    Raises:
        InvalidInput, LimitExceeded: with the path of the fault.
    """
    return _parse(raw, path, _Reading(limits, segments, chain), 1)


def _parse(raw: Raw, path: Path, reading: _Reading, level: int) -> c.Criterion:
    reading.enter(path, level)
    ((kind, value),) = raw.items()
    here = (*path, kind)
    if kind in ("all", "any"):
        parts = tuple(
            _parse(part, (*here, str(i)), reading, level + 1) for i, part in enumerate(value)
        )
        return c.All(parts) if kind == "all" else c.Any(parts)
    if kind == "not":
        return c.Not(_parse(value, here, reading, level + 1))
    if kind == "segment":
        return _segment(str(value), here, reading)
    return _PARSERS[kind](value, here, reading)


def _segment(id: str, path: Path, reading: _Reading) -> c.Criterion:
    if id in reading.chain:
        raise InvalidInput("The segment would be made of itself.", path)
    if id not in reading.segments:
        raise InvalidInput("There is no such segment.", path)
    if id not in reading.known:
        inner = replace(reading, chain=(*reading.chain, id), nodes=0, longest=0, total=0)
        meant = c.InSegment(id, _parse(reading.segments[id], path, inner, 1))
        reading.known[id] = _Known(meant, inner.longest + 1, inner.total + inner.nodes)
    known = reading.known[id]
    reading.longest = max(reading.longest, known.chain)
    reading.total += known.nodes
    if len(reading.chain) + known.chain > MAX_SEGMENT_CHAIN:
        raise LimitExceeded(
            f"Segments refer to each other over {MAX_SEGMENT_CHAIN} times.", path, MAX_SEGMENT_CHAIN
        )
    if reading.total > MAX_NODES_IN_ALL:
        raise LimitExceeded(
            f"With its segments, this has over {MAX_NODES_IN_ALL} criteria.", path, MAX_NODES_IN_ALL
        )
    return known.criterion


# ---------------------------------------------------------------- of a person


def _type(value: Sequence[Any], path: Path, _: _Reading) -> c.Criterion:
    return c.HasType(frozenset(_member(ProfileType, name, path) for name in value))


def _gender(value: Sequence[Any], path: Path, _: _Reading) -> c.Criterion:
    return c.HasGender(frozenset(_member(Gender, name, path) for name in value))


def _reachable_by(value: Any, path: Path, _: _Reading) -> c.Criterion:
    return c.IsReachableBy(_member(Channel, value, path))


def _member(enumeration: Any, value: Any, path: Path) -> Any:
    """Return a member of an enumeration, given itself or by name."""
    if isinstance(value, enumeration):
        return value
    try:
        return enumeration[value]
    except KeyError:
        names = ", ".join(member.name for member in enumeration)
        raise InvalidInput(f"This is none of {names}.", path) from None


def _age(value: Raw, path: Path, _: _Reading) -> c.Criterion:
    return c.HasAge(_range(value, path))


def _check_length(values: Sequence[Any], path: Path) -> None:
    if len(values) > MAX_VALUES:
        raise LimitExceeded(f"A list has at most {MAX_VALUES} values.", path, MAX_VALUES)


def _language(value: Sequence[str], path: Path, reading: _Reading) -> c.Criterion:
    _check_length(value, path)
    tags = (
        parse_field("language", tag, (*path, str(i)), date.max, reading.limits)
        for i, tag in enumerate(value)
    )
    return c.Speaks(frozenset(str(tag) for tag in tags))


def _location(value: Raw, path: Path, reading: _Reading) -> c.Criterion:
    if not any(part is not None for part in value.values()):
        raise InvalidInput("No part of a location is given.", path)

    def texts(part: str, shown: Callable[[str], str]) -> frozenset[str] | None:
        given = value.get(part)
        _check_length(given or (), (*path, part))
        return None if given is None else frozenset(shown(text.strip()) for text in given)

    near = value.get("near")
    return c.LivesIn(
        countries=texts("country", str.upper),
        regions=texts("region", str.casefold),
        cities=texts("city", str.casefold),
        near=None if near is None else _circle(near, (*path, "near")),
    )


def _circle(value: Raw, path: Path) -> c.Circle:
    radius = parse_number(value["radiusMetres"], (*path, "radiusMetres"))
    if radius < 0:
        raise InvalidInput("The radius is negative.", (*path, "radiusMetres"))
    latitude = parse_degrees(value["latitude"], 90, (*path, "latitude"))
    longitude = parse_degrees(value["longitude"], 180, (*path, "longitude"))
    return c.Circle(latitude, longitude, radius)


def _identity(value: Raw, path: Path, reading: _Reading) -> c.Criterion:
    kind = _member(IdentityKind, value["kind"], (*path, "kind"))
    if value.get("value") is None:
        return c.HasIdentity(kind, None)
    allowed = reading.limits.test_mail_domains
    identity = normalised(kind, value["value"], (*path, "value"), test_mail_domains=allowed)
    return c.HasIdentity(kind, identity.value)


def _created_at(value: Raw, path: Path, _: _Reading) -> c.Criterion:
    return c.WasCreated(parse_window(value, path))


def _last_seen_at(value: Raw, path: Path, _: _Reading) -> c.Criterion:
    return c.WasSeen(parse_window(value, path))


def _range(value: Raw, path: Path) -> c.Range:
    low, high = value.get("min"), value.get("max")
    if low is None and high is None:
        raise InvalidInput("Neither `min` nor `max` is given.", path)
    if low is not None and high is not None and low > high:
        raise InvalidInput("`min` is above `max`.", path)
    return c.Range(low, high)


# ---------------------------------------------------------------- of properties


def _property(value: Raw, path: Path, reading: _Reading) -> c.Criterion:
    value_filter, negated = _value_filter(value["is"], (*path, "is"), reading.limits)
    criterion = c.HasProperty(value["name"].strip(), value_filter)
    return c.Not(criterion) if negated else criterion


_OPPOSITES: Final = {"notEquals": "equals", "notIn": "in", "notContains": "contains"}


def _value_filter(raw: Raw, path: Path, limits: Limits) -> tuple[c.ValueFilter, bool]:
    """Return a filter, and whether its exact opposite is meant."""
    ((kind, value),) = raw.items()
    here = (*path, kind)
    match _OPPOSITES.get(kind, kind):
        case "exists":
            return c.Exists(), not value
        case "equals":
            parsed: c.ValueFilter = c.OneOf((parse_value(value, here, limits),))
        case "in":
            parsed = c.OneOf(_values(value, here, limits))
        case "contains":
            parsed = c.Contains(bounded(value, here, limits.text_bytes))
        case "startsWith":
            parsed = c.StartsWith(bounded(value, here, limits.text_bytes))
        case "between":
            parsed = _between(value, here, limits)
        case "within":
            parsed = c.Within(parse_window(value, here))
        case order:
            parsed = c.Compares(c.Order(order), _ordered(value, here, limits))
    return parsed, kind in _OPPOSITES


def _values(raw: Sequence[Any], path: Path, limits: Limits) -> tuple[PropertyValue, ...]:
    _check_length(raw, path)
    return tuple(parse_value(value, (*path, str(i)), limits) for i, value in enumerate(raw))


def _ordered(raw: Any, path: Path, limits: Limits) -> PropertyValue:
    value = parse_value(raw, path, limits)
    if kind_of(value) in (PropertyKind.BOOLEAN, PropertyKind.TEXT_LIST):
        raise InvalidInput("Only texts, numbers, days and instants come in an order.", path)
    return value


def _between(raw: Sequence[Any], path: Path, limits: Limits) -> c.Between:
    if len(raw) != 2:
        raise InvalidInput("There are not exactly two values.", path)
    low, high = (_ordered(value, (*path, str(i)), limits) for i, value in enumerate(raw))
    if kind_of(low) is not kind_of(high):
        raise InvalidInput("The two values are of different kinds.", path)
    if not c.is_in_order(low, high):
        raise InvalidInput("The first value is above the second.", path)
    return c.Between(low, high)


# ---------------------------------------------------------------- of events


def _did(value: Raw, path: Path, reading: _Reading) -> c.Did:
    key = event_key(value["name"])
    if not key:
        raise InvalidInput("The name is empty.", (*path, "name"))
    where = value.get("where") or ()
    conditions = []
    for i, condition in enumerate(where):
        here = (*path, "where", str(i))
        reading.enter(here, 1)
        value_filter, negated = _value_filter(condition["is"], (*here, "is"), reading.limits)
        name = condition["name"].strip()
        conditions.append(c.EventPropertyFilter(name, value_filter, negated))
    during, summed = value.get("during"), value.get("sum")
    return c.Did(
        key=key,
        where=tuple(conditions),
        window=None if during is None else parse_window(during, (*path, "during")),
        range=_counted(value.get("count"), summed, path),
        summed=None if summed is None else summed["property"].strip(),
    )


def _counted(count: Raw | None, summed: Raw | None, path: Path) -> c.Range:
    if count is not None and summed is not None:
        raise InvalidInput("`count` and `sum` exclude each other.", (*path, "sum"))
    if summed is not None:
        return _range(summed, (*path, "sum"))
    if count is None:
        return c.Range(1, None)
    for end in ("min", "max"):
        if (number := count.get(end)) is not None and number < 0:
            raise InvalidInput("A count is not negative.", (*path, "count", end))
    return _range(count, (*path, "count"))


def _did_not(value: Raw, path: Path, reading: _Reading) -> c.Criterion:
    return c.Not(_did(value, path, reading))


_PARSERS: Final[Mapping[str, Callable[[Any, Path, _Reading], c.Criterion]]] = {
    "type": _type,
    "age": _age,
    "gender": _gender,
    "language": _language,
    "location": _location,
    "identity": _identity,
    "reachableBy": _reachable_by,
    "property": _property,
    "did": _did,
    "didNot": _did_not,
    "createdAt": _created_at,
    "lastSeenAt": _last_seen_at,
}


# ---------------------------------------------------------------- kept


def to_json(raw: Any) -> Any:
    """Return plain values as JSON: enumerations by name, days and instants as text."""
    match raw:
        case Enum():
            return raw.name
        case datetime():
            return show_instant(raw)
        case date():
            return raw.isoformat()
        case Mapping():
            return {name: to_json(value) for name, value in raw.items()}
        case list() | tuple():
            return [to_json(value) for value in raw]
        case _:
            return raw
