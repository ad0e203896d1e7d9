"""The body of a request: compressed or not, never larger than allowed."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request

MAX_MESSAGE_BYTES: Final = 32 * 1024
MAX_BATCH_BYTES: Final = 500 * 1024

_GZIP: Final = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """A body that cannot be used.

    Attributes:
        status: The HTTP status that says so.
        limit: How many bytes are allowed, if these were more.
    """

    def __init__(self, status: int, message: str, limit: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.limit = limit


async def read_object(request: Request, limit: int) -> Mapping[str, Any]:
    """Return the JSON object in a body of `limit` bytes at most.

    Its content type does not matter: browsers send `text/plain`, to be spared a preflight.

    Raises:
        Unreadable: it is too large, compressed in a way we do not know, or no object.
    """
    content = await _received(request, limit)
    match request.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            pass
        case "gzip":
            content = _decompressed(content, limit)
        case _:
            raise Unreadable(415, "The content encoding is neither gzip nor identity.")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise Unreadable(400, "The body is no JSON.") from None
    if not isinstance(body, dict):
        raise Unreadable(400, "The body is no JSON object.")
    return body


async def _received(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)


def _decompressed(content: bytes, limit: int) -> bytes:
    decompressor = zlib.decompressobj(_GZIP)
    try:
        # One byte more than allowed shows that there are too many, however many there are.
        plain = decompressor.decompress(content, limit + 1)
    except zlib.error:
        raise Unreadable(400, "The body is no gzip.") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not decompressor.eof:
        raise Unreadable(400, "The body is no complete gzip.")
    return plain


def _too_large(limit: int) -> Unreadable:
    return Unreadable(413, f"The body is larger than {limit} bytes.", limit)
