"""People brought back to MongoDB by a process that crashes at any of its steps."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from app.domain.errors import Busy, IdentityTaken, InvalidInput
from app.domain.profile import names_in
from app.store import UserRef
from app.store.mongo import MongoStore
from tests.builders import identity
from tests.store.steps import incrementing, number
from tests.store.stepwise import Crash, Memory, crashing_after, dawdling
from tests.store.test_restore import ID, OTHER_ID, ada
from tests.store.test_take_in import entry

STEPS = 60
"""More than a restoration takes."""


async def crashed_after(memory: Memory, steps: int) -> bool:
    """Bring Ada back in a process that ends after so many steps; return whether it did."""
    store = await memory.store(crashing_after(steps))
    try:
        await store.restore(ada(), names_in(ada()))
    except Crash:
        return True
    return False


async def found(store: MongoStore) -> list[bool]:
    refs: list[UserRef] = [ID, OTHER_ID, identity("custom:ada"), identity("device:phone")]
    return [user is not None for user in await store.find_many(refs)]


@pytest.mark.slow
@pytest.mark.parametrize("repaired", [False, True])
async def test_whoever_crashes_can_bring_the_person_back_again(repaired):
    crashes = 0
    for steps in range(STEPS):
        memory = Memory()
        crashes += await crashed_after(memory, steps)
        store = await memory.store()
        if repaired:
            await store.repair()
        assert set(await found(store)) in ({True}, {False}, {True, False})

        await store.restore(ada(), names_in(ada()))

        assert await found(store) == [True] * 4
        assert await store.whole(OTHER_ID) == ada()
        assert await store.repair() == {}
    assert 10 < crashes < STEPS


async def test_after_a_crash_and_a_repair_the_person_is_there_with_every_identity_or_not_at_all():
    for steps in range(STEPS):
        memory = Memory()
        await crashed_after(memory, steps)
        store = await memory.store()
        await store.repair()

        by_id, _, *by_identity = await found(store)
        assert set(by_identity) == {by_id}


@pytest.mark.parametrize("seed", range(12))
async def test_processes_that_come_in_between_bring_one_person_back(seed: int):
    memory, random = Memory(), Random(seed)

    async def bring() -> str:
        store = await memory.store(dawdling(random))
        for _ in range(20):
            try:
                return str(await store.restore(ada(), names_in(ada())))
            except Busy:
                await asyncio.sleep(0)
        return "busy"

    async def use() -> str:
        store = await memory.store(dawdling(random))
        (outcome,) = await store.take_in([entry("device:phone", incrementing())])
        return "used" if outcome is None else "refused"

    outcomes = await asyncio.gather(bring(), bring(), use(), return_exceptions=True)

    store = await memory.store()
    assert await store.repair() == {}
    owner = await store.find(identity("device:phone"))
    assert owner
    assert number(owner) == (outcomes[2] == "used")
    if owner.id == ID:
        assert await found(store) == [True] * 4
    else:
        assert {type(outcome) for outcome in outcomes[:2]} <= {IdentityTaken, InvalidInput}


async def test_whoever_crashes_can_take_the_same_records_in_again():
    entries = [
        entry("custom:ada", incrementing("a"), "email:ada@example.org"),
        entry("custom:eve", incrementing("a"), "device:phone"),
    ]
    for steps in range(STEPS):
        memory = Memory()
        with suppress(Crash):
            await (await memory.store(crashing_after(steps))).take_in(entries)
        store = await memory.store()

        assert await store.take_in(entries) == [None, None]

        for key in ("custom:ada", "custom:eve"):
            user = await store.find(identity(key))
            assert user
            assert number(user, "a") in (1, 2)
            assert len(user.identities) == 2
        await store.repair()  # a creation that nobody met gives way
        assert await store.repair() == {}
        assert await store.count() == 2
