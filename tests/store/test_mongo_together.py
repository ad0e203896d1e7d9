"""Changes of several people on MongoDB that share their calls: each is still made by itself."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import DocumentTooLarge

from app.domain.errors import Unavailable
from app.domain.user import Edit, User, new_user
from app.store import open_store
from app.store.document import Document
from app.store.mongo import MongoStore
from app.store.mongo.collections import Collections
from app.store.mongo.users import State, Users, new_document
from tests.builders import LIMITS, NOON
from tests.store.lossy import wire_to
from tests.store.steps import incrementing, newcomer, number, setting
from tests.store.stepwise import BeforeStep, Gate, Memory
from tests.store.test_mongo_answers import losing_one, opened


async def some_people(store: MongoStore, count: int) -> list[str]:
    return [(await store.create(newcomer())).user.id for _ in range(count)]


async def counts(store: MongoStore, ids: list[str]) -> list[float]:
    return [number(await store.find(id)) for id in ids]


def counting(steps: Counter[str], gate: Gate | None = None) -> BeforeStep:
    """Return what counts the steps with people, and lets them pass a gate if there is one."""

    async def before_step(step: str) -> None:
        if step.startswith("users"):
            steps[step] += 1
        if gate:
            await gate(step)

    return before_step


async def increment_all(store: MongoStore, ids: list[str]) -> list[Edit]:
    return await asyncio.gather(*(store.change(id, incrementing()) for id in ids))


async def test_changes_of_one_tick_are_read_and_written_by_one_call_each():
    memory, steps = Memory(), Counter[str]()
    ids = await some_people(await memory.store(), 5)
    store = await memory.store(counting(steps))

    await increment_all(store, ids)

    assert steps == {"users.bulk_write": 1}
    assert await counts(store, ids) == [1.0] * 5


async def test_of_changes_that_share_a_call_only_the_one_that_lost_is_made_again():
    memory, steps, gate = Memory(), Counter[str](), Gate("users.bulk_write")
    other = await memory.store()
    ids = await some_people(other, 3)
    store = await memory.store(counting(steps, gate))

    changing = asyncio.create_task(increment_all(store, ids))
    await gate.reached.wait()
    await other.change(ids[1], incrementing())
    gate.open()
    await changing

    assert steps == {
        "users.bulk_write": 1, "users_now.find_one": 1, "users.replace_one": 1,
    }  # fmt: skip
    assert await counts(other, ids) == [1.0, 2.0, 1.0]


async def test_whoever_leaves_before_a_shared_write_leaves_the_others_theirs():
    memory = Memory()
    ids = await some_people(await memory.store(), 3)
    gate = Gate("users.bulk_write")
    store = await memory.store(gate)
    changing = [asyncio.create_task(store.change(id, incrementing())) for id in ids]
    await gate.reached.wait()

    changing[0].cancel()
    gate.open()
    outcomes = await asyncio.gather(*changing, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, Edit, Edit]
    assert await counts(store, ids) == [1.0] * 3


# ---------------------------------------------------------------- what was read a moment ago


def gated_incrementing(user: User, known: frozenset[str]) -> Edit:
    """Increment if the gate is open, else change nothing."""
    return incrementing()(user, known) if user.properties.get("gate") == "open" else Edit(user)


def demanding(user: User, known: frozenset[str]) -> Edit:
    """Increment if the gate is open, else refuse."""
    if user.properties.get("gate") != "open":
        raise Unavailable("The gate is closed.")
    return incrementing()(user, known)


@pytest.mark.parametrize("step", [gated_incrementing, demanding])
async def test_what_a_step_decides_without_a_write_holds_only_if_nobody_wrote_meanwhile(step: Any):
    memory = Memory()
    other = await memory.store()
    (ada_id,) = await some_people(other, 1)
    gate = Gate("users_now.find_one")
    store = await memory.store(gate)

    changing = asyncio.create_task(store.change(ada_id, step))
    await gate.reached.wait()
    await other.change(ada_id, setting(gate="open"))
    gate.open()

    assert number((await changing).user) == 1.0


# ---------------------------------------------------------------- what cannot be written


async def test_what_cannot_be_written_fails_alone(mongodb_url: str):
    client: Any = AsyncIOMotorClient(mongodb_url)
    users = Users(Collections(client.get_default_database()))
    documents = [new_document(new_user(str(id), NOON), State.ACTIVE) for id in range(4)]
    for document in documents:
        await users.insert(document)
    strange: dict[int, Document] = {1: {"name": "x" * 17_000_000}, 2: {"name": 2**64}}

    outcomes = await asyncio.gather(
        *(
            users.cas(document, document | strange.get(id, {"name": "Ada"}))
            for id, document in enumerate(documents)
        ),
        return_exceptions=True,
    )

    stored = [(await users.get(str(id)) or {})["name"] for id in range(4)]
    client.close()
    assert [type(outcome) for outcome in outcomes] == [
        dict, DocumentTooLarge, OverflowError, dict,
    ]  # fmt: skip
    assert stored == ["Ada", None, None, "Ada"]


# ---------------------------------------------------------------- answers that are lost


async def test_changes_whose_shared_answer_is_lost_are_made_once_each(mongodb_url: str):
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        assert isinstance(store, MongoStore)
        ids = await some_people(store, 5)
        wire.lose_answer_to = losing_one("update", "users")

        await increment_all(store, ids)

        async with open_store(mongodb_url, LIMITS) as other:
            assert [number(await other.find(id)) for id in ids] == [1.0] * 5


@pytest.mark.slow
async def test_under_a_storm_of_lost_answers_every_shared_change_counts_once(mongodb_url: str):
    random = Random(7)
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        assert isinstance(store, MongoStore)
        ids = await some_people(store, 6)
        wire.lose_answer_to = lambda asked: b"update\0" in asked and random.random() < 0.3
        made: Counter[str] = Counter()
        unknown: Counter[str] = Counter()

        async def increment(id: str) -> None:
            try:
                await store.change(id, incrementing())
                made[id] += 1
            except Unavailable:
                unknown[id] += 1

        for _ in range(4):
            await asyncio.gather(*map(increment, ids))

        async with open_store(mongodb_url, LIMITS) as other:
            for id in ids:
                found = number(await other.find(id))
                assert made[id] <= found <= made[id] + unknown[id]
        assert sum(made.values()) > 12
