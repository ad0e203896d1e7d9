"""The change log: what everybody changed, in order, to be read on from any point."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, IdentityTaken
from app.domain.user import Edit
from app.store import Store
from tests.builders import NOON, event
from tests.store.databases import Database
from tests.store.steps import (
    both,
    incrementing,
    linking,
    newcomer,
    newcomer_with,
    recording,
    resting,
    setting,
    unlinking,
)

Told = tuple[ChangeKind, str, int]


@pytest.fixture
async def store(logged_database: Database) -> AsyncIterator[Store]:
    async with logged_database.opened() as store:
        yield store


@pytest.fixture
async def other_store(logged_database: Database, store: Store) -> AsyncIterator[Store]:
    async with logged_database.opened() as other:
        yield other


async def read(store: Store, after: str, count: int) -> list[Change]:
    """Return the next changes after the cursor, as many as that."""
    return await read_until(store, after, lambda changes: len(changes) == count)


async def read_until(
    store: Store, after: str, are_all: Callable[[list[Change]], bool]
) -> list[Change]:
    """Return the next changes after the cursor, until those are all that are wanted."""
    changes: list[Change] = []
    async with asyncio.timeout(5), aclosing(store.changes.follow(after)) as log:  # type: ignore[type-var]
        async for change in log:
            changes.append(change)
            if are_all(changes):
                return changes
    raise AssertionError("A log has no end.")


def told(changes: list[Change]) -> list[Told]:
    return [(change.kind, change.user_id, change.version) for change in changes]


async def test_changes_are_told_in_order(store: Store):
    start = await store.changes.cursor()
    ada = (await store.create(newcomer("custom:ada"))).user
    bob = (await store.create(newcomer())).user
    await store.change(ada.id, setting(plan="pro"))
    await store.change(ada.id, linking("custom:countess", "device:d1"))
    await store.change(ada.id, both(linking("custom:other"), unlinking("custom:ada")))
    await store.change(bob.id, incrementing())

    changes = await read(store, start, 6)

    assert told(changes) == [
        (ChangeKind.CREATED, ada.id, 1),
        (ChangeKind.CREATED, bob.id, 1),
        (ChangeKind.UPDATED, ada.id, 2),
        (ChangeKind.UPDATED, ada.id, 3),
        (ChangeKind.UPDATED, ada.id, 4),
        (ChangeKind.UPDATED, bob.id, 2),
    ]
    assert {change.at for change in changes} == {NOON}


async def test_what_one_store_changes_another_is_told(store: Store, other_store: Store):
    start = await other_store.changes.cursor()
    reading = asyncio.create_task(read(other_store, start, 3))
    await asyncio.sleep(0)

    ada = (await store.create(newcomer("custom:ada"))).user
    await store.change(ada.id, incrementing())
    await other_store.change(ada.id, incrementing())

    assert told(await reading) == [
        (ChangeKind.CREATED, ada.id, 1),
        (ChangeKind.UPDATED, ada.id, 2),
        (ChangeKind.UPDATED, ada.id, 3),
    ]


async def test_a_change_names_the_events_it_recorded(store: Store):
    start = await store.changes.cursor()
    ada = (await store.create(newcomer_with(recording(event(id="e1"))))).user
    await store.change(ada.id, recording(event(id="e1"), event(id="e2"), event(id="e3")))

    changes = await read(store, start, 2)

    assert [change.event_ids for change in changes] == [("e1",), ("e2", "e3")]


async def test_a_thousand_events_are_named_by_one_change(store: Store):
    start = await store.changes.cursor()
    events = [event(id=f"{number}") for number in range(1_000)]
    ada = (await store.create(newcomer("custom:ada"))).user
    await store.change(ada.id, recording(*events))
    await store.change(ada.id, incrementing())

    changes = await read(store, start, 3)

    assert changes[1].event_ids == tuple(each.id for each in events)
    assert [change.version for change in changes] == [1, 2, 3]


async def test_a_log_is_read_on_from_every_cursor_without_loss(store: Store, other_store: Store):
    start = await store.changes.cursor()
    ada = (await store.create(newcomer())).user
    for _ in range(5):
        await store.change(ada.id, incrementing())
    changes = await read(store, start, 6)

    for number, change in enumerate(changes[:-1]):
        assert await read(other_store, change.cursor, 5 - number) == changes[number + 1 :]


async def test_what_changes_after_a_cursor_was_taken_is_told(store: Store, other_store: Store):
    for number in range(5):
        cursor = await store.changes.cursor()
        ada = (await other_store.create(newcomer(f"custom:{number}"))).user

        told_ids: list[str] = []
        while ada.id not in told_ids:
            told_ids = [c.user_id for c in await read(store, cursor, len(told_ids) + 1)]


async def test_whoever_reads_from_the_last_cursor_waits_for_the_next_change(store: Store):
    start = await store.changes.cursor()
    ada = (await store.create(newcomer())).user
    (last,) = await read(store, start, 1)
    reading = asyncio.create_task(read(store, last.cursor, 1))
    await asyncio.sleep(0)

    await store.change(ada.id, incrementing())

    assert told(await reading) == [(ChangeKind.UPDATED, ada.id, 2)]


async def test_bookkeeping_and_refusals_are_not_told(store: Store, other_store: Store):
    start = await store.changes.cursor()
    ada = (await store.create(newcomer("custom:ada"))).user
    bob = (await store.create(newcomer("custom:bob"))).user
    await store.change(ada.id, resting)
    await store.change(ada.id, lambda user, _: Edit(user.model_copy(update={"last_seen_at": NOON})))
    for refused in (
        store.change(ada.id, linking("custom:a", "custom:bob")),
        store.create(newcomer("custom:z", "custom:bob")),
    ):
        with pytest.raises(IdentityTaken):
            await refused
    await store.change(bob.id, incrementing())

    changes = await read(other_store, start, 4)
    assert told(changes) == [
        (ChangeKind.CREATED, ada.id, 1),
        (ChangeKind.CREATED, bob.id, 1),
        (ChangeKind.UPDATED, ada.id, 1),  # was seen, which is no news
        (ChangeKind.UPDATED, bob.id, 2),
    ]
    assert [change.is_news for change in changes] == [True, True, False, True]


async def test_racing_writers_are_told_once_each_and_versions_only_grow(
    store: Store, other_store: Store
):
    start = await store.changes.cursor()
    people = [(await store.create(newcomer())).user for _ in range(3)]
    last = {user.id: 11 for user in people}

    await asyncio.gather(
        *(
            each.change(user.id, incrementing())
            for user in people
            for each in [store, other_store] * 5
        )
    )

    def are_all(changes: list[Change]) -> bool:
        return {change.user_id: change.version for change in changes} == last

    changes = await read_until(store, start, are_all)
    for user in people:
        versions = [change.version for change in changes if change.user_id == user.id]
        assert versions == sorted(set(versions))


async def test_two_readers_of_one_store_are_both_told(store: Store):
    start = await store.changes.cursor()
    readers = [asyncio.create_task(read(store, start, 10)) for _ in range(3)]
    ada = (await store.create(newcomer())).user
    for _ in range(9):
        await store.change(ada.id, incrementing())

    first, *others = await asyncio.gather(*readers)

    assert [change.version for change in first] == list(range(1, 11))
    assert others == [first, first]


async def test_a_reader_who_leaves_does_not_end_the_log(store: Store):
    start = await store.changes.cursor()
    leaving = asyncio.create_task(read(store, start, 2))
    ada = (await store.create(newcomer())).user
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    await store.change(ada.id, incrementing())

    assert [change.version for change in await read(store, start, 2)] == [1, 2]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        " ",
        "nonsense",
        "-1",
        "1.5",
        "999999999999",
        "9" * 30,
        "9" * 5_000,
        "r",
        "rABC",
        "rzz",
        "r" + "82" * 40,
        "t",
        "t1",
        "t9999999999.1",
        "t1.9999999999",
        "²",
        "\N{ARABIC-INDIC DIGIT NINE}" * 12,
        "{'$gt': ''}",
    ],
    ids=lambda cursor: ascii(cursor[:14]),
)
async def test_a_cursor_that_is_none_of_ours_has_expired(store: Store, cursor: str):
    await store.create(newcomer())

    with pytest.raises(CursorExpired):
        await read(store, cursor, 1)


async def test_a_page_ends_where_the_log_does(store: Store):
    start = await store.changes.cursor()
    for _ in range(5):
        await store.create(newcomer())
    changes = await read(store, start, 5)

    assert list(await store.changes.page(start, 3)) == changes[:3]
    assert list(await store.changes.page(changes[2].cursor, 3)) == changes[3:]
    assert list(await store.changes.page(changes[4].cursor, 3)) == []


async def test_what_was_logged_lately_can_be_read_again(store: Store, other_store: Store):
    for _ in range(5):
        await store.create(newcomer())

    start = await other_store.changes.recently(1_000)

    assert len(await other_store.changes.page(start, 1_000)) == 5


async def test_entries_follow_those_before_them(store: Store):
    start = await store.changes.cursor()
    for _ in range(3):
        await store.create(newcomer())
    cursors = [change.cursor for change in await read(store, start, 3)]

    for number, cursor in enumerate(cursors):
        assert store.changes.is_after(cursor, start)
        assert [store.changes.is_after(cursor, other) for other in cursors] == [
            other < number for other in range(3)
        ]
