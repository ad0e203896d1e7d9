"""Many changes in one transaction: decided in memory, then each table written once."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Final

from app.domain.catalog import Entries
from app.domain.change import ChangeKind
from app.domain.errors import DomainError, UserNotFound
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.user import User, written_kind
from app.store import Entry, Outcome
from app.store.drafts import Draft, Drafts, changed
from app.store.sqlite import facts, users
from app.store.sqlite.catalog import KnownNames, read_subject
from app.store.sqlite.changes import Told, append_many
from app.store.sqlite.connection import MAX_VARIABLES, for_each, insert_rows

ENTRIES_PER_COMMIT: Final = 500
EVENTS_PER_COMMIT: Final = 5_000
"""Of many changes, so many share a transaction, less than a tenth of a second's work; between two,
others write."""


def sharing(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return those of the first entries, one at least, that share a transaction."""
    events = accumulate(len(entry.event_ids) for entry in entries[:ENTRIES_PER_COMMIT])
    within = sum(1 for _ in takewhile(lambda count: count <= EVENTS_PER_COMMIT, events))
    return entries[: max(1, within)]


class _Reading:
    """What the tables tell, within one transaction."""

    def __init__(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        self._connection = connection
        self._owner_ids = _owner_ids(connection, entries)

    def user(self, user_id: str) -> User | None:
        try:
            return users.root(self._connection, user_id)
        except UserNotFound:
            return None

    def owner_id(self, identity: Identity) -> str | None:
        if identity.key not in self._owner_ids:
            self._owner_ids |= _owners_of(self._connection, [identity.key])
        return self._owner_ids[identity.key]

    def archived_among(self, user: User, event_ids: Collection[str]) -> frozenset[str]:
        return users.archived_among(self._connection, user, event_ids)

    def entries(self, subject: str) -> Entries:
        return read_subject(self._connection, subject)


def _owner_ids(connection: sqlite3.Connection, entries: Sequence[Entry]) -> dict[str, str | None]:
    """Return who has the identities that entries name, looked up together."""
    named = dict.fromkeys(
        ref.key
        for entry in entries
        for ref in (entry.ref, *entry.brings)
        if isinstance(ref, Identity)
    )
    keys, owners = list(named), dict[str, str | None]()
    for start in range(0, len(keys), MAX_VARIABLES):
        owners |= _owners_of(connection, keys[start : start + MAX_VARIABLES])
    return owners


def _owners_of(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, str | None]:
    rows = connection.execute(
        f"SELECT identity, user FROM identities WHERE identity IN ({users.marks(keys)})", keys
    )
    return dict.fromkeys(keys) | dict(rows.fetchall())


def decided(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    limits: Limits,
    counts: Counter[str],
    most_per_user: int | None,
) -> tuple[Drafts, list[Outcome]]:
    """Return what entries make of people, and what became of each; nothing is written."""
    drafts = Drafts(_Reading(connection, entries), limits, counts)
    outcomes: list[Outcome] = []
    for position, entry in enumerate(entries):
        if drafts.is_full(entry, most_per_user):
            break
        try:
            drafts.take(entry, position)
        except DomainError as fault:
            outcomes.append(fault)
        else:
            outcomes.append(None)
    return drafts, outcomes


def write(
    connection: sqlite3.Connection, drafts: Drafts, names: KnownNames, limits: Limits
) -> None:
    """Keep what became of people."""
    people = changed(drafts)
    names.coin(connection, drafts.sightings, limits)
    _pass_identities(connection, people)
    users.insert_many(connection, [d.after for d in people if d.before is None])
    for draft in people:
        if draft.before is not None:
            users.update(connection, draft.before, draft.after)
    facts.index_many(connection, [(draft.before, draft.after) for draft in people])
    for draft in people:
        users.archive(connection, draft.after.id, draft.spilled)
    append_many(connection, list(_told(people)))


def _pass_identities(connection: sqlite3.Connection, people: Iterable[Draft]) -> None:
    """Free the identities that left people, then give those that came: one may do both."""
    gone, come = [], []
    for draft in people:
        before, after = draft.before, draft.after
        if before is not None and before.identities is after.identities:
            continue
        held = {linked.key for linked in before.identities} if before else set()
        kept = {linked.key for linked in after.identities}
        gone += [(key,) for key in held - kept]
        come += [(key, after.id) for key in kept - held]
    for_each(connection, "DELETE FROM identities WHERE identity = ?", gone)
    insert_rows(connection, "INSERT INTO identities", come)


def _told(people: Iterable[Draft]) -> Iterator[Told]:
    """Yield what the log is told of people."""
    for draft in people:
        before, after = draft.before, draft.after
        kind = ChangeKind.CREATED.value if before is None else written_kind(before, after)
        if kind:
            ids = [event.id for event in draft.recorded]
            yield kind, after.id, after.version, after.updated_at, ids
