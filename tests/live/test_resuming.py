"""Going on after a place in the log: from memory, from the store, together with others."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, FellBehind, Unavailable
from app.live import catch_up as catch_up_module
from app.live import feed as feed_module
from app.live import inbox as inbox_module
from app.live.feed import ALL, Feed, changes_feed
from app.live.place import Place
from app.live.watch_events import watch_events
from tests.live.logs import HandwrittenStore
from tests.store.databases import until

MEMORY = 10


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory of few entries, and small pages."""
    monkeypatch.setattr(feed_module, "KEPT_ENTRIES", MEMORY)
    monkeypatch.setattr(feed_module, "MAX_UNREAD", 2 * MEMORY)
    monkeypatch.setattr(feed_module, "PAGE", 3)
    monkeypatch.setattr(catch_up_module, "PAGE", 7)


async def newest(feed: Feed[Change], count: int, key: str = ALL, after: str | None = None):
    """Return the next changes, as many as that, of those who went on after a place."""
    async with asyncio.timeout(5), feed.subscribe(key, after) as changes:
        return await taken(changes, count)


async def every(feed: Feed[Change], count: int, key: str = ALL, after: str | None = None):
    entries: Any = feed.every(key, after)
    async with asyncio.timeout(5), aclosing(entries):
        return await taken(entries, count)


async def taken(changes: Any, count: int) -> list[Any]:
    told = []
    async for change in changes:
        told.append(change)
        if len(told) == count:
            break
    return told


async def written(store: HandwrittenStore, feed: Feed[Change], count: int) -> list[Change]:
    """Let as many people come, one after the other."""
    changes = [store.write(f"u{number}", ChangeKind.CREATED) for number in range(count)]
    await until(lambda: feed.cursor == str(len(store.log)))
    return changes


@pytest.mark.parametrize("away", [0, 1, 5, MEMORY, MEMORY + 1, 25, 60])
async def test_who_was_away_is_told_all_that_came_since(
    store: HandwrittenStore, feed: Feed[Change], away: int
):
    changes = await written(store, feed, 60)
    place = str(60 - away)

    later = asyncio.create_task(newest(feed, away + 1, after=place))
    each = asyncio.create_task(every(feed, away + 1, after=place))
    await asyncio.sleep(0.05)
    last = store.write("new", ChangeKind.CREATED)

    assert await later == [*changes[60 - away :], last]
    assert [change for _, change in await each] == [*changes[60 - away :], last]


async def test_every_entry_comes_with_the_place_before_it(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 30)

    told = await every(feed, 25, after="5")

    assert [(before, change.cursor) for before, change in told] == [
        (str(number), str(number + 1)) for number in range(5, 30)
    ]


async def test_one_persons_changes_are_told_to_who_asks_for_them(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 40)
    store.write("u3")
    await until(lambda: feed.cursor == "41")

    assert [change.version for change in await newest(feed, 1, "u3", "0")] == [2]
    assert [change.version for _, change in await every(feed, 2, "u3", "0")] == [1, 2]


async def test_a_restart_is_no_long_absence(store: HandwrittenStore):
    changes = [store.write(f"u{number}", ChangeKind.CREATED) for number in range(30)]

    async with changes_feed(store).running() as feed:  # type: ignore[arg-type]
        await feed.ready()
        store.pages.clear()

        assert await newest(feed, MEMORY, after=str(30 - MEMORY)) == changes[-MEMORY:]
        assert not store.pages


async def test_who_comes_after_a_restart_is_told_of_nothing_old(store: HandwrittenStore):
    for number in range(30):
        store.write(f"u{number}", ChangeKind.CREATED)

    async with changes_feed(store).running() as feed:  # type: ignore[arg-type]
        await feed.ready()
        told = asyncio.create_task(newest(feed, 1))
        await asyncio.sleep(0.02)
        change = store.write("new", ChangeKind.CREATED)

        assert await told == [change]


async def test_a_thousand_who_come_back_together_share_one_reading(
    store: HandwrittenStore, feed: Feed[Change]
):
    changes = await written(store, feed, 1_000)
    store.pages.clear()
    places = [number * 7 % 900 for number in range(1_000)]

    told = await asyncio.gather(*(newest(feed, 1, after=str(place)) for place in places))

    assert [first for (first,) in told] == [changes[place] for place in places]
    assert len(store.pages) <= 2 * (1_000 / 7)  # twice through the log at the most
    assert not feed._subscribers


