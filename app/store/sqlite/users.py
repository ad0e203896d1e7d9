"""What one write does to the tables, inside the writer's transaction."""

import dataclasses
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import orjson

from app.domain.change import ChangeKind
from app.domain.errors import IdentityTaken, UserNotFound
from app.domain.events import Event
from app.domain.identity import Identity, LinkedIdentity
from app.domain.limits import Limits
from app.domain.user import Edit, User, respelled, written_kind
from app.store import Step, UserRef
from app.store.document import (
    Document,
    from_event,
    rewritten,
    to_document,
    to_event,
    to_user,
)
from app.store.sqlite import facts
from app.store.sqlite.catalog import KnownNames
from app.store.sqlite.changes import append
from app.store.sqlite.connection import MAX_VARIABLES, for_each, from_ms, insert_rows, to_ms

_BY_ID: Final = "id = ifnull((SELECT survivor FROM merged_users WHERE id = :ref), :ref)"
_BY_IDENTITY: Final = "id = (SELECT user FROM identities WHERE identity = :ref)"

_EVENTS: Final = ',"events":'
_AFTER_EVENTS: Final = ',"archived":'
"""What the events of a document stand between. Within a text, JSON has no quotation mark without a
backslash before it, so nothing that somebody wrote can look like this."""

_COLUMNS: Final = ("document", *facts.COLUMNS)
_INTO_USERS: Final = f"INSERT INTO users (id, {', '.join(_COLUMNS)})"


def decode(text: str) -> User:
    return to_user(_parsed(text), from_ms)


def _parsed(text: str) -> Document:
    """Return a document whose events stay text: of most people nobody reads all of them."""
    start = text.index(_EVENTS) + len(_EVENTS)
    end = text.rindex(_AFTER_EVENTS)
    parsed: Document = orjson.loads(f"{text[:start]}null{text[end:]}")
    parsed["events"] = text[start:end]
    return parsed


def encode(user: User) -> str:
    return _text(to_document(user, to_ms))


def _text(kept: Document) -> str:
    events = kept["events"]
    if isinstance(events, str):
        kept = kept | {"events": orjson.Fragment(events)}
    return orjson.dumps(kept).decode()


def document(connection: sqlite3.Connection, ref: UserRef) -> str | None:
    """Return the document of whom an identity finds, or an id: the survivor of a merged user."""
    return _looked_up(connection, ref, "document")


def whose(connection: sqlite3.Connection, ref: UserRef) -> str | None:
    """Return the id of whom `document` returns."""
    return _looked_up(connection, ref, "id")


def _looked_up(connection: sqlite3.Connection, ref: UserRef, column: str) -> str | None:
    where, name = (_BY_ID, ref) if isinstance(ref, str) else (_BY_IDENTITY, ref.key)
    row = connection.execute(f"SELECT {column} FROM users WHERE {where}", {"ref": name}).fetchone()
    return row and str(row[0])


def root(connection: sqlite3.Connection, ref: UserRef) -> User:
    """Return whom an identity finds, or an id: the survivor of a merged user.

    Raises:
        UserNotFound: that is nobody.
    """
    found = document(connection, ref)
    if found is None:
        raise UserNotFound
    return decode(found)


def insert(connection: sqlite3.Connection, edit: Edit, names: KnownNames, limits: Limits) -> Edit:
    """Keep a new user with all identities, or raise IdentityTaken."""
    edit = respelled(edit, names.coin(connection, edit.sightings, limits, edit.coiner))
    user = edit.user
    claim(connection, user.id, user.identities)
    insert_rows(connection, _INTO_USERS, [_row(user)])
    facts.index(connection, None, user)
    archive(connection, user.id, edit.spilled)
    recorded_ids = [event.id for event in edit.recorded]
    append(
        connection, ChangeKind.CREATED.value, user.id, user.version, user.updated_at, recorded_ids
    )
    return edit


def insert_many(connection: sqlite3.Connection, people: Iterable[User]) -> None:
    """Write the documents of new users; identities are apart."""
    insert_rows(connection, _INTO_USERS, [_row(user) for user in people])


def _row(user: User) -> tuple[Any, ...]:
    return user.id, encode(user), *facts.columns_of(user)


def update(
    connection: sqlite3.Connection, before: User, after: User, read: Document | None = None
) -> None:
    """Write the document of a user who is there; identities are apart.

    A column that is set, though to the same value, makes SQLite write the indexes over it again.

    Args:
        connection: Where to.
        before: As stored.
        after: What shall stand instead.
        read: The document that `before` was made of, if it is at hand.
    """
    written = encode(after) if read is None else _text(rewritten(read, before, after, to_ms))
    columns = facts.changed_columns(before, after)
    assignments = "".join(f", {column} = ?" for column in columns)
    connection.execute(
        f"UPDATE users SET document = ?{assignments} WHERE id = ?",
        (written, *columns.values(), after.id),
    )


