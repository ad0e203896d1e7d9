"""A server that cannot start says why, in one line."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SILENT = "serverSelectionTimeoutMS=200&connectTimeoutMS=200"


def start(*options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def refusal_of(process: subprocess.Popen[str]) -> str:
    """Return the one line with which a start was refused."""
    try:
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, out, err.count("\n")) == (1, "", 1), err
    assert err.startswith("Profilegraph: ")
    return err


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("PORT", "abc"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("LIMITS_PAGE", "0"),
        ("LIMITS_PAJE", "5"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: str, tmp_path: Path):
    process = start(
        "--database", f"sqlite:///{tmp_path}/x.db", **{f"PROFILEGRAPH_{setting}": value}
    )

    assert f"PROFILEGRAPH_{setting}" in refusal_of(process)


@pytest.mark.parametrize(
    "database",
    [
        "mysql://localhost/x",
        "mongodb://",
        "sqlite:////proc/nowhere/people.db",
        "sqlite:////dev/null/people.db",
    ],
)
def test_a_database_that_cannot_be_used_is_refused(database: str):
    refusal_of(start("--port", "0", "--database", database))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("This is no database. " * 100)

    refusal = refusal_of(start("--port", "0", "--database", f"sqlite:///{tmp_path}/notes.txt"))

    assert "notes.txt" in refusal


def test_a_database_server_that_does_not_answer_is_refused(taken_port: int):
    database = f"mongodb://ada:secret@127.0.0.1:{taken_port}/x?{SILENT}"

    refusal = refusal_of(start("--port", "0", "--database", database))

    assert "secret" not in refusal


def test_a_port_in_use_is_refused(taken_port: int, tmp_path: Path):
    database = f"sqlite:///{tmp_path}/x.db"

    refusal = refusal_of(start("--port", str(taken_port), "--database", database))

    assert str(taken_port) in refusal
    assert not (tmp_path / "x.db").exists()


def test_of_two_servers_started_at_once_on_one_port_one_is_refused(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as once_taken:
        port = once_taken.getsockname()[1]
    options = ["--port", str(port), "--demo", "--database"]

    processes = [start(*options, f"sqlite:///{tmp_path}/{number}.db") for number in range(2)]
    try:
        assert str(port) in refusal_of(first_to_end(processes))
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def first_to_end(processes: Sequence[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.05)
    raise AssertionError("All of them run.")
