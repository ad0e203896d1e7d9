"""The body of a request, read no further than it may go, and waited for no longer."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from app.answers import Refused, over_limit
from app.limits import BodyBounds

_DIGITS: Final = 18
_CLOSING: Final = {"connection": "close"}
"""What is still to come is not read, so that nothing after it could be understood."""


async def read_body(request: Request, bounds: BodyBounds) -> bytes:
    """Return the body, counted while it comes in, whatever its length was said to be.

    Raises:
        Refused: it is too large or too slow, or the client left before its end.
    """
    if says_more(request.headers.get("content-length", ""), bounds.limit):
        raise _too_large(bounds)
    try:
        async with asyncio.timeout(bounds.within_s):
            return await _read(request, bounds)
    except TimeoutError:
        message = f"A body may take at most {bounds.within_s:g} seconds"
        raise over_limit(408, "body_s", bounds.within_s, message, _CLOSING) from None
    except ClientDisconnect:
        raise Refused(400, "The body ended too early.") from None


def says_more(length: str, limit: int) -> bool:
    """Return whether a `Content-Length` says that a body has more bytes: nobody waits for it."""
    return length.isdecimal() and (len(length) > _DIGITS or int(length) > limit)


async def _read(request: Request, bounds: BodyBounds) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > bounds.limit:
            raise _too_large(bounds)
    return bytes(body)


def _too_large(bounds: BodyBounds) -> Refused:
    message = f"A body may have at most {bounds.limit} bytes"
    return over_limit(413, bounds.name, bounds.limit, message, _CLOSING)
