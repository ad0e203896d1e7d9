"""A server that is killed loses nothing that it acknowledged."""

import asyncio
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from httpx import HTTPError

from tests.processes.servers import EVENTS, RECORD, Client, client_of
from tests.server_process import ServerProcess, server_process

pytestmark = pytest.mark.slow

ADA = "ada@example.org"
SETTINGS = {"PROFILEGRAPH_LIMITS_EMBEDDED_EVENTS": "20"}


async def record_until_killed(server: ServerProcess, kill_after: int) -> list[str]:
    """Record events until the server is gone, and return the ids that it acknowledged."""
    acknowledged: list[str] = []
    numbers = count()

    async def record(client: Client) -> None:
        while True:
            id = f"e{next(numbers):05}"
            try:
                payload = await client(RECORD, email=ADA, id=id)
            except HTTPError:
                return
            assert payload == {"recorded": 1}
            acknowledged.append(id)
            if len(acknowledged) == kill_after:
                server.kill()

    async with client_of(server.url) as client:
        await asyncio.gather(*(record(client) for _ in range(8)))
    return acknowledged


async def whole_log(client: Client) -> list[str]:
    log: list[str] = []
    after: str | None = None
    while True:
        user: Any = await client(EVENTS, email=ADA, after=after)
        log += [node["id"] for node in user["events"]["nodes"]]
        if not user["events"]["pageInfo"]["hasNextPage"]:
            assert [total["count"] for total in user["activity"]] == [len(log)]
            return log
        after = user["events"]["pageInfo"]["endCursor"]


async def test_a_killed_server_loses_nothing_acknowledged(store_url: str):
    with ExitStack() as running:
        server = running.enter_context(server_process(store_url, **SETTINGS))
        acknowledged = await record_until_killed(server, kill_after=150)

        another = running.enter_context(server_process(store_url, **SETTINGS))
        async with client_of(another.url) as client:
            log = await whole_log(client)
            assert set(acknowledged) <= set(log)
            assert len(log) == len(set(log)) <= len(acknowledged) + 8
            assert await client(RECORD, email=ADA, id=acknowledged[0]) == {"recorded": 0}
            assert await client(RECORD, email=ADA, id="new") == {"recorded": 1}
