"""The change log: written in the transaction of each change."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import orjson

from app.domain.change import Change, logged_kind
from app.store.sqlite.connection import from_ms, to_ms
from app.store.sqlite.log import LogTable


def _to_change(
    cursor: str, kind: str, user_id: str, version: int, at: int, event_ids: str
) -> Change:
    change_kind, is_news = logged_kind(kind)
    return Change(
        kind=change_kind,
        user_id=user_id,
        version=version,
        at=from_ms(at),
        event_ids=tuple(orjson.loads(event_ids)),
        cursor=cursor,
        is_news=is_news,
    )


CHANGES: Final = LogTable("changes", "", ("kind", "user", "version", "at", "event_ids"), _to_change)


_INSERT: Final = "INSERT INTO changes (kind, user, version, at, event_ids) VALUES (?, ?, ?, ?, ?)"

Told = tuple[str, str, int, datetime, Iterable[str]]
"""Kind, user, version, when, and the events recorded with it."""


def append(
    connection: sqlite3.Connection,
    kind: str,
    user_id: str,
    version: int,
    at: datetime,
    event_ids: Iterable[str] = (),
) -> None:
    """Add to the log, within the transaction that makes the change."""
    added = connection.execute(_INSERT, _row(kind, user_id, version, at, event_ids))
    CHANGES.trim_sometimes(connection, added.lastrowid, 1, to_ms(at))


def append_many(connection: sqlite3.Connection, changes: Sequence[Told]) -> None:
    """Add to the log what `append` takes, one after the other."""
    if not changes:
        return
    connection.executemany(_INSERT, [_row(*change) for change in changes])
    (seq,) = connection.execute("SELECT last_insert_rowid()").fetchone()
    CHANGES.trim_sometimes(connection, seq, len(changes), to_ms(changes[-1][3]))


def _row(
    kind: str, user_id: str, version: int, at: datetime, event_ids: Iterable[str]
) -> tuple[str, str, int, int, str]:
    return kind, user_id, version, to_ms(at), orjson.dumps(list(event_ids)).decode()
