"""Keys by the command line: made and told once, listed without themselves, revoked."""

import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.__main__ import cli


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an environment that decides nothing."""
    for name in [name for name in os.environ if name.startswith("PROFILEGRAPH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["keys", *arguments])


def listed() -> list[list[str]]:
    """Return the rows of the list under its head."""
    result = run("list")
    assert (result.exit_code, result.stderr) == (0, "")
    head, *rows = (re.split(r"  +", line) for line in result.stdout.splitlines())
    assert head == ["ID", "ROLE", "TRUSTING", "CREATED", "REVOKED", "NAME"]
    return rows


@pytest.mark.parametrize("role", ["service", "ingest"])
def test_a_new_key_is_the_last_line_and_is_told_never_again(here: Path, role: str):
    result = run("add", "--role", role)

    key = result.stdout.splitlines()[-1]
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(rf"profilegraph_{role}_[\w-]{{43}}", key)
    assert key not in run("list").stdout
    assert key.encode() not in b"".join(path.read_bytes() for path in here.iterdir())


def test_keys_are_listed_with_what_is_known_of_them(here: Path):
    run("add", "--role", "service")
    run("add", "--role", "ingest", "--trusting", "--name", " Data  collector ")

    first, second = listed()

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert [*first[1:3], first[4], first[5]] == ["service", "no", "-", "-"]
    assert first[3].startswith(today)
    assert second[1:3] == ["ingest", "yes"]
    assert " ".join(second[5:]) == "Data collector"


def test_a_revoked_key_says_since_when(here: Path):
    run("add", "--role", "ingest")
    ((id, *_),) = listed()

    result = run("revoke", id)

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{id} is revoked.\n", "")
    ((_, _, _, created, revoked, _),) = listed()
    assert revoked >= created


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["revoke", "k9"], "No key has the id 'k9'."),
        (["add", "--role", "service", "--trusting"], "Only an ingest key can be trusting."),
        (["add", "--role", "ingest", "--name", " "], "The name is empty."),
        (["add", "--role", "ingest", "--name", "x" * 121], "The name is longer than 120 bytes."),
    ],
)
def test_what_cannot_be_done_is_one_line(here: Path, arguments: list[str], message: str):
    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Profilegraph: {message}\n"
    assert listed() == []


@pytest.mark.parametrize("arguments", [["add"], ["add", "--role", "admin"], ["revoke"], ["nope"]])
def test_what_is_no_command_is_a_usage_error(here: Path, arguments: list[str]):
    assert run(*arguments).exit_code == 2


def test_the_database_is_named_before_the_command_or_after_it(here: Path):
    options: Any = ["--database", "sqlite:///other.db"]
    CliRunner().invoke(cli, [*options, "keys", "add", "--role", "ingest"])

    run("add", "--role", "ingest", *options)

    with sqlite3.connect(here / "other.db") as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (2,)
    connection.close()
