"""Reads of one tick of the event loop are sent as one."""

import asyncio
from typing import Any

import pytest

from app.domain.errors import Unavailable
from app.store.mongo.gathered import MAX_KEYS, Gathered

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
