"""Connections to the database file, and the tables in it."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from app.domain.errors import Busy, Unavailable
from app.domain.times import show_utc
from app.store.sqlite.memory import TOUCHED

FORMAT: Final = 5
"""The version of the tables and documents; a file with a higher one is refused."""

MAX_VARIABLES: Final = 500
"""So many values a statement takes; no SQLite takes fewer than 999."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC: Final = _EPOCH.replace(tzinfo=None)
_MILLISECOND: Final = timedelta(milliseconds=1)

TABLES: Final = """
    CREATE TABLE IF NOT EXISTS users (
        id TEXT PRIMARY KEY,
        last_seen INTEGER,
        created_at INTEGER NOT NULL,
        birthday TEXT,
        gender TEXT,
        language TEXT,
        country TEXT,
        region TEXT,
        city TEXT,
        latitude REAL,
        longitude REAL,
        has_push INTEGER NOT NULL,
        opted_out TEXT NOT NULL,
        name TEXT,
        email TEXT,
        phone TEXT,
        timezone TEXT,
        folded_name TEXT,
        folded_email TEXT,
        folded_phone TEXT,
        folded_timezone TEXT,
        document TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS users_by_last_seen ON users (last_seen, id);
    CREATE INDEX IF NOT EXISTS users_by_birthday ON users (birthday);
    CREATE INDEX IF NOT EXISTS users_by_email ON users (email);
    CREATE INDEX IF NOT EXISTS users_by_phone ON users (phone);
    CREATE TABLE IF NOT EXISTS user_properties (
        user TEXT NOT NULL,
        k TEXT NOT NULL,
        t TEXT NOT NULL,
        v,
        f TEXT
    );
    CREATE INDEX IF NOT EXISTS user_properties_by_user ON user_properties (user, k);
    CREATE INDEX IF NOT EXISTS user_properties_by_value ON user_properties (k, t, v, user);
    CREATE INDEX IF NOT EXISTS user_properties_by_text ON user_properties (k, t, f, user);
    CREATE TABLE IF NOT EXISTS user_activity (
        user TEXT NOT NULL,
        key TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (user, key)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS user_activity_by_key
        ON user_activity (key, last_at, first_at, count, user);
    CREATE TABLE IF NOT EXISTS merged_users (
        id TEXT PRIMARY KEY,
        survivor TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS merged_users_by_survivor ON merged_users (survivor);
    CREATE TABLE IF NOT EXISTS deleted_users (
        id TEXT PRIMARY KEY
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS identities (
        identity TEXT PRIMARY KEY,
        user TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS identities_by_user ON identities (user);
    CREATE TABLE IF NOT EXISTS event_archive (
        user TEXT NOT NULL,
        id TEXT NOT NULL,
        key TEXT NOT NULL,
        at INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (user, id)
    );
    CREATE INDEX IF NOT EXISTS event_archive_by_time ON event_archive (user, at, id);
    CREATE INDEX IF NOT EXISTS event_archive_by_name ON event_archive (user, key, at, id);
    CREATE TABLE IF NOT EXISTS catalog (
        subject TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        kinds TEXT NOT NULL,
        PRIMARY KEY (subject, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS coined (
        coiner TEXT PRIMARY KEY,
        hour TEXT NOT NULL,
        count INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS segments (
        id TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS imports (
        source TEXT PRIMARY KEY,
        line INTEGER NOT NULL,
        rejected INTEGER NOT NULL,
        finished INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS keys (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        trusting INTEGER NOT NULL,
        name TEXT,
        fingerprint TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        revoked_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS changes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        user TEXT NOT NULL,
        version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        event_ids TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS changes_by_user ON changes (user);
    CREATE TABLE IF NOT EXISTS memberships (
        segment TEXT NOT NULL,
        user TEXT NOT NULL,
        member INTEGER NOT NULL,
        due INTEGER,
        PRIMARY KEY (user, segment)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS memberships_by_due ON memberships (due) WHERE due IS NOT NULL;
    CREATE TABLE IF NOT EXISTS crossings (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        segment TEXT NOT NULL,
        user TEXT NOT NULL,
        at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS crossings_by_user ON crossings (user);
    CREATE TABLE IF NOT EXISTS leadership (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        document TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS log_starts (
        log TEXT PRIMARY KEY,
        seq INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO log_starts VALUES ('changes', 0), ('crossings', 0);
"""

