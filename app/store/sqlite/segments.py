"""Segments as rows, changed all together in one transaction."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import orjson

from app.domain.segment import Segments
from app.store.document import from_segment, to_segment
from app.store.sqlite.connection import from_ms, to_ms

Result = TypeVar("Result")


def read(connection: sqlite3.Connection) -> Segments:
    rows = connection.execute("SELECT document FROM segments ORDER BY id")
    segments = (to_segment(orjson.loads(row[0]), from_ms) for row in rows)
    return {segment.id: segment for segment in segments}


def change(
    connection: sqlite3.Connection, step: Callable[[Segments], tuple[Segments, Result]]
) -> Result:
    """Keep what `step` makes of all segments, and return what it returns beside them."""
    before = read(connection)
    after, result = step(before)
    gone = [(id,) for id in before if id not in after]
    connection.executemany("DELETE FROM segments WHERE id = ?", gone)
    connection.executemany(
        "INSERT OR REPLACE INTO segments VALUES (?, ?)",
        [
            (segment.id, orjson.dumps(from_segment(segment, to_ms)).decode())
            for segment in after.values()
            if before.get(segment.id) != segment
        ],
    )
    return result
