"""The one writer of a process: jobs that wait together share a transaction and its fsync."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from app.domain.errors import Unavailable
from app.store.sqlite.connection import answering, told

MAX_JOBS_PER_COMMIT: Final = 64

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]


class _Waiting:
    """A job, and the future of whoever waits for it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.fault: BaseException | None = None

    def settle(self) -> None:
        """Tell whoever waits; on the loop's own thread."""
        if self.future.cancelled():
            return
        if self.fault is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.fault)


class Writer:
    """Runs jobs on one thread and one connection, each of them all or nothing.

    A job's changes are durable before its caller hears of them.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._closed = False
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `job` returns, once it is durable; its changes vanish if it raises.

        Raises:
            Busy: other processes held the database for too long.
            Unavailable: the file cannot be written, or the store is closed.
        """
        if self._closed:
            raise Unavailable("The database is closed.")
        waiting = _Waiting(job)
        self._queue.put(waiting)
        result: Result = await waiting.future
        return result

    async def close(self) -> None:
        """Finish what waits, and stop."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch: list[_Waiting] = [first]
            last = False
            while len(batch) < MAX_JOBS_PER_COMMIT and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    last = True
                    break
                batch.append(following)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for waiting in batch:
                self._run_one(waiting)
            self._connection.execute("COMMIT")
        except sqlite3.DatabaseError as fault:
            with suppress(sqlite3.DatabaseError):
                self._connection.execute("ROLLBACK")
            for waiting in batch:
                waiting.fault = told(fault)
        _tell(batch)

    def _run_one(self, waiting: _Waiting) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            with answering():
                waiting.result = waiting.job(self._connection)
        except Exception as fault:  # whatever it is, it is the caller's who waits for it
            waiting.fault = fault
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")


def _tell(batch: list[_Waiting]) -> None:
    """Tell all who wait; each loop is woken once, since that takes a system call."""
    for loop in {waiting.loop for waiting in batch}:
        settled = [waiting for waiting in batch if waiting.loop is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(batch: list[_Waiting]) -> None:
    for waiting in batch:
        waiting.settle()
