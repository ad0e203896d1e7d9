"""Watching people who log in, are merged, and are deleted: whom a watcher hears of, and what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from app.domain.change import Change, ChangeKind
from app.domain.identity import Identity
from app.domain.user import User
from app.live.feed import Feed, changes_feed
from app.live.watch_user import UserChange, watch_user
from app.operations.delete import delete
from app.operations.identify import Identified, identify
from app.operations.merge import merge
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.operations.update import update
from app.store import Log, Store, UserRef, open_store
from tests.builders import LIMITS, NOON, changes, event, identity

WITHIN_S = 5
TERMS = Terms(NOON, LIMITS)
ADA = identity("custom:ada")
EVA = identity("custom:eva")
EMAIL = identity("email:ada@example.org")
DEVICE = identity("device:d1")


class Watched:
    """A store whose log a test can hold up, and which says that somebody was looked for in vain."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.found_nobody = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def find(self, ref: UserRef) -> User | None:
        user = await self.store.find(ref)
        if user is None:
            self.found_nobody.set()
        return user

    @property
    def changes(self) -> Any:
        return HeldLog(self.store.changes, self.flowing)


class HeldLog:
    """A log that tells nothing while it is held up."""

    def __init__(self, log: Log[Change], flowing: asyncio.Event) -> None:
        self._log = log
        self._flowing = flowing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def follow(self, after: str) -> AsyncIterator[Change]:
        async for change in self._log.follow(after):
            await self._flowing.wait()
            yield change


@dataclass
class Watcher:
    """Somebody who watches a person."""

    heard: AsyncIterator[UserChange]

    async def next(self) -> UserChange:
        async with asyncio.timeout(WITHIN_S):
            return await anext(self.heard)

    async def until(self, kind: ChangeKind) -> UserChange:
        """Return the next change of this kind; versions only grow on the way."""
        change = await self.next()
        while change.kind is not kind:
            earlier, change = change, await self.next()
            assert earlier.user
            assert change.user is None or change.user.version > earlier.user.version
        return change

    async def is_over(self) -> bool:
        async with asyncio.timeout(WITHIN_S):
            return await anext(self.heard, None) is None


@dataclass
class Service:
    """A store, and a feed of its changes."""

    store: Watched
    feed: Feed[Change]

    @asynccontextmanager
    async def watching(self, ref: UserRef) -> AsyncIterator[Watcher]:
        heard: Any = watch_user(self.store, self.feed, ref, NOON)
        try:
            yield Watcher(heard)
        finally:
            await heard.aclose()

    @asynccontextmanager
    async def awaiting(self, ref: UserRef) -> AsyncIterator[asyncio.Task[UserChange]]:
        """Yield the first change of somebody whom the watcher has looked for in vain."""
        async with self.watching(ref) as watcher:
            self.store.found_nobody.clear()
            waiting = asyncio.create_task(watcher.next())
            await self.store.found_nobody.wait()
            yield waiting

    async def caught_up(self) -> None:
        """Return once the feed has told all that happened."""
        async with self.feed.subscribe() as changes:
            last = (await self.login(identity("custom:last"))).user
            last = await self.rename(last.id, f"after {last.version}")
            async for change in changes:
                if (change.user_id, change.version) == (last.id, last.version):
                    return

    def hold_the_log(self) -> None:
        self.store.flowing.clear()

    def let_the_log_flow(self) -> None:
        self.store.flowing.set()

    async def login(self, *names: Identity, device: Identity | None = None) -> Identified:
        return await identify(self.store, names, device, changes(), TERMS)

    async def rename(self, ref: UserRef, name: str) -> User:
        return await update(self.store, ref, changes(name=name), TERMS)

    async def act(self, ref: UserRef, id: str) -> User:
        edit = await record_events(self.store, ref, [event(id=id)], TERMS, create_if_missing=True)
        return edit.user


