"""The catalog of names as rows, one a name."""

import sqlite3
from collections.abc import Mapping

from app.domain.catalog import (
    EVENTS,
    Coiner,
    Entries,
    Entry,
    Name,
    Sightings,
    check_coined,
    extended,
    new_names,
)
from app.domain.errors import Path
from app.domain.limits import Limits
from app.domain.properties import PropertyKind
from app.domain.user import Edit


def read_subject(connection: sqlite3.Connection, subject: str) -> Entries:
    rows = connection.execute("SELECT key, name, kinds FROM catalog WHERE subject = ?", (subject,))
    return {key: Entry(name, _to_kinds(kinds)) for key, name, kinds in rows}


def read_all(connection: sqlite3.Connection) -> Mapping[str, Entries]:
    subjects: dict[str, dict[str, Entry]] = {}
    for subject, key, name, kinds in connection.execute("SELECT * FROM catalog"):
        subjects.setdefault(subject, {})[key] = Entry(name, _to_kinds(kinds))
    return subjects


def _to_kinds(text: str) -> frozenset[PropertyKind]:
    return frozenset(PropertyKind(kind) for kind in text.split())


class KnownNames:
    """What this process has seen in the catalog: nothing is ever taken out of it, or respelled."""

    def __init__(self) -> None:
        self._known: set[Name] = set()
        self._spelled: dict[str, str] = {}

    def coin(
        self,
        connection: sqlite3.Connection,
        sightings: Sightings,
        limits: Limits,
        coiner: Coiner | None = None,
    ) -> Mapping[str, str]:
        """Enter the names that are new, and return how events are spelled, by key.

        Raises:
            LimitExceeded: there are too many names already, or from the coiner; none was entered.
        """
        unknown = {name: seen for name, seen in sightings.items() if name not in self._known}
        if unknown:
            self._enter(connection, unknown, limits, coiner)
        return {
            name.key: self._spelled.get(name.key) or self._spelling(connection, name.key)
            for name in sightings
            if name.subject == EVENTS
        }

    def keep(self, edit: Edit) -> None:
        """Remember the names in an edit, which are durably in the catalog now."""
        self._known.update(edit.sightings)
        self._spelled.update((event.key, event.name) for event in edit.recorded)

    def _enter(
        self,
        connection: sqlite3.Connection,
        sightings: Sightings,
        limits: Limits,
        coiner: Coiner | None,
    ) -> None:
        subjects = {name.subject for name in sightings}
        if coiner:
            known = {subject: read_subject(connection, subject) for subject in subjects}
            _count_coined(connection, coiner, new_names(known, sightings))
        for subject in subjects:
            self._coin_in(connection, subject, sightings, limits)

    def _coin_in(
        self, connection: sqlite3.Connection, subject: str, sightings: Sightings, limits: Limits
    ) -> None:
        before = read_subject(connection, subject)
        after = extended(subject, before, sightings, limits)
        connection.executemany(
            "INSERT OR REPLACE INTO catalog VALUES (?, ?, ?, ?)",
            [
                (subject, key, entry.name, " ".join(sorted(entry.kinds)))
                for key, entry in after.items()
                if before.get(key) != entry
            ],
        )

    def _spelling(self, connection: sqlite3.Connection, key: str) -> str:
        row = connection.execute(
            "SELECT name FROM catalog WHERE subject = ? AND key = ?", (EVENTS, key)
        ).fetchone()
        name: str = row[0]
        return name


def _count_coined(connection: sqlite3.Connection, coiner: Coiner, places: list[Path]) -> None:
    if not places:
        return
    row = connection.execute(
        "SELECT count FROM coined WHERE coiner = ? AND hour = ?", (coiner.id, coiner.hour)
    ).fetchone()
    coined = row[0] if row else 0
    check_coined(coiner, coined, places)
    connection.execute(
        "INSERT OR REPLACE INTO coined VALUES (?, ?, ?)",
        (coiner.id, coiner.hour, coined + len(places)),
    )
