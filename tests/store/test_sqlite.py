"""What only the embedded store has to hold: a file, its one writer, its table of changes."""

import asyncio
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.errors import Busy, CursorExpired, IdentityTaken, Unavailable
from app.domain.listing import UserOrder
from app.domain.user import Edit, User
from app.store import Entry, Store, open_store
from app.store.sqlite import SqliteStore, bulk
from app.store.sqlite.changes import CHANGES
from app.store.sqlite.connection import connect, insert_rows, path_of, prepare, to_ms
from app.store.sqlite.log import KEPT_MS
from app.store.sqlite.writer import QUICK_S
from tests.builders import LIMITS, NOON, event, identity
from tests.store.steps import incrementing, newcomer, newcomer_with, recording, resting


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with open_store(sqlite_url, LIMITS) as store:
        yield store


async def test_the_file_is_its_owners_alone(store: Store, sqlite_url: str):
    await store.create(newcomer())

    folder = path_of(sqlite_url).parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes["people.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_file_whose_name_needs_escaping_can_be_used(tmp_path: Path):
    async with open_store(f"sqlite:///{tmp_path}/a%20b%25.db", LIMITS) as store:
        await store.create(newcomer())

    assert (tmp_path / "a b%.db").exists()


async def test_what_was_answered_is_on_the_disk(store: Store, sqlite_url: str):
    ada = (await store.create(newcomer())).user

    copy = sqlite3.connect(path_of(sqlite_url))
    rows = copy.execute("SELECT id FROM users").fetchall()
    copy.close()
    assert rows == [(ada.id,)]


async def test_what_waits_is_written_before_the_store_closes(sqlite_url: str):
    async with open_store(sqlite_url, LIMITS) as store:
        waiting = [asyncio.create_task(store.create(newcomer())) for _ in range(200)]
        await asyncio.sleep(0)

    assert len(await asyncio.gather(*waiting)) == 200
    async with open_store(sqlite_url, LIMITS) as store:
        assert await store.count() == 200


async def test_a_closed_store_refuses_instead_of_keeping_its_caller_waiting(sqlite_url: str):
    async with open_store(sqlite_url, LIMITS) as store:
        pass

    with pytest.raises((Unavailable, sqlite3.Error, RuntimeError)):
        async with asyncio.timeout(0.5):
            await store.create(newcomer())


async def test_a_caller_who_left_does_not_undo_the_writes_beside_it(store: Store):
    creating = [asyncio.create_task(store.create(newcomer())) for _ in range(30)]
    await asyncio.sleep(0)
    for task in creating[::3]:
        task.cancel()

    outcomes = await asyncio.gather(*creating, return_exceptions=True)

    for outcome in outcomes:
        if isinstance(outcome, Edit):
            assert await store.find(outcome.user.id) == outcome.user
    assert await store.count() >= 20


async def test_a_rival_that_holds_the_file_makes_every_waiting_writer_busy(sqlite_url: str):
    async with open_store(sqlite_url, LIMITS.model_copy(update={"busy_s": 0.2})) as store:
        ada = (await store.create(newcomer())).user
        rival = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
        rival.execute("BEGIN IMMEDIATE")

        outcomes = await asyncio.gather(
            *(store.change(ada.id, incrementing()) for _ in range(5)), return_exceptions=True
        )

        rival.close()
        assert [type(outcome) for outcome in outcomes] == [Busy] * 5
        assert await store.find(ada.id) == ada
        assert (await store.change(ada.id, incrementing())).user.properties == {"n": 1.0}


async def test_readers_do_not_wait_for_a_writer(store: Store, sqlite_url: str):
    ada = (await store.create(newcomer())).user
    rival = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")

    async with asyncio.timeout(1):
        assert await store.find(ada.id) == ada
        assert await store.page(UserOrder.OLDEST, 1, None) == [ada]

    rival.close()


async def test_a_writer_who_waits_for_a_rival_keeps_nobody_else_waiting(
    store: Store, sqlite_url: str
):
    ada = (await store.create(newcomer())).user
    rival = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")

    changing = asyncio.create_task(store.change(ada.id, incrementing()))
    async with asyncio.timeout(1):
        for _ in range(3):
            await asyncio.sleep(0.01)
            assert await store.find(ada.id) == ada

    assert not changing.done()
    rival.execute("ROLLBACK")
    assert (await changing).user.properties == {"n": 1.0}


async def test_what_a_refused_write_began_is_taken_back_alone(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user

    outcomes = await asyncio.gather(
        store.change(ada.id, incrementing()),
        store.create(newcomer("email:ben@example.org", "custom:ada")),
        store.change(ada.id, incrementing()),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], IdentityTaken)
    found = await store.find(ada.id)
    assert found is not None
    assert found.properties == {"n": 2.0}
    ben = (await store.create(newcomer("email:ben@example.org"))).user
    assert await store.find(identity("email:ben@example.org")) == ben
    assert await store.count() == 2


async def test_writes_that_take_long_together_leave_the_loop_between_them(store: Store):
    ada = (await store.create(newcomer())).user
    turns: list[int] = []

    def slowly(user: User, known: frozenset[str]) -> Edit:
        time.sleep(QUICK_S)
        turns.append(turn)
        return incrementing()(user, known)

    changing = [asyncio.create_task(store.change(ada.id, slowly)) for _ in range(5)]
    turn = 0
    while not all(task.done() for task in changing):
        await asyncio.sleep(0)
        turn += 1

    assert len(set(turns)) > 2


# ---------------------------------------------------------------- a disk that is full


@asynccontextmanager
async def small_store(url: str, pages: int) -> AsyncIterator[SqliteStore]:
    """Open a store on a disk that has room for so many pages."""
    path = path_of(url)
    prepare(path, LIMITS.busy_s)

    def on_small_disk() -> sqlite3.Connection:
        connection = connect(path, LIMITS.busy_s)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    store = SqliteStore(on_small_disk, LIMITS)
    try:
        yield store
    finally:
        await store.close()


async def test_a_full_disk_is_unavailable_and_loses_nothing_answered(sqlite_url: str):
    async with small_store(sqlite_url, 60) as store:
        outcomes = await asyncio.gather(
            *(store.create(newcomer(name="x" * 500)) for _ in range(200)), return_exceptions=True
        )

        kept = [outcome.user for outcome in outcomes if isinstance(outcome, Edit)]
        refused = {type(outcome) for outcome in outcomes if not isinstance(outcome, Edit)}
        assert 0 < len(kept) < 200
        for user in kept:
            assert await store.find(user.id) == user
        assert await store.count() == len(kept)
        assert refused == {Unavailable}


async def test_a_write_too_large_for_the_disk_leaves_the_writer_working(sqlite_url: str):
    async with small_store(sqlite_url, 60) as store:
        ada = (await store.create(newcomer())).user
        huge = [event(id=f"{n}", properties={"text": "x" * 500}) for n in range(900)]

        outcomes = await asyncio.gather(
            store.change(ada.id, incrementing()),
            store.change(ada.id, recording(*huge)),
            store.change(ada.id, incrementing()),
            return_exceptions=True,
        )

        assert isinstance(outcomes[1], Exception)
        edit = await store.change(ada.id, incrementing())
        counted = 1 + sum(isinstance(outcomes[n], Edit) for n in (0, 2))
        assert edit.user.properties == {"n": float(counted)}
        assert edit.user.events == ()


# ---------------------------------------------------------------- the log


async def read(store: Store, after: str, count: int) -> list[Change]:
    changes: list[Change] = []
    async with asyncio.timeout(5), aclosing(store.changes.follow(after)) as log:  # type: ignore[type-var]
        async for change in log:
            changes.append(change)
            if len(changes) == count:
                break
    return changes


def trimmed(url: str, now_ms: int) -> None:
    """Trim the log of a file as another process does that is opened later."""
    connection = connect(path_of(url), 5)
    CHANGES.trim(connection, now_ms)
    connection.close()


async def test_trimming_keeps_the_newest_changes_without_a_gap(store: Store, sqlite_url: str):
    # The clocks of two processes may differ, so that a later change bears an earlier time.
    for minutes in (0, 10, 5, 20, 15):
        at = NOON + timedelta(minutes=minutes)
        await store.create(newcomer(created_at=at, updated_at=at))

    trimmed(sqlite_url, to_ms(NOON + timedelta(minutes=8)) + KEPT_MS)

    assert [change.cursor for change in await read(store, "1", 4)] == ["2", "3", "4", "5"]
    with pytest.raises(CursorExpired):
        await read(store, "0", 1)


async def test_trimming_everything_keeps_the_place_of_the_newest(store: Store, sqlite_url: str):
    for _ in range(3):
        await store.create(newcomer())

    trimmed(sqlite_url, to_ms(NOON + timedelta(days=365)))

    assert await store.changes.cursor() == "3"
    ada = (await store.create(newcomer())).user
    assert [change.user_id for change in await read(store, "3", 1)] == [ada.id]


async def test_what_was_erased_is_no_gap(store: Store, sqlite_url: str):
    ada = (await store.create(newcomer())).user
    await store.change(ada.id, incrementing())
    await store.delete(ada.id, NOON)

    trimmed(sqlite_url, to_ms(NOON))

    assert [change.kind for change in await read(store, "1", 1)] == [ChangeKind.DELETED]


async def test_a_reader_who_fell_behind_the_trimmed_log_is_told(store: Store, sqlite_url: str):
    await store.create(newcomer())
    log = store.changes.follow("0")
    first = await anext(log)
    for minutes in (1, 2, 3, 60):
        at = NOON + timedelta(minutes=minutes)
        await store.create(newcomer(created_at=at, updated_at=at))
    trimmed(sqlite_url, to_ms(NOON + timedelta(minutes=30)) + KEPT_MS)

    assert first.cursor == "1"
    with pytest.raises(CursorExpired):
        await anext(log)


async def test_a_log_longer_than_one_look_is_read_whole(store: Store):
    ada = (await store.create(newcomer())).user
    async with asyncio.timeout(20):
        await asyncio.gather(*(store.change(ada.id, incrementing()) for _ in range(2_100)))

    changes = await read(store, "0", 2_101)

    assert [change.version for change in changes] == list(range(1, 2_102))


async def test_two_stores_write_to_one_file_by_turns(sqlite_url: str):
    opened = partial(open_store, sqlite_url, LIMITS)
    async with opened() as one, opened() as other:
        ada = (await one.create(newcomer_with(recording(event())))).user

        await asyncio.gather(*(each.change(ada.id, incrementing()) for each in [one, other] * 100))

        found = await one.find(ada.id)
        assert found is not None
        assert found.properties == {"n": 200.0}
        assert found.version == 201


async def test_a_step_sees_the_person_as_all_before_it_left_them(store: Store):
    ada = (await store.create(newcomer())).user
    met: list[object] = []

    def note(user: User, known: frozenset[str]) -> Edit:
        met.append(user.properties.get("n", 0.0))
        return incrementing()(user, known)

    await asyncio.gather(*(store.change(ada.id, note) for _ in range(150)))

    assert met == list(range(150))


# ---------------------------------------------------------------- what a write costs


@asynccontextmanager
async def observed_store(url: str, statements: list[str]) -> AsyncIterator[SqliteStore]:
    """Open a store that notes which statements it executes, each kind once."""
    path = path_of(url)
    prepare(path, LIMITS.busy_s)

    def note(statement: str) -> None:
        kind = _first_words(statement)
        if kind not in statements:  # one that sets off a trigger is told again
            statements.append(kind)

    def observed() -> sqlite3.Connection:
        connection = connect(path, LIMITS.busy_s)
        connection.set_trace_callback(note)
        return connection

    store = SqliteStore(observed, LIMITS)
    try:
        yield store
    finally:
        await store.close()


def _first_words(statement: str) -> str:
    """Return what a statement does, and to which table."""
    words = statement.replace("OR REPLACE ", "").split()
    match words[0]:
        case "INSERT":
            return " ".join(words[:3])
        case "UPDATE":
            return " ".join(words[:4])
        case "SELECT":
            return f"SELECT FROM {words[words.index('FROM') + 1]}"
        case other:
            return other


async def test_a_change_of_one_property_touches_nothing_else(sqlite_url: str):
    statements: list[str] = []
    async with observed_store(sqlite_url, statements) as store:
        ada = (await store.create(newcomer("email:ada@example.org"))).user
        await store.change(ada.id, incrementing())
        statements.clear()

        await store.change(identity("email:ada@example.org"), incrementing())

    assert statements == [
        "BEGIN", "SELECT FROM users", "UPDATE users SET document",
        "UPDATE user_properties SET v", "INSERT INTO changes", "COMMIT",
    ]  # fmt: skip


async def test_an_event_of_a_known_name_touches_only_its_total(sqlite_url: str):
    statements: list[str] = []
    async with observed_store(sqlite_url, statements) as store:
        ada = (await store.create(newcomer_with(recording(event(id="e1"))))).user
        await store.change(ada.id, recording(event(id="e2")))
        statements.clear()

        await store.change(ada.id, recording(event(id="e3", at=NOON + timedelta(minutes=1))))

    assert statements == [
        "BEGIN", "SELECT FROM users", "UPDATE users SET document",
        "INSERT INTO user_activity", "INSERT INTO changes", "COMMIT",
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 700])
def test_rows_that_are_inserted_many_at_once_all_arrive_in_order(count: int):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE things (number, name)")
    rows = [(number, f"thing {number}") for number in range(count)]

    insert_rows(connection, "INSERT INTO things", rows)

    assert connection.execute("SELECT * FROM things ORDER BY rowid").fetchall() == rows
    connection.close()


@pytest.mark.parametrize(
    ("events", "together"),
    [([0] * 600, 500), ([1_000] * 6, 5), ([4_999, 1, 0, 1], 3), ([9_000, 0], 1), ([0], 1)],
)
def test_changes_with_many_events_share_a_transaction_with_fewer(events, together: int):
    entries = [
        Entry("u1", resting, event_ids=frozenset(str(number) for number in range(count)))
        for count in events
    ]

    assert bulk.sharing(entries) == entries[:together]
