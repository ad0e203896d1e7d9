"""What one call changes about a person, read from plain values."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from app.domain.errors import InvalidInput, Path
from app.domain.fields import STANDARD_FIELDS, FieldValue, parse_field, refuse_standard_name
from app.domain.limits import Limits
from app.domain.properties import (
    AnyOperation,
    Append,
    Increment,
    Remove,
    Set,
    SetOnce,
    Unset,
    parse_name,
    parse_number,
    parse_texts,
    parse_value,
)
from app.domain.reach import Channel


@dataclass(frozen=True)
class UserChanges:
    """All changes of one call, each checked as far as it can be without the person.

    Attributes:
        fields: Standard fields to replace; None clears.
        operations: What to do to custom properties, each property once.
        channels: True subscribes, False opts out, None returns to "never chosen".
    """

    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    operations: tuple[AnyOperation, ...] = ()
    channels: Mapping[Channel, bool | None] = field(default_factory=dict)


NO_CHANGES: Final = UserChanges()


def parse_changes(raw: Mapping[str, Any], today: date, limits: Limits) -> UserChanges:
    """Return the changes that plain values stand for, in the shape of the input `UserChanges`.

    Args:
        raw: By name as in the API; what is absent is left alone.
        today: The day against which a birthday is judged.
        limits: What a person may hold.

    Raises:
        InvalidInput, LimitExceeded: with a path that starts at `changes`.
    """
    path = ("changes",)
    return UserChanges(
        fields={
            name: parse_field(name, raw[name], (*path, name), today, limits)
            for name in STANDARD_FIELDS
            if name in raw
        },
        operations=_parse_operations(raw["properties"], (*path, "properties"), limits)
        if "properties" in raw
        else (),
        channels=_parse_channels(raw["channels"]) if "channels" in raw else {},
    )


def _parse_channels(raw: Mapping[str, bool | None] | None) -> dict[Channel, bool | None]:
    if raw is None:
        return dict.fromkeys(Channel)
    return {channel: raw[channel.value] for channel in Channel if channel.value in raw}


def _parse_operations(raw: Any, path: Path, limits: Limits) -> tuple[AnyOperation, ...]:
    if not isinstance(raw, Mapping):
        raise InvalidInput("The changes of properties cannot be null.", path)
    operations: dict[str, AnyOperation] = {}
    for operation in _each_operation(raw, path, limits):
        if operation.name in operations:
            raise InvalidInput(f"The property {operation.name!r} is named twice.", operation.path)
        operations[operation.name] = operation
    return tuple(operations.values())


def _each_operation(raw: Mapping[str, Any], path: Path, limits: Limits) -> Iterator[AnyOperation]:
    for kind, argument in raw.items():
        here = (*path, kind)
        if kind == "unset":
            yield from _parse_unset(argument, here)
        elif not isinstance(argument, Mapping):
            raise InvalidInput("This is not an object of property names.", here)
        else:
            parse = _PARSERS[kind]
            for given, value in argument.items():
                there = (*here, given)
                yield parse(_custom_name(given, there), there, value, limits)


def _parse_unset(argument: Any, path: Path) -> Iterator[Unset]:
    if not isinstance(argument, list | tuple):
        raise InvalidInput("This is not a list of property names.", path)
    for position, given in enumerate(argument):
        here = (*path, str(position))
        if not isinstance(given, str):
            raise InvalidInput("A property name is a text.", here)
        yield Unset(_custom_name(given, here), here)


def _custom_name(given: str, path: Path) -> str:
    name = parse_name(given, path)
    refuse_standard_name(name, path)
    return name


_PARSERS: Final[Mapping[str, Callable[[str, Path, Any, Limits], AnyOperation]]] = {
    "set": lambda name, path, raw, limits: Set(name, path, parse_value(raw, path, limits)),
    "setOnce": lambda name, path, raw, limits: SetOnce(name, path, parse_value(raw, path, limits)),
    "increment": lambda name, path, raw, _: Increment(name, path, parse_number(raw, path)),
    "append": lambda name, path, raw, limits: Append(name, path, parse_texts(raw, path, limits)),
    "remove": lambda name, path, raw, limits: Remove(name, path, parse_texts(raw, path, limits)),
}