UPGRADES: Final = {
    1: """
    UPDATE log_starts SET seq = (SELECT seq FROM log_start) WHERE log = 'changes';
    DROP TABLE log_start;
    """,
    2: "",
    3: "",
    4: "",
}
"""What has to be done, beside making the tables that are missing, to leave a format."""


@lru_cache(1_000)
def to_ms(instant: datetime) -> int:
    """Return an instant as SQLite keeps it: milliseconds since 1970 in UTC.

    What a call writes mostly happens at one instant, which stands a dozen times in each person.
    """
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND


def show_ms(milliseconds: int) -> str:
    """Return what the API shows of an instant as SQLite keeps it."""
    return show_utc(_EPOCH_IN_UTC + milliseconds * _MILLISECOND)


@contextmanager
def answering() -> Iterator[None]:
    """Turn SQLite's word for a file that cannot be used into ours."""
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise told(fault) from None


def told(fault: sqlite3.DatabaseError) -> Exception:
    """Return what a caller is told: that others write, that the file is unusable, or a bug."""
    if isinstance(fault, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return fault
    if getattr(fault, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
        return Busy()
    return Unavailable(f"The database cannot be used: {fault}.")


def for_each(connection: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement for each row; for none it is not even prepared, which takes as long."""
    if rows:
        connection.executemany(sql, rows)


def insert_rows(connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, as many of them with each statement as it may have variables.

    Starting and ending a statement, and taking the interpreter back after it, costs a third of
    what a row does.

    Args:
        connection: Where to.
        into: The statement, up to where the values of a row stand.
        rows: All of one length.
    """
    if not rows:
        return
    at_once = MAX_VARIABLES // len(rows[0])
    of_many = len(rows) // at_once * at_once
    for start in range(0, of_many, at_once):
        values = [*chain.from_iterable(rows[start : start + at_once])]
        connection.execute(_insertion(into, len(rows[0]), at_once), values)
    for_each(connection, _insertion(into, len(rows[0]), 1), rows[of_many:])


@cache
def _insertion(into: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{into} VALUES {', '.join([row] * rows)}"


def path_of(url: str) -> Path:
    """Return the file that a `sqlite:///` URL names, relative unless a fourth slash follows."""
    path = unquote(url.removeprefix("sqlite:///"))
    if path == url or not path:
        raise ValueError(
            "A SQLite URL has the form sqlite:///relative.db or sqlite:////absolute.db."
        )
    return Path(path)


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """Return a connection in autocommit mode that may be used from any one thread at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {round(busy_s * 1000)}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def prepare(path: Path, busy_s: float) -> None:
    """Make the file, readable by its owner alone, and its tables.

    Raises:
        Unavailable: the file cannot be used, or a newer version of this program wrote it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = connect(path, busy_s)
    except (OSError, sqlite3.Error) as fault:
        raise Unavailable(f"The database file {str(path)!r} cannot be used: {fault}.") from None
    try:
        _create_tables(connection)
    except sqlite3.Error as fault:
        raise Unavailable(f"The database file {str(path)!r} cannot be used: {fault}.") from None
    finally:
        connection.close()


def _create_tables(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise Unavailable(f"The database has format {found}; this version knows up to {FORMAT}.")
    if found < FORMAT:
        left = range(found, FORMAT) if found else ()  # a new file has no format to leave
        upgrades = "".join(UPGRADES[number] for number in left)
        connection.executescript(
            f"BEGIN IMMEDIATE; {TABLES} {TOUCHED} {upgrades} PRAGMA user_version = {FORMAT}; COMMIT"
        )
