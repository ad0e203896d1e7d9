"""The embedded store: one SQLite file, durable, shared by the processes of one machine.

What takes a protocol on MongoDB is one transaction here.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

import orjson

from app.domain.catalog import Catalog, Sightings, assembled
from app.domain.criteria import Question
from app.domain.errors import Busy, Unavailable
from app.domain.events import Event
from app.domain.identity import Identity
from app.domain.keys import Key
from app.domain.limits import Limits
from app.domain.listing import EventQuery, UserOrder, UserPosition
from app.domain.segment import Segments
from app.domain.user import Edit, User
from app.store import Entry, Merged, Outcome, Progress, Step, UserRef
from app.store.document import to_event
from app.store.reading import Instants, Reading, Shown
from app.store.sqlite import (
    bulk,
    catalog,
    facts,
    keys,
    merging,
    restoring,
    search,
    segments,
    users,
)
from app.store.sqlite.changes import CHANGES
from app.store.sqlite.connection import (
    answering,
    connect,
    from_ms,
    path_of,
    prepare,
    show_ms,
    to_ms,
    told,
)
from app.store.sqlite.log import SqliteLog
from app.store.sqlite.memberships import CROSSINGS, SqliteMemberships
from app.store.sqlite.memory import Memory
from app.store.sqlite.ways import Quickest
from app.store.sqlite.writer import Writer

Result = TypeVar("Result")

WRITER_CACHE_KIB: Final = 8_192
"""So much of the indexes stays at hand; SQLite's own 2 MB make a large import wait for its disk.
More is not faster, since the system keeps the file's pages, too."""


@asynccontextmanager
async def open_sqlite(url: str, limits: Limits) -> AsyncIterator["SqliteStore"]:
    """Open the file that the URL names, and make it if there is none."""
    path = path_of(url)
    await asyncio.to_thread(prepare, path, limits.busy_s)
    store = SqliteStore(partial(connect, path, limits.busy_s), limits)
    try:
        await store.trim_logs(datetime.now(UTC))
        yield store
    finally:
        await store.close()


