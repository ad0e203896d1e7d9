"""What a process does once for many: reads of one tick, and turns with one user."""

import asyncio
from typing import Any

import pytest

from app.domain.errors import Busy, Unavailable
from app.store import Store
from app.store.mongo.gathered import MAX_KEYS, Gathered
from app.store.mongo.turns import Turns
from tests.store.steps import incrementing, newcomer

KNOWN = {"a": 1, "b": 2}


def gathered(reads, fault=None):
    async def read(keys, fields):
        reads.append((set(keys), fields))
        await asyncio.sleep(0)
        if fault:
            raise fault
        return {key: KNOWN[key] for key in keys if key in KNOWN}

    return Gathered(read)


async def test_reads_of_one_tick_are_one_and_each_finds_its_own():
    reads: list[Any] = []
    read = gathered(reads)

    found = await asyncio.gather(
        read(["a"], frozenset("x")), read(["b", "c"], frozenset("y")), read([], None)
    )

    assert list(found) == [{"a": 1}, {"b": 2}, {}]
    assert reads == [({"a", "b", "c"}, frozenset("xy"))]


async def test_who_wants_whole_documents_does_not_burden_those_who_do_not():
    reads: list[Any] = []
    read = gathered(reads)

    one, two = await asyncio.gather(read(["a"]), read(["b"], frozenset("y")))

    assert (one, two) == ({"a": 1}, {"b": 2})

    assert reads == [({"a"}, None), ({"b"}, frozenset("y"))]


async def test_a_read_that_is_asked_for_later_begins_later():
    reads: list[Any] = []
    read = gathered(reads)

    await read(["a"])
    await read(["a"])

    assert len(reads) == 2


async def test_a_fault_is_told_to_all_who_wait():
    read = gathered([], Unavailable("gone"))

    told = await asyncio.gather(read(["a"]), read(["b"]), return_exceptions=True)

    assert [type(fault) for fault in told] == [Unavailable, Unavailable]


async def test_whoever_leaves_leaves_the_others_their_answer():
    read = gathered([])
    leaving, staying = asyncio.create_task(read(["a"])), asyncio.create_task(read(["b"]))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == {"b": 2}
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_one_read_does_not_ask_for_everybody():
    reads: list[Any] = []
    read = gathered(reads)

    await asyncio.gather(*(read([str(n)]) for n in range(2 * MAX_KEYS)))

    assert [len(keys) for keys, _ in reads] == [MAX_KEYS, MAX_KEYS]


async def test_writers_to_one_user_take_turns_and_others_do_not_wait():
    turns = Turns(5)
    inside: list[str] = []

    async def write(user_id):
        async with turns.of(user_id):
            inside.append(user_id)
            assert inside.count(user_id) == 1
            await asyncio.sleep(0)
            inside.remove(user_id)

    await asyncio.gather(*(write(id) for id in "aabab" * 10))

    assert len(turns) == 0


async def test_who_waits_too_long_for_a_turn_is_told_that_others_are_busy():
    turns = Turns(0.01)

    async with turns.of("a"):
        with pytest.raises(Busy):
            async with turns.of("a"):
                pass

    assert len(turns) == 0


async def test_who_leaves_while_waiting_for_a_turn_takes_none():
    turns = Turns(5)

    async def wait():
        async with turns.of("a"):
            pass

    async with turns.of("a"):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert len(turns) == 1

    async with turns.of("a"):
        pass
    assert len(turns) == 0


async def test_a_hundred_who_write_to_one_user_at_once_all_have_written(store: Store):
    ada = (await store.create(newcomer())).user

    await asyncio.gather(*(store.change(ada.id, incrementing("n")) for _ in range(100)))

    after = await store.find(ada.id)
    assert after is not None
    assert after.properties == {"n": 100}
