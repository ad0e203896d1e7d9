"""The audits of GraphQL over HTTP that its specification's own library brings, run by Node.

The library is fetched once, by npm, and kept under `.cache/http_audit`.
"""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "http_audit"
PACKAGE = HERE / "package.json"
SCRIPT = HERE / "audit.mjs"


class AuditToolMissing(RuntimeError):
    """A program that the audits need is not installed."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"The audits of GraphQL over HTTP need the program {tool!r}.")


def audits(url: str) -> list[dict[str, Any]]:
    """Return what each audit finds at an address: its id, name, status and reason.

    Raises:
        AuditToolMissing: there is no Node, or no npm to fetch the library with.
    """
    command = [_tool("node"), SCRIPT.name, url]
    found = subprocess.run(command, cwd=_folder(), check=True, capture_output=True, text=True)
    results: list[dict[str, Any]] = json.loads(found.stdout)
    return results


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise AuditToolMissing(name)
    return path


def _folder() -> Path:
    """Return a folder with the script and what it imports, fetched if this is the first run."""
    digest = sha256(PACKAGE.read_bytes() + SCRIPT.read_bytes()).hexdigest()[:12]
    folder = CACHE / digest
    if not folder.exists():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    npm = _tool("npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as work:
        fetched = Path(work) / "audit"
        fetched.mkdir()
        for file in (PACKAGE, SCRIPT):
            shutil.copy(file, fetched)
        install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(install, cwd=fetched, check=True)
        _publish(fetched, folder)


def _publish(fetched: Path, folder: Path) -> None:
    """Move the folder into place in one step, so that nobody ever sees half of it."""
    try:
        fetched.rename(folder)
    except OSError:
        # Another test run that started with us may have been faster; its files are the same.
        if not folder.exists():
            raise
