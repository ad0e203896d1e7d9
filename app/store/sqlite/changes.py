"""The change log: written in the transaction of each change."""

import sqlite3
from collections.abc import Iterable
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


def append(
    connection: sqlite3.Connection,
    kind: str,
    user_id: str,
    version: int,
    at: datetime,
    event_ids: Iterable[str] = (),
) -> None:
    """Add to the log, within the transaction that makes the change."""
    added = connection.execute(
        "INSERT INTO changes (kind, user, version, at, event_ids) VALUES (?, ?, ?, ?, ?)",
        (kind, user_id, version, to_ms(at), orjson.dumps(list(event_ids)).decode()),
    )
    CHANGES.trim_sometimes(connection, added.lastrowid, 1, to_ms(at))
