"""Several workers on one port."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.server_process import ServerProcess, server_process

pytestmark = pytest.mark.slow

WORKERS = 2
CREATE = """
mutation {
  userUpdate(user: {custom: "ada"}, createIfMissing: true,
             changes: {properties: {increment: {n: 1}}}) {
    ... on UserUpdatePayload { user { property(name: "n") } }
  }
}
"""
READ = '{ user(by: {custom: "ada"}) { property(name: "n") } }'


def ask(server: ServerProcess, document: str) -> Any:
    """Send a document over a connection of its own, so that any of the workers may answer."""
    body = json.dumps({"query": document}).encode()
    headers = {"content-type": "application/json", "connection": "close"}
    with urlopen(Request(f"{server.url}/graphql", body, headers), timeout=20) as answer:
        return json.loads(answer.read())["data"]


def workers_of(server: ServerProcess) -> set[int]:
    """Return the ids of the processes that the server started to serve."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue
        if parent == server.pid and b"spawn_main" in command:
            found.add(int(entry.name))
    return found


@pytest.fixture
def server(store_url: str):
    with server_process(store_url, "--workers", str(WORKERS), "--demo") as server:
        deadline = time.monotonic() + 30
        while len(workers_of(server)) < WORKERS and time.monotonic() < deadline:
            time.sleep(0.05)
        yield server


def test_whatever_worker_answers_knows_what_any_of_them_wrote(server: ServerProcess):
    for number in range(1, 40):
        assert ask(server, CREATE) == {"userUpdate": {"user": {"property": number}}}
        assert ask(server, READ) == {"user": {"property": number}}


def test_the_sample_people_are_there_once(server: ServerProcess):
    assert ask(server, "{ userCount }") == {"userCount": 200}


def test_many_who_write_at_once_through_all_workers_lose_nothing(server: ServerProcess):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(server, CREATE), range(80)))

    assert ask(server, READ) == {"user": {"property": 80}}


def test_a_worker_that_is_killed_is_replaced_and_nobody_is_refused(server: ServerProcess):
    before = workers_of(server)
    os.kill(min(before), signal.SIGKILL)

    # Connections dealt to the one that is gone wait for the one that comes.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(server, "{ userCount }"), range(24)))

    assert answers == [{"userCount": 200}] * 24
    assert len(workers_of(server) - before) == 1


def test_no_other_server_can_take_the_port(server: ServerProcess, tmp_path: Path):
    port = server.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "app", "--port", port, "--workers", "2"]
    other = subprocess.run(
        [*command, "--database", f"sqlite:///{tmp_path}/other.db"], capture_output=True, text=True
    )

    assert other.returncode == 1
    assert "Cannot listen" in other.stderr


def test_the_workers_end_with_the_one_who_started_them(store_url: str):
    with server_process(store_url, "--workers", str(WORKERS)) as server:
        started = workers_of(server)
        server.kill()
        deadline = time.monotonic() + 15
        while any(Path(f"/proc/{pid}").exists() for pid in started):
            assert time.monotonic() < deadline
            time.sleep(0.05)
