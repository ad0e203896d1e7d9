"""The one writer of a process: jobs that wait together share a transaction and its fsync."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, Final, TypeVar

from app.domain.errors import Busy, Unavailable
from app.store.sqlite.connection import answering, told

MAX_JOBS_PER_COMMIT: Final = 64

QUICK_S: Final = 0.005
"""For so long the jobs of a transaction may keep the event loop, and then the rest waits for the
next: much shorter, and commits are many; longer, and nothing more is won."""

Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]


class _Waiting:
    """A job, and the future of whoever waits for it."""

    __slots__ = ("fault", "future", "is_quick", "job", "result")

    def __init__(self, job: Job, future: asyncio.Future[Any], *, is_quick: bool) -> None:
        self.job = job
        self.future = future
        self.is_quick = is_quick
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


_Batch = list[_Waiting]


class Writer:
    """Runs jobs on one connection and for one event loop, each of them all or nothing.

    A job's changes are durable before its caller hears of them. There is a thread for all that has
    to be waited for: jobs that take their time, other processes, the disk. Quick jobs run on the
    event loop, and the thread only commits them: two threads that take turns with the interpreter
    would spend more on handing it over than such a job takes.
    """

    def __init__(self, connection: sqlite3.Connection, busy_s: float) -> None:
        """Make the writer; it waits for other processes for as long as `busy_s`."""
        self._connection = connection
        self._waits = f"PRAGMA busy_timeout = {round(busy_s * 1000)}"
        self._connection.execute(_WAITS_FOR_NOBODY)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._is_writing = False
        self._closed = False
        self._handed: SimpleQueue[tuple[Callable[[_Batch], None], _Batch] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `job` returns, once it is durable; its changes vanish if it raises.

        Raises:
            Busy: other processes held the database for too long.
            Unavailable: the file cannot be written, or the store is closed.
        """
        result: Result = await self._waited_for(job, is_quick=False)
        return result

    async def run_quickly(self, job: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do what `run` does with a job that takes a moment, and may be run again from the start.

        Raises:
            Busy, Unavailable: as `run` does.
        """
        result: Result = await self._waited_for(job, is_quick=True)
        return result

    def _waited_for(self, job: Job, *, is_quick: bool) -> asyncio.Future[Any]:
        if self._closed:
            raise Unavailable("The database is closed.")
        waiting = _Waiting(job, self._loop.create_future(), is_quick=is_quick)
        self._queue.append(waiting)
        if not self._is_writing:
            self._is_writing = True
            self._loop.call_soon(self._write)  # together with all that come in this turn
        return waiting.future

    async def close(self) -> None:
        """Finish what waits, and stop."""
        last = self._waited_for(_nothing, is_quick=False) if self._is_writing else None
        self._closed = True
        if last:
            with suppress(Busy, Unavailable):  # those who waited are told, too
                await last
        self._handed.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    # ------------------------------------------------------------ on the event loop

    def _write(self) -> None:
        """Begin a transaction for those who wait, if anybody does."""
        self._is_writing = bool(self._queue)
        if not self._is_writing:
            return
        done = self._done_quickly()
        batch = list(islice(self._queue, done or MAX_JOBS_PER_COMMIT))
        for _ in batch:
            self._queue.popleft()
        self._handed.put((self._commit if done else self._do, batch))

    def _done_quickly(self) -> int:
        """Return how many of those who wait first have their jobs done, but not committed.

        It is none where something has to be waited for, or taken back.
        """
        if not self._queue[0].is_quick:
            return 0
        connection, done = self._connection, 0
        try:
            connection.execute("BEGIN IMMEDIATE")
            end = perf_counter() + QUICK_S
            for waiting in self._queue:
                if not waiting.is_quick or (done and perf_counter() > end):
                    break
                _run_quickly(waiting, connection)
                done += 1
        except (sqlite3.DatabaseError, _HalfDone):
            with suppress(sqlite3.DatabaseError):
                connection.execute("ROLLBACK")
            return 0
        return done

    def _settle(self, batch: _Batch) -> None:
        for waiting in batch:
            waiting.settle()
        self._write()

    # ------------------------------------------------------------ on the thread

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None:
            act, batch = handed
            try:
                act(batch)
            except sqlite3.DatabaseError as fault:
                with suppress(sqlite3.DatabaseError):
                    self._connection.execute("ROLLBACK")
                for waiting in batch:
                    waiting.fault = told(fault)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._settle, batch)

    def _commit(self, _: _Batch) -> None:
        self._connection.execute("COMMIT")

    def _do(self, batch: _Batch) -> None:
        self._connection.execute(self._waits)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute(_WAITS_FOR_NOBODY)
        for waiting in batch:
            _run(waiting, self._connection)
        self._connection.execute("COMMIT")


_WAITS_FOR_NOBODY: Final = "PRAGMA busy_timeout = 0"


class _HalfDone(Exception):
    """A job was refused after it had written something."""


def _run_quickly(waiting: _Waiting, connection: sqlite3.Connection) -> None:
    """Run a job without being able to take it back alone: most that are refused wrote nothing."""
    before = connection.total_changes
    try:
        waiting.result = waiting.job(connection)
    except sqlite3.DatabaseError:
        raise
    except Exception as fault:  # whatever it is, it is the caller's who waits for it
        if connection.total_changes != before:
            raise _HalfDone from None
        waiting.fault = fault


def _run(waiting: _Waiting, connection: sqlite3.Connection) -> None:
    """Run a job, and take back what it wrote if it is refused."""
    waiting.fault = None
    connection.execute("SAVEPOINT job")
    try:
        with answering():
            waiting.result = waiting.job(connection)
    except Exception as fault:  # whatever it is, it is the caller's who waits for it
        waiting.fault = fault
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _nothing(_: sqlite3.Connection) -> None:
    pass
