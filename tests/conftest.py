"""What tests share: a clock, an API on a fresh store, the MongoDB wire server, a real server."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import pytest
from pymongo import MongoClient

from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.builders import NOON
from tests.server_process import server_process
from tests.stores import STORES, NewDatabase
from tests.wire import WireToolMissing, forget, running

SHARED_MEMORY: Final = Path("/dev/shm")
REAL_MONGODB: Final = os.environ.get("PROFILEGRAPH_TEST_MONGODB", "").rstrip("/")


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    """The address of a MongoDB server; a real one if `PROFILEGRAPH_TEST_MONGODB` names it."""
    if REAL_MONGODB:
        yield REAL_MONGODB
        return
    try:
        with running() as address:
            yield address
    except WireToolMissing as missing:
        outcome = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        outcome(str(missing))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """A SQLite file that is not there yet; in memory, where the system has files there.

    A test commits dozens of times, and each commit would wait for a disk.
    """
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else tmp_path
    with TemporaryDirectory(prefix="profilegraph-", dir=place) as folder:
        yield f"sqlite:///{folder}/people.db"


@pytest.fixture(scope="session")
def new_mongodb(mongodb: str) -> Iterator[NewDatabase]:
    """What gives new databases of MongoDB."""
    with MongoClient[Any](mongodb) as client:

        @contextmanager
        def new() -> Iterator[str]:
            name = f"test{uuid4().hex}"
            yield f"{mongodb}/{name}"
            if REAL_MONGODB:
                client.drop_database(name)
            else:
                forget(client, name)

        yield new


@pytest.fixture
def mongodb_url(new_mongodb: NewDatabase) -> Iterator[str]:
    """A MongoDB database that is not there yet, and is gone afterwards."""
    with new_mongodb() as url:
        yield url


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
async def api(sqlite_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API on an empty store."""
    async with serving(Settings(database=sqlite_url), clock) as api:
        yield api


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a running server with the sample people."""
    folder = tmp_path_factory.mktemp("server")
    with server_process(f"sqlite:///{folder}/demo.db", "--demo") as running_server:
        yield running_server.url
