"""What was shown of people, kept in memory for as long as it is true.

Triggers note in the table `touched` whose document or identity any process wrote. That something
was written at all shows in `PRAGMA data_version`, which takes a microsecond to read.
"""

import asyncio
import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from app.store.reading import Reading, Shown

MAX_BYTES: Final = 32 * 1024 * 1024
MAX_READINGS: Final = 8
"""In how many ways one person is kept."""

_PERSON_BYTES: Final = 1_000
"""About what it takes to keep somebody, beside what was shown."""

TOUCHED: Final = """
    CREATE TABLE IF NOT EXISTS touched (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        user TEXT NOT NULL
    );
    CREATE TRIGGER IF NOT EXISTS touched_by_creation AFTER INSERT ON users
        BEGIN INSERT INTO touched (user) VALUES (new.id); END;
    CREATE TRIGGER IF NOT EXISTS touched_by_change AFTER UPDATE ON users
        BEGIN INSERT INTO touched (user) VALUES (new.id); END;
    CREATE TRIGGER IF NOT EXISTS touched_by_removal AFTER DELETE ON users
        BEGIN INSERT INTO touched (user) VALUES (old.id); END;
    CREATE TRIGGER IF NOT EXISTS touched_by_unlinking AFTER DELETE ON identities
        BEGIN INSERT INTO touched (user) VALUES (old.user); END;
    CREATE TRIGGER IF NOT EXISTS touched_by_transfer AFTER UPDATE ON identities
        BEGIN INSERT INTO touched (user) VALUES (old.user); END;
    CREATE TRIGGER IF NOT EXISTS touched_no_longer AFTER INSERT ON touched
        WHEN new.seq % 1024 = 0
        BEGIN DELETE FROM touched WHERE seq <= new.seq - 4096; END;
"""


@dataclass
class _Person:
    """What is kept of one person.

    Attributes:
        names: The ids and identities that found them.
        shown: What each reading showed.
        size_bytes: How much that takes.
    """

    names: set[str] = field(default_factory=set)
    shown: dict[Reading[Any], Any] = field(default_factory=dict)
    size_bytes: int = _PERSON_BYTES


class Memory:
    """What one connection read. Whoever asks it refreshes it first, on the same connection."""

    def __init__(self, connection: sqlite3.Connection, max_bytes: int = MAX_BYTES) -> None:
        self._connection = connection
        self._max_bytes = max_bytes
        self._version: Any = None
        self._seq = 0
        self._people: OrderedDict[str, _Person] = OrderedDict()
        self._owners: dict[str, str] = {}
        self._size_bytes = 0
        self._is_fresh = False

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def refresh_once_a_turn(self) -> None:
        """Forget what was written before this turn of the event loop, by whomever.

        Whoever asks within a turn had sent their request before it began: what was acknowledged to
        them by then, they see. `PRAGMA data_version` takes locks of the file, and these take time.
        """
        if not self._is_fresh:
            self.refresh()
            self._is_fresh = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_fresh = False

    def refresh(self) -> None:
        """Forget all that was written since, by whomever."""
        version = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        rows = self._connection.execute(
            "SELECT seq, user FROM touched WHERE seq > ? ORDER BY seq", (self._seq,)
        ).fetchall()
        if rows:
            if rows[0][0] == self._seq + 1:
                for _, user_id in rows:
                    self._forget(user_id)
            else:  # some were dropped unread
                self._people.clear()
                self._owners.clear()
                self._size_bytes = 0
            self._seq = rows[-1][0]
        self._version = version

    def shown(self, name: str, reading: Reading[Shown]) -> Shown | None:
        """Return what the reading showed of whom this id or identity finds, if it is kept."""
        owner = self._owners.get(name)
        if owner is None:
            return None
        person = self._people[owner]
        self._people.move_to_end(owner)
        shown: Shown | None = person.shown.get(reading)
        return shown

    def keep(self, name: str, user_id: str, reading: Reading[Shown], shown: Shown) -> None:
        """Keep what a reading showed of the user whom this id or identity found."""
        size_bytes = reading.size_bytes(shown)
        if size_bytes is None:
            return
        person = self._people.setdefault(user_id, _Person())
        if len(person.shown) >= MAX_READINGS and reading not in person.shown:
            self._forget(user_id)
            person = self._people.setdefault(user_id, _Person())
        if not person.names:
            self._size_bytes += person.size_bytes
        if reading not in person.shown:
            person.size_bytes += size_bytes
            self._size_bytes += size_bytes
        person.shown[reading] = shown
        person.names.add(name)
        self._owners[name] = user_id
        while self._size_bytes > self._max_bytes:
            self._forget(next(iter(self._people)))

    def _forget(self, user_id: str) -> None:
        person = self._people.pop(user_id, None)
        if person:
            self._size_bytes -= person.size_bytes
            for name in person.names:
                if self._owners.get(name) == user_id:
                    del self._owners[name]
