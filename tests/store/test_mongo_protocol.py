"""The protocol on MongoDB: what a crash leaves half done harms nobody, and others finish it.

Each process is a store of its own on one database in memory; its every step in the database can be
its last, or come late.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from app.domain.errors import Busy, IdentityTaken
from app.domain.events import Event
from app.domain.listing import UserOrder
from app.domain.user import User
from app.operations.record_events import read_events
from app.store import Step
from app.store.document import Document
from app.store.mongo import MongoStore
from app.store.mongo.claims import Claims
from app.store.mongo.users import State, Users
from tests.builders import LIMITS, event, identity, query
from tests.store.steps import (
    both,
    incrementing,
    linking,
    newcomer,
    newcomer_with,
    number,
    recording,
    resting,
    setting,
    unlinking,
)
from tests.store.stepwise import Crash, Gate, Memory, crashing_after, dawdling

TIGHT = LIMITS.model_copy(update={"embedded_events": 4})
ALL_NAMES = ["custom:1", "custom:2", "custom:3", "custom:4", "device:1"]


@dataclass(frozen=True)
class Seen:
    """What a reader is shown: people by id, owners by identity, and everybody's log."""

    people: dict[str, User]
    owners: dict[str, str]
    logs: dict[str, list[str]]


async def seen_by(store: MongoStore) -> Seen:
    """Return what a reader is shown, once it is clear that it makes sense."""
    people = {user.id: user for user in await store.page(UserOrder.OLDEST, 100, None)}
    found = await store.find_many([identity(name) for name in ALL_NAMES])
    owners = {name: user.id for name, user in zip(ALL_NAMES, found, strict=True) if user}
    logs = {}
    for user in people.values():
        log, _ = await read_events(store, user, query(first=1_000))
        logs[user.id] = [each.id for each in log]
        assert len(log) == sum(total.count for total in user.activity.values())
    embedded = [(linked.key, user.id) for user in people.values() for linked in user.identities]
    assert sorted(embedded) == sorted(owners.items())
    return Seen(people, owners, logs)


async def crashed_at_each_step(
    prepare: Callable[[MongoStore], Awaitable[Any]],
    act: Callable[[MongoStore], Awaitable[Any]],
) -> list[tuple[Memory, Seen]]:
    """Return a database for each step of `act` at which it can crash, and what stood before."""
    databases: list[tuple[Memory, Seen]] = []
    while True:
        memory = Memory()
        await prepare(await memory.store(limits=TIGHT))
        before = await seen_by(await memory.store(limits=TIGHT))
        try:
            await act(await memory.store(crashing_after(len(databases)), TIGHT))
        except Crash:
            databases.append((memory, before))
        else:
            return databases


def some_events(count: int, start: int = 0) -> list[Event]:
    return [event(id=f"e{number:02}") for number in range(start, start + count)]


async def prepare_ada(store: MongoStore) -> None:
    await store.create(newcomer_with(recording(*some_events(6), limits=TIGHT), "custom:1"))


def changing_ada(step: Step) -> Callable[[MongoStore], Awaitable[Any]]:
    async def act(store: MongoStore) -> None:
        ada = await store.find(identity("custom:1"))
        assert ada is not None
        ids = [each.id for each in some_events(30)]
        await store.change(ada.id, step, ids)

    return act


CHANGES = {
    "linking": linking("custom:2", "custom:3", "device:1"),
    "linking and setting": both(linking("custom:2"), setting(plan="pro")),
    "unlinking": unlinking("custom:1"),
    "swapping": both(linking("custom:2", "device:1"), unlinking("custom:1")),
    "recording many": recording(*some_events(20, start=4), limits=TIGHT),
    "recording one": recording(*some_events(1, start=10), limits=TIGHT),
    "setting": setting(plan="pro"),
}


async def changed(step: Step) -> Seen:
    """Return what a change makes of it all if nothing crashes."""
    memory = Memory()
    store = await memory.store(limits=TIGHT)
    await prepare_ada(store)
    await changing_ada(step)(store)
    return await seen_by(store)


def without_ids(seen: Seen) -> tuple[Any, ...]:
    """Return what is comparable between two databases."""
    hidden = {"id": "", "version": 0, "archived": 0, "archived_until": None, "events": ()}
    return (
        [user.model_copy(update=hidden) for user in seen.people.values()],
        sorted(seen.owners),
        list(seen.logs.values()),
    )


