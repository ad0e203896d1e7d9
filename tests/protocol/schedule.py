"""Runs several operations one database call at a time, in whatever order a plan says.

A run is determined by its plan: from step to step the same operation goes on, until it ends, sleeps
or the plan says otherwise. So every schedule can be tried, and run again.
"""

import random
import sys
from collections.abc import Callable, Collection, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace, coroutine
from typing import Any, Final
from unittest.mock import patch

from app.domain.errors import DomainError
from app.store.mongo.gathered import Fields, Gathered
from tests.protocol.memory import Memory

MOST_STEPS: Final = 1_200
"""More than any few operations can need."""

DEEPEST: Final = 250
"""Frames of the interpreter; more means that helping has come back to itself."""

CRASH: Final = -1
"""In a plan: whoever runs is never resumed."""

Plan = Mapping[int, int]
"""At which step whom to resume instead, by position, or CRASH."""


class Violation(AssertionError):
    """What must never be, and how it came."""


@dataclass
class Process:
    """One operation after another.

    Attributes:
        answers: Of the operations that ended: "ok" and a value, or the error's name.
        history: A digest of all that it was told; with its name it determines where it is.
    """

    name: str
    work: Coroutine[Any, Any, None] | None = None
    answers: list[Any] = field(default_factory=list)
    history: int = 0
    tokens: int = 0
    is_over: bool = False
    has_crashed: bool = False
    doing: tuple[str, str] = ("", "")

    def resumed(self) -> str:
        """Run up to the next pause, and return its label."""
        assert self.work is not None
        label: str = self.work.send(None)
        return label

    def close(self) -> None:
        if self.work is not None:
            self.work.close()


@coroutine
def _pause(label: str) -> Generator[str, None, None]:
    yield label


def _as_it_is(document: Any) -> Any:
    return document


async def _alone(gathered: Gathered[Any], keys: Collection[str], fields: Fields = None) -> Any:
    """Stand for a call that is shared with others: it is a step of whoever makes it."""
    return await gathered._read(keys, fields)


