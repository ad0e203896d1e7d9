"""The body of a request, read no further than it may go."""

from typing import Final

from starlette.requests import ClientDisconnect, Request

from app.answers import Refused, over_limit

_DIGITS: Final = 18


async def read_body(request: Request, name: str, limit: int) -> bytes:
    """Return the body, counted while it comes in, whatever its length was said to be.

    Raises:
        Refused: it is larger than the limit of that name, or the client left before its end.
    """
    said = request.headers.get("content-length", "")
    if said.isdecimal() and (len(said) > _DIGITS or int(said) > limit):
        raise _too_large(name, limit)
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > limit:
                raise _too_large(name, limit)
    except ClientDisconnect:
        raise Refused(400, "The body ended too early.") from None
    return bytes(body)


def _too_large(name: str, limit: int) -> Refused:
    # What is still to come is not read, so that nothing after it could be understood.
    headers = {"connection": "close"}
    return over_limit(413, name, limit, f"A body may have at most {limit} bytes", headers)