@pytest.fixture
async def service(store_url: str) -> AsyncIterator[Service]:
    """A service on an empty store of each kind in turn."""
    async with open_store(store_url, LIMITS) as store:
        watched = Watched(store)
        async with changes_feed(cast("Store", watched)).running() as feed:
            await feed.ready()
            yield Service(watched, feed)


async def absorbed_and_survivor(service: Service) -> tuple[User, User]:
    """Return who is absorbed and who survives once Ada and Eva are merged."""
    users = [(await service.login(ADA)).user, (await service.login(EVA)).user]
    survivor, absorbed = sorted(users, key=lambda user: user.id)
    await service.caught_up()
    return absorbed, survivor


async def test_who_watches_an_absorbed_id_hears_of_the_merge_and_follows_the_survivor(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(absorbed.id) as watcher:
        current = await watcher.next()

        merged = await merge(service.store, absorbed.id, survivor.id, TERMS)
        heard = await watcher.next()
        renamed = await service.rename(survivor.id, "One")
        then = await watcher.next()

        assert (current.kind, current.user) == (ChangeKind.CURRENT, absorbed)
        assert (heard.kind, heard.user_id) == (ChangeKind.MERGED, absorbed.id)
        assert heard.user == merged.user
        assert (then.kind, then.user_id, then.user) == (ChangeKind.UPDATED, survivor.id, renamed)


async def test_who_watches_the_survivor_hears_of_an_update(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(survivor.id) as watcher:
        await watcher.next()

        merged = await merge(service.store, survivor.id, absorbed.id, TERMS)
        heard = await watcher.next()

        assert (heard.kind, heard.user_id) == (ChangeKind.UPDATED, survivor.id)
        assert heard.user == merged.user


@pytest.mark.parametrize("name", [ADA, EVA])
async def test_who_watches_by_a_name_follows_the_person_who_has_it(service, name):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(name) as watcher:
        current = await watcher.next()

        merged = await merge(service.store, absorbed.id, survivor.id, TERMS)
        heard = await watcher.next()

        assert current.user in (absorbed, survivor)
        is_absorbed = current.user_id == absorbed.id
        assert heard.kind is (ChangeKind.MERGED if is_absorbed else ChangeKind.UPDATED)
        assert (heard.user_id, heard.user) == (current.user_id, merged.user)


async def test_who_comes_after_the_merge_sees_the_survivor_by_the_old_id(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    merged = await merge(service.store, absorbed.id, survivor.id, TERMS)

    async with service.watching(absorbed.id) as watcher:
        current = await watcher.next()

    assert (current.kind, current.user_id) == (ChangeKind.CURRENT, survivor.id)
    assert current.user == merged.user


async def test_a_watcher_follows_a_chain_of_merges(service):
    users = [(await service.login(identity(f"custom:{name}"))).user for name in "abc"]
    first, second, third = sorted(users, key=lambda user: user.id)
    await service.caught_up()
    async with service.watching(third.id) as watcher:
        await watcher.next()

        await merge(service.store, third.id, second.id, TERMS)
        once = await watcher.next()
        last = await merge(service.store, second.id, first.id, TERMS)
        twice = await watcher.next()

        assert [(heard.kind, heard.user_id) for heard in (once, twice)] == [
            (ChangeKind.MERGED, third.id),
            (ChangeKind.MERGED, second.id),
        ]
        assert twice.user == last.user


async def test_quick_merges_may_arrive_as_one_and_the_last_state_arrives(service):
    users = [(await service.login(identity(f"custom:{name}"))).user for name in "abc"]
    first, second, third = sorted(users, key=lambda user: user.id)
    await service.caught_up()
    async with service.watching(third.id) as watcher:
        await watcher.next()

        await merge(service.store, third.id, second.id, TERMS)
        await merge(service.store, second.id, first.id, TERMS)
        last = await service.rename(first.id, "Last")

        heard = await watcher.next()
        while heard.user != last:
            heard = await watcher.next()
        assert heard.user_id in {user.id for user in users}


async def test_a_login_that_merges_tells_who_watches_the_device(service):
    anonymous = await service.act(DEVICE, "before")
    known = (await service.login(EMAIL)).user
    await service.caught_up()
    async with service.watching(DEVICE) as device, service.watching(EMAIL) as email:
        await device.next()
        await email.next()

        login = await service.login(EMAIL, device=DEVICE)
        heard = [await device.next(), await email.next()]

        absorbed_id = max(anonymous.id, known.id)
        assert {(change.kind, change.user_id) for change in heard} == {
            (ChangeKind.MERGED, absorbed_id),
            (ChangeKind.UPDATED, min(anonymous.id, known.id)),
        }
        assert [change.user for change in heard] == [login.user] * 2


async def test_a_login_that_converts_is_an_update(service):
    anonymous = await service.act(DEVICE, "before")
    await service.caught_up()
    async with service.watching(anonymous.id) as watcher:
        await watcher.next()

        login = await service.login(EMAIL, device=DEVICE)
        heard = await watcher.next()

        assert (heard.kind, heard.user) == (ChangeKind.UPDATED, login.user)


async def test_a_device_that_switches_tells_both_people(service):
    former = (await service.login(ADA, device=DEVICE)).user
    latter = (await service.login(EVA)).user
    await service.caught_up()
    async with service.watching(former.id) as loses, service.watching(latter.id) as gains:
        await loses.next()
        await gains.next()

        await service.login(EVA, device=DEVICE)
        lost, gained = await loses.next(), await gains.next()

        assert lost.user
        assert gained.user
        assert (lost.kind, lost.user.has(DEVICE)) == (ChangeKind.UPDATED, False)
        assert (gained.kind, gained.user.has(DEVICE)) == (ChangeKind.UPDATED, True)


@pytest.mark.parametrize("ref", [EMAIL, DEVICE])
async def test_who_watches_nobody_waits_for_them_to_be_created_with_all_names(service, ref):
    async with service.awaiting(ref) as waiting:
        login = await service.login(EMAIL, device=DEVICE)
        heard = await waiting

        assert (heard.kind, heard.user_id) == (ChangeKind.CREATED, login.user.id)
        assert heard.user == login.user


async def test_who_watches_nobody_is_told_of_the_creation_though_others_are_told_first(service):
    async with service.awaiting(EMAIL) as waiting:
        service.hold_the_log()
        await service.login(ADA)
        login = await service.login(EMAIL, device=DEVICE)
        service.let_the_log_flow()
        heard = await waiting

        assert (heard.kind, heard.user) == (ChangeKind.CREATED, login.user)


async def test_who_watches_a_name_that_somebody_takes_on_sees_them_as_they_are(service):
    await service.login(ADA)
    await service.caught_up()
    async with service.awaiting(EMAIL) as waiting:
        login = await service.login(ADA, EMAIL)
        heard = await waiting

        assert (heard.kind, heard.user) == (ChangeKind.CURRENT, login.user)


async def test_a_new_person_who_takes_a_device_over_is_told_as_created(service):
    await service.login(ADA, device=DEVICE)
    await service.caught_up()
    async with service.awaiting(EVA) as waiting:
        login = await service.login(EVA, device=DEVICE)
        heard = await waiting

        assert (heard.kind, heard.user_id) == (ChangeKind.CREATED, login.user.id)
        assert heard.user
        assert heard.user.has(EVA)


async def test_who_was_there_already_is_never_told_as_created(service):
    service.hold_the_log()
    created = (await service.login(ADA)).user
    async with service.watching(ADA) as watcher:
        current = await watcher.next()

        renamed = await service.rename(ADA, "Ada")
        service.let_the_log_flow()
        heard = await watcher.next()

        assert (current.kind, current.user) == (ChangeKind.CURRENT, created)
        assert (heard.kind, heard.user) == (ChangeKind.UPDATED, renamed)


@pytest.mark.parametrize("ref", ["id", ADA, DEVICE])
async def test_a_deletion_ends_the_watching(service, ref):
    user = (await service.login(ADA, device=DEVICE)).user
    await service.caught_up()
    async with service.watching(user.id if ref == "id" else ref) as watcher:
        await watcher.next()

        await delete(service.store, user.id, TERMS)
        heard = await watcher.next()

        assert (heard.kind, heard.user_id, heard.user) == (ChangeKind.DELETED, user.id, None)
        assert await watcher.is_over()


async def test_a_deletion_ends_the_watching_of_whoever_followed_a_merge(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(absorbed.id) as watcher:
        await watcher.next()
        await merge(service.store, absorbed.id, survivor.id, TERMS)
        await watcher.until(ChangeKind.MERGED)

        await delete(service.store, absorbed.id, TERMS)
        heard = await watcher.next()

        assert (heard.kind, heard.user_id, heard.user) == (ChangeKind.DELETED, survivor.id, None)
        assert await watcher.is_over()


async def test_a_deletion_just_after_a_merge_ends_the_watching_of_the_absorbed(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(absorbed.id) as watcher:
        await watcher.next()

        service.hold_the_log()
        await merge(service.store, absorbed.id, survivor.id, TERMS)
        await delete(service.store, survivor.id, TERMS)
        service.let_the_log_flow()
        heard = await watcher.next()

        assert (heard.kind, heard.user) == (ChangeKind.DELETED, None)
        assert await watcher.is_over()


async def test_a_deletion_that_meets_a_half_done_merge_ends_the_watching_of_the_absorbed(service):
    absorbed, survivor = await absorbed_and_survivor(service)

    async def delete_once_absorbed() -> None:
        user = survivor
        while not user.absorbed:
            await asyncio.sleep(0)
            user = await service.store.find(survivor.id)
        await delete(service.store, survivor.id, TERMS)

    async with service.watching(absorbed.id) as watcher:
        await watcher.next()

        await asyncio.gather(
            merge(service.store, absorbed.id, survivor.id, TERMS), delete_once_absorbed()
        )
        heard = await watcher.until(ChangeKind.DELETED)

        assert heard.user is None
        assert await watcher.is_over()


async def test_a_deletion_at_the_same_time_as_a_merge_ends_the_watching_or_leaves_somebody(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(absorbed.id) as watcher:
        await watcher.next()

        await asyncio.gather(
            merge(service.store, absorbed.id, survivor.id, TERMS),
            delete(service.store, survivor.id, TERMS),
            return_exceptions=True,
        )
        left = await service.store.find(absorbed.id)
        if left:
            left = await service.rename(absorbed.id, "Left")

        heard = await watcher.next()
        while heard.user != left:
            heard = await watcher.next()
        assert heard.kind is (ChangeKind.UPDATED if left else ChangeKind.DELETED)


async def test_who_watches_a_deleted_name_hears_of_the_new_person(service):
    user = (await service.login(ADA)).user
    await delete(service.store, user.id, TERMS)
    await service.caught_up()
    async with service.awaiting(ADA) as waiting:
        login = await service.login(ADA)
        heard = await waiting

        assert (heard.kind, heard.user_id) == (ChangeKind.CREATED, login.user.id)
        assert heard.user == login.user


async def test_everything_that_happens_to_one_who_is_merged_arrives_in_the_end(service):
    absorbed, survivor = await absorbed_and_survivor(service)
    async with service.watching(absorbed.id) as watcher:
        await watcher.next()

        await asyncio.gather(
            *(
                service.act(ref, f"{ref}{n}")
                for ref in (absorbed.id, survivor.id)
                for n in range(6)
            ),
            merge(service.store, absorbed.id, survivor.id, TERMS),
        )
        last = await service.rename(survivor.id, "Last")

        heard = await watcher.until(ChangeKind.MERGED)
        while heard.user != last:
            heard = await watcher.next()
        assert last.activity["viewed"].count == 12
