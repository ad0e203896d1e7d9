"""Streams that end with the credential by which they were begun."""

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from app.schema.streams import while_allowed


class Credential:
    """A credential that a test ends, and the context of an operation by it.

    Attributes:
        over: Set once it holds no more.
    """

    def __init__(self, *, watches: bool = True) -> None:
        self.over = asyncio.Event()
        self.context: Any = SimpleNamespace(callers=self, caller="somebody", watches=watches)

    async def ended(self, _: str) -> None:
        await self.over.wait()


class Results:
    """Results as a test gives them.

    Attributes:
        closed: Whether nobody waits for more.
    """

    def __init__(self) -> None:
        self.closed = False
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def put(self, result: str) -> None:
        self._queue.put_nowait(result)

    async def stream(self) -> AsyncGenerator[str, None]:
        try:
            while (result := await self._queue.get()) != "end":
                yield result
        finally:
            self.closed = True


async def read(results: Results, credential: Credential) -> list[Any]:
    return [one async for one in while_allowed(results.stream(), credential.context)]


async def a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_is_passed_on_while_the_credential_holds():
    results = Results()
    for one in ("a", "b", "end"):
        results.put(one)

    assert await read(results, Credential()) == ["a", "b"]


async def test_once_it_has_ended_an_error_is_the_last():
    results, credential = Results(), Credential()
    reading = asyncio.create_task(read(results, credential))
    results.put("a")
    await a_moment()
    credential.over.set()
    told, last = await reading

    assert told == "a"
    assert last.errors[0].extensions == {"code": "UNAUTHENTICATED"}
    assert results.closed


async def test_what_has_one_answer_is_not_broken_off():
    results, credential = Results(), Credential(watches=False)
    reading = asyncio.create_task(read(results, credential))
    await a_moment()
    credential.over.set()
    await a_moment()
    results.put("a")
    results.put("end")

    assert await reading == ["a"]


@pytest.mark.parametrize("watches", [True, False])
async def test_whoever_leaves_just_then_has_left(watches: bool):
    results, credential = Results(), Credential(watches=watches)
    reading = asyncio.create_task(read(results, credential))
    await a_moment()
    credential.over.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading})

    assert reading.cancelled()
    assert results.closed
