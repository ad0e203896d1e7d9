"""What a server keeps in memory before anybody has asked it anything."""

import subprocess
import sys

import pytest

_LOADED = """
import sys
import app.__main__, app.server, app.store.sqlite, app.workers
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What a server has loaded once it has started on SQLite, without any setting."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["cryptography", "jwt", "motor", "pymongo", "rich"])
def test_what_a_plain_server_has_no_use_for_is_not_loaded(loaded: set[str], package: str):
    assert package not in loaded
