"""The field at the start: every server running, each with the same people in its store."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.documents import PAGE_ENDS
from tests.bench.install import HOME, NODE
from tests.bench.machine import responder_core, server_core
from tests.bench.people import everyone
from tests.bench.processes import Running, free_port, running
from tests.bench.servers import Server
from tests.bench.workloads import PAGE

PAGES: Final = 40
"""How many different pages of the list are asked for."""


@dataclass(frozen=True)
class Field:
    """What runs.

    Attributes:
        servers: By name.
        stand_in: What answers in MongoDB's place.
    """

    servers: Mapping[str, Running]
    stand_in: Running


@contextmanager
def field(servers: Sequence[Server], people: int) -> Iterator[Field]:
    """Run the servers, filled, until the block ends."""
    # Not in the system's folder: where that is kept in memory, nothing is durable.
    with TemporaryDirectory(prefix="stores-", dir=HOME) as folder, ExitStack() as stack:
        everybody = Path(folder) / "people.json"
        everybody.write_text(json.dumps(everyone(people), ensure_ascii=False))
        stand_in = stack.enter_context(_responder())
        stores = {server.name: _store(server, Path(folder), stand_in) for server in servers}
        _fill([stores[server.name] for server in servers if server.is_ours], people)
        started = {
            server.name: stack.enter_context(_started(server, stores[server.name], everybody))
            for server in servers
        }
        yield Field(started, stand_in)


def _fill(stores: Sequence[str], people: int) -> None:
    """Fill the stores of ours side by side; the peers fill their own as they start."""
    program = (sys.executable, "-m", "tests.bench.filling")
    filling = [subprocess.Popen([*program, store, str(people)]) for store in stores]
    if any(process.wait() for process in filling):
        raise RuntimeError("A store of ours could not be filled.")


def _started(server: Server, store: str, everybody: Path) -> AbstractContextManager[Running]:
    port = free_port()
    return running(
        server.name,
        server.command(port, store),
        port,
        server_core(),
        server.environment(port, store, everybody),
    )


def _store(server: Server, folder: Path, stand_in: Running) -> str:
    """Return where a server keeps its people."""
    match server.store:
        case "mongodb":
            return f"mongodb://127.0.0.1:{stand_in.port}/{server.name.replace('-', '_')}"
        case "sqlite":
            path = folder / f"{server.name}.db"
            return f"sqlite:///{path}" if server.is_ours else str(path)
        case other:
            return other


@contextmanager
def _responder() -> Iterator[Running]:
    """Run what stands in for MongoDB."""
    port = free_port()
    command = [str(NODE), str(HOME / "responder" / "main.mjs")]
    with running("responder", command, port, responder_core(), {"PORT": str(port)}) as started:
        yield started


def page_cursors(server: Running) -> list[str]:
    """Return where the pages of the list begin after the first, as this server says it."""
    cursors: list[str] = []
    for _ in range(PAGES - 1):
        after = cursors[-1] if cursors else None
        body = {
            "query": PAGE_ENDS,
            "operationName": "Ends",
            "variables": {"first": PAGE, "after": after},
        }
        info = server.post(json.dumps(body))["data"]["users"]["pageInfo"]
        if not info["hasNextPage"]:
            break
        cursors.append(info["endCursor"])
    return cursors
