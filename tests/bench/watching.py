"""Many subscribers who hear the same person change, as fast as the changes are told.

It runs as a process of its own, `python -m tests.bench.watching`, which reads a `Watch` as JSON
and prints `Heard`. A delay counts from the moment the change was sent until a subscriber has a
state that shows it, or a later one: state feeds may pass over a state that is no longer true.
"""

import asyncio
import gc
import json
import sys
from array import array
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Final

import uvloop

from tests.bench.documents import UPDATE
from tests.bench.http1 import is_whole, request
from tests.bench.subscriber import Score, Subscriber, Watch

_PATIENCE_S: Final = 30
_SETTLING_S: Final = 5


@dataclass(frozen=True)
class Heard:
    """How long it took everyone to hear.

    Attributes:
        changes_per_s: How many changes a second the server took; each waits for the one before.
        unheard: The share of changes times subscribers that nobody waited for any longer.
    """

    changes_per_s: float
    p50_ms: float
    p99_ms: float
    unheard: float


class Changer:
    """Changes the person, one change after the other."""

    def __init__(self, watch: Watch, score: Score) -> None:
        self._watch = watch
        self._score = score

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._watch.port)

    async def change(self) -> None:
        """Send the next change, and wait until the server has it."""
        body = self._body(len(self._score.sent_at))
        self._score.sent_at.append(perf_counter())
        self._writer.write(request(body, self._watch.port))
        answer = b""
        while not is_whole(answer):
            if not (more := await self._reader.read(65_536)):
                raise ConnectionError("The server closed a connection.")
            answer += more
        if b'"version"' not in answer:
            raise ValueError("The server refuses a change.")

    async def change_steadily(self) -> None:
        """Change at the asked rate, or as often as the server can."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number in range(int(self._watch.changes_per_s * self._watch.seconds)):
            due = begin + number / self._watch.changes_per_s
            if due > begin + self._watch.seconds or loop.time() > begin + self._watch.seconds:
                return
            await asyncio.sleep(max(0, due - loop.time()))
            await self.change()

    def _body(self, tick: int) -> bytes:
        changes = {"properties": {"set": {"tick": tick}}}
        variables = {"user": {"email": self._watch.email}, "changes": changes}
        asked = {"query": UPDATE, "operationName": "Update", "variables": variables}
        return json.dumps(asked).encode()


async def run(watch: Watch) -> Heard:
    """Subscribe, change, and listen."""
    loop = asyncio.get_running_loop()
    gc.disable()  # its pauses would show as the server's
    score = Score()
    changer = Changer(watch, score)
    subscribers = []
    for _ in range(watch.subscribers):
        _, subscriber = await loop.create_connection(
            lambda: Subscriber(watch, score), "127.0.0.1", watch.port
        )
        await asyncio.wait_for(subscriber.subscribed, _PATIENCE_S)
        subscribers.append(subscriber)
    await changer.connect()  # only now: servers close what is idle for seconds
    await _until_all_hear(changer, subscribers)
    score.begin = len(score.sent_at)
    score.delays_s = array("d")
    began = perf_counter()
    await changer.change_steadily()
    took_s = perf_counter() - began
    await _until_heard(subscribers, len(score.sent_at) - 1)
    for subscriber in subscribers:
        subscriber.close()
    return _scored(score, subscribers, took_s)


async def _until_all_hear(changer: Changer, subscribers: list[Subscriber]) -> None:
    """Change now and then, until everyone has heard of a change: then all of them watch."""
    async with asyncio.timeout(_PATIENCE_S):
        while any(subscriber.tick < 0 for subscriber in subscribers):
            await changer.change()
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)


async def _until_heard(subscribers: list[Subscriber], tick: int) -> None:
    deadline = perf_counter() + _SETTLING_S
    while any(one.tick < tick for one in subscribers):
        if perf_counter() > deadline:
            return
        await asyncio.sleep(0.05)


def _scored(score: Score, subscribers: list[Subscriber], took_s: float) -> Heard:
    """Return the figures; who has not heard by now counts as hearing now."""
    changes = len(score.sent_at) - score.begin
    in_time = len(score.delays_s)
    for subscriber in subscribers:
        score.heard(subscriber.tick, len(score.sent_at) - 1)
    delays_s = sorted(score.delays_s)
    return Heard(
        changes_per_s=changes / took_s,
        p50_ms=1e3 * delays_s[len(delays_s) // 2],
        p99_ms=1e3 * delays_s[len(delays_s) * 99 // 100],
        unheard=1 - in_time / (changes * len(subscribers)),
    )


if __name__ == "__main__":
    heard = uvloop.run(run(Watch(**json.load(sys.stdin))))
    json.dump(asdict(heard), sys.stdout)
