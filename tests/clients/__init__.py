"""Clients as people have them: Segment's SDKs, and GraphQL in Python, JavaScript and TypeScript.

The JavaScript is installed once, by npm, and kept under `.cache/clients`.
"""

import asyncio
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
MANIFESTS = ("package.json", "package-lock.json")
CACHE = HERE.parents[1] / ".cache" / "clients"
RUN_TIMEOUT_S = 60


class NodeToolMissing(RuntimeError):
    """A program that JavaScript needs is not installed."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"The JavaScript clients need the program {tool!r}.")
        self.tool = tool


def node_modules() -> Path:
    """Return the folder of the packages that are pinned here, installed if this is the first run.

    Raises:
        NodeToolMissing: there is no Node.js, or no npm to install them with.
    """
    tool("node")
    pins = b"".join((HERE / name).read_bytes() for name in MANIFESTS)
    installed = CACHE / sha256(pins).hexdigest()[:12]
    if not installed.exists():
        _install(installed)
    return installed / "node_modules"


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NodeToolMissing(name)
    return path


def _install(installed: Path) -> None:
    npm = tool("npm")
    installed.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=installed.parent) as work:
        fetched = Path(work) / "packages"
        fetched.mkdir()
        for name in MANIFESTS:
            shutil.copy(HERE / name, fetched)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "ci", *quiet], cwd=fetched, check=True)
        try:
            fetched.rename(installed)
        except OSError:
            # Another test run that started with us may have been faster; its packages are the same.
            if not installed.exists():
                raise


async def run(*command: str | Path, cwd: Path | None = None) -> tuple[int, str]:
    """Return the status of a program that ends by itself, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), RUN_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, printed.decode()
