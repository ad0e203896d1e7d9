"""One of many who watch a person over a WebSocket, and the score of how soon they hear."""

import asyncio
import json
import re
from array import array
from dataclasses import dataclass
from time import perf_counter
from typing import Final, cast

from tests.bench.documents import WATCH
from tests.bench.frames import PING, PONG, TEXT, FrameReader, masked, upgrade_request

_TICK: Final = re.compile(rb'"tick": ?(\d+)')
_INIT: Final = masked(TEXT, b'{"type":"connection_init"}')


@dataclass(frozen=True)
class Watch:
    """Who watches whom, and how often that person changes."""

    port: int
    email: str
    subscribers: int
    changes_per_s: int
    seconds: float


class Score:
    """When each change was sent, and how long each subscriber took to hear of it.

    Attributes:
        begin: The first change that counts; those before it were to warm up.
    """

    def __init__(self) -> None:
        self.begin = 0
        self.sent_at: list[float] = []
        self.delays_s = array("d")

    def heard(self, since: int, tick: int) -> None:
        """Note that somebody who knew of `since` has now heard of all until `tick`."""
        now, first = perf_counter(), max(since + 1, self.begin)
        self.delays_s.extend(now - self.sent_at[missed] for missed in range(first, tick + 1))


class Subscriber(asyncio.Protocol):
    """One WebSocket that watches.

    Attributes:
        tick: The number of the newest change it has heard of; -1 before the first.
    """

    def __init__(self, watch: Watch, score: Score) -> None:
        self._watch = watch
        self._score = score
        self._frames: FrameReader | None = None
        self._received = b""
        self.tick = -1
        self.subscribed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self._transport.write(upgrade_request(self._watch.port))

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._received += data
            head, found, data = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError("The server refuses a WebSocket.")
            self._frames = FrameReader()
            self._transport.write(_INIT)
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._hear(payload)
            elif opcode == PING:
                self._transport.write(masked(PONG, payload))

    def _hear(self, message: bytes) -> None:
        if found := _TICK.search(message):
            tick = int(found[1])
            if tick > self.tick:
                self._score.heard(self.tick, tick)
                self.tick = tick
        elif b'"connection_ack"' in message:
            payload = {"query": WATCH, "variables": {"by": {"email": self._watch.email}}}
            subscribe = {"id": "1", "type": "subscribe", "payload": payload}
            self._transport.write(masked(TEXT, json.dumps(subscribe).encode()))
            self.subscribed.set_result(None)
        elif b'"type":"ping"' in message.replace(b" ", b""):
            self._transport.write(masked(TEXT, b'{"type":"pong"}'))

    def close(self) -> None:
        self._transport.abort()
