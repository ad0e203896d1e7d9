"""The processes that serve: one, or several that share a port."""

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Event, Thread
from typing import Final

import uvicorn

from app.logs import keep_people_out
from app.quick import QuickProtocol
from app.server import create_app
from app.settings import Settings
from app.shutdown import Server

log = logging.getLogger("profilegraph")

STOP_WITHIN_S: Final = 5
"""How long a worker may take to finish what it answers."""

RESTART_AFTER_S: Final = 0.5
"""So that workers that cannot start do not keep the machine busy."""

SWITCH_EVERY_S: Final = 0.0003
"""How long the event loop may keep the interpreter from a thread that waits for it. Each statement
of a thread takes it back, and so does each commit: by Python's own five milliseconds, a write that
meets five hundred subscribers being told would take several times as long."""

GARBAGE_AFTER: Final = 10_000
"""After so many new objects, garbage is looked for among them. A request makes hundreds, of which
hardly any have to be looked for: by Python's own 700, that took some 6 % of the time of a write."""

_PROCESSES: Final = get_context("spawn")  # a fork would share threads and connections


def serve(settings: Settings, listening: socket.socket) -> None:
    """Serve in this process, until it is told to stop."""
    keep_people_out()
    config = uvicorn.Config(
        create_app(settings),
        http=QuickProtocol,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws_max_size=settings.requests.message_bytes,
        # A window of its own for each socket would take as much memory as all else it takes, and
        # compressing a message as long as framing it twice over.
        ws_per_message_deflate=False,
        access_log=False,  # its lines would hold query strings, and those people's data
        timeout_graceful_shutdown=STOP_WITHIN_S,
        server_header=False,
    )
    logging.basicConfig(format="%(levelname)s:     %(message)s")
    logging.getLogger("profilegraph").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(_names_no_address)
    sys.setswitchinterval(SWITCH_EVERY_S)
    gc.set_threshold(GARBAGE_AFTER, 10, 10)
    gc.freeze()  # what is here stays: looking for garbage in it would only make pauses longer
    Server(config).run(sockets=[listening])


def _names_no_address(record: logging.LogRecord) -> bool:
    """Keep out of the log what names an address with its query, which may hold anything."""
    return "WebSocket" not in record.msg


def serve_with_workers(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve in several processes, each with a store of its own, until this one is told to stop.

    A worker that ends by itself is replaced; its socket stays open meanwhile, so that whoever
    connects waits and is not refused.

    Args:
        settings: The same for all.
        listening: The address; taken over from whoever found it free.
        workers: How many.
    """
    sockets = _shared(listening, workers)
    with _told_to_stop() as stopping:
        running = [_started(settings, each) for each in sockets]
        while not stopping.is_set():
            connection.wait([worker.sentinel for worker in running], timeout=0.2)
            for place, worker in enumerate(running):
                if not worker.is_alive() and not stopping.is_set():
                    log.error("A worker ended with code %s; another starts.", worker.exitcode)
                    stopping.wait(RESTART_AFTER_S)
                    running[place] = _started(settings, sockets[place])
        _stop(running)


def _shared(listening: socket.socket, workers: int) -> list[socket.socket]:
    """Return a listening socket for each worker, all on one port.

    The system deals connections out among them; from one shared socket, whoever wakes first would
    take them all. Only now may the port be shared: so another server could not take it unnoticed.
    """
    family, address = listening.family, listening.getsockname()
    listening.close()
    return [
        socket.create_server(address[:2], family=family, reuse_port=True) for _ in range(workers)
    ]


def _started(settings: Settings, listening: socket.socket) -> BaseProcess:
    worker = _PROCESSES.Process(target=_work, args=(settings, listening), name="worker")
    worker.start()
    return worker


def _work(settings: Settings, listening: socket.socket) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    serve(settings, listening)


def _end_with_parent() -> None:
    """Stop this worker if whoever would stop it is gone."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _stop(running: list[BaseProcess]) -> None:
    for worker in running:
        worker.terminate()
    deadline = time.monotonic() + 2 * STOP_WITHIN_S
    for worker in running:
        worker.join(max(0.0, deadline - time.monotonic()))
        if worker.is_alive():
            worker.kill()
            worker.join()


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """Give what is set once this process is told to stop."""
    stopping = Event()
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
