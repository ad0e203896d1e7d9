"""Real servers, two on one database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from uuid import uuid4

import pytest

from tests.processes.servers import Client, client_of
from tests.server_process import server_process


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """The base URLs of two servers on one database of each kind in turn."""
    with ExitStack() as running:
        if request.param == "sqlite":
            database = f"sqlite:///{tmp_path_factory.mktemp('pair')}/people.db"
        else:
            database = running.enter_context(request.getfixturevalue("new_mongodb")())
        yield [running.enter_context(server_process(database)).url for _ in range(2)]


@pytest.fixture
async def clients(servers: list[str]) -> AsyncIterator[list[Client]]:
    """A client of each of the two servers."""
    async with AsyncExitStack() as open_clients:
        yield [await open_clients.enter_async_context(client_of(url)) for url in servers]


@pytest.fixture
def email() -> str:
    """An address that nobody has yet."""
    return f"{uuid4().hex}@example.org"