@pytest.mark.parametrize("name", CHANGES)
async def test_after_a_crash_a_change_happened_wholly_or_not(name: str):
    after = await changed(CHANGES[name])

    for memory, before in await crashed_at_each_step(prepare_ada, changing_ada(CHANGES[name])):
        read = await seen_by(await memory.store(limits=TIGHT))
        assert without_ids(read) in [without_ids(before), without_ids(after)]

        # Any writer finishes what was left; what was seen to have happened stays.
        writer = await memory.store(limits=TIGHT)
        (ada_id,) = read.people
        await writer.change(ada_id, resting)
        finished = await seen_by(writer)
        assert without_ids(finished) in [without_ids(read), without_ids(after)]
        await assert_nothing_is_left_undone(memory)


@pytest.mark.parametrize("name", CHANGES)
async def test_after_a_crash_the_change_can_be_made_again(name: str):
    after = await changed(CHANGES[name])

    for memory, _ in await crashed_at_each_step(prepare_ada, changing_ada(CHANGES[name])):
        store = await memory.store(limits=TIGHT)
        (ada,) = await store.page(UserOrder.OLDEST, 1, None)
        await store.change(ada.id, CHANGES[name], [each.id for each in some_events(30)])

        assert without_ids(await seen_by(store)) == without_ids(after)


async def test_after_a_crash_a_creation_happened_wholly_or_not():
    async def act(store: MongoStore) -> None:
        step = recording(*some_events(10), limits=TIGHT)
        await store.create(newcomer_with(step, "custom:1", "custom:2", "device:1"))

    async def prepare(store: MongoStore) -> None:
        await store.count()

    databases = await crashed_at_each_step(prepare, act)

    for memory, _ in databases:
        read = await seen_by(await memory.store())
        assert sorted(read.owners) in [[], ["custom:1", "custom:2", "device:1"]]
    assert len(databases) > 8


@pytest.mark.parametrize("wanted", ["custom:1", "custom:2", "device:1"])
async def test_whoever_meets_a_creation_left_by_a_crash_finishes_it(wanted: str):
    async def act(store: MongoStore) -> None:
        await store.create(newcomer("custom:1", "custom:2", "device:1"))

    async def prepare(store: MongoStore) -> None:
        await store.count()

    for memory, _ in await crashed_at_each_step(prepare, act):
        store = await memory.store()
        try:
            await store.create(newcomer(wanted))
        except IdentityTaken as refusal:
            owned = [refusal.user_id] * 3
        else:
            owned = []

        read = await seen_by(await memory.store())
        assert list(read.owners.values()) in [owned, [*read.people]]
        assert len(read.people) == 1
        await take_what_is_free(memory)


@pytest.mark.parametrize("name", ["linking", "swapping", "unlinking"])
@pytest.mark.parametrize("wanted", ["custom:1", "custom:2", "device:1"])
async def test_whoever_wants_an_identity_on_its_way_gets_it_or_is_told_whose_it_is(
    name: str, wanted: str
):
    for memory, before in await crashed_at_each_step(prepare_ada, changing_ada(CHANGES[name])):
        (ada_id,) = before.people
        store = await memory.store()
        try:
            owner_id = (await store.create(newcomer(wanted))).user.id
        except IdentityTaken as refusal:
            owner_id = refusal.user_id
            assert owner_id == ada_id

        assert (await seen_by(await memory.store())).owners[wanted] == owner_id
        await take_what_is_free(memory)


async def take_what_is_free(memory: Memory) -> None:
    """Let somebody new take each identity that finds nobody: nothing may be in the way."""
    store = await memory.store()
    for name in [*ALL_NAMES, *ALL_NAMES]:  # twice, since the first round may set names free
        with suppress(IdentityTaken):
            await store.create(newcomer(name))
    assert sorted((await seen_by(store)).owners) == sorted(ALL_NAMES)


async def assert_nothing_is_left_undone(memory: Memory) -> None:
    users = (await memory.collections()).users
    undone = {
        "$or": [{"joining": {"$ne": None}}, {"releasing": {"$ne": []}}, {"batches": {"$ne": []}}]
    }
    assert await users.count_documents({"state": State.ACTIVE, **undone}) == 0


# ---------------------------------------------------------------- slow helpers


