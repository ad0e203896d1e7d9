"""What a line of a file brings: a record, or something that `export` wrote."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from app.commands.exported import MARK, Exported, parse_exported
from app.commands.source import Line
from app.commands.table import Row
from app.domain.errors import DomainError, InvalidInput
from app.domain.records import Record, parse_record
from app.domain.records_input import checked_record
from app.operations.terms import Terms


@dataclass(frozen=True)
class Item:
    """A line, read.

    Attributes:
        number: Of the line.
        text: As it stands there.
        what: What it brings, or why it cannot be used.
    """

    number: int
    text: str
    what: Record | Exported | DomainError


@dataclass(frozen=True)
class Reading:
    """Reads lines, and gives ids to what has none.

    Attributes:
        identity: Of the file; with a line's number it makes an id that is the same next time.
        terms: When, and within which limits.
        today: The day against which a birthday is judged.
    """

    identity: str
    terms: Terms
    today: date

    def of_line(self, line: Line) -> Item | None:
        """Return what a line of NDJSON brings; None for a blank one."""
        if line.fault:
            return Item(line.number, line.text, InvalidInput(line.fault))
        if not line.text.strip():
            return None
        try:
            what = self._what(_parsed(line.text), line.number)
        except DomainError as fault:
            return Item(line.number, line.text, fault)
        return Item(line.number, line.text, what)

    def of_row(self, row: Row) -> Item:
        """Return what a row of a table brings."""
        if row.record is None:
            return Item(row.number, row.text, InvalidInput(row.fault or "The row is empty."))
        try:
            what = self._record(row.record, row.number)
        except DomainError as fault:
            return Item(row.number, row.text, fault)
        return Item(row.number, row.text, what)

    def _what(self, raw: Any, number: int) -> Record | Exported:
        if isinstance(raw, dict) and MARK in raw:
            return parse_exported(raw, self.today, self.terms.limits)
        return self._record(raw, number)

    def _record(self, raw: Any, number: int) -> Record:
        record = checked_record(raw)
        base = f"{self.identity}:{number}"
        ids = [f"{base}:{position}" for position in range(len(record.get("events") or ()))]
        if record.get("id") is None:
            record = {**record, "id": base}
        return parse_record(record, self.terms.now, self.today, ids, self.terms.limits)


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise InvalidInput(f"This is no JSON: {fault.msg} (character {fault.colno}).") from None
