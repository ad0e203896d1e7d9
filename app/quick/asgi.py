"""The quick way on any server: before the application, as the outermost of its layers."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.body import says_more
from app.compression import MIN_COMPRESSED_BYTES, compressing
from app.http import PATH
from app.limits import BodyBounds
from app.promptly import within
from app.quick.head import Head, head_in
from app.quick.way import MAX_BODY_BYTES, Begun, QuickWay
from app.security_headers import SECURITY_HEADERS


class QuickLayer:
    """Answers by the quick way, or else lets the application answer."""

    def __init__(self, app: ASGIApp, way: QuickWay) -> None:
        self._app = app
        self._way = way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "was_quick" in scope["state"]:
            await self._app(scope, receive, send)
            return
        begun: Begun | None = scope["state"].get("begun")
        if begun is None:
            received = _Received(receive)
            begun, receive = await self._begun(scope, received), received.again
        answer = await self._way.finish(begun) if begun else None
        if begun is None or answer is None:
            if begun:
                leave(begun, scope)
            await self._app(scope, receive, send)
        else:
            await _send(answer, begun.head, scope, receive, send)

    async def _begun(self, scope: Scope, received: "_Received") -> Begun | None:
        is_plain = scope["path"] == PATH and scope["method"] == "POST" and not scope["query_string"]
        head = head_in(scope["headers"]) if is_plain else None
        caller = self._way.caller(head, scope["state"]) if head else None
        if head is None or caller is None:
            return None
        bounds = self._way.bounds(caller)
        body = None if says_more(head.length, bounds.limit) else await received.body(bounds)
        if body is None:
            return None
        client = scope.get("client")
        return self._way.begin(head, caller, body, scope["state"], client and client[0])


class _Received:
    """What came of a request so far, to be read here, and again by the whole way."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._is_late = False

    async def body(self, bounds: BodyBounds) -> bytes | None:
        """Return the whole body, if it is not long, and comes in time."""
        try:
            return await within(bounds.within_s, self._body(min(bounds.limit, MAX_BODY_BYTES)))
        except TimeoutError:
            self._is_late = True
            return None

    async def _body(self, max_bytes: int) -> bytes | None:
        body = b""
        while len(body) <= max_bytes:
            message = await self._receive()
            self._messages.append(message)
            body += message.get("body", b"")
            if not message.get("more_body"):
                return body if len(body) <= max_bytes else None
        return None

    async def again(self) -> Message:
        """Receive from the beginning; who was late is late still."""
        if self._messages:
            return self._messages.pop(0)
        if self._is_late:
            raise TimeoutError
        return await self._receive()


def leave(begun: Begun, scope: Scope) -> None:
    """Leave to the whole way what was begun: what was counted or done is not to be once more."""
    context = begun.context
    scope["state"] |= {"was_quick": True, "done": context.done, "deadline": context.deadline}


async def _send(answer: bytes, head: Head, scope: Scope, receive: Receive, send: Send) -> None:
    if is_to_be_compressed(answer, head):
        response = Response(answer, 200, {"vary": "accept"}, head.media_type)
        response.raw_headers += SECURITY_HEADERS
        await compressing(response)(scope, receive, send)
        return
    length = b"%d" % len(answer)
    headers = headers_for(head.media_type, length, is_long=is_long(answer))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def is_long(answer: bytes) -> bool:
    """Return whether an answer is another for whoever takes it compressed."""
    return len(answer) >= MIN_COMPRESSED_BYTES


def is_to_be_compressed(answer: bytes, head: Head) -> bool:
    return head.takes_gzip and is_long(answer)


def headers_for(media_type: str, length: bytes, *, is_long: bool) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that is not compressed, in the order of the whole way."""
    return [
        (b"vary", b"accept, Accept-Encoding" if is_long else b"accept"),
        (b"content-length", length),
        (b"content-type", media_type.encode()),
        *SECURITY_HEADERS,
    ]
