"""The feed: every change reaches whom it concerns, the newest of each person, without loss."""

import asyncio
from typing import Any

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, Unavailable, Unsupported
from app.live.feed import Feed, NewestOfEach, changes_feed
from tests.live.logs import HandwrittenStore
from tests.store.databases import until


async def read(subscription: NewestOfEach, count: int) -> list[Change]:
    """Return the next changes of a subscription, as many as that."""
    changes: list[Change] = []
    async with asyncio.timeout(5):
        async for change in subscription:
            changes.append(change)
            if len(changes) == count:
                break
    return changes


def has_all(store: HandwrittenStore, feed: Feed[Change]) -> bool:
    return feed._recent.end == str(len(store.log))


async def test_a_subscriber_is_told_of_the_person_asked_for(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe("ada") as changes:
        store.write("bob")
        change = store.write("ada")
        await until(lambda: has_all(store, feed))

        assert await read(changes, 1) == [change]


async def test_a_subscriber_to_everyone_is_told_of_everyone(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as changes:
        written = [store.write(id) for id in ("ada", "bob", "eve")]

        assert await read(changes, 3) == written


async def test_who_reads_slowly_is_told_the_newest_of_each_person_only(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as changes:
        for _ in range(1_000):
            store.write("ada")
        bob = store.write("bob")
        ada = store.write("ada")
        await until(lambda: has_all(store, feed))

        assert await read(changes, 2) == [bob, ada]
        assert ada.version == 1_001


async def test_versions_only_grow(store: HandwrittenStore, feed: Feed[Change]):
    async with feed.subscribe("ada") as changes:

        async def write() -> None:
            for number in range(200):
                store.write("ada")
                if number % 7 == 0:
                    await asyncio.sleep(0)

        writing = asyncio.create_task(write())
        versions = [0]
        async for change in changes:
            versions.append(change.version)
            if change.version == 200:
                break
        await writing

    assert versions == sorted(set(versions))


async def test_who_was_created_and_then_changed_was_to_a_slow_reader_created(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as changes:
        store.write("ada", ChangeKind.CREATED)
        store.write("ada")
        await until(lambda: has_all(store, feed))

        (change,) = await read(changes, 1)

    assert (change.kind, change.version) == (ChangeKind.CREATED, 2)


async def test_two_hundred_subscribers_are_all_told(store: HandwrittenStore, feed: Feed[Change]):
    async def watch() -> list[Change]:
        async with feed.subscribe("ada") as changes:
            ready.append(True)
            return await read(changes, 1)

    ready: list[bool] = []
    watching = [asyncio.create_task(watch()) for _ in range(200)]
    await until(lambda: len(ready) == 200)

    change = store.write("ada")

    assert await asyncio.gather(*watching) == [[change]] * 200
    assert not feed._subscribers


async def test_leaving_frees_the_queue(store: HandwrittenStore, feed: Feed[Change]):
    async def watch(id: str) -> None:
        async with feed.subscribe(id) as changes:
            await read(changes, 99)

    watching = [asyncio.create_task(watch(id)) for id in ("ada", "ada", "bob", "")]
    await until(lambda: sum(map(len, feed._subscribers.values())) == 4)
    store.write("ada")
    for task in watching:
        task.cancel()
    await asyncio.wait(watching)

    assert not feed._subscribers


async def test_a_log_that_breaks_off_is_read_on_without_loss(
    store: HandwrittenStore, feed: Feed[Change], caplog: pytest.LogCaptureFixture
):
    async with feed.subscribe() as changes:
        written = []
        for number in range(20):
            if number % 5 == 4:
                store.break_off(OSError("ada@example.org"))
            written.append(store.write(f"user {number}"))
            if number % 3 == 0:
                await asyncio.sleep(0)

        assert await read(changes, 20) == written

    assert "ada@example.org" not in caplog.text
    assert len(store.readings) > 1


async def test_nobody_is_told_twice_after_a_break(store: HandwrittenStore, feed: Feed[Change]):
    async with feed.subscribe() as changes:
        first = store.write("ada")
        assert await read(changes, 1) == [first]

        store.break_off(Unavailable("gone"))
        second = store.write("bob")

        assert await read(changes, 1) == [second]


async def test_a_log_that_was_cut_off_ends_every_subscription(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as everyone, feed.subscribe("ada") as ada:
        store.break_off(CursorExpired())

        for changes in (everyone, ada):
            with pytest.raises(CursorExpired):
                await read(changes, 1)

    await until(lambda: feed._recent.end is not None)
    async with feed.subscribe() as changes:
        change = store.write("ada")
        assert await read(changes, 1) == [change]


async def test_what_was_told_before_a_fault_is_read_before_it(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as changes:
        change = store.write("ada")
        await until(lambda: has_all(store, feed))
        store.break_off(CursorExpired())
        await until(lambda: not store.faults)

        assert await read(changes, 1) == [change]
        with pytest.raises(CursorExpired):
            await read(changes, 1)


async def test_a_store_without_a_log_is_unsupported_to_every_subscriber(
    store: HandwrittenStore, feed: Feed[Change]
):
    async with feed.subscribe() as changes:
        store.lose_log()

        with pytest.raises(Unsupported, match="It stands alone"):
            await read(changes, 99)


async def test_a_feed_that_never_read_is_ready_once_it_knows_there_is_no_log(store: Any):
    store.has_log = False

    async with changes_feed(store).running() as feed:
        async with asyncio.timeout(5):
            await feed.ready()

        with pytest.raises(Unsupported):
            async with feed.subscribe() as changes:
                await read(changes, 1)


async def test_a_feed_ends_with_its_block(store: Any):
    before = asyncio.all_tasks()

    async with changes_feed(store).running():
        await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
