"""A server that speaks MongoDB's protocol, for tests that want real sockets and change streams.

Its jars are fetched once, by Maven, and kept under `.cache/wire`.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pymongo import MongoClient

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
CACHE = HERE.parents[1] / ".cache" / "wire"
STOP_TIMEOUT_S = 10


class WireToolMissing(RuntimeError):
    """A program that the server needs is not installed."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"The MongoDB wire server needs the program {tool!r}.")
        self.tool = tool


class WireServerFailed(RuntimeError):
    """The server ended before it listened; its standard error says why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The MongoDB wire server ended at once, with status {status!r}.")
        self.status = status


@contextmanager
def running(port: int = 0) -> Iterator[str]:
    """Yield the `mongodb://` address of an empty server, which is gone afterwards.

    Port 0 lets the system choose a free one.

    Raises:
        WireToolMissing: there is no Java, or no Maven to fetch the jars with.
        WireServerFailed: Java is there but the server would not start.
    """
    java = _tool("java")
    classpath = f"{_jars()}/*"
    # Without a logging library SLF4J would print its regrets into every test report.
    quiet = "-Dslf4j.internal.verbosity=ERROR"
    # It changes documents in place: a second thread would read them half changed.
    serial = "-Dio.netty.eventLoopThreads=1"
    command = [java, quiet, serial, "-cp", classpath, str(HERE / "Launcher.java"), str(port)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(server)
    finally:
        _stop(server)


def forget(client: MongoClient[Any], database: str) -> None:
    """Drop a database, with all that the server's log says of it.

    Each look at a change stream goes through that log from its beginning, and nothing else ever
    shortens it: after a thousand tests, looks alone would keep the server busy.
    """
    client.drop_database(database)
    client.local["oplog.rs"].delete_many({"ns": {"$regex": rf"^{database}\."}})


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise WireToolMissing(name)
    return path


def _jars() -> Path:
    """Return the folder of the jars that `pom.xml` pins, fetched if this is the first run."""
    jars = CACHE / sha256(POM.read_bytes()).hexdigest()[:12]
    if not jars.exists():
        _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    mvn = _tool("mvn")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=jars.parent) as work:
        fetched = Path(work) / "lib"
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        subprocess.run([mvn, "-q", "-B", "-f", str(POM), *goal], check=True)
        _publish(fetched, jars)


def _publish(fetched: Path, jars: Path) -> None:
    """Move the folder into place in one step, so that nobody ever sees half of it."""
    try:
        fetched.rename(jars)
    except OSError:
        # Another test run that started with us may have been faster; its jars are the same.
        if not jars.exists():
            raise


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    line = server.stdout.readline().strip()
    if not line:
        raise WireServerFailed(server.wait(STOP_TIMEOUT_S))
    return line


def _stop(server: subprocess.Popen[str]) -> None:
    """End the server by closing its standard input, or by force if that does not do it."""
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        if server.stdout is not None:
            server.stdout.close()
