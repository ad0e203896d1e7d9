"""What one write does to the tables, inside the writer's transaction."""

import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import orjson

from app.domain.change import ChangeKind
from app.domain.errors import IdentityTaken, UserNotFound
from app.domain.events import Event
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.user import Edit, User, respelled
from app.store import Step
from app.store.document import from_event, to_document, to_user
from app.store.sqlite.catalog import KnownNames
from app.store.sqlite.connection import from_ms, to_ms

_MAX_VARIABLES: Final = 500


def decode(document: str) -> User:
    return to_user(orjson.loads(document), from_ms)


def _encode(user: User) -> str:
    return orjson.dumps(to_document(user, to_ms)).decode()


def insert(connection: sqlite3.Connection, edit: Edit, names: KnownNames, limits: Limits) -> Edit:
    """Keep a new user with all identities, or raise IdentityTaken."""
    edit = respelled(edit, names.coin(connection, edit.sightings, limits))
    _claim(connection, edit.user.id, edit.user.identities)
    connection.execute(
        "INSERT INTO users VALUES (?, ?, ?)",
        (edit.user.id, _ms_or_none(edit.user.last_seen_at), _encode(edit.user)),
    )
    _archive(connection, edit.user.id, edit.spilled)
    _log(connection, ChangeKind.CREATED, edit)
    return edit


def change(
    connection: sqlite3.Connection,
    user_id: str,
    step: Step,
    event_ids: Collection[str],
    names: KnownNames,
    limits: Limits,
) -> Edit:
    """Keep what `step` makes of the user."""
    row = connection.execute("SELECT document FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        raise UserNotFound
    before = decode(row[0])
    edit = step(before, _archived_among(connection, before, event_ids))
    if edit.user is before or edit.user == before:
        return edit
    edit = respelled(edit, names.coin(connection, edit.sightings, limits))
    held, kept = _keys(before), _keys(edit.user)
    _claim(connection, user_id, [i for i in edit.user.identities if i.key not in held])
    _release(connection, [i for i in before.identities if i.key not in kept])
    connection.execute(
        "UPDATE users SET last_seen = ?, document = ? WHERE id = ?",
        (_ms_or_none(edit.user.last_seen_at), _encode(edit.user), user_id),
    )
    _archive(connection, user_id, edit.spilled)
    if edit.user.version != before.version:
        _log(connection, ChangeKind.UPDATED, edit)
    return edit


def _keys(user: User) -> set[str]:
    return {identity.key for identity in user.identities}


def _ms_or_none(instant: datetime | None) -> int | None:
    return None if instant is None else to_ms(instant)


def _claim(connection: sqlite3.Connection, user_id: str, identities: Iterable[Identity]) -> None:
    for identity in identities:
        connection.execute(
            "INSERT OR IGNORE INTO identities VALUES (?, ?)", (identity.key, user_id)
        )
        (owner,) = connection.execute(
            "SELECT user FROM identities WHERE identity = ?", (identity.key,)
        ).fetchone()
        if owner != user_id:
            raise IdentityTaken(identity, owner)


def _release(connection: sqlite3.Connection, identities: Iterable[Identity]) -> None:
    connection.executemany(
        "DELETE FROM identities WHERE identity = ?", [(identity.key,) for identity in identities]
    )


def _archived_among(
    connection: sqlite3.Connection, user: User, event_ids: Collection[str]
) -> frozenset[str]:
    if not user.archived:
        return frozenset()
    found: set[str] = set()
    ids = list(event_ids)
    for start in range(0, len(ids), _MAX_VARIABLES):
        some = ids[start : start + _MAX_VARIABLES]
        marks = ", ".join("?" * len(some))
        rows = connection.execute(
            f"SELECT id FROM event_archive WHERE user = ? AND id IN ({marks})",  # noqa: S608
            [user.id, *some],
        )
        found.update(row[0] for row in rows)
    return frozenset(found)


def _archive(connection: sqlite3.Connection, user_id: str, events: Iterable[Event]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO event_archive VALUES (?, ?, ?, ?, ?)",
        [(user_id, event.id, event.key, to_ms(event.at), _encode_event(event)) for event in events],
    )


def _encode_event(event: Event) -> str:
    document: dict[str, Any] = from_event(event, to_ms)
    return orjson.dumps(document).decode()


def _log(connection: sqlite3.Connection, kind: ChangeKind, edit: Edit) -> None:
    connection.execute(
        "INSERT INTO changes (kind, user, version, at, event_ids) VALUES (?, ?, ?, ?, ?)",
        (
            kind.value,
            edit.user.id,
            edit.user.version,
            to_ms(edit.user.updated_at),
            orjson.dumps([event.id for event in edit.recorded]).decode(),
        ),
    )
