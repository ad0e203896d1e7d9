"""Merging, deleting, and passing a device on: each within the writer's one transaction."""

import sqlite3
from datetime import datetime
from typing import Final

from app.domain.change import ChangeKind
from app.domain.events import event_key
from app.domain.handover import arrived, departed, device_of
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.merge import Lost, Overlap, merged, previewed
from app.domain.user import User
from app.store import Merged
from app.store.sqlite import memberships
from app.store.sqlite.changes import append
from app.store.sqlite.connection import from_ms, to_ms
from app.store.sqlite.users import archived_by_id, history_ids, marks, replace, root

PERSONAL: Final = (
    ("users", "id"),
    ("user_properties", "user"),
    ("user_activity", "user"),
    ("merged_users", "id"),
    ("event_archive", "user"),
    ("identities", "user"),
)
"""Where everything stands that is kept about a person, and under which column. Of the change log,
deletion leaves that somebody was merged; what names people, an export shows."""


def transfer(
    connection: sqlite3.Connection,
    identity: Identity,
    from_id: str,
    to_id: str,
    now: datetime,
    limits: Limits,
) -> bool:
    """Pass a device on, and return whether the first user had it."""
    giver, taker = root(connection, from_id), root(connection, to_id)
    if not giver.has(identity):
        return False
    if giver.id == taker.id:
        return True
    edit = arrived(taker, identity, device_of(giver, identity), now, limits)
    replace(connection, giver, departed(giver, identity, now))
    replace(connection, taker, edit)
    connection.execute(
        "UPDATE identities SET user = ? WHERE identity = ?", (taker.id, identity.key)
    )
    _release_all_but(connection, edit.user)
    return True


def _release_all_but(connection: sqlite3.Connection, user: User) -> None:
    """Free the identities that are still under the user's id but no longer the user's."""
    held = [identity.key for identity in user.identities]
    connection.execute(
        f"DELETE FROM identities WHERE user = ? AND identity NOT IN ({marks(held)})",
        [user.id, *held],
    )


def merge(
    connection: sqlite3.Connection,
    into_id: str,
    other_id: str,
    now: datetime,
    limits: Limits,
    *,
    anonymous_only: bool,
    keep: Identity | None,
    dry_run: bool,
) -> Merged | None:
    """Make one user of two; None if they are one, or the other is not as anonymous as it must."""
    into, other = root(connection, into_id), root(connection, other_id)
    if into.id == other.id or (anonymous_only and other.identified):
        return None
    overlap = _overlap(connection, into, other)
    edit = merged(into, other, overlap, now, limits, keep)
    survivor, absorbed = sorted((into, other), key=lambda user: user.id)
    if dry_run:
        lost = [event.id for event in overlap.lost if event.archived]
        return Merged(previewed(edit, archived_by_id(connection, into, lost)), absorbed.id)
    _forget_copies(connection, other, overlap)
    replace(connection, survivor, edit)
    _absorb(connection, absorbed, edit.user)
    return Merged(edit.user, absorbed.id)


def _absorb(connection: sqlite3.Connection, absorbed: User, survivor: User) -> None:
    ids = (survivor.id, absorbed.id)
    connection.execute("UPDATE merged_users SET survivor = ? WHERE survivor = ?", ids)
    connection.execute("INSERT INTO merged_users VALUES (?, ?)", (absorbed.id, survivor.id))
    connection.execute("DELETE FROM users WHERE id = ?", (absorbed.id,))
    connection.execute("DELETE FROM user_properties WHERE user = ?", (absorbed.id,))
    connection.execute("DELETE FROM user_activity WHERE user = ?", (absorbed.id,))
    connection.execute("UPDATE identities SET user = ? WHERE user = ?", ids)
    _release_all_but(connection, survivor)
    append(connection, ChangeKind.MERGED.value, absorbed.id, survivor.version, survivor.updated_at)


def _overlap(connection: sqlite3.Connection, into: User, other: User) -> Overlap:
    """Return the events that both have, and what is left of the other's."""
    histories = {"into": into, "other": other}
    for name, user in histories.items():
        _collect_history(connection, name, user)
    lost = [
        Lost(id, key, bool(archived))
        for id, key, archived in connection.execute(
            "SELECT id, key, archived FROM temp.other_history "
            "WHERE id IN (SELECT id FROM temp.into_history)"
        )
    ]
    spans = {key: _span(connection, key) for key in {event.key for event in lost}}
    for name in histories:
        connection.execute(f"DROP TABLE temp.{name}_history")
    return Overlap(tuple(lost), spans)


def _collect_history(connection: sqlite3.Connection, name: str, user: User) -> None:
    """Make a temporary table of a user's whole history, each event once."""
    ids = history_ids(user)
    connection.execute(
        f"CREATE TEMP TABLE {name}_history (id TEXT PRIMARY KEY, key TEXT, at INTEGER, archived)"
    )
    connection.execute(
        f"INSERT INTO temp.{name}_history "
        f"SELECT id, key, at, true FROM event_archive WHERE user IN ({marks(ids)})",
        ids,
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO temp.{name}_history VALUES (?, ?, ?, false)",
        [(event.id, event_key(event.name), to_ms(event.at)) for event in user.events],
    )


def _span(connection: sqlite3.Connection, key: str) -> tuple[datetime, datetime] | None:
    first, last = connection.execute(
        "SELECT min(at), max(at) FROM temp.other_history "
        "WHERE key = ? AND id NOT IN (SELECT id FROM temp.into_history)",
        (key,),
    ).fetchone()
    return None if first is None else (from_ms(first), from_ms(last))


def _forget_copies(connection: sqlite3.Connection, other: User, overlap: Overlap) -> None:
    """Drop the other's archived copies of events that the winner has."""
    ids = history_ids(other)
    connection.executemany(
        f"DELETE FROM event_archive WHERE id = ? AND user IN ({marks(ids)})",
        [(event.id, *ids) for event in overlap.lost if event.archived],
    )


def delete(connection: sqlite3.Connection, user_id: str, now: datetime) -> str:
    """Erase a user and all whom the user absorbed; only their random ids stay."""
    user = root(connection, user_id)
    ids = history_ids(user)
    memberships.erase(connection, ids, now)
    for table, column in PERSONAL:
        connection.execute(
            f"DELETE FROM {table} WHERE {column} IN ({marks(ids)})",
            ids,
        )
    # That they were merged stays told: it is how who watches them learns that they are gone.
    connection.execute(
        f"DELETE FROM changes WHERE user IN ({marks(ids)}) AND kind != ?",
        [*ids, ChangeKind.MERGED.value],
    )
    connection.executemany("INSERT INTO deleted_users VALUES (?)", [(id,) for id in ids])
    append(connection, ChangeKind.DELETED.value, user.id, user.version + 1, now)
    return user.id
