"""Property values: what they are, how they are written, and what the operations make of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.limits import (
    MAX_LIST_BYTES,
    MAX_LIST_TEXTS,
    MAX_PROPERTIES_BYTES,
    MAX_PROPERTY_NAME_BYTES,
    Limits,
)
from app.domain.text import bounded, name
from app.domain.times import parse_day, parse_instant, show_instant

PropertyValue = str | float | bool | date | datetime | tuple[str, ...]
"""Text, number, boolean, day, instant (UTC, to the millisecond), or list of texts."""

Properties = Mapping[str, PropertyValue]
"""By name, sorted by it."""

_WITHIN_BYTES: Final = MAX_PROPERTIES_BYTES // (MAX_LIST_BYTES + MAX_PROPERTY_NAME_BYTES)
"""So few properties are within their limit of bytes, however large each of them is."""

_EXACT: Final = 2**53
_FIXED_SIZE: Final = 8


class PropertyKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "dateTime"
    TEXT_LIST = "textList"


def kind_of(value: PropertyValue) -> PropertyKind:
    return _KINDS.get(type(value)) or _kind_by_class(value)


def _kind_by_class(value: PropertyValue) -> PropertyKind:
    match value:
        case str():
            return PropertyKind.TEXT
        case bool():
            return PropertyKind.BOOLEAN
        case float() | int():
            return PropertyKind.NUMBER
        case datetime():
            return PropertyKind.DATE_TIME
        case date():
            return PropertyKind.DATE
        case tuple():
            return PropertyKind.TEXT_LIST


_KINDS: Final[Mapping[type, PropertyKind]] = {
    str: PropertyKind.TEXT,
    bool: PropertyKind.BOOLEAN,
    float: PropertyKind.NUMBER,
    datetime: PropertyKind.DATE_TIME,
    date: PropertyKind.DATE,
    tuple: PropertyKind.TEXT_LIST,
}
"""What the type alone says of most values."""


def same(one: PropertyValue | None, other: PropertyValue | None) -> bool:
    """Return whether two values are equal and of one kind; to Python, True equals 1.0."""
    return one is other or (one == other and isinstance(one, bool) == isinstance(other, bool))


def all_same(one: Properties, other: Properties) -> bool:
    """Return whether all values of both are the same."""
    return one is other or (
        one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    )


# ---------------------------------------------------------------- reading and showing


def parse_value(raw: Any, path: Path, limits: Limits) -> PropertyValue:
    """Return the value that a piece of JSON stands for.

    Args:
        raw: Text, number, boolean, list of texts, `{"date": ...}` or `{"dateTime": ...}`.
        path: Where it was sent.
        limits: How long texts may be.
    """
    match raw:
        case str():
            return bounded(raw, path, limits.text_bytes)
        case bool():
            return raw
        case int() | float():
            return parse_number(raw, path)
        case list() | tuple():
            return parse_texts(raw, path, limits)
        case {"date": str(text), **rest} if not rest:
            return parse_day(text, path)
        case {"dateTime": str(text), **rest} if not rest:
            return parse_instant(text, path)
        case None:
            raise InvalidInput("A value cannot be null; to remove a property, `unset` it.", path)
        case _:
            raise InvalidInput(
                "A value is a text, a number, a boolean, a list of texts, "
                '{"date": "2026-01-31"} or {"dateTime": "2026-01-31T12:00:00Z"}.',
                path,
            )


def parse_number(raw: Any, path: Path) -> float:
    """Return a finite double."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise InvalidInput("This is not a number.", path)
    try:
        number = float(raw)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInput("The number is beyond the range of a 64-bit float.", path)
    return number + 0.0  # -0.0 becomes 0.0


def parse_texts(raw: Any, path: Path, limits: Limits) -> tuple[str, ...]:
    """Return a list of texts without repeats, in the order of their first appearance."""
    if not isinstance(raw, list | tuple):
        raise InvalidInput("This is not a list of texts.", path)
    for position, text in enumerate(raw):
        if not isinstance(text, str):
            raise InvalidInput("A list holds texts only.", (*path, str(position)))
        bounded(text, (*path, str(position)), limits.text_bytes)
    return _bounded_list(tuple(dict.fromkeys(raw)), path)


def _bounded_list(texts: tuple[str, ...], path: Path) -> tuple[str, ...]:
    if len(texts) > MAX_LIST_TEXTS:
        raise LimitExceeded(f"A list holds at most {MAX_LIST_TEXTS} texts.", path, MAX_LIST_TEXTS)
    if value_bytes(texts) > MAX_LIST_BYTES:
        raise LimitExceeded(f"A list holds at most {MAX_LIST_BYTES} bytes.", path, MAX_LIST_BYTES)
    return texts