async def claim_by_hand(memory: Memory, name: str, user_id: str, mark: str) -> None:
    """Put the claim that a slow helper puts when all is over."""
    await Claims(await memory.collections()).insert(name, user_id, mark)


async def document_of(memory: Memory, user_id: str) -> Document:
    document = await Users(await memory.collections()).get(user_id)
    assert document is not None
    return document


async def test_a_late_claim_of_a_creation_that_ended_gives_nobody_an_identity():
    memory = Memory()
    store = await memory.store()
    ada = (await store.create(newcomer("custom:1", "custom:2"))).user
    mark = (await Claims(await memory.collections()).get("custom:2") or {})["mark"]
    await store.change(ada.id, unlinking("custom:2"))

    await claim_by_hand(memory, "custom:2", ada.id, mark)

    assert await store.find(identity("custom:2")) is None
    assert await store.find(identity("custom:1")) is not None
    bob = (await store.create(newcomer("custom:2"))).user
    assert (await seen_by(store)).owners["custom:2"] == bob.id


async def test_whoever_has_a_leftover_claim_can_link_the_identity_anew():
    memory = Memory()
    store = await memory.store()
    ada = (await store.create(newcomer("custom:1"))).user
    await claim_by_hand(memory, "custom:2", ada.id, "a joining long over")

    await store.change(ada.id, linking("custom:2"))

    assert (await seen_by(store)).owners == {"custom:1": ada.id, "custom:2": ada.id}
    await store.change(ada.id, unlinking("custom:2"))
    await store.create(newcomer("custom:2"))


async def test_a_claim_of_a_creation_that_gave_way_is_in_nobodys_way():
    memory = Memory()
    gate = Gate("claims.insert_one", passes=1)
    slow = await memory.store(gate)
    creating = asyncio.create_task(slow.create(newcomer("custom:1", "custom:2")))
    await gate.reached.wait()
    aborted_id = (await Claims(await memory.collections()).get("custom:1") or {})["user"]
    store = await memory.store()
    document = await document_of(memory, aborted_id)
    await Users(await memory.collections()).cas(
        document, document | {"state": State.ABORTED, "joining": None}
    )

    gate.open()
    winner = (await creating).user
    await claim_by_hand(memory, "custom:3", aborted_id, "late")
    assert await store.find(identity("custom:3")) is None
    bob = (await store.create(newcomer("custom:3"))).user

    assert (await seen_by(store)).owners == {
        "custom:1": winner.id,
        "custom:2": winner.id,
        "custom:3": bob.id,
    }


@pytest.mark.parametrize("step", ["users_now.find_one", "claims.insert_one", "users.replace_one"])
@pytest.mark.parametrize("passes", range(4))
async def test_a_creator_who_pauses_is_helped_and_told_the_truth(step: str, passes: int):
    memory = Memory()
    gate = Gate(step, passes)
    slow = await memory.store(gate)
    creating = asyncio.create_task(slow.create(newcomer("custom:1", "custom:2")))
    reaching = asyncio.create_task(gate.reached.wait())
    await asyncio.wait([creating, reaching], return_when=asyncio.FIRST_COMPLETED)
    reaching.cancel()
    other = await memory.store()

    mine = await asyncio.gather(
        other.create(newcomer("custom:1", "custom:3")), return_exceptions=True
    )
    gate.open()
    theirs = await asyncio.gather(creating, return_exceptions=True)

    (loser,) = [outcome for outcome in mine + theirs if isinstance(outcome, BaseException)]
    (winner,) = [o.user for o in mine + theirs if not isinstance(o, BaseException)]
    assert isinstance(loser, IdentityTaken)
    assert loser.user_id == winner.id
    read = await seen_by(other)
    assert read.people == {winner.id: winner}
    await take_what_is_free(memory)


@pytest.mark.parametrize("step", ["users_now.find_one", "claims.insert_one", "users.replace_one"])
@pytest.mark.parametrize("passes", range(5))
async def test_a_linker_who_pauses_is_helped_and_told_the_truth(step: str, passes: int):
    memory = Memory()
    other = await memory.store()
    ada = (await other.create(newcomer("custom:1"))).user
    gate = Gate(step, passes)
    slow = await memory.store(gate)
    joining = asyncio.create_task(slow.change(ada.id, linking("custom:2", "custom:3")))
    reaching = asyncio.create_task(gate.reached.wait())
    await asyncio.wait([joining, reaching], return_when=asyncio.FIRST_COMPLETED)
    reaching.cancel()

    await other.change(ada.id, incrementing())
    await other.change(ada.id, unlinking("custom:2", "custom:3"))
    gate.open()
    edit = await joining

    found = await other.find(ada.id)
    assert found is not None
    assert found.properties == {"n": 1.0}
    assert edit.user.has(identity("custom:2"))
    await other.change(ada.id, unlinking("custom:2", "custom:3"))
    await take_what_is_free(memory)


