"""A folder in which JavaScript finds its packages."""

import os
from pathlib import Path

import pytest

from tests.clients import NodeToolMissing, node_modules


@pytest.fixture(scope="session")
def _packages() -> Path:
    try:
        return node_modules()
    except NodeToolMissing as missing:
        outcome = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        outcome(str(missing))


@pytest.fixture
def workplace(tmp_path: Path, _packages: Path) -> Path:
    """An empty folder whose programs can import what is installed."""
    folder = tmp_path / "workplace"
    folder.mkdir()
    (folder / "node_modules").symlink_to(_packages, target_is_directory=True)
    return folder
