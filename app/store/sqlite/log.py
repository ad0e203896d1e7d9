"""A log: a table that grows with each transaction, read in the order in which it was written."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from app.domain.errors import CursorExpired
from app.store.sqlite.connection import answering

Entry = TypeVar("Entry")

KEPT_ENTRIES: Final = 1_000_000
KEPT_MS: Final = 7 * 24 * 3600 * 1000
TRIM_EVERY: Final = 10_000
ENDLESS: Final = 2**63 - 1
LOOK_EVERY_S: Final = 0.01
READ_AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class LogTable(Generic[Entry]):
    """A table whose rows are entries, numbered by `seq` without reuse.

    Attributes:
        name: The table; it has the columns `seq` and `at`, in milliseconds, among others.
        prefix: Begins its cursors, so that those of one log are not taken for another's.
        columns: What an entry is made of, after its number.
        to_entry: Makes one of the cursor and these columns.
    """

    name: str
    prefix: str
    columns: tuple[str, ...]
    to_entry: Callable[..., Entry]

    def trim(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Drop the oldest entries, if they are too old or too many; never one in between.

        Where entries were erased, nothing was dropped: whoever was there can still read on.
        """
        connection.execute(
            f"""
            UPDATE log_starts SET seq = max(
                seq,
                ifnull(
                    (
                        SELECT max(seq) FROM {self.name} WHERE seq < ifnull(
                            (SELECT min(seq) FROM {self.name} WHERE at >= ?), {ENDLESS}
                        )
                    ),
                    0
                ),
                ifnull((SELECT max(seq) FROM {self.name}) - ?, 0)
            ) WHERE log = ?
            """,
            (now_ms - KEPT_MS, KEPT_ENTRIES, self.name),
        )
        connection.execute(
            f"DELETE FROM {self.name} WHERE seq <= (SELECT seq FROM log_starts WHERE log = ?)",
            (self.name,),
        )

    def trim_sometimes(
        self, connection: sqlite3.Connection, seq: int | None, added: int, now_ms: int
    ) -> None:
        """Trim after every so many entries, of which the last `added` are new, `seq` the newest."""
        if (seq or 0) % TRIM_EVERY < added:
            self.trim(connection, now_ms)


class SqliteLog(Generic[Entry]):
    """The `Log` contract on a table."""

    def __init__(self, connection: sqlite3.Connection, table: LogTable[Entry]) -> None:
        self._connection = connection
        self._table = table
        self._shape = re.compile(f"{table.prefix}([0-9]{{1,18}})")

    async def cursor(self) -> str:
        with answering():
            return self._cursor_of(self._last_seq())

    def is_after(self, cursor: str, other: str) -> bool:
        start = len(self._table.prefix)
        return int(cursor[start:]) > int(other[start:])

    async def recently(self, limit: int) -> str:
        with answering():
            return self._cursor_of(max(self._last_seq() - limit, self._start()))

    async def page(self, after: str, limit: int) -> list[Entry]:
        with answering():
            return self._read(self._checked(after), limit)[0]

    async def follow(self, after: str) -> AsyncIterator[Entry]:
        """Yield every entry after the cursor, those of other processes too.

        Other connections' commits show in `PRAGMA data_version`, which costs a microsecond to read.
        """
        seq = self._checked(after)
        looked_at = None
        while True:
            version = self._connection.execute("PRAGMA data_version").fetchone()
            if version == looked_at:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            entries, seq = self._read(seq, READ_AT_ONCE)
            if len(entries) < READ_AT_ONCE:
                looked_at = version
            for entry in entries:
                yield entry

    def _read(self, seq: int, limit: int) -> tuple[list[Entry], int]:
        """Return the entries after a number, and the number of the last one."""
        table = self._table
        rows = self._connection.execute(
            f"SELECT seq, {', '.join(table.columns)} FROM {table.name} "
            "WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        ).fetchall()
        if seq < self._start():  # asked after: what was dropped before shows here
            raise CursorExpired
        entries = [table.to_entry(self._cursor_of(row[0]), *row[1:]) for row in rows]
        return entries, rows[-1][0] if rows else seq

    def _checked(self, cursor: str) -> int:
        shape = self._shape.fullmatch(cursor)
        if shape is None or not self._start() <= int(shape[1]) <= self._last_seq():
            raise CursorExpired
        return int(shape[1])

    def _cursor_of(self, seq: int) -> str:
        return f"{self._table.prefix}{seq}"

    def _last_seq(self) -> int:
        """Return the number of the newest entry, also of one that was trimmed since."""
        row: tuple[int] | None = self._connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (self._table.name,)
        ).fetchone()
        return row[0] if row else 0

    def _start(self) -> int:
        """Return the number of the newest entry that was dropped."""
        row: tuple[Any] = self._connection.execute(
            "SELECT seq FROM log_starts WHERE log = ?", (self._table.name,)
        ).fetchone()
        return int(row[0])
