"""An import that is killed, and begun again by the same command, takes everything in once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.imports.generate import records

ROOT = Path(__file__).parents[2]
PEOPLE, EVENTS, REPEATS = 3_000, 5, 300

pytestmark = pytest.mark.slow


def content() -> Iterator[dict[str, Any]]:
    """Yield people with events, one of them more often than people remember, and a fault."""
    yield from records(PEOPLE, EVENTS, datetime(2026, 1, 31, tzinfo=UTC))
    for _ in range(REPEATS):
        yield {
            "user": {"custom": "u-7"},
            "changes": {"properties": {"increment": {"times": 1}}},
            "events": [{"name": "Repeated", "at": "2026-01-31T12:00:00Z"}],
        }
    yield {"user": {"custom": "null"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.ndjson"
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in content()))
    return path


def started(file: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "app", "import", str(file), "--database", url]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=file.parent,
    )


def profiles(url: str) -> list[Any]:
    command = [sys.executable, "-m", "app", "export", "--database", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    lines = map(json.loads, done.stdout.splitlines())
    return [line["profile"] for line in lines if "profile" in line]


def check_everything_is_there_once(url: str, file: Path) -> None:
    people = profiles(url)
    expected = {record["user"]["custom"]: record for record in content()}
    del expected["null"]
    assert len(people) == len(expected) == PEOPLE
    for person in people:
        (name,) = (i["value"] for i in person["identities"] if i["kind"] == "CUSTOM")
        extra = REPEATS if name == "u-7" else 0
        assert len(person["events"]) == EVENTS + extra
        assert sum(total["count"] for total in person["activity"]) == EVENTS + extra
        assert person["properties"].get("times", 0) == extra
    rejects = Path(f"{file}.rejects.ndjson").read_text().splitlines()
    assert [json.loads(line)["line"] for line in rejects] == [PEOPLE + REPEATS + 1]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_again_takes_everything_in_once(store_url: str, file: Path, end):
    for after_s in (1.5, 2.5, 3.0):
        importing = started(file, store_url)
        time.sleep(after_s)
        importing.send_signal(end)
        said, _ = importing.communicate(timeout=60)
        if end is signal.SIGINT and importing.returncode == 130 and b"lines" in said:
            assert b"the same command goes on from there" in said

    last = started(file, store_url)
    said, _ = last.communicate(timeout=300)

    assert last.returncode == 1, said
    check_everything_is_there_once(store_url, file)


def test_two_at_once_take_everything_in_once(store_url: str, file: Path):
    both = [started(file, store_url) for _ in range(2)]
    for one in both:
        one.communicate(timeout=300)

    people = profiles(store_url)
    assert len(people) == PEOPLE
    assert {len(p["events"]) for p in people} == {EVENTS, EVENTS + REPEATS}
