"""What many want at the same moment, made once."""

import asyncio
from typing import Any

import pytest

from app.live.once import LASTS_S, MAX_KEPT, Once


class Maker:
    """Makes a new thing each time, once it may.

    Attributes:
        made: How often it was asked to.
        gate: What it waits for.
        fault: What it fails with.
    """

    def __init__(self) -> None:
        self.made = 0
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self) -> int:
        self.made += 1
        number = self.made
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return number


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def once(now: list[float]) -> Once:
    return Once(lambda: now[0])


@pytest.fixture
def now() -> list[float]:
    """What time it is, in seconds."""
    return [0.0]


async def waiting(once: Once, make: Maker, count: int) -> list["asyncio.Task[Any]"]:
    """Return so many who want the same, once all of them wait."""
    tasks = [asyncio.create_task(once.of("key", make)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_all_who_come_meanwhile_have_the_same(once: Once, make: Maker):
    tasks = await waiting(once, make, 3)
    make.gate.set()

    assert await asyncio.gather(*tasks) == [1, 1, 1]


async def test_so_has_whoever_comes_a_moment_later(once: Once, make: Maker, now: list[float]):
    make.gate.set()
    await once.of("key", make)
    now[0] += LASTS_S / 2

    assert await once.of("key", make) == 1


async def test_it_does_not_grow_old(once: Once, make: Maker, now: list[float]):
    make.gate.set()
    await once.of("key", make)
    now[0] += LASTS_S

    assert await once.of("key", make) == 2


async def test_other_things_are_others(once: Once, make: Maker):
    make.gate.set()
    await once.of("key", make)

    assert await once.of("another", make) == 2


async def test_if_whoever_makes_it_leaves_the_next_one_does(once: Once, make: Maker):
    first, second, third = await waiting(once, make, 3)
    first.cancel()
    await asyncio.wait({first})
    make.gate.set()

    assert [await second, await third] == [2, 2]


async def test_if_one_who_waits_leaves_the_others_still_have_it(once: Once, make: Maker):
    first, second, third = await waiting(once, make, 3)
    second.cancel()
    await asyncio.wait({second})
    make.gate.set()

    assert [await first, await third] == [1, 1]


async def test_a_fault_meets_all_who_wait_and_is_not_kept(once: Once, make: Maker):
    tasks = await waiting(once, make, 3)
    make.fault = fault = ValueError()
    make.gate.set()
    faults = await asyncio.gather(*tasks, return_exceptions=True)
    make.fault = None

    assert faults == [fault] * 3
    assert await once.of("key", make) == 2


async def test_it_keeps_only_the_newest(once: Once, make: Maker):
    make.gate.set()
    for number in range(MAX_KEPT + 1):
        await once.of(number, make)

    await once.of(1, make)
    assert make.made == MAX_KEPT + 1
    await once.of(0, make)
    assert make.made == MAX_KEPT + 2


async def test_it_holds_on_to_nothing_that_has_grown_old(once: Once, make: Maker, now: list[float]):
    make.gate.set()
    for number in range(10):
        await once.of(number, make)
    now[0] += LASTS_S
    await once.of("another", make)

    assert list(once._made) == ["another"]
