"""Clients that watch somebody go on where they left off when the server was away."""

import asyncio
import json
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.clients import tool
from tests.clients.readme import programs
from tests.processes.servers import INCREMENT, client_of
from tests.server_process import server_process

pytestmark = pytest.mark.slow

HEADING = "From your language"
ADA = "ada@example.org"
CREATE = """
mutation { userUpdate(user: {email: "ada@example.org"}, changes: {}, createIfMissing: true) {
  __typename
} }
"""
WITHIN_S = 60


class Watcher:
    """A program from the README that prints every change it is told of."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def next(self) -> tuple[str, int]:
        """Return the kind of the next change, and the version that came of it."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), WITHIN_S)
        told = json.loads(line)
        return told["kind"], told["user"]["version"]

    async def until(self, version: int) -> list[tuple[str, int]]:
        """Return all changes up to the one to `version`; quick ones may come as one."""
        told = [await self.next()]
        while told[-1][1] != version:
            told.append(await self.next())
        return told


@asynccontextmanager
async def watching(*command: str | Path, cwd: Path) -> AsyncIterator[Watcher]:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=subprocess.PIPE)
    try:
        yield Watcher(process)
    finally:
        process.kill()
        await process.wait()


async def change(url: str, times: int) -> None:
    async with client_of(url) as client:
        for _ in range(times):
            await client(INCREMENT, email=ADA)


@pytest.mark.parametrize(("language", "program"), [("python", "watch.py"), ("js", "watch.mjs")])
async def test_nothing_is_missing_after_the_server_was_killed(
    store_url: str, workplace: Path, language: str, program: str
):
    with ExitStack() as running:
        server = running.enter_context(server_process(store_url))
        async with client_of(server.url) as client:
            await client(CREATE)
        (workplace / program).write_text(programs(HEADING, language, server.url)[-1])
        command = sys.executable if language == "python" else tool("node")
        async with watching(command, program, cwd=workplace) as watcher:
            assert await watcher.next() == ("CURRENT", 1)
            await change(server.url, times=2)
            assert await watcher.until(3)

            server.kill()
            with server_process(store_url) as meanwhile:
                await change(meanwhile.url, times=3)
            port = server.url.rpartition(":")[2]
            again = running.enter_context(server_process(store_url, "--port", port))
            assert {kind for kind, _ in await watcher.until(6)} == {"UPDATED"}

            await change(again.url, times=1)
            assert await watcher.next() == ("UPDATED", 7)
