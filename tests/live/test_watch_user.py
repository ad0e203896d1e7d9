"""Watching one person: as they are, then as they become."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from weakref import ref

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.errors import Unsupported
from app.live.feed import Feed, changes_feed
from app.live.watch_user import UserChange, watch_user
from app.store import Store, UserRef, open_store
from tests.builders import LIMITS, NOON, identity
from tests.live.logs import HandwrittenStore
from tests.store.databases import until
from tests.store.steps import incrementing, linking, newcomer, setting

ADA = identity("custom:ada")


class Watcher:
    """Somebody who watches, and what they were shown.

    Attributes:
        shown: All so far.
    """

    def __init__(self, store: Any, feed: Feed[Change], ref: UserRef) -> None:
        self.shown: list[UserChange] = []
        self._task = asyncio.create_task(self._watch(store, feed, ref))

    async def _watch(self, store: Any, feed: Feed[Change], ref: UserRef) -> None:
        async with aclosing(watch_user(store, feed, ref, NOON)) as changes:  # type: ignore[type-var]
            async for change in changes:
                self.shown.append(change)

    async def shown_version(self, version: int) -> list[UserChange]:
        """Return all that was shown, once it reaches this version."""
        await until(lambda: any(c.user and c.user.version >= version for c in self.shown))
        return self.shown

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await self._task


Watch = Callable[[Any, Feed[Change], UserRef], Watcher]


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """Make watchers, who leave when the test ends."""
    watchers: list[Watcher] = []

    def watch(store: Any, feed: Feed[Change], ref: UserRef) -> Watcher:
        watchers.append(Watcher(store, feed, ref))
        return watchers[-1]

    yield watch
    for watcher in watchers:
        await watcher.leave()


def seen(changes: list[UserChange]) -> list[tuple[ChangeKind, int]]:
    return [(change.kind, change.user.version) for change in changes if change.user]


async def everybody_waits(feed: Feed[Change], count: int = 1) -> None:
    await until(lambda: sum(map(len, feed._subscribers.values())) == count)


async def test_a_watcher_sees_the_person_as_they_are_then_each_change(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    store.write("ada", ChangeKind.CREATED, ADA.key)
    watcher = watch(store, feed, ADA)
    await watcher.shown_version(1)

    store.write("ada")
    shown = await watcher.shown_version(2)

    assert seen(shown) == [(ChangeKind.CURRENT, 1), (ChangeKind.UPDATED, 2)]
    assert shown[1].user == store.people["ada"]


async def test_a_watcher_waits_for_somebody_who_is_not_there_yet(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    watcher = watch(store, feed, ADA)
    await everybody_waits(feed)
    store.write("bob", ChangeKind.CREATED)
    store.write("ada", ChangeKind.CREATED, ADA.key)
    await watcher.shown_version(1)

    store.write("ada")
    shown = await watcher.shown_version(2)

    assert seen(shown) == [(ChangeKind.CREATED, 1), (ChangeKind.UPDATED, 2)]


async def test_whoever_was_created_is_shown_as_created_whatever_else_was_told_just_before(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    watcher = watch(store, feed, ADA)
    await everybody_waits(feed)

    for number in range(3):
        store.write(f"somebody {number}", ChangeKind.CREATED)
    store.write("ada", ChangeKind.CREATED, ADA.key)
    store.write("ada")

    assert seen(await watcher.shown_version(2)) == [(ChangeKind.CREATED, 2)]


async def test_a_slow_watcher_is_shown_the_last_state_only(
    store: HandwrittenStore, feed: Feed[Change]
):
    store.write("ada", ChangeKind.CREATED, ADA.key)
    changes = watch_user(store, feed, ADA, NOON)  # type: ignore[arg-type]
    first = await anext(changes)

    for _ in range(500):
        store.write("ada")
    await until(lambda: feed._recent.end == str(len(store.log)))
    second = await anext(changes)

    assert seen([first, second]) == [(ChangeKind.CURRENT, 1), (ChangeKind.UPDATED, 501)]
    await changes.aclose()  # type: ignore[attr-defined]


async def test_whoever_was_shown_already_is_not_created_afterwards(
    store: HandwrittenStore, feed: Feed[Change]
):
    created = store.put("ada", ADA.key)
    changes = watch_user(store, feed, ADA, NOON)  # type: ignore[arg-type]
    first = await anext(changes)

    # The log lags behind the people: its reader comes to both changes at once.
    store.tell(created, ChangeKind.CREATED)
    store.write("ada")
    await until(lambda: feed._recent.end == str(len(store.log)))
    second = await anext(changes)

    assert seen([first, second]) == [(ChangeKind.CURRENT, 1), (ChangeKind.UPDATED, 2)]
    await changes.aclose()  # type: ignore[attr-defined]


async def test_what_changes_while_the_person_is_read_is_not_missed(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    store.write("ada", ChangeKind.CREATED, ADA.key)
    watcher = watch(store, feed, ADA)

    for _ in range(30):
        store.write("ada")
        await asyncio.sleep(0)
    versions = [version for _, version in seen(await watcher.shown_version(31))]

    assert versions[-1] == 31
    assert versions == sorted(set(versions))


async def test_leaving_frees_what_watching_took(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    store.write("ada", ChangeKind.CREATED, ADA.key)
    watchers = [watch(store, feed, ref) for ref in (ADA, "ada", identity("custom:nobody"))]
    await everybody_waits(feed, 3)

    for watcher in watchers:
        await watcher.leave()

    await until(lambda: not feed._subscribers)


async def test_a_store_without_a_log_is_unsupported_to_watchers(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    store.write("ada", ChangeKind.CREATED, ADA.key)
    watcher = watch(store, feed, ADA)
    store.lose_log()

    with pytest.raises(Unsupported):
        await watcher.ended()


# ---------------------------------------------------------------- over the stores


@pytest.fixture
async def real_store(store_url: str) -> AsyncIterator[Store]:
    async with open_store(store_url, LIMITS) as store:
        yield store


@pytest.fixture
async def other_store(store_url: str, real_store: Store) -> AsyncIterator[Store]:
    async with open_store(store_url, LIMITS) as store:
        yield store


@pytest.fixture
async def real_feed(real_store: Store) -> AsyncIterator[Feed[Change]]:
    async with changes_feed(real_store).running() as feed:
        await feed.ready()
        yield feed


async def test_two_hundred_watchers_see_what_another_process_writes(
    watch: Watch, real_store: Store, other_store: Store, real_feed: Feed[Change]
):
    ada = (await other_store.create(newcomer(ADA.key))).user
    watchers = [watch(real_store, real_feed, ADA) for _ in range(200)]
    for watcher in watchers:
        await watcher.shown_version(1)

    for _ in range(5):
        await other_store.change(ada.id, incrementing())

    last = await other_store.find(ada.id)
    for watcher in watchers:
        shown = await watcher.shown_version(6)
        assert shown[0].kind is ChangeKind.CURRENT
        assert shown[-1].user == last
        await watcher.leave()
    await until(lambda: not real_feed._subscribers)


async def test_whoever_comes_among_others_is_shown_as_created(
    watch: Watch, real_store: Store, other_store: Store, real_feed: Feed[Change]
):
    watcher = watch(real_store, real_feed, ADA)
    await everybody_waits(real_feed)

    others = [other_store.create(newcomer()) for _ in range(5)]
    *_, ada = await asyncio.gather(*others, other_store.create(newcomer(ADA.key)))

    (shown,) = await watcher.shown_version(1)
    assert (shown.kind, shown.user) == (ChangeKind.CREATED, ada.user)


async def test_whoever_gets_the_name_one_waits_for_is_shown(
    watch: Watch, real_store: Store, other_store: Store, real_feed: Feed[Change]
):
    ada = (await other_store.create(newcomer())).user
    watcher = watch(real_store, real_feed, ADA)
    await everybody_waits(real_feed)

    ada = (await other_store.change(ada.id, linking(ADA.key))).user
    (shown,) = await watcher.shown_version(2)
    await other_store.change(ada.id, setting(plan="pro"))
    shown_later = await watcher.shown_version(3)

    assert shown.user == ada
    assert [change.kind for change in shown_later[1:]] == [ChangeKind.UPDATED]


async def test_a_deleted_person_is_shown_to_be_gone(
    watch: Watch, real_store: Store, other_store: Store, real_feed: Feed[Change]
):
    ada = (await other_store.create(newcomer(ADA.key))).user
    watcher = watch(real_store, real_feed, ADA)
    await watcher.shown_version(1)

    await other_store.delete(ada.id, NOON)
    await watcher.ended()

    assert [(c.kind, c.user_id, c.user) for c in watcher.shown[1:]] == [
        (ChangeKind.DELETED, ada.id, None)
    ]


async def test_a_watcher_holds_on_to_no_state_but_the_last_one(
    watch: Watch, store: HandwrittenStore, feed: Feed[Change]
):
    store.put("ada", ADA.key)
    watcher = watch(store, feed, ADA)
    await watcher.shown_version(1)
    first = ref(store.people["ada"])
    store.write("ada")
    await watcher.shown_version(2)
    watcher.shown.clear()
    gc.collect()

    assert first() is None
