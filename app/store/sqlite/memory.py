"""What was shown of people, kept in memory for as long as it is true.

Triggers note in the table `touched` whose document or identity any process wrote. That something
was written at all shows in `PRAGMA data_version`, which takes a microsecond to read.
"""

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any, Final

from app.store.kept import MAX_BYTES, Kept
from app.store.reading import Reading, Shown

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

WRITES_UNREAD: Final = 1_000
"""After so many of one's own, while nobody reads, it is time to look who was written to: what is
noted is dropped after 4 096 of everybody's, and then all that was kept is forgotten."""


class Memory:
    """What one connection read. Whoever asks it refreshes it first, on the same connection."""

    def __init__(self, connection: sqlite3.Connection, max_bytes: int = MAX_BYTES) -> None:
        self._connection = connection
        self._kept = Kept(max_bytes)
        self._version: Any = None
        self._seq = 0
        self._is_fresh = False
        self._unread = 0

    @property
    def size_bytes(self) -> int:
        return self._kept.size_bytes

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

    def note_write(self) -> None:
        """Keep up with what this process writes, also while nobody reads."""
        self._unread += 1
        if self._unread >= WRITES_UNREAD:
            with suppress(sqlite3.DatabaseError):  # whoever reads next is told of it
                self.refresh()

    def refresh(self) -> None:
        """Forget all that was written since, by whomever."""
        self._unread = 0
        version = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        rows = self._connection.execute(
            "SELECT seq, user FROM touched WHERE seq > ? ORDER BY seq", (self._seq,)
        ).fetchall()
        if rows:
            if rows[0][0] == self._seq + 1:
                for _, user_id in rows:
                    self._kept.forget(user_id)
            else:  # some were dropped unread
                self._kept.forget_all()
            self._seq = rows[-1][0]
        self._version = version

    def shown(self, name: str, reading: Reading[Shown]) -> Shown | None:
        """Return what the reading showed of whom this id or identity finds, if it is kept."""
        owner = self._kept.owner(name, reading)
        return None if owner is None else self._kept.shown(name, owner, _AS_IT_IS, reading)

    def keep(self, name: str, user_id: str, reading: Reading[Shown], shown: Shown) -> None:
        """Keep what a reading showed of the user whom this id or identity found."""
        self._kept.keep(name, user_id, _AS_IT_IS, reading, shown)


_AS_IT_IS: Final = 0
"""Stands for a revision: whoever is written to is forgotten."""
