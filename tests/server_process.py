"""The server as its users run it: a process of its own, on a free port."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

_ADDRESS: Final = re.compile(r"Profilegraph: (http://\S+)/graphql")


class ServerProcess:
    """A running server.

    Attributes:
        url: Its base URL, without a slash at the end.
        log: What it logged since it listens, line by line.
        pid: Its process id.
    """

    def __init__(self, process: subprocess.Popen[str], url: str, log: list[str]) -> None:
        self._process = process
        self.pid = process.pid
        self.url = url
        self.log = log

    def ask_to_stop(self) -> None:
        """Tell it to end, as a service manager does."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, within_s: float) -> int:
        """Return the exit status, once it has ended."""
        return self._process.wait(within_s)

    def kill(self) -> None:
        """End it as a crash would: nothing is finished, nothing is closed."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def server_process(database: str, *options: str, **environment: str) -> Iterator[ServerProcess]:
    """Run `python -m app` on a database until the block ends."""
    command = [sys.executable, "-m", "app", "--port", "0", "--database", database, *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    log: list[str] = []
    drain = Thread(target=_drain, args=[process, log], daemon=True)
    try:
        url = _address(process)
        drain.start()  # a full pipe would stop the server as it logs
        yield ServerProcess(process, url, log)
    finally:
        process.terminate()
        process.wait(10)
        if drain.ident:
            drain.join()
        assert process.stderr is not None
        process.stderr.close()


def _drain(process: subprocess.Popen[str], log: list[str]) -> None:
    assert process.stderr is not None
    log.extend(process.stderr)


def _address(process: subprocess.Popen[str]) -> str:
    """Return where the server listens, once it does."""
    assert process.stderr is not None
    url = None
    for line in process.stderr:
        if found := _ADDRESS.search(line):
            url = found[1]
        if url and "startup complete" in line:
            return url
    raise AssertionError("The server ended before it listened.")
