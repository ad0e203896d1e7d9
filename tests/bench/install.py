"""The Node peers and their packages, in a folder that git ignores."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
HOME: Final = HERE.parents[1] / ".cache" / "bench"
NODE: Final = HOME / "node_modules" / ".bin" / "node"

_SHOWN: Final = ("mercurius", "graphql-jit", "graphql-yoga", "@apollo/server", "mongodb")


def install() -> dict[str, str]:
    """Bring the folder up to date, and return the versions of what is in it.

    Modules look for packages beside themselves: so the programs are copied to the packages.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "peers" / "package.json").read_bytes()
    installed = HOME / "package.json"
    up_to_date = NODE.exists() and installed.exists() and installed.read_bytes() == wanted
    for folder in ("peers", "responder"):
        shutil.rmtree(HOME / folder, ignore_errors=True)
        shutil.copytree(HERE / folder, HOME / folder, ignore=shutil.ignore_patterns("*.py"))
    if not up_to_date:
        installed.write_bytes(wanted)
        options = ("--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run(["npm", "install", *options], cwd=HOME, check=True)
    return {"Node": _node_version(), **{name: _version(name) for name in _SHOWN}}


def _node_version() -> str:
    asked = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.strip().removeprefix("v")


def _version(package: str) -> str:
    manifest = HOME / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"])
