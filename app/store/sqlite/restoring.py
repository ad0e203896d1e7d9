"""People who come back from elsewhere, and how far files were taken in."""

import sqlite3

import orjson

from app.domain.catalog import Sightings
from app.domain.change import ChangeKind
from app.domain.errors import InvalidInput, UserNotFound
from app.domain.limits import Limits
from app.domain.profile import check_same
from app.domain.user import User, folded, respelled, unfolded
from app.store import Progress
from app.store.document import to_event
from app.store.restored import known_id
from app.store.sqlite import facts, users
from app.store.sqlite.catalog import KnownNames
from app.store.sqlite.changes import append
from app.store.sqlite.connection import from_ms


def whole(connection: sqlite3.Connection, user_id: str) -> User | None:
    """Return a user with all events; the connection has to be in a transaction."""
    try:
        user = users.root(connection, user_id)
    except UserNotFound:
        return None
    ids = users.history_ids(user)
    rows = connection.execute(
        f"SELECT document FROM event_archive WHERE user IN ({users.marks(ids)})", ids
    )
    return unfolded(user, (to_event(orjson.loads(row[0]), from_ms) for row in rows))


def restore(
    connection: sqlite3.Connection,
    user: User,
    sightings: Sightings,
    names: KnownNames,
    limits: Limits,
) -> bool:
    """Keep a user with all events and ids; return whether it was not there yet."""
    there = whole(connection, user.id)
    if there is not None:
        check_same(there, user)
        return False
    for position, id in enumerate(users.history_ids(user)):
        if _is_known(connection, id):
            raise known_id(position)
    edit = respelled(folded(user, limits), names.coin(connection, sightings, limits))
    users.claim(connection, user.id, user.identities)
    users.insert_many(connection, [edit.user])
    facts.index(connection, None, edit.user)
    users.archive(connection, user.id, edit.spilled)
    connection.executemany(
        "INSERT INTO merged_users VALUES (?, ?)", [(id, user.id) for id in user.absorbed]
    )
    append(connection, ChangeKind.CREATED.value, user.id, user.version, user.updated_at)
    return True


def _is_known(connection: sqlite3.Connection, user_id: str) -> bool:
    tables = ("users", "merged_users", "deleted_users")
    return any(
        connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (user_id,)).fetchone()
        for table in tables
    )


def deleted_ids(connection: sqlite3.Connection, first: int, after: str) -> list[str]:
    rows = connection.execute(
        "SELECT id FROM deleted_users WHERE id > ? ORDER BY id LIMIT ?", (after, first)
    )
    return [row[0] for row in rows]


def bury(connection: sqlite3.Connection, user_id: str) -> None:
    """Keep an id from ever finding anybody."""
    for table in ("users", "merged_users"):
        if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (user_id,)).fetchone():
            raise InvalidInput("A person with this id is here.", ("deleted",))
    connection.execute("INSERT OR IGNORE INTO deleted_users VALUES (?)", (user_id,))


def progress(connection: sqlite3.Connection, source: str) -> Progress:
    row = connection.execute(
        "SELECT line, rejected, finished FROM imports WHERE source = ?", (source,)
    ).fetchone()
    return Progress() if row is None else Progress(row[0], row[1], bool(row[2]))


def note_progress(connection: sqlite3.Connection, source: str, progress: Progress) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO imports VALUES (?, ?, ?, ?)",
        (source, progress.line, progress.rejected, progress.finished),
    )