def parse_properties(raw: Any, path: Path, limits: Limits) -> dict[str, PropertyValue]:
    """Return the properties that a JSON object names, sorted by name."""
    if not isinstance(raw, Mapping):
        raise InvalidInput("This is not an object of properties.", path)
    values: dict[str, PropertyValue] = {}
    for given, value in raw.items():
        here = (*path, given)
        trimmed = parse_name(given, here)
        if trimmed in values:
            raise InvalidInput(f"The property {trimmed!r} is named twice.", here)
        values[trimmed] = parse_value(value, here, limits)
    return dict(sorted(values.items()))


def parse_name(raw: str, path: Path) -> str:
    return name(raw, path, MAX_PROPERTY_NAME_BYTES)


def show_value(value: PropertyValue) -> Any:
    """Return the JSON that `parse_value` reads as `value`."""
    match value:
        case str() | bool():
            return value
        case float() | int():
            return int(value) if value.is_integer() and abs(value) <= _EXACT else value
        case datetime():
            return {"dateTime": show_instant(value)}
        case date():
            return {"date": value.isoformat()}
        case tuple():
            return list(value)


def show_properties(properties: Properties) -> dict[str, Any]:
    return {name: show_value(value) for name, value in properties.items()}


def value_bytes(value: PropertyValue) -> int:
    """Return what a value weighs: a text its UTF-8 bytes, a list its texts, others 8."""
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case tuple():
            return sum(len(text.encode()) for text in value)
        case _:
            return _FIXED_SIZE


def properties_bytes(properties: Properties) -> int:
    """Return what properties weigh, names included."""
    size = 0
    for key, value in properties.items():  # those of each event are weighed twice
        size += len(key.encode()) + value_bytes(value)
    return size


# ---------------------------------------------------------------- changing


@dataclass(frozen=True)
class Operation:
    """One property to change: how, and where the caller said so."""

    name: str
    path: Path


@dataclass(frozen=True)
class Set(Operation):
    value: PropertyValue


@dataclass(frozen=True)
class SetOnce(Operation):
    """Set, unless the property is there already."""

    value: PropertyValue


@dataclass(frozen=True)
class Increment(Operation):
    """Add to a number; an absent one counts as 0."""

    by: float


@dataclass(frozen=True)
class Append(Operation):
    """Add texts to a list, without repeats."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Remove(Operation):
    """Take texts out of a list."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Unset(Operation):
    """Remove a property."""


AnyOperation = Set | SetOnce | Increment | Append | Remove | Unset


def applied(operations: Sequence[AnyOperation], before: Properties, limits: Limits) -> Properties:
    """Return the properties after all operations, or `before` itself where nothing changes.

    Raises:
        InvalidInput: an operation meets a value of a kind that it cannot change.
        LimitExceeded: the properties, or a list among them, would grow past a limit.
    """
    after = dict(before)
    for operation in operations:
        value = _result(operation, before.get(operation.name))
        if value is None:
            after.pop(operation.name, None)
        else:
            after[operation.name] = value
    if all_same(after, before):
        return before
    _refuse_growth(before, after, limits)
    return dict(sorted(after.items()))


def _result(operation: AnyOperation, old: PropertyValue | None) -> PropertyValue | None:
    match operation:
        case Set(value=value):
            return value
        case SetOnce(value=value):
            return value if old is None else old
        case Increment(name, path, by):
            if isinstance(old, bool) or not isinstance(old, float | int | None):
                raise InvalidInput(f"{name!r} is not a number.", path)
            return parse_number((old or 0.0) + by, path)
        case Append(path=path, texts=texts):
            return _bounded_list(tuple(dict.fromkeys((*_as_list(old, operation), *texts))), path)
        case Remove(texts=texts):
            listed = _as_list(old, operation)
            left = tuple(text for text in listed if text not in texts)
            return old if left == listed else left
        case Unset():
            return None


def _as_list(value: PropertyValue | None, operation: Append | Remove) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case str():
            return (value,)
        case tuple():
            return value
        case _:
            raise InvalidInput(f"{operation.name!r} is not a list of texts.", operation.path)


def _refuse_growth(before: Properties, after: Properties, limits: Limits) -> None:
    """Refuse growth past a limit; one that was lowered since does not forbid to shrink."""
    path = ("changes", "properties")
    if len(before) < len(after) > limits.properties:
        raise LimitExceeded(
            f"A user has at most {limits.properties} properties.", path, limits.properties
        )
    if len(after) <= _WITHIN_BYTES:
        return
    if MAX_PROPERTIES_BYTES < (size := properties_bytes(after)) > properties_bytes(before):
        raise LimitExceeded(
            f"The properties of a user take {size} bytes, over {MAX_PROPERTIES_BYTES}.",
            path,
            MAX_PROPERTIES_BYTES,
        )