async def test_whoever_goes_on_from_a_place_that_is_gone_is_told(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 40)
    store.forgotten = 20

    for place in ("10", "41", "nonsense"):
        with pytest.raises(CursorExpired):
            await newest(feed, 1, after=place)
        with pytest.raises(CursorExpired):
            await every(feed, 1, after=place)
    assert len(await newest(feed, 20, after="20")) == 20


async def test_a_log_that_fails_while_somebody_catches_up_is_unavailable_to_them(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 40)

    store.faults.append(OSError("ada@example.org"))
    with pytest.raises(Unavailable):
        await newest(feed, 1, after="0")

    assert len(await newest(feed, 40, after="0")) == 40


async def test_whoever_leaves_while_catching_up_is_forgotten(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 40)
    leaving = [asyncio.create_task(newest(feed, 99, after="0")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.wait(leaving)

    assert len(await newest(feed, 40, after="0")) == 40
    assert not feed._subscribers


async def behind(store: HandwrittenStore, feed: Feed[Change], *sizes: int) -> Any:
    """Return what a reader is told who read one entry, and then waited while more came.

    Args:
        store: Where they come from.
        feed: Who tells them.
        sizes: How many events each of those entries brings.
    """
    entries: Any = feed.every()
    first = asyncio.create_task(anext(entries))
    await asyncio.sleep(0)
    (change,) = await written(store, feed, 1)
    assert (await first)[1] == change
    for number, size in enumerate(sizes):
        ids = (f"{number}-{event}" for event in range(size))
        store.tell(store.people["u0"], ChangeKind.UPDATED, *ids)
    await until(lambda: feed.cursor == str(len(store.log)))
    return entries


@pytest.mark.parametrize("sizes", [[0] * (2 * MEMORY + 1), [9, 9, 9]])
async def test_who_reads_nothing_though_much_waits_is_told_so(
    store: HandwrittenStore, feed: Feed[Change], monkeypatch: pytest.MonkeyPatch, sizes: list[int]
):
    monkeypatch.setattr(inbox_module, "STILL_AFTER_S", 0)

    async with aclosing(await behind(store, feed, *sizes)) as entries:
        with pytest.raises(FellBehind) as fault:
            await taken(entries, 99)

    assert fault.value.limit == 2 * MEMORY


@pytest.mark.parametrize("sizes", [[0] * (2 * MEMORY + 1), [9, 9, 9], [0] * 99, [9] * 20])
async def test_who_reads_is_told_everything_however_much_comes_at_once(
    store: HandwrittenStore, feed: Feed[Change], sizes: list[int]
):
    async with asyncio.timeout(5), aclosing(await behind(store, feed, *sizes)) as entries:
        told = await taken(entries, len(sizes))

    assert [change for _, change in told] == store.log[1:]
    assert [before for before, _ in told] == [change.cursor for change in store.log[:-1]]


async def test_what_is_remembered_is_bounded_by_the_events(
    store: HandwrittenStore, feed: Feed[Change]
):
    await written(store, feed, 1)
    for number in range(4):
        store.tell(store.people["u0"], ChangeKind.UPDATED, *(f"{number}-{n}" for n in range(5)))
    await until(lambda: feed.cursor == "5")
    store.pages.clear()

    assert len(await every(feed, 2, after="3")) == 2
    assert store.pages == []
    assert len(await every(feed, 3, after="2")) == 3
    assert store.pages == ["2"]


async def test_whoever_was_told_nothing_yet_learns_where_to_go_on(
    store: HandwrittenStore, feed: Feed[Change], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inbox_module, "STILL_AFTER_S", 0)
    events: Any = watch_events(cast("Any", store), feed, key="rare")
    first = asyncio.create_task(anext(events))
    await asyncio.sleep(0.05)

    await written(store, feed, 2 * MEMORY + 1)

    with pytest.raises(FellBehind) as fault:
        await first
    assert fault.value.after == Place(str(2 * MEMORY), f"u{2 * MEMORY - 1}", 1)
