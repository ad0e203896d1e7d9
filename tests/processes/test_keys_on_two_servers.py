"""A key that is made or revoked counts on every server of a database within two seconds."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Final

import pytest
from httpx import AsyncClient

from tests.credentials import SERVICE
from tests.schema.websocket import initialised
from tests.server_process import server_process

pytestmark = pytest.mark.slow

COUNT: Final = "{ userCount }"
CREATE: Final = """
mutation($name: String!) { userIdentify(identities: [{custom: $name}]) { __typename } }
"""
WATCH: Final = """
subscription($name: String!) { userChanged(by: {custom: $name}) { user { version } } }
"""
WITHIN_S: Final = 2.5


@pytest.fixture(params=["sqlite", "mongodb"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def two_servers(database: str, **environment: str) -> Iterator[list[str]]:
    with ExitStack() as running:
        yield [running.enter_context(server_process(database, **environment)).url for _ in range(2)]


@pytest.fixture
def keyed_servers(database: str) -> Iterator[list[str]]:
    yield from two_servers(database, PROFILEGRAPH_SERVICE_KEY=SERVICE)


@pytest.fixture
def open_servers(database: str) -> Iterator[list[str]]:
    yield from two_servers(database)


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(trust_env=False, timeout=10) as http:
        yield http


def keys(database: str, *arguments: str) -> str:
    """Run `python -m app keys`, and return the last line it prints."""
    command = [sys.executable, "-m", "app", "keys", *arguments, "--database", database]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return done.stdout.splitlines()[-1]


async def ask(http: AsyncClient, url: str, key: str | None, query: str, **variables: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = {"query": query, "variables": variables}
    return (await http.post(f"{url}/graphql", json=body, headers=headers)).json()


async def refused_at(http: AsyncClient, url: str, key: str | None) -> None:
    """Return once the server answers nothing by this key, or by none."""
    async with asyncio.timeout(WITHIN_S):
        while "errors" not in await ask(http, url, key, COUNT):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_key_opens_every_server_at_once_and_none_once_it_is_revoked(
    database: str, keyed_servers: list[str], http: AsyncClient
):
    key = keys(database, "add", "--role", "service")
    opened = [await ask(http, url, key, COUNT) for url in keyed_servers]
    id = keys(database, "list").split()[0]

    async with AsyncExitStack() as sockets:
        await ask(http, keyed_servers[0], SERVICE, CREATE, name="ada")
        watching = [await sockets.enter_async_context(initialised(u, key)) for u in keyed_servers]
        for socket in watching:
            await socket.subscribe(WATCH, name="ada")
            await socket.told()
        keys(database, "revoke", id)
        async with asyncio.timeout(WITHIN_S):
            last = [await socket.receive() for socket in watching]
            await asyncio.gather(*(refused_at(http, url, key) for url in keyed_servers))
        others = [await ask(http, url, SERVICE, COUNT) for url in keyed_servers]

    assert opened == [{"data": {"userCount": 0}}] * 2
    assert {error["extensions"]["code"] for end in last for error in end["payload"]["errors"]} == {
        "UNAUTHENTICATED"
    }
    assert others == [{"data": {"userCount": 1}}] * 2


async def test_the_first_key_closes_the_doors_of_every_server_that_runs(
    database: str, open_servers: list[str], http: AsyncClient
):
    async with AsyncExitStack() as sockets:
        await ask(http, open_servers[0], None, CREATE, name="ada")
        watching = [await sockets.enter_async_context(initialised(url)) for url in open_servers]
        for socket in watching:
            await socket.subscribe(WATCH, name="ada")
            await socket.told()

        key = keys(database, "add", "--role", "service")
        async with asyncio.timeout(WITHIN_S):
            last = [await socket.receive() for socket in watching]
            await asyncio.gather(*(refused_at(http, url, None) for url in open_servers))

    assert all(end["payload"]["errors"] for end in last)
    assert [await ask(http, url, key, COUNT) for url in open_servers] == [
        {"data": {"userCount": 1}}
    ] * 2
