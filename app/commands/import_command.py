"""`import`: a file of records, or what `export` wrote, into the store."""

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import typer

from app.commands.items import Item, Reading
from app.commands.meter import Meter, metering, rate
from app.commands.opening import opened_store
from app.commands.rejects import Rejects
from app.commands.source import Line, Source, opened
from app.commands.table import rows
from app.commands.taking_in import Taking, Tally
from app.domain.errors import InvalidInput
from app.domain.times import to_utc_ms
from app.operations.terms import Terms
from app.settings import Settings
from app.store import Progress, Store

INTERRUPTED: Final = 130
"""The exit code of whoever was stopped by Ctrl-C."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        path: The file; None for standard input.
        rejects: Where rejected lines go.
        table: Whether it is CSV; told by the name of the file if None.
        mapping: What other column names mean.
        dry_run: Whether to write nothing.
        again: Whether to begin with the first line, wherever an earlier run ended.
    """

    path: Path | None
    rejects: Path
    table: bool | None
    mapping: Mapping[str, Any]
    dry_run: bool
    again: bool

    @property
    def is_table(self) -> bool:
        if self.table is not None or self.path is None:
            return bool(self.table)
        return ".csv" in (suffix.lower() for suffix in self.path.suffixes[-2:])


class _Counted:
    """Lines, and how many there were."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.count = 0

    def __iter__(self) -> Iterator[Line]:
        for line in self._source.lines():
            self.count = line.number
            yield line


def read_mapping(path: Path | None) -> Mapping[str, Any]:
    """Return what a mapping file says.

    Raises:
        InvalidInput: it cannot be used.
    """
    if path is None:
        return {}
    try:
        mapping = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as fault:
        raise InvalidInput(f"The mapping file {str(path)!r} cannot be read: {fault}.") from None
    if not isinstance(mapping, dict) or not all(
        value is None or isinstance(value, str) for value in mapping.values()
    ):
        raise InvalidInput("A mapping file is a JSON object of column name to name, or null.")
    return mapping


async def import_file(asked: Asked, settings: Settings) -> int:
    """Take a file in, say what came of it, and return the exit code.

    Raises:
        Unavailable, InvalidInput, OSError: nothing, or nothing more, can be taken in.
    """
    with opened(asked.path) as source:
        async with opened_store(settings.database, settings.limits) as store:
            before = Progress()
            if not (asked.again or asked.dry_run):
                before = await store.progress(source.identity)
            if before.finished:
                return _was_finished(before)
            with Rejects(asked.rejects, settled_until=before.line) as rejects:
                run = _Run(asked, settings, source, store, rejects, before)
                return await run.to_the_end()


def _was_finished(before: Progress) -> int:
    typer.echo(
        f"This file was imported before: {before.line} lines, {before.rejected} rejected. "
        "Nothing was done; --again imports it once more."
    )
    return 1 if before.rejected else 0


@dataclass
class _Run:
    """One run through the lines of a file."""

    asked: Asked
    settings: Settings
    source: Source
    store: Store
    rejects: Rejects
    before: Progress

    async def to_the_end(self) -> int:
        began = time.monotonic()
        taking = Taking(
            store=self.store,
            terms=self._terms,
            source=self.source.identity,
            reject=self.rejects.note,
            settled=self.rejects.flush,
            dry_run=self.asked.dry_run,
            tally=Tally(line=self.before.line, rejected=self.before.rejected),
        )
        lines = _Counted(self.source)
        with _stopping(taking), metering(self.source.size) as meter:
            await self._through(taking, lines, meter)
        self._sum_up(taking, time.monotonic() - began)
        if taking.stopping:
            return INTERRUPTED
        return 1 if taking.tally.rejected else 0

    async def _through(self, taking: Taking, lines: _Counted, meter: Meter) -> None:
        async for tally in taking.run(self._items(lines), lambda: lines.count):
            meter(tally.line, self.source.position)

    def _terms(self) -> Terms:
        return Terms(to_utc_ms(datetime.now(UTC)), self.settings.limits)

    def _items(self, lines: _Counted) -> Iterator[Item]:
        """Yield what the lines after those of an earlier run bring."""
        terms = self._terms()
        today = terms.now.astimezone(self.settings.time_zone).date()
        reading = Reading(self.source.identity, terms, today)
        if self.asked.is_table:
            for row in rows(lambda: iter(lines), self.asked.mapping):
                if row.number > self.before.line:
                    yield reading.of_row(row)
            return
        for line in lines:
            if line.number > self.before.line and (item := reading.of_line(line)):
                yield item

    def _sum_up(self, taking: Taking, seconds: float) -> None:
        tally, asked = taking.tally, self.asked
        lines = tally.line - self.before.line
        verb = "would be taken in" if asked.dry_run else "taken in"
        known = f", {tally.known} here already" if tally.known else ""
        typer.echo(
            f"{lines} lines: {tally.taken} {verb}{known}, {tally.rejected} rejected, "
            f"in {seconds:.1f} s ({rate(lines, seconds)} a second)."
        )
        if tally.rejected:
            typer.echo(f"Rejected lines, with reasons: {self.rejects.path}")
        if taking.stopping and not asked.dry_run:
            typer.echo(f"Stopped after line {tally.line}; the same command goes on from there.")


@contextmanager
def _stopping(taking: Taking) -> Iterator[None]:
    """Have Ctrl-C end the import after the portion at hand, for as long as the block runs."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        taking.stopping = True

    for number in _SIGNALS:
        with suppress(NotImplementedError):  # Windows has none
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in _SIGNALS:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
