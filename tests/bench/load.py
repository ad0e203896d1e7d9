"""A closed loop of requests: as soon as a connection has its answer, it asks again.

It runs as a process of its own, `python -m tests.bench.load`, which reads a `Load` as JSON and
prints a `Tally`, so that it shares neither interpreter nor core with what it measures.
"""

import asyncio
import gc
import json
import resource
import sys
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count, cycle
from time import perf_counter
from typing import Final, cast

import uvloop

from tests.bench.http1 import is_whole, request

NUMBER: Final = b"100000000"
"""Stands in a body for a number that is another in every request, of as many digits."""

_STRAGGLERS_S: Final = 30


@dataclass(frozen=True)
class Load:
    """What to ask of whom.

    Attributes:
        bodies: JSON texts to post in turn.
        first_number: What the `NUMBER`s in them count from.
        requests: End after so many; 0: after `seconds`.
    """

    port: int
    bodies: list[str]
    connections: int
    warm_up_s: float
    seconds: float
    first_number: int
    requests: int = 0


@dataclass(frozen=True)
class Tally:
    """What came of it.

    Attributes:
        answers: How many came while it counted.
        asked: How many requests there were, those to warm up too.
        faults: Answers other than 200, or with errors.
        busy: The share of its core that this process took.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    answers: int
    asked: int
    faults: int
    busy: float


class Clock:
    """When to begin counting, and when to ask no more."""

    def __init__(self, load: Load) -> None:
        self.begin = perf_counter() + load.warm_up_s
        self.end = self.begin + load.seconds if not load.requests else float("inf")
        self.left = load.requests or sys.maxsize
        self.latencies_s = array("d")
        self.faults = 0
        self.asked = 0
        self.last = self.begin


class Connection(asyncio.Protocol):
    """One keep-alive HTTP connection with one request on its way."""

    def __init__(self, requests: Iterator[bytes], clock: Clock) -> None:
        self._requests = requests
        self._clock = clock
        self._received = b""
        self._asked_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("The server closed a connection."))

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        if not is_whole(received):
            self._received = received
            return
        self._received = b""
        self._note(received)
        self._ask()

    def _ask(self) -> None:
        self._asked_at = perf_counter()
        if self._asked_at >= self._clock.end or not self._clock.left:
            self.done.set_result(None)
            self._transport.close()
            return
        self._clock.left -= 1
        self._clock.asked += 1
        self._transport.write(next(self._requests))

    def _note(self, answer: bytes) -> None:
        now, clock = perf_counter(), self._clock
        if clock.begin <= now <= clock.end:
            clock.latencies_s.append(now - self._asked_at)
            clock.last = now
        if not answer.startswith(b"HTTP/1.1 200") or b'"errors"' in answer:
            clock.faults += 1


def requests_of(load: Load) -> Iterator[bytes]:
    """Yield HTTP requests for ever, their numbers counting up."""
    heads = [request(body.encode(), load.port) for body in load.bodies]
    if not any(NUMBER in head for head in heads):
        return cycle(heads)
    numbers = count(load.first_number)
    return (head.replace(NUMBER, b"%d" % next(numbers)) for head in cycle(heads))


async def run(load: Load) -> Tally:
    """Ask until the time is over, or the requests are."""
    loop = asyncio.get_running_loop()
    clock, requests = Clock(load), requests_of(load)
    gc.disable()  # its pauses would show as the server's
    began, cpu_before_s = perf_counter(), _cpu_s()
    connections = [
        (await loop.create_connection(lambda: Connection(requests, clock), "127.0.0.1", load.port))
        for _ in range(load.connections)
    ]
    everything = asyncio.gather(*(connection.done for _, connection in connections))
    budget_s = load.warm_up_s + load.seconds + _STRAGGLERS_S
    await asyncio.wait_for(everything, budget_s)
    busy = (_cpu_s() - cpu_before_s) / (perf_counter() - began)
    return _tally(load, clock, busy)


def _tally(load: Load, clock: Clock, busy: float) -> Tally:
    latencies_s = sorted(clock.latencies_s)
    if not latencies_s:
        return Tally(0.0, float("nan"), float("nan"), 0, clock.asked, clock.faults, busy)
    span_s = clock.last - clock.begin if load.requests else load.seconds
    return Tally(
        requests_per_s=len(latencies_s) / span_s,
        p50_ms=1e3 * latencies_s[len(latencies_s) // 2],
        p99_ms=1e3 * latencies_s[len(latencies_s) * 99 // 100],
        answers=len(latencies_s),
        asked=clock.asked,
        faults=clock.faults,
        busy=busy,
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    tally = uvloop.run(run(Load(**json.load(sys.stdin))))
    json.dump(asdict(tally), sys.stdout)
