"""The body of a request: compressed or not, never larger or slower than allowed."""

import zlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request

from app.answers import Refused, over_limit
from app.body import read_body
from app.limits import BodyBounds

MAX_MESSAGE_BYTES: Final = 32 * 1024
MAX_BATCH_BYTES: Final = 500 * 1024
MAX_BATCH_MESSAGES: Final = 2_500
MAX_CONTEXTS_BYTES: Final = 1024 * 1024
"""How much the context of a batch may weigh, which is read anew with each message."""

_GZIP: Final = 16 + zlib.MAX_WBITS


async def read_object(request: Request, bounds: BodyBounds) -> Mapping[str, Any]:
    """Return the JSON object in a body within the bounds, which hold for it unpacked as well.

    Its content type does not matter: browsers send `text/plain`, to be spared a preflight.

    Raises:
        Refused: it is too large or too slow, compressed in a way we do not know, or no object.
    """
    content = await read_body(request, bounds)
    match request.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            pass
        case "gzip":
            content = _decompressed(content, bounds)
        case _:
            raise Refused(415, "The content encoding is neither gzip nor identity.")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise Refused(400, "The body is no JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body is no JSON object.")
    return body


def messages_in(batch: Mapping[str, Any]) -> list[Any]:
    """Return what a batch lists, whatever it is.

    Raises:
        Refused: it lists nothing, or too much, or says too much of all its messages together.
    """
    messages = batch.get("batch")
    if not isinstance(messages, list):
        raise Refused(400, "There is no list `batch` of messages.")
    if len(messages) > MAX_BATCH_MESSAGES:
        message = f"A batch may have at most {MAX_BATCH_MESSAGES} messages"
        raise over_limit(400, "tracking_batch_messages", MAX_BATCH_MESSAGES, message)
    if len(messages) * _size(batch.get("context")) > MAX_CONTEXTS_BYTES:
        message = f"A batch's context, times its messages, is at most {MAX_CONTEXTS_BYTES} bytes"
        raise over_limit(400, "tracking_contexts_bytes", MAX_CONTEXTS_BYTES, message)
    return messages


def _size(context: Any) -> int:
    try:
        return len(orjson.dumps(context))
    except orjson.JSONEncodeError:
        raise Refused(400, "The context nests too deep.") from None


def _decompressed(content: bytes, bounds: BodyBounds) -> bytes:
    decompressor = zlib.decompressobj(_GZIP)
    try:
        # One byte more than allowed shows that there are too many, however many there are.
        plain = decompressor.decompress(content, bounds.limit + 1)
    except zlib.error:
        raise Refused(400, "The body is no gzip.") from None
    if len(plain) > bounds.limit:
        message = f"A body may have at most {bounds.limit} bytes, unpacked"
        raise over_limit(413, bounds.name, bounds.limit, message)
    if not decompressor.eof:
        raise Refused(400, "The body is no complete gzip.")
    return plain
