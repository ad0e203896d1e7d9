"""A thousand who watch: memory, delay, and all of them coming back at once after a restart.

Run by hand: `python -m tests.bench.watchers [how many]`. One server process on a SQLite file, one
client process with a WebSocket each for everybody, both on this machine. A delay runs from sending
the mutation to the arrival of its version, or a later one, at a watcher.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import uvloop
from typer import echo
from websockets import ClientConnection, Subprotocol, connect

from tests.server_process import ServerProcess, server_process

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
WATCH: Final = """
subscription ($by: UserBy!, $after: Cursor) {
  userChanged(by: $by, after: $after) { kind cursor user { id name version properties } }
}
"""
CHANGE: Final = """
mutation ($who: UserBy!) {
  userUpdate(user: $who, changes: {properties: {increment: {n: 1}}}, createIfMissing: true) {
    ... on UserUpdatePayload { user { version } }
  }
}
"""


class Watcher:
    """One WebSocket that watches one person.

    Attributes:
        versions: When each version arrived.
        cursor: Of the last message.
    """

    def __init__(self, who: dict[str, str]) -> None:
        self.who = who
        self.versions: dict[int, float] = {}
        self.cursor: str | None = None
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def begin(self, url: str) -> None:
        address = url.replace("http", "ws", 1) + "/graphql"
        self._socket = await connect(address, subprotocols=[PROTOCOL], open_timeout=60, proxy=None)
        await self._socket.send('{"type": "connection_init"}')
        await self._socket.recv()
        payload = {"query": WATCH, "variables": {"by": self.who, "after": self.cursor}}
        await self._socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        self._reading = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            message = json.loads(frame)
            if message["type"] == "next":
                change = message["payload"]["data"]["userChanged"]
                self.cursor = change["cursor"]
                self.versions[change["user"]["version"]] = time.perf_counter()

    async def end(self) -> None:
        assert self._socket
        assert self._reading
        await self._socket.close()
        await asyncio.wait([self._reading])

    async def arrival(self, version: int) -> float:
        """Return when this version, or a later one, arrived."""
        while True:
            arrived = [at for number, at in self.versions.items() if number >= version]
            if arrived:
                return min(arrived)
            await asyncio.sleep(0.005)


async def changed(http: httpx.AsyncClient, who: dict[str, str]) -> int:
    answer = await http.post("/graphql", json={"query": CHANGE, "variables": {"who": who}})
    version: int = answer.json()["data"]["userUpdate"]["user"]["version"]
    return version


async def together(jobs: Sequence[Callable[[], Awaitable[Any]]], at_once: int = 50) -> None:
    gate = asyncio.Semaphore(at_once)

    async def run(job: Callable[[], Awaitable[Any]]) -> None:
        async with gate:
            await job()

    await asyncio.gather(*map(run, jobs))


def resident_mb(server: ServerProcess) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def shown(title: str, delays_s: Sequence[float]) -> str:
    ms = sorted(1000 * delay for delay in delays_s)
    p99 = ms[min(len(ms) - 1, round(0.99 * len(ms)))]
    return f"| {title} | {statistics.median(ms):.0f} | {p99:.0f} | {ms[-1]:.0f} |"


async def of_one_person(
    http: httpx.AsyncClient, watchers: Sequence[Watcher], changes: int
) -> list[float]:
    delays = []
    for _ in range(changes):
        sent = time.perf_counter()
        version = await changed(http, watchers[0].who)
        delays += [await watcher.arrival(version) - sent for watcher in watchers]
        await asyncio.sleep(0.2)
    return delays


async def of_each(http: httpx.AsyncClient, watchers: Sequence[Watcher]) -> list[float]:
    delays = []
    for watcher in watchers[::5]:
        sent = time.perf_counter()
        version = await changed(http, watcher.who)
        delays.append(await watcher.arrival(version) - sent)
    return delays


async def measure(count: int, database: str) -> None:
    with server_process(database) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            one = [Watcher({"custom": "one"}) for _ in range(count)]
            each = [Watcher({"custom": f"u{number}"}) for number in range(count)]
            await together([partial(changed, http, w.who) for w in (one[0], *each)])
            idle = resident_mb(server)
            echo(f"{count} watchers, one server process on SQLite\n")
            echo("| | median ms | p99 ms | last ms |\n|---|---:|---:|---:|")
            await together([partial(w.begin, server.url) for w in one])
            await asyncio.gather(*(watcher.arrival(1) for watcher in one))
            echo(shown("all watch one person", await of_one_person(http, one, 10)))
            busy = resident_mb(server)
            await together([w.end for w in one])
            await together([partial(w.begin, server.url) for w in each])
            await asyncio.gather(*(watcher.arrival(1) for watcher in each))
            echo(shown("each watches somebody else", await of_each(http, each)))
            await together([w.end for w in each])
            await together([partial(changed, http, w.who) for w in each])
        server.kill()
    with server_process(database) as server:
        began = time.perf_counter()
        await together([partial(w.begin, server.url) for w in each], at_once=count)
        back = [await watcher.arrival(2) - began for watcher in each]
        echo(shown("all come back at once after a restart, with `after`", back))
        await together([w.end for w in each])
    echo(f"\nResident: {idle:.0f} MB without watchers, {busy:.0f} MB with {count}.")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(count, f"sqlite:///{folder}/people.db"))


if __name__ == "__main__":
    main()
