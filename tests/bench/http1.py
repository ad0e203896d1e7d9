"""HTTP/1.1 as a client speaks it: just enough to be fast."""

import re
from typing import Final

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LAST_CHUNK: Final = b"0\r\n\r\n"


def request(body: bytes, port: int) -> bytes:
    """Return a request that posts a GraphQL query and keeps the connection."""
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def is_whole(received: bytes) -> bool:
    """Return whether an answer has arrived to its end."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    if found := _LENGTH.search(received, 0, end):
        return len(received) >= end + 4 + int(found[1])
    return received.endswith(_LAST_CHUNK)
