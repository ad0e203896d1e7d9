"""Keys as rows, without the keys themselves."""

import sqlite3
from datetime import datetime
from typing import Any

from app.domain.keys import Key, KeyRole
from app.store.sqlite.connection import from_ms, to_ms

_COLUMNS = "id, role, trusting, name, fingerprint, created_at, revoked_at"


def read(connection: sqlite3.Connection) -> list[Key]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY id")
    return [_to_key(row) for row in rows]


def insert(connection: sqlite3.Connection, key: Key) -> None:
    row = (key.id, key.role.value, key.trusting, key.name, key.fingerprint, to_ms(key.created_at))
    connection.execute(f"INSERT INTO keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL)", row)


def revoke(connection: sqlite3.Connection, id: str, now: datetime) -> bool:
    """Note since when the key opens nothing, and return whether there is such a key."""
    update = "UPDATE keys SET revoked_at = ifnull(revoked_at, ?) WHERE id = ?"
    return connection.execute(update, (to_ms(now), id)).rowcount > 0


def _to_key(row: tuple[Any, ...]) -> Key:
    id, role, trusting, name, fingerprint, created_at, revoked_at = row
    return Key(
        id=id,
        role=KeyRole(role),
        trusting=bool(trusting),
        name=name,
        fingerprint=fingerprint,
        created_at=from_ms(created_at),
        revoked_at=None if revoked_at is None else from_ms(revoked_at),
    )
