"""Servers as processes: started on a core of their own, waited for, asked, and ended."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from tests.bench.install import HOME
from tests.bench.machine import memory_mib, pinned

START_S: Final = 120
STOP_S: Final = 20
ANSWER_S: Final = 60


@dataclass(frozen=True)
class Running:
    """A process that listens."""

    port: int
    pid: int

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the whole answer to a GraphQL query."""
        return self.post(json.dumps({"query": query, "variables": variables}))

    def post(self, body: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request(
                "POST", "/graphql", body.encode(), {"Content-Type": "application/json"}
            )
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def memory_mib(self) -> float:
        return memory_mib(self.pid)


@contextmanager
def running(
    name: str, command: list[str], port: int, place: int, environment: dict[str, str]
) -> Iterator[Running]:
    """Run a server on a core until the block ends; what it prints goes to a file of its name."""
    log = HOME / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            preexec_fn=pinned(place),
        )
        try:
            _wait_for(process, port, log)
            yield Running(port, process.pid)
        finally:
            _end(process)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"A server did not start; see {log}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
