"""A time limit holds for whatever waits, and does not show otherwise."""

import asyncio
from typing import Any

import pytest

from app.promptly import within


class Pieces:
    """Work that waits for each of some pieces in turn, and notes what befalls it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.befell: list[str] = []

    async def collected(self, count: int) -> list[Any]:
        try:
            return [await self.queue.get() for _ in range(count)]
        except BaseException as fault:
            self.befell.append(type(fault).__name__)
            raise


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


async def test_what_is_at_hand_is_returned_at_once(pieces: Pieces):
    pieces.queue.put_nowait(1)
    pieces.queue.put_nowait(2)

    assert await within(0, pieces.collected(2)) == [1, 2]


async def test_what_comes_later_is_waited_for(pieces: Pieces):
    collecting = asyncio.create_task(within(5, pieces.collected(3)))
    for piece in range(3):
        await asyncio.sleep(0.001)
        pieces.queue.put_nowait(piece)

    assert await collecting == [0, 1, 2]


async def test_what_takes_too_long_is_ended(pieces: Pieces):
    pieces.queue.put_nowait(1)

    with pytest.raises(TimeoutError):
        await within(0.01, pieces.collected(2))
    assert pieces.befell == ["CancelledError"]


async def test_whoever_is_cancelled_cancels_it(pieces: Pieces):
    collecting = asyncio.create_task(within(5, pieces.collected(1)))
    await asyncio.sleep(0.001)
    collecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await collecting
    assert pieces.befell == ["CancelledError"]


@pytest.mark.parametrize("pause_s", [None, 0.001])
async def test_its_fault_is_raised(pause_s: float | None):
    async def fails() -> None:
        if pause_s:
            await asyncio.sleep(pause_s)
        raise ValueError("What it failed with.")

    with pytest.raises(ValueError, match="failed with"):
        await within(5, fails())


async def test_it_may_go_on_after_a_cancellation_as_ever():
    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)
        return "went on"

    going = asyncio.create_task(within(5, stubborn()))
    await asyncio.sleep(0.001)
    going.cancel()

    assert await going == "went on"
