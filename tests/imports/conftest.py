"""An empty folder to work in, and the command line in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.__main__ import cli

Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROFILEGRAPH_DATABASE", "sqlite:///people.db")
    return tmp_path


@pytest.fixture
def run(here: Path) -> Run:
    """Run a command, and return what it printed and its exit code."""

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin)

    return run