def change(
    connection: sqlite3.Connection,
    ref: UserRef,
    step: Step,
    event_ids: Collection[str],
    names: KnownNames,
    limits: Limits,
) -> Edit:
    """Keep what `step` makes of the user."""
    text = document(connection, ref)
    if text is None:
        raise UserNotFound
    read = _parsed(text)
    before = to_user(read, from_ms)
    edit = step(before, archived_among(connection, before, event_ids))
    if edit.user is before or edit.user == before:
        return dataclasses.replace(edit, sightings={})  # nothing is written, and no name coined
    edit = respelled(edit, names.coin(connection, edit.sightings, limits, edit.coiner))
    if edit.user.identities is not before.identities:
        held, kept = _keys(before), _keys(edit.user)
        _release(connection, [i for i in before.identities if i.key not in kept])
        claim(connection, before.id, [i for i in edit.user.identities if i.key not in held])
    replace(connection, before, edit, read)
    return edit


def replace(
    connection: sqlite3.Connection, before: User, edit: Edit, read: Document | None = None
) -> None:
    """Write the user's document, what spills from it, and the change; identities are apart."""
    user = edit.user
    update(connection, before, user, read)
    facts.index(connection, before, user)
    archive(connection, user.id, edit.spilled)
    if kind := written_kind(before, user):
        recorded_ids = [event.id for event in edit.recorded]
        append(connection, kind, user.id, user.version, user.updated_at, recorded_ids)


def _keys(user: User) -> set[str]:
    return {identity.key for identity in user.identities}


def claim(
    connection: sqlite3.Connection, user_id: str, identities: Iterable[LinkedIdentity]
) -> None:
    """Give identities to a user, or raise IdentityTaken."""
    for identity in identities:
        connection.execute(
            "INSERT OR IGNORE INTO identities VALUES (?, ?)", (identity.key, user_id)
        )
        (owner,) = connection.execute(
            "SELECT user FROM identities WHERE identity = ?", (identity.key,)
        ).fetchone()
        if owner != user_id:
            raise IdentityTaken(identity.identity, owner)


def _release(connection: sqlite3.Connection, identities: Iterable[Identity]) -> None:
    for_each(
        connection,
        "DELETE FROM identities WHERE identity = ?",
        [(identity.key,) for identity in identities],
    )


def history_ids(user: User) -> list[str]:
    """Return the ids under which the user's archived events stand."""
    return [user.id, *user.absorbed]


def marks(values: Sequence[object]) -> str:
    """Return as many question marks as there are values."""
    return ", ".join("?" * len(values))


def archived_among(
    connection: sqlite3.Connection, user: User, event_ids: Collection[str]
) -> frozenset[str]:
    """Return those of the events that are in the user's archive."""
    if not user.archived:
        return frozenset()
    found: set[str] = set()
    ids, histories = list(event_ids), history_ids(user)
    for start in range(0, len(ids), MAX_VARIABLES):
        some = ids[start : start + MAX_VARIABLES]
        rows = connection.execute(
            f"SELECT id FROM event_archive WHERE user IN ({marks(histories)}) "
            f"AND id IN ({marks(some)})",
            [*histories, *some],
        )
        found.update(row[0] for row in rows)
    return frozenset(found)


def archived_by_id(
    connection: sqlite3.Connection, user: User, event_ids: Sequence[str]
) -> list[Event]:
    """Return those of the events that the user's archive holds."""
    histories = history_ids(user)
    found = []
    for event_id in event_ids:
        found += connection.execute(
            f"SELECT document FROM event_archive WHERE id = ? AND user IN ({marks(histories)})",
            [event_id, *histories],
        ).fetchall()
    return [to_event(orjson.loads(row[0]), from_ms) for row in found]


def archive(connection: sqlite3.Connection, user_id: str, events: Iterable[Event]) -> None:
    """Keep events under the user's id."""
    for_each(
        connection,
        "INSERT OR IGNORE INTO event_archive VALUES (?, ?, ?, ?, ?)",
        [(user_id, event.id, event.key, to_ms(event.at), _encode_event(event)) for event in events],
    )


def _encode_event(event: Event) -> str:
    document: dict[str, Any] = from_event(event, to_ms)
    return orjson.dumps(document).decode()
