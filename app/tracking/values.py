"""JSON of any shape, as the values that properties can have."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.domain.errors import InvalidInput, Path
from app.domain.times import parse_day, parse_instant

MAX_LEVELS: Final = 10
"""How deep objects may nest."""


def members(raw: Any, path: Path) -> Mapping[str, Any]:
    """Return an object's members; where nothing was given, there are none."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise InvalidInput("This is not an object.", path)
    return raw


def flattened(raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the values of an object and of those inside it, by dotted names such as `cart.size`.

    A value is plain JSON as `parse_value` reads it, or None. Texts that are a day or an instant in
    ISO 8601 become one, since that is how clients write their dates; lists become lists of texts.

    Raises:
        InvalidInput: two values have one name, objects nest too deep, or lists hold other things
            than texts, numbers and booleans.
    """
    values: dict[str, Any] = {}
    for name, value, here in _leaves(raw, path, MAX_LEVELS):
        if name in values:
            raise InvalidInput(f"The name {name!r} comes twice.", here)
        values[name] = _plain(value, here)
    return values


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _leaves(raw: Mapping[str, Any], path: Path, levels: int) -> Iterator[tuple[str, Any, Path]]:
    if not levels:
        raise InvalidInput(f"Objects nest more than {MAX_LEVELS} levels deep.", path)
    for name, value in raw.items():
        here = (*path, name)
        if isinstance(value, Mapping):
            for inner, leaf, there in _leaves(value, here, levels - 1):
                yield f"{name}.{inner}", leaf, there
        else:
            yield name, value, here


def _plain(value: Any, path: Path) -> Any:
    match value:
        case str():
            return _time(value) or value
        case list():
            return [_text(item, (*path, str(position))) for position, item in enumerate(value)]
        case _:
            return value


def _time(text: str) -> dict[str, str] | None:
    """Return the day or instant that a text is, if it is one."""
    for kind, parse in (("date", parse_day), ("dateTime", parse_instant)):
        try:
            parse(text)
        except InvalidInput:
            continue
        return {kind: text}
    return None


def _text(item: Any, path: Path) -> str:
    match item:
        case str():
            return item
        case bool() | int() | float():
            return json.dumps(item)
        case _:
            raise InvalidInput("A list holds texts, numbers and booleans only.", path)
