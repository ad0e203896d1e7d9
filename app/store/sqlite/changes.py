"""The change log: a table written in the transaction of each change."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, Final

import orjson

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired
from app.store.sqlite.connection import from_ms, to_ms

KEPT_CHANGES: Final = 1_000_000
TRIM_EVERY: Final = 10_000
KEPT_MS: Final = 7 * 24 * 3600 * 1000
_READ_AT_ONCE: Final = 1_000
_LOOK_EVERY_S: Final = 0.02
_CURSOR: Final = re.compile("[0-9]{1,18}")


def append(
    connection: sqlite3.Connection,
    kind: ChangeKind,
    user_id: str,
    version: int,
    at: datetime,
    event_ids: Iterable[str] = (),
) -> None:
    """Add to the log, within the transaction that makes the change."""
    added = connection.execute(
        "INSERT INTO changes (kind, user, version, at, event_ids) VALUES (?, ?, ?, ?, ?)",
        (kind.value, user_id, version, to_ms(at), orjson.dumps(list(event_ids)).decode()),
    )
    if (added.lastrowid or 0) % TRIM_EVERY == 0:
        trim(connection, to_ms(at))


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change, also of one that was trimmed since."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    seq: int = row[0] if row else 0
    return seq


async def follow(connection: sqlite3.Connection, after: str) -> AsyncIterator[Change]:
    """Yield every change after the cursor, those of other processes too.

    Other connections' commits show in `PRAGMA data_version`, which costs a microsecond to read.
    """
    seq = _checked(connection, after)
    looked_at = None
    while True:
        version = connection.execute("PRAGMA data_version").fetchone()
        if version == looked_at:
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        rows = connection.execute(
            "SELECT seq, kind, user, version, at, event_ids FROM changes "
            "WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, _READ_AT_ONCE),
        ).fetchall()
        if seq < _log_start(connection):  # asked after: what was dropped before shows here
            raise CursorExpired
        if len(rows) < _READ_AT_ONCE:
            looked_at = version
        for row in rows:
            seq = row[0]
            yield _to_change(row)


def _checked(connection: sqlite3.Connection, cursor: str) -> int:
    if not _CURSOR.fullmatch(cursor):
        raise CursorExpired
    if not _log_start(connection) <= int(cursor) <= last_seq(connection):
        raise CursorExpired
    return int(cursor)


def _log_start(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change that was dropped."""
    (start,) = connection.execute("SELECT seq FROM log_start").fetchone()
    return int(start)


def _to_change(row: tuple[Any, ...]) -> Change:
    seq, kind, user_id, version, at, event_ids = row
    return Change(
        kind=ChangeKind(kind),
        user_id=user_id,
        version=version,
        at=from_ms(at),
        event_ids=tuple(orjson.loads(event_ids)),
        cursor=str(seq),
    )


def trim(connection: sqlite3.Connection, now_ms: int) -> None:
    """Drop the oldest changes, as far as they are too old or too many; never one in between."""
    connection.execute(
        """
        UPDATE log_start SET seq = max(
            seq,
            ifnull((SELECT min(seq) FROM changes WHERE at >= ?) - 1, 0),
            ifnull((SELECT max(seq) FROM changes) - ?, 0)
        )
        """,
        (now_ms - KEPT_MS, KEPT_CHANGES),
    )
    connection.execute("DELETE FROM changes WHERE seq <= (SELECT seq FROM log_start)")
