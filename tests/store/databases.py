"""Databases of each kind, which several stores can have open, as several processes have."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mongomock_motor import AsyncMongoMockClient
from pymongo import MongoClient

from app.domain.limits import Limits
from app.store import Store, open_store
from app.store.mongo import MongoStore
from app.store.mongo.collections import Collections
from app.store.sqlite.connection import path_of
from tests.builders import LIMITS
from tests.store.mocked import MockedDatabase

Opening = AbstractAsyncContextManager[Store]
SetFormat = Callable[[int], None]
Outrun = Callable[[str], AbstractAsyncContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Database:
    """An empty database.

    Attributes:
        open: Opens one more store on it.
        set_format: Makes it look as if another version of the program had written it.
        outrunning: For as long as its block runs, nobody can write to a user if each step that
            tries calls what the block is given.
    """

    kind: str
    open: Callable[[Limits], Opening]
    set_format: SetFormat
    outrunning: Outrun

    def opened(self, limits: Limits = LIMITS, **other: Any) -> Opening:
        return self.open(limits.model_copy(update=other))


def sqlite_database(url: str) -> Database:
    path = path_of(url)

    def set_format(version: int) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

    @asynccontextmanager
    async def outrunning(user_id: str) -> AsyncIterator[Callable[[], None]]:
        rival = sqlite3.connect(path, isolation_level=None)
        rival.execute("BEGIN IMMEDIATE")
        yield lambda: None
        rival.close()

    return Database("sqlite", lambda limits: open_store(url, limits), set_format, outrunning)


def mongodb_database(url: str) -> Database:
    name = urlsplit(url).path.lstrip("/")

    def set_format(version: int) -> None:
        with MongoClient[dict[str, Any]](url) as client:
            client[name].meta.update_one({"_id": "format"}, {"$set": {"version": version}})

    @asynccontextmanager
    async def outrunning(user_id: str) -> AsyncIterator[Callable[[], None]]:
        with MongoClient[dict[str, Any]](url) as client:
            yield lambda: _outrun(client[name].users, user_id)

    return Database("mongodb", lambda limits: open_store(url, limits), set_format, outrunning)


def mongomock_database() -> Database:
    client: Any = AsyncMongoMockClient()
    inside = client.get_database("people").delegate

    @asynccontextmanager
    async def open_mongomock(limits: Limits) -> AsyncIterator[Store]:
        yield MongoStore(await mongomock_collections(client), limits)

    def set_format(version: int) -> None:
        inside.meta.update_one({"_id": "format"}, {"$set": {"version": version}})

    @asynccontextmanager
    async def outrunning(user_id: str) -> AsyncIterator[Callable[[], None]]:
        yield lambda: _outrun(inside.users, user_id)

    return Database("mongomock", open_mongomock, set_format, outrunning)


async def mongomock_collections(client: Any) -> Collections:
    """Return the collections of a database in memory, prepared as `open_mongo` prepares them."""
    database: Any = MockedDatabase(client.get_database("people"))
    collections = Collections(database)
    await collections.prepare()
    return collections


def _outrun(users: Any, user_id: str) -> None:
    users.update_one({"_id": user_id}, {"$inc": {"revision": 1}})


async def until(condition: Callable[[], bool], within_s: float = 5) -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: it does not within so long.
    """
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (conditions of all kinds, few have an event)
            await asyncio.sleep(0.002)