async def test_many_who_are_found_at_once_are_found_by_all_their_names(
    monkeypatch: pytest.MonkeyPatch,
):
    memory = Memory()
    gate = Gate("claims.insert_one", passes=1)
    slow = await memory.store(gate)
    creating = asyncio.create_task(slow.create(newcomer("custom:1", "custom:2")))
    await gate.reached.wait()
    reader = await memory.store()
    standing = reader._users.standing

    async def created_meanwhile(user_ids: Collection[str], *fields: Any) -> dict[str, Document]:
        gate.open()
        await creating
        return await standing(user_ids, *fields)

    monkeypatch.setattr(reader._users, "standing", created_meanwhile)
    one, two = await reader.find_many([identity("custom:1"), identity("custom:2")])

    assert one == two


# ---------------------------------------------------------------- events on their way


async def test_events_written_aside_by_a_change_that_lost_are_not_kept():
    memory = Memory()
    stores = [await memory.store(dawdling(Random(seed)), TIGHT) for seed in range(6)]
    ada = (await stores[0].create(newcomer("custom:1"))).user

    await asyncio.gather(
        *(
            store.change(ada.id, recording(*some_events(9, start=9 * number), limits=TIGHT))
            for number, store in enumerate(stores)
        )
    )

    assert len((await seen_by(stores[0])).logs[ada.id]) == 54
    assert await memory.count("event_batches") == 0


async def test_events_written_aside_for_a_refused_link_are_not_kept():
    memory = Memory()
    gate = Gate("users.replace_one")
    slow = await memory.store(gate, TIGHT)
    store = await memory.store(limits=TIGHT)
    ada = (await store.create(newcomer("custom:1"))).user
    recorded_ = recording(*some_events(9), limits=TIGHT)

    def step(user: User, known: frozenset[str]) -> Any:
        return recorded_(linking("custom:2")(user, known).user, known)

    linking_late = asyncio.create_task(slow.change(ada.id, step))
    await gate.reached.wait()
    await store.create(newcomer("custom:2"))
    gate.open()

    with pytest.raises(IdentityTaken):
        await linking_late
    assert (await seen_by(store)).logs[ada.id] == []
    assert await memory.count("event_batches") == 0


# ---------------------------------------------------------------- storms


@pytest.mark.parametrize("seed", range(40))
async def test_a_storm_in_which_processes_crash_leaves_every_identity_one_owner(seed: int):
    random = Random(seed)
    memory = Memory()
    calm = await memory.store()
    people = [(await calm.create(newcomer())).user.id for _ in range(3)]
    acknowledged = dict.fromkeys(people, 0)
    begun = dict.fromkeys(people, 0)

    async def process() -> None:
        chance = random.choice([0, 0, 0.02, 0.08])
        store = await memory.store(
            dawdling(random, chance), LIMITS.model_copy(update={"busy_s": 2})
        )
        for _ in range(6):
            names = random.sample(ALL_NAMES, random.randrange(1, 4))
            user_id = random.choice(people)
            try:
                if random.random() < 0.3:
                    made = (await store.create(newcomer(*names))).user
                    assert {linked.key for linked in made.identities} == set(names)
                    assert await calm.find(made.id) is not None
                    continue
                begun[user_id] += 1
                move = random.choice([linking, unlinking])(*names)
                await store.change(user_id, both(move, incrementing()))
                acknowledged[user_id] += 1
            except (IdentityTaken, Busy):
                continue

    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*(process() for _ in range(6)), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {type(None), Crash}, outcomes
    for user in await calm.page(UserOrder.OLDEST, 100, None):
        await calm.change(user.id, resting)
    read = await seen_by(calm)
    for user_id in people:
        assert acknowledged[user_id] <= number(read.people[user_id]) <= begun[user_id]
    await take_what_is_free(memory)
    await assert_nothing_is_left_undone(memory)
