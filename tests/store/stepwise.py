"""A MongoDB store whose every step in the database can be watched, delayed, or be its last."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final

from mongomock_motor import AsyncMongoMockClient

from app.domain.limits import Limits
from app.store.mongo import MongoStore
from app.store.mongo.collections import Collections
from tests.builders import LIMITS
from tests.store.databases import mongomock_collections

BeforeStep = Callable[[str], Awaitable[None]]

_STEPS: Final = frozenset(
    {
        "find_one",
        "insert_one",
        "insert_many",
        "replace_one",
        "bulk_write",
        "update_one",
        "delete_one",
        "delete_many",
    }
)


class Crash(BaseException):
    """The process is no more; nobody catches this."""


class _Stepwise:
    """A collection that first asks leave for every step."""

    def __init__(self, collection: Any, name: str, before_step: BeforeStep) -> None:
        self._collection = collection
        self._name = name
        self._before_step = before_step

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._collection, method)
        if method not in _STEPS:
            return found

        async def step(*arguments: Any, **options: Any) -> Any:
            await self._before_step(f"{self._name}.{method}")
            return await found(*arguments, **options)

        return step


class Memory:
    """A MongoDB database in memory, of which any number of processes may have a store."""

    def __init__(self) -> None:
        self._client: Any = AsyncMongoMockClient()

    async def collections(self) -> Collections:
        return await mongomock_collections(self._client)

    async def store(
        self, before_step: BeforeStep | None = None, limits: Limits = LIMITS
    ) -> MongoStore:
        """Return one more store; it awaits `before_step` with the name of each step."""
        collections = await self.collections()
        if before_step:
            for name, collection in list(vars(collections).items()):
                if name != "database":
                    setattr(collections, name, _Stepwise(collection, name, before_step))
        return MongoStore(collections, limits)

    async def count(self, collection: str) -> int:
        found = (await self.collections()).database[collection]
        return int(await found.count_documents({}))


def crashing_after(steps: int) -> BeforeStep:
    """Return what lets so many steps pass and ends the process at the next."""
    left = steps

    async def before_step(_: str) -> None:
        nonlocal left
        if left == 0:
            raise Crash
        left -= 1

    return before_step


def dawdling(random: Random, crash_chance: float = 0) -> BeforeStep:
    """Return what delays each step at random, so that others come in between, or crashes."""

    async def before_step(_: str) -> None:
        if random.random() < crash_chance:
            raise Crash
        for _turn in range(random.randrange(4)):
            await asyncio.sleep(0)

    return before_step


class Gate:
    """Holds a process up before one step, until it is opened.

    Attributes:
        reached: Set once the process stands there.
    """

    def __init__(self, step: str, passes: int = 0) -> None:
        self.reached = asyncio.Event()
        self._step = step
        self._passes = passes
        self._opened = asyncio.Event()

    async def __call__(self, step: str) -> None:
        if step != self._step or self.reached.is_set():
            return
        if self._passes:
            self._passes -= 1
            return
        self.reached.set()
        await self._opened.wait()

    def open(self) -> None:
        self._opened.set()
