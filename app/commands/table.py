"""Tables: which column of a CSV file means what, and what a cell says."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.commands.source import Line
from app.domain.errors import InvalidInput
from app.domain.fields import STANDARD_FIELDS
from app.domain.identity import IdentityKind
from app.domain.properties import PropertyKind

MAX_FIELD_CHARACTERS: Final = 1024 * 1024
LIST_SEPARATOR: Final = "|"

_IDENTITIES: Final = {
    "id": "id",
    **{kind.value: kind.value for kind in IdentityKind if kind.value not in ("email", "phone")},
    **{f"{kind.value} identity": kind.value for kind in IdentityKind},
}
"""Columns that say who it is; `email` and `phone` alone are where to write to."""

_PROPERTY: Final = "properties."
_PROPERTIES: Final = (_PROPERTY, f"event.{_PROPERTY}")
_DEGREES: Final = ("location.latitude", "location.longitude")
_PLACES: Final = {
    f"location.{part}" for part in ("country", "region", "city", "latitude", "longitude")
}
_CHANNELS: Final = {f"channels.{channel}" for channel in ("email", "push", "sms", "whatsapp")}
_NAMED: Final = {
    *(set(STANDARD_FIELDS) - {"location"}), *_PLACES, *_CHANNELS, *_IDENTITIES,
    "record id", "event", "event.id", "event.at",
}  # fmt: skip

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})([.][0-9]{1,15})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    _DAY.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_SHAPES: Final[Mapping[PropertyKind, re.Pattern[str]]] = {
    PropertyKind.NUMBER: _NUMBER,
    PropertyKind.BOOLEAN: re.compile("true|false", re.IGNORECASE),
    PropertyKind.DATE: _DAY,
    PropertyKind.DATE_TIME: _INSTANT,
}
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Column:
    """What a column means.

    Attributes:
        target: A name such as `name`, `properties.plan` or `email identity`; None is left out.
        kind: Of the values of a property; None if it has to be guessed.
    """

    target: str | None
    kind: PropertyKind | None = None

    @property
    def is_guessed(self) -> bool:
        return self.kind is None and (self.target or "").startswith(_PROPERTIES)


@dataclass(frozen=True)
class Row:
    """A row as a raw record, or why it is none."""

    number: int
    text: str
    record: Mapping[str, Any] | None = None
    fault: str | None = None


def columns_of(header: Sequence[str], mapping: Mapping[str, Any]) -> list[Column]:
    """Return what each column of a header means.

    Args:
        header: The names, as written.
        mapping: For a name, another that is known here; null for a column to be left out.

    Raises:
        InvalidInput: a name means nothing, or nothing says who it is.
    """
    columns = [_column(name.strip(), mapping) for name in header]
    unknown = [
        repr(name)
        for name, column in zip(header, columns, strict=True)
        if column.target is not None and not _is_known(column.target)
    ]
    if unknown:
        raise InvalidInput(
            f"The columns {', '.join(unknown)} mean nothing here; a mapping file can say what "
            "they mean, or leave them out."
        )
    targets = [column.target for column in columns if column.target is not None]
    if twice := sorted({target for target in targets if targets.count(target) > 1}):
        raise InvalidInput(f"More than one column is {', '.join(twice)}.")
    if not _IDENTITIES.keys() & set(targets):
        raise InvalidInput("No column says who it is, such as `custom` or `email identity`.")
    return columns


def _column(name: str, mapping: Mapping[str, Any]) -> Column:
    meant = mapping.get(name, name)
    if meant is None:
        return Column(None)
    target, _, kind = str(meant).rpartition(":")
    if target.startswith(_PROPERTIES) and kind in list(PropertyKind):
        return Column(target, PropertyKind(kind))
    return Column(str(meant))


def _is_known(target: str) -> bool:
    return target in _NAMED or (target.startswith(_PROPERTIES) and target not in _PROPERTIES)


# ---------------------------------------------------------------- cells


def record_of(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, Any]:
    """Return the raw record that a row is; an empty cell says nothing.

    Raises:
        InvalidInput: a cell is not of the kind that its column has, or nobody is named.
    """
    if len(cells) != len(columns):
        raise InvalidInput(f"The row has {len(cells)} cells, the header {len(columns)}.")
    record: dict[str, Any] = {}
    names: list[dict[str, str]] = []
    for column, cell in zip(columns, cells, strict=True):
        if column.target is None or not cell.strip():
            continue
        if column.target in _IDENTITIES:
            names.append({_IDENTITIES[column.target]: cell})
            continue
        *groups, member = _place_of(column.target)
        group = record
        for name in groups:
            group = group.setdefault(name, {})
        group[member] = value_of(cell, column)
    if not names:
        raise InvalidInput("The row names nobody.")
    record["user"], *others = sorted(names, key=lambda name: "id" not in name)
    if others:
        record["identities"] = others
    if "events" in record:
        record["events"] = [record["events"]]
    return record


def _place_of(target: str) -> tuple[str, ...]:
    """Return where in a raw record the value of a column stands; of events, in the one event."""
    group, _, member = target.partition(".")
    match group:
        case "record id":
            return ("id",)
        case "event" if not member:
            return ("events", "name")
        case "event" if member.startswith(_PROPERTY):
            return ("events", "properties", member.removeprefix(_PROPERTY))
        case "event":
            return ("events", member)
        case "properties":
            return ("changes", "properties", "set", member)
        case "location" | "channels":
            return ("changes", group, member)
        case _:
            return ("changes", target)


def value_of(cell: str, column: Column) -> Any:
    """Return what a cell says, in the JSON of the API."""
    target = str(column.target)
    if column.kind is not None:
        return _READ[column.kind](cell, target)
    text = cell.strip()
    if target in _DEGREES:
        return _number(text, target)
    if target in _CHANNELS:
        return _truth(text, target)
    return text.upper() if target == "gender" else cell


class Guess:
    """What the values of a property are, as far as its cells allow it.

    It takes nothing for what it may not be: leading zeros, a plus sign or an exponent make a text,
    since codes and phone numbers have them; one text among numbers makes all of them texts.
    """

    def __init__(self) -> None:
        self._possible = dict(_SHAPES)
        self._seen = False

    def see(self, cell: str) -> None:
        if text := cell.strip():
            self._seen = True
            for kind in [k for k, shape in self._possible.items() if not shape.fullmatch(text)]:
                del self._possible[kind]

    @property
    def kind(self) -> PropertyKind:
        return next(iter(self._possible), PropertyKind.TEXT) if self._seen else PropertyKind.TEXT


def _number(cell: str, target: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InvalidInput(f"{target}: this is not a number.") from None


def _truth(cell: str, target: str) -> bool:
    try:
        return _TRUTH[cell.strip().lower()]
    except KeyError:
        raise InvalidInput(f"{target}: this is neither true nor false.") from None


_READ: Final[Mapping[PropertyKind, Callable[[str, str], Any]]] = {
    PropertyKind.TEXT: lambda cell, _: cell,
    PropertyKind.NUMBER: _number,
    PropertyKind.BOOLEAN: _truth,
    PropertyKind.DATE: lambda cell, _: {"date": cell.strip()},
    PropertyKind.DATE_TIME: lambda cell, _: {"dateTime": cell.strip()},
    PropertyKind.TEXT_LIST: lambda cell, _: cell.split(LIST_SEPARATOR),
}


# ---------------------------------------------------------------- rows


class _Physical:
    """The lines that make the row being read; what cannot be read is kept aside."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.of_row: list[Line] = []
        self.unreadable: list[Line] = []

    def __iter__(self) -> "_Physical":
        return self

    def __next__(self) -> str:
        for line in self._lines:
            if line.fault and not self.of_row:
                self.unreadable.append(line)
                continue
            self.of_row.append(line)
            return line.text + "\n"
        raise StopIteration


