"""Subscribers, and what they have not read, each in turn with all else that goes on."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from app.domain.change import Change, ChangeKind
from app.live.inbox import Every, Newest
from app.live.subscription import Subscription
from app.live.turns import AT_ONCE, Turns
from tests.builders import NOON


class Others:
    """Whatever else the event loop has to do.

    Attributes:
        turns: How often it got to it.
    """

    def __init__(self) -> None:
        self.turns = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turns += 1


@pytest.fixture
async def others() -> AsyncIterator[Others]:
    others = Others()
    running = asyncio.create_task(others.run())
    yield others
    running.cancel()
    await asyncio.wait({running})


def change(number: int, user_id: str = "p1") -> Change:
    return Change(ChangeKind.UPDATED, user_id, number, NOON, (), str(number))


async def test_whoever_waits_is_woken_in_turn(others: Others):
    woken: list[tuple[int, int]] = []
    turns = Turns()

    def wake(number: int) -> None:
        woken.append((number, others.turns))

    for number in range(2 * AT_ONCE + 1):
        turns.wait(partial(wake, number))
    for _ in range(10):
        await asyncio.sleep(0)

    assert [number for number, _ in woken] == list(range(2 * AT_ONCE + 1))
    assert len({turn for _, turn in woken}) == 3


async def test_whoever_comes_later_is_woken_too():
    woken: list[str] = []
    turns = Turns()
    for name in ("first", "second"):
        turns.wait(partial(woken.append, name))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert woken == ["first", "second"]


async def test_what_comes_before_the_turn_does_costs_no_other():
    turns = Turns()
    subscription = Subscription("p1", Newest(), turns)
    for number in (1, 2, 3):
        subscription.put(change(number), "0")

    assert len(turns._waiting) == 1
    assert (await anext(aiter(subscription))).version == 3
    subscription.put(change(4), "3")
    await asyncio.sleep(0)
    subscription.put(change(5), "4")
    assert (await anext(aiter(subscription))).version == 5


async def test_whoever_has_much_to_read_lets_others_go_on(others: Others):
    entries: Every[Change] = Every(1_000)
    subscription = Subscription("", entries, Turns())
    for number in range(4 * AT_ONCE):
        subscription.put(change(number), "")
    read = 0
    async for _ in subscription:
        read += 1
        if read == 4 * AT_ONCE:
            break

    assert others.turns >= 3
