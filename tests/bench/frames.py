"""WebSocket frames as a client reads and writes them: just enough to be fast."""

import os
import struct
from collections.abc import Iterator
from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def upgrade_request(port: int) -> bytes:
    """Return the request that turns a connection into a WebSocket that speaks GraphQL."""
    return (
        f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a whole frame from a client, which has to be masked."""
    mask = os.urandom(4)
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    else:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class FrameReader:
    """Cuts what a server sends into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the opcode and the payload of each frame that is whole by now."""
        received = self._rest + data if self._rest else data
        at = 0
        while (found := _bounds(received, at)) and found[1] <= len(received):
            start, end = found
            yield received[at] & 0x0F, received[start:end]
            at = end
        self._rest = received[at:]


def _bounds(received: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of a frame begins and ends, if that much is known."""
    available = len(received) - at
    if available < 2:
        return None
    size = received[at + 1] & 0x7F
    if size < 126:
        return at + 2, at + 2 + size
    if size == 126:
        if available < 4:
            return None
        return at + 4, at + 4 + int.from_bytes(received[at + 2 : at + 4], "big")
    if available < 10:
        return None
    return at + 10, at + 10 + int.from_bytes(received[at + 2 : at + 10], "big")
