"""A server that is asked to stop: those who watch are let go so that they come again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from tests.processes.servers import IDENTIFY, client_of
from tests.schema.websocket import initialised
from tests.server_process import ServerProcess, server_process

WATCH = 'subscription { userChanged(by: {email: "ada@example.org"}) { kind } }'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(f"sqlite:///{tmp_path}/people.db") as server:
        yield server


async def test_a_socket_is_closed_with_the_code_for_a_restart(server: ServerProcess):
    async with initialised(server.url) as socket:
        await socket.subscribe(WATCH)

        server.ask_to_stop()

        assert await socket.close_code() == 1012
    assert await asyncio.to_thread(server.wait, 3) is not None


async def test_a_stream_over_http_ends_without_being_complete(server: ServerProcess):
    async with client_of(server.url) as client, AsyncClient(timeout=5) as http:
        await client(IDENTIFY, email="ada@example.org")
        headers = {"accept": "text/event-stream"}
        lines = []
        async with http.stream(
            "POST", f"{server.url}/graphql", json={"query": WATCH}, headers=headers
        ) as stream:
            async for line in stream.aiter_lines():
                lines.append(line)
                if line.startswith("data:"):
                    server.ask_to_stop()

    assert lines == ["event: next", 'data: {"data":{"userChanged":{"kind":"CURRENT"}}}', ""]
    assert await asyncio.to_thread(server.wait, 3) is not None