def rows(lines: Callable[[], Iterator[Line]], mapping: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of a table as raw records.

    It is read twice: what the values of a property are, all of its cells together decide.

    Args:
        lines: Begins with the first line, which is the header, each time it is called.
        mapping: What names in the header mean.

    Raises:
        InvalidInput: the header cannot be used.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    header = _header(lines())
    if header is None:
        return
    delimiter = max(",;\t", key=header.text.count)
    names = next(csv.reader([header.text], delimiter=delimiter))
    columns = columns_of(names, mapping)
    guesses = [Guess() if column.is_guessed else None for column in columns]
    for _, cells in _read(lines(), delimiter):
        if isinstance(cells, list) and len(cells) == len(columns):
            for guess, cell in zip(guesses, cells, strict=True):
                if guess:
                    guess.see(cell)
    decided = [
        replace(column, kind=guess.kind) if guess else column
        for column, guess in zip(columns, guesses, strict=True)
    ]
    for line, cells in _read(lines(), delimiter):
        yield _row(line, cells, decided)


def _header(lines: Iterator[Line]) -> Line | None:
    first = next((line for line in lines if line.fault or line.text.strip()), None)
    if first and first.fault:
        raise InvalidInput(f"Line {first.number}: {first.fault}")
    return first


def _read(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[Line, list[str] | str]]:
    """Yield each row after the header, as its cells or what is wrong, with the lines it fills."""
    _header(lines)
    physical = _Physical(lines)
    reader = csv.reader(physical, delimiter=delimiter, strict=True)
    while True:
        physical.of_row = []
        cells = _cells(reader, physical)
        for line in physical.unreadable:
            yield line, str(line.fault)
        physical.unreadable = []
        if cells is None:
            return
        if isinstance(cells, str) or any(cell.strip() for cell in cells):
            text = "\n".join(line.text for line in physical.of_row)
            yield Line(physical.of_row[0].number, text), cells


def _cells(reader: Any, physical: _Physical) -> list[str] | str | None:
    """Return the cells of the next row, or what is wrong with it; None at the end."""
    try:
        cells: list[str] | None = next(reader, None)
    except csv.Error as error:
        return f"This is no row of a CSV file: {error}."
    fault = next((line.fault for line in physical.of_row if line.fault), None)
    return fault or cells


def _row(line: Line, cells: list[str] | str, columns: Sequence[Column]) -> Row:
    if isinstance(cells, str):
        return Row(line.number, line.text, fault=cells)
    try:
        return Row(line.number, line.text, record_of(columns, cells))
    except InvalidInput as fault:
        return Row(line.number, line.text, fault=str(fault))