class Clockwork:
    """Stands for what the adapter takes from outside: time, chance, fresh names.

    Attributes:
        process: Who runs.
        is_free: Whether calls happen without waiting for a turn.
        given_ids: The ids that users get who are created next; made up when there are none left.
    """

    def __init__(self) -> None:
        self.process = Process("nobody")
        self.is_free = True
        self.given_ids: list[str] = []
        self.time_s = 0.0
        self.steps = 0

    async def turn(self, collection: str, call: str) -> None:
        self.process.doing = (collection, call)
        self._count()
        if not self.is_free:
            await _pause("call")

    async def sleep(self, seconds: float) -> None:
        self.time_s += seconds
        self.process.doing = ("asyncio", "sleep")
        self._count()
        if not self.is_free:
            await _pause("sleep")

    def _count(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Violation("It runs for ever.")
        depth, frame = 0, sys._getframe()
        while (outer := frame.f_back) is not None:
            depth, frame = depth + 1, outer
        if depth > DEEPEST:
            raise Violation("Helping has come back to itself.")

    def seen(self, digest: int) -> None:
        process = self.process
        process.history = hash((process.history, process.doing, digest))

    def uuid4(self) -> Any:
        self.process.tokens += 1
        return SimpleNamespace(hex=f"{self.process.name}.{self.process.tokens}")

    def from_datetime(self, _: Any) -> str:
        return self.given_ids.pop(0) if self.given_ids else f"new-{self.uuid4().hex}"

    def uniform(self, _: float, longest: float) -> float:
        return longest

    def get_running_loop(self) -> Any:
        return SimpleNamespace(time=lambda: self.time_s)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put it into the adapter's modules for as long as the block runs."""
        names = {
            "app.store.mongo.asyncio": self,
            "app.store.mongo.users.asyncio": self,
            "app.store.mongo.claims.asyncio": self,
            "app.store.mongo.random": self,
            "app.store.mongo.ULID": self,
            "app.operations.find.ULID": self,
            "app.store.mongo.users.uuid4": self.uuid4,
            "app.store.mongo.users.opened": _as_it_is,
            "app.store.mongo.users.sealed": _as_it_is,
            "app.store.mongo.gathered.Gathered.__call__": _alone,
            "app.store.mongo.repair.FORGOTTEN_AFTER": timedelta(days=-1),
        }
        patches = [patch(name, stand_in) for name, stand_in in names.items()]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()

    def run_alone(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end, nobody between."""
        before = self.process, self.is_free, self.steps, self.time_s
        self.process, self.is_free, self.steps = Process(name, work), True, 0
        try:
            work.send(None)
        except StopIteration as stop:
            return stop.value
        finally:
            self.process, self.is_free, self.steps, self.time_s = before
            work.close()
        raise AssertionError("It waits for something else than the database.")


@dataclass
class Moment:
    """A point of a run, before a step.

    Attributes:
        key: Equal at two moments from which the same would follow.
        running: Who would go on.
        others: Who could instead.
        is_free: Whether going on with somebody else interrupts nobody.
    """

    step: int
    key: int
    running: int
    others: list[int]
    is_free: bool


class Run:
    """One schedule of some processes on a database."""

    def __init__(self, clockwork: Clockwork, memory: Memory, processes: list[Process]) -> None:
        self.memory = memory
        self.processes = processes
        self.trace: list[tuple[str, str]] = []
        self._clockwork = clockwork

    def run(
        self,
        plan: Plan,
        at: Callable[[Moment], int | bool | None] = lambda _: None,
    ) -> bool:
        """Run as planned.

        Args:
            plan: Whom to resume when.
            at: Is told of every moment; may answer False to stop there, or whom to resume.

        Returns:
            Whether everything ended.
        """
        clockwork = self._clockwork
        clockwork.is_free, clockwork.steps, clockwork.time_s = False, 0, 0.0
        try:
            for process in self.processes:
                self._resume(process)
            return self._follow(plan, at)
        finally:
            clockwork.is_free = True
            for process in self.processes:
                process.close()

    def _follow(self, plan: Plan, at: Callable[[Moment], int | bool | None]) -> bool:
        running, is_free, step = 0, True, 0
        while True:
            alive = [n for n, process in enumerate(self.processes) if not process.is_over]
            if not alive:
                return True
            if is_free or running not in alive:
                is_free = True
                later = [n for n in alive if n > running]
                running = (later or alive)[0]
            others = [n for n in alive if n != running]
            choice = plan.get(step)
            if choice is None:
                answer = at(Moment(step, self._key(running), running, others, is_free))
                if answer is False:
                    return False
                choice = answer
            step += 1
            if choice is not None and choice is not True:
                if choice == CRASH:
                    self._crash(self.processes[running])
                    is_free = True
                    continue
                running = choice
            is_free = self._resume(self.processes[running]) == "sleep"

    def _key(self, running: int) -> int:
        where = tuple((p.history, p.is_over, len(p.answers)) for p in self.processes)
        return hash((self.memory.digest, where, running))

    def _resume(self, process: Process) -> str | None:
        self._clockwork.process = process
        if process.doing[0]:
            self.trace.append((process.name, ".".join(process.doing)))
        try:
            return process.resumed()
        except StopIteration:
            process.is_over = True
            return None

    def _crash(self, process: Process) -> None:
        self.trace.append((process.name, "CRASH"))
        process.is_over = process.has_crashed = True

    def told(self) -> str:
        """Return the trace, a line for each stretch of one process."""
        lines: list[tuple[str, list[str]]] = []
        for name, call in self.trace:
            if not lines or lines[-1][0] != name:
                lines.append((name, []))
            lines[-1][1].append(call)
        return "\n".join(f"  {name}: {', '.join(calls)}" for name, calls in lines)


async def program(process: Callable[[], Process], operations: Sequence[Callable[[], Any]]) -> None:
    """Run operations one after the other, and note what each answers."""
    for operation in operations:
        try:
            answer = await operation()
        except DomainError as fault:
            process().answers.append(type(fault).__name__)
        else:
            process().answers.append(("ok", answer))


# ---------------------------------------------------------------- all schedules, or some


@dataclass(frozen=True)
class Budget:
    """How often a schedule may interrupt somebody, and how many may crash."""

    interruptions: int
    crashes: int = 0

    def covers(self, other: "Budget") -> bool:
        return self.interruptions >= other.interruptions and self.crashes >= other.crashes


def explore(
    begin: Callable[[], Run],
    conclude: Callable[[Run], None],
    look: Callable[[Run], None],
    budget: Budget,
    at_most: int,
) -> int:
    """Try every schedule within the budget; return how many runs it took.

    Args:
        begin: Makes a run that has not begun.
        conclude: Judges a run that has ended.
        look: Judges a moment of a run.
        budget: How much schedules may depart from one process after the other.
        at_most: After so many runs it gives up.

    Raises:
        Violation: of the first schedule that has one; those with fewer departures come first.
    """
    reached: dict[int, list[Budget]] = {}
    levels: dict[int, list[tuple[dict[int, int], Budget]]] = {0: [({}, budget)]}
    runs = 0
    while levels:
        cost = min(levels)
        plan, left = levels[cost].pop()
        if not levels[cost]:
            del levels[cost]
        runs += 1
        if runs > at_most:
            return runs
        run = begin()
        last = max(plan, default=-1)

        def at(moment: Moment, run=run, plan=plan, left=left, last=last, cost=cost) -> bool | None:
            if moment.step <= last:
                return None
            known = reached.setdefault(moment.key, [])
            if any(other.covers(left) for other in known):
                return False
            if not known:
                look(run)
            known.append(left)
            for choice, after in _departures(moment, left):
                price = cost + (not moment.is_free) + (choice == CRASH)
                levels.setdefault(price, []).append(({**plan, moment.step: choice}, after))
            return None

        _judged(run, plan, at, conclude)
    return runs


def _departures(moment: Moment, left: Budget) -> Iterator[tuple[int, Budget]]:
    if moment.is_free or left.interruptions:
        after = Budget(left.interruptions - (not moment.is_free), left.crashes)
        yield from ((other, after) for other in moment.others)
    if left.crashes:
        yield CRASH, Budget(left.interruptions, left.crashes - 1)


def wander(
    begin: Callable[[], Run],
    conclude: Callable[[Run], None],
    look: Callable[[Run], None],
    chance: random.Random,
    crash_odds: float = 0.3,
) -> None:
    """Run one schedule by chance: sometimes many interruptions, sometimes few, perhaps a crash."""
    run = begin()
    odds = chance.choice((0.05, 0.15, 0.4))
    crash_at = {chance.randrange(120) for _ in range(2) if chance.random() < crash_odds}

    def at(moment: Moment) -> int | None:
        if moment.step in crash_at:
            return CRASH
        if chance.random() < 0.05:
            look(run)
        if moment.others and chance.random() < (0.5 if moment.is_free else odds):
            return chance.choice(moment.others)
        return None

    _judged(run, {}, at, conclude)


def _judged(
    run: Run,
    plan: Plan,
    at: Callable[[Moment], int | bool | None],
    conclude: Callable[[Run], None],
) -> None:
    try:
        if run.run(plan, at):
            conclude(run)
    except Exception as fault:
        answers = {p.name: p.answers for p in run.processes}
        raise Violation(
            f"{type(fault).__name__}: {fault}\nAnswers: {answers}\nTrace:\n{run.told()}"
        ) from fault