class SqliteStore:
    """The `Store` contract on one file.

    Looking up a person takes some ten microseconds, changing one some two hundred, and both happen
    on the event loop; whatever may take longer, or waits for the disk, has a thread of its own.
    """

    instants = Instants(to_ms, from_ms, show_ms)

    def __init__(self, connect: Callable[[], sqlite3.Connection], limits: Limits) -> None:
        self._limits = limits
        self._names = catalog.KnownNames()
        self._lookups = connect()
        self._memory = Memory(self._lookups)
        self._quickest = Quickest()
        self._scans = connect()
        for connection in (self._lookups, self._scans):
            connection.create_function("distance_m", 4, facts.distance_m, deterministic=True)
        self._scan_thread = ThreadPoolExecutor(1, "sqlite-scan")
        writing = connect()
        writing.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
        self._writer = Writer(writing, limits.busy_s)
        self.changes = SqliteLog(self._lookups, CHANGES)
        self.crossings = SqliteLog(self._lookups, CROSSINGS)
        self.memberships = SqliteMemberships(self._lookups, self._writer)

    async def find(self, ref: UserRef) -> User | None:
        with answering():
            return self._find(ref)

    async def find_many(self, refs: Sequence[UserRef]) -> list[User | None]:
        with answering(), self._one_instant():
            return [self._find(ref) for ref in refs]

    def _find(self, ref: UserRef) -> User | None:
        text = self._document(ref)
        return None if text is None else users.decode(text)

    def _document(self, ref: UserRef) -> str | None:
        return users.document(self._lookups, ref)

    async def whose(self, ref: UserRef) -> str | None:
        with answering():
            return users.whose(self._lookups, ref)

    async def read(self, refs: Sequence[UserRef], reading: Reading[Shown]) -> list[Shown | None]:
        with answering():
            if len(refs) == 1:
                self._memory.refresh()
                return [self._read(refs[0], reading)]
            with self._one_instant():
                self._memory.refresh()
                return [self._read(ref, reading) for ref in refs]

    def at_hand(self, ref: UserRef, reading: Reading[Shown]) -> Shown | None:
        try:
            self._memory.refresh_once_a_turn()
        except sqlite3.DatabaseError as fault:
            raise told(fault) from None
        return self._memory.shown(ref if isinstance(ref, str) else ref.key, reading)

    def _read(self, ref: UserRef, reading: Reading[Shown]) -> Shown | None:
        name = ref if isinstance(ref, str) else ref.key
        kept = self._memory.shown(name, reading)
        if kept is not None:
            return kept
        text = self._document(ref)
        if text is None:
            return None
        document = orjson.loads(text)
        shown = reading.show(document)
        self._memory.keep(name, document["_id"], reading, shown)
        return shown

    @contextmanager
    def _one_instant(self) -> Iterator[None]:
        """Let all look-ups of the block see the same."""
        self._lookups.execute("BEGIN")
        try:
            yield
        finally:
            self._lookups.execute("COMMIT")

    async def read_page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None,
        reading: Reading[Shown],
    ) -> list[Shown]:
        with answering(), self._one_instant():
            self._memory.refresh()
            if question is None:
                ids: list[str] | None = search.page_of_all(self._lookups, order, first, after)
            else:
                ids = search.found_quickly(
                    self._lookups, question, order, first, after, self._quickest
                )
            if ids is not None:
                rows = [self._read(id, reading) for id in ids]
                return [row for row in rows if row is not None]
        texts = await self._page(order, first, after, question)
        return [reading.show(orjson.loads(text)) for text in texts]

    async def create(self, edit: Edit) -> Edit:
        return await self._write(
            lambda connection: users.insert(connection, edit, self._names, self._limits)
        )

    async def change(self, ref: UserRef, step: Step, event_ids: Collection[str] = ()) -> Edit:
        return await self._write(
            lambda connection: users.change(
                connection, ref, step, event_ids, self._names, self._limits
            )
        )

    async def take_in(
        self, entries: Sequence[Entry], *, dry_run: bool = False, most_per_user: int | None = None
    ) -> list[Outcome]:
        if dry_run:
            return await self._scan(
                lambda connection: _judged(connection, entries, self._limits, most_per_user)
            )
        counts: Counter[str] = Counter()
        outcomes: list[Outcome] = []
        while len(outcomes) < len(entries):
            some = bulk.sharing(entries[len(outcomes) :])
            job = partial(self._take_some, entries=some, counts=counts, most_per_user=most_per_user)
            try:
                done = await self._writer.run(job)
            except Busy:
                if outcomes:
                    raise Unavailable("Others wrote for too long; part of it was kept.") from None
                raise
            outcomes += done
            if len(done) < len(some):
                break
        return outcomes

    def _take_some(
        self,
        connection: sqlite3.Connection,
        entries: Sequence[Entry],
        counts: Counter[str],
        most_per_user: int | None,
    ) -> list[Outcome]:
        drafts, outcomes = bulk.decided(connection, entries, self._limits, counts, most_per_user)
        bulk.write(connection, drafts, self._names, self._limits)
        return outcomes

    async def whole(self, user_id: str) -> User | None:
        return await self._scan(lambda scans: _whole(scans, user_id))

    async def restore(self, user: User, sightings: Sightings) -> bool:
        return await self._writer.run(
            lambda connection: restoring.restore(
                connection, user, sightings, self._names, self._limits
            )
        )

    async def deleted_ids(self, first: int, after: str = "") -> list[str]:
        with answering():
            return restoring.deleted_ids(self._lookups, first, after)

    async def bury(self, user_id: str) -> None:
        await self._writer.run(lambda connection: restoring.bury(connection, user_id))

    async def coin(self, sightings: Sightings) -> None:
        await self._writer.run(
            lambda connection: self._names.coin(connection, sightings, self._limits)
        )

    async def progress(self, source: str) -> Progress:
        with answering():
            return restoring.progress(self._lookups, source)

    async def note_progress(self, source: str, progress: Progress) -> None:
        await self._writer.run(
            lambda connection: restoring.note_progress(connection, source, progress)
        )

    async def transfer(self, identity: Identity, from_id: str, to_id: str, now: datetime) -> bool:
        return await self._writer.run(
            lambda connection: merging.transfer(
                connection, identity, from_id, to_id, now, self._limits
            )
        )

    async def merge(
        self,
        into_id: str,
        other_id: str,
        now: datetime,
        *,
        anonymous_only: bool = False,
        keep: Identity | None = None,
        dry_run: bool = False,
    ) -> Merged | None:
        return await self._writer.run(
            lambda connection: merging.merge(
                connection,
                into_id,
                other_id,
                now,
                self._limits,
                anonymous_only=anonymous_only,
                keep=keep,
                dry_run=dry_run,
            )
        )

    async def delete(self, user_id: str, now: datetime) -> str:
        deleted = await self._writer.run(
            lambda connection: merging.delete(connection, user_id, now)
        )
        # Until a checkpoint, what was erased still stands in the write-ahead log.
        await self._scan(lambda scans: scans.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        return deleted

    async def repair(self) -> Mapping[str, int]:
        """Return nothing: a transaction is finished or never was."""
        return {}

    async def _write(self, job: Callable[[sqlite3.Connection], Edit]) -> Edit:
        edit = await self._writer.run_quickly(job)
        self._memory.note_write()
        self._names.keep(edit)
        return edit

    async def page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None = None,
    ) -> list[User]:
        texts = await self._page(order, first, after, question)
        return [users.decode(text) for text in texts]

    async def _page(
        self, order: UserOrder, first: int, after: UserPosition | None, question: Question | None
    ) -> list[str]:
        candidates = self._limits.candidates
        return await self._scan(
            lambda connection: search.page(connection, question, order, first, after, candidates)
        )

    async def count(self, question: Question | None = None) -> int:
        candidates = self._limits.candidates
        return await self._scan(lambda connection: search.count(connection, question, candidates))

    async def archived_by_key(self, user: User, keys: frozenset[str]) -> list[Event]:
        with answering():
            return search.archived_by_key(self._lookups, user, keys)

    async def archived_by_id(self, user: User, event_ids: Sequence[str]) -> list[Event]:
        with answering():
            return users.archived_by_id(self._lookups, user, event_ids)

    async def archived_events(self, user: User, query: EventQuery, limit: int) -> list[Event]:
        ids = users.history_ids(user)
        where, arguments = [f"user IN ({users.marks(ids)})"], [*ids]
        for condition, argument in _event_conditions(query):
            where.append(condition)
            arguments.extend(argument)
        sql = (
            f"SELECT document FROM event_archive WHERE {' AND '.join(where)} "
            "ORDER BY at DESC, id DESC LIMIT ?"
        )
        with answering():
            rows = self._lookups.execute(sql, (*arguments, limit)).fetchall()
        return [to_event(orjson.loads(row[0]), from_ms) for row in rows]

    async def segments(self) -> Segments:
        with answering():
            return segments.read(self._lookups)

    async def change_segments(self, step: Callable[[Segments], tuple[Segments, Result]]) -> Result:
        return await self._writer.run(lambda connection: segments.change(connection, step))

    async def catalog(self) -> Catalog:
        with answering():
            return assembled(catalog.read_all(self._lookups))

    async def keys(self) -> list[Key]:
        with answering():
            return keys.read(self._lookups)

    async def add_key(self, key: Key) -> None:
        await self._writer.run(lambda connection: keys.insert(connection, key))

    async def revoke_key(self, id: str, now: datetime) -> bool:
        return await self._writer.run(lambda connection: keys.revoke(connection, id, now))

    async def trim_logs(self, now: datetime) -> None:
        """Drop what the logs no longer have to keep."""

        def trim(connection: sqlite3.Connection) -> None:
            for table in (CHANGES, CROSSINGS):
                table.trim(connection, to_ms(now))

        await self._writer.run(trim)

    async def ping(self) -> None:
        with answering():
            self._lookups.execute("SELECT 1 FROM users LIMIT 1").fetchone()

    async def close(self) -> None:
        """Finish what waits to be written, and close the file."""
        await self._writer.close()
        await asyncio.to_thread(self._scan_thread.shutdown)
        self._scans.close()
        self._lookups.close()

    async def _scan(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        with answering():
            return await loop.run_in_executor(self._scan_thread, job, self._scans)


@contextmanager
def _as_of_one_instant(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("COMMIT")


def _judged(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    limits: Limits,
    most_per_user: int | None,
) -> list[Outcome]:
    """Return what would become of entries."""
    with _as_of_one_instant(connection):
        return bulk.decided(connection, entries, limits, Counter(), most_per_user)[1]


def _whole(connection: sqlite3.Connection, user_id: str) -> User | None:
    with _as_of_one_instant(connection):
        return restoring.whole(connection, user_id)


def _event_conditions(query: EventQuery) -> list[tuple[str, list[Any]]]:
    conditions: list[tuple[str, list[Any]]] = []
    if query.key is not None:
        conditions.append(("key = ?", [query.key]))
    if query.since is not None:
        conditions.append(("at >= ?", [to_ms(query.since)]))
    if query.until is not None:
        conditions.append(("at < ?", [to_ms(query.until)]))
    if query.after is not None:
        conditions.append(("(at, id) < (?, ?)", [to_ms(query.after.at), query.after.id]))
    return conditions
