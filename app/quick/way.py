"""The quick way: what was let through before and is asked plainly, answered before anything else.

Before an operation stand names of hosts, sites, keys, rates and bodies, and in the end a library
that can do all of GraphQL. The quick way asks the same rules of those who own them, but knows the
happy path alone: whatever is not as it expects, it leaves to the whole way. So what is refused is
refused in one place, and nothing is refused here.
"""

import asyncio
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, Final, NamedTuple

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import GRAPHQL_JSON, JSON
from app.auth import Caller
from app.body import says_more
from app.callers import Callers
from app.compression import MIN_COMPRESSED_BYTES, compressing
from app.doors import answers_to
from app.http import PATH, GraphQLEndpoint
from app.limits import BodyBounds, RequestLimits, body_bounds
from app.plans import Plan, Plans
from app.promptly import within
from app.schema.context import Context
from app.security_headers import SECURITY_HEADERS

MAX_BODY_BYTES: Final = 65_536
"""Of what is longer, reading is not what takes the time."""

_MEDIA_TYPES: Final = {b"*/*": JSON, JSON.encode(): JSON, GRAPHQL_JSON.encode(): GRAPHQL_JSON}
"""In what to answer, by what clients accept who want one answer, and no page and no stream."""


class _Head(NamedTuple):
    """What the head of a plain request says.

    Attributes:
        host: By which name the server is called.
        media_type: In which the answer is wanted.
        authorization: The credential, if there is one.
        takes_gzip: Whether the answer may be compressed.
        length: Of the body in bytes, as it was said.
    """

    host: str
    media_type: str
    authorization: str | None
    takes_gzip: bool
    length: str


class _Asked(NamedTuple):
    """What the body of a plain request says."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


class QuickWay:
    """Answers what a plan is known for, to whoever has a key, or needs none."""

    def __init__(
        self,
        app: ASGIApp,
        endpoint: GraphQLEndpoint,
        plans: Plans,
        hosts: Collection[str],
        limits: RequestLimits,
    ) -> None:
        self._app = app
        self._endpoint = endpoint
        self._plans = plans
        self._hosts = frozenset(hosts)
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _head_of(scope) if scope["type"] == "http" else None
        caller = self._let_in(head, scope) if head else None
        if head is None or caller is None:
            await self._app(scope, receive, send)
            return
        bounds = body_bounds(caller, self._limits)
        received = _Received(receive)
        asked = None if says_more(head.length, bounds.limit) else await received.asked(bounds)
        answer = await self._answer(asked, head, caller, scope) if asked else None
        if answer is None:
            await self._app(scope, received.again, send)
        else:
            await _send(answer, head, scope, receive, send)

    def _let_in(self, head: _Head, scope: Scope) -> Caller | None:
        """Return who asks, if that is known at once."""
        callers: Callers = scope["state"]["callers"]
        if not answers_to(head.host, self._hosts, callers):
            return None
        return callers.known(head.authorization)

    async def _answer(
        self, asked: _Asked, head: _Head, caller: Caller, scope: Scope
    ) -> bytes | None:
        plan = self._plans.known(asked.query, asked.operation_name)
        if plan is None:
            return None
        state = scope["state"]
        context = self._endpoint.context(state, caller, head.authorization)
        if not plan.admits(asked.variables, context) or not self._is_in_time(scope, caller):
            return None
        if plan.looks_far:
            data = await self._in_patience(plan, asked, context, state)
        else:
            data = await plan.answer(asked.variables, context)
        state |= {"was_quick": True, "done": context.done}
        try:
            return None if data is None else orjson.dumps({"data": data})
        except orjson.JSONEncodeError:  # the whole way meets it, too, and shows it
            return None

    async def _in_patience(
        self, plan: Plan, asked: _Asked, context: Context, state: MutableMapping[str, Any]
    ) -> Any:
        """Return the answer, or None when the time is over: then the whole way says so, at once."""
        state["deadline"] = asyncio.get_running_loop().time() + self._limits.operation_s
        try:
            async with asyncio.timeout_at(state["deadline"]):
                return await plan.answer(asked.variables, context)
        except TimeoutError:
            return None

    def _is_in_time(self, scope: Scope, caller: Caller) -> bool:
        client = scope.get("client")
        return self._endpoint.gate.lets_in(client and client[0], caller)


def _head_of(scope: Scope) -> _Head | None:
    """Return what a plain request says of itself; None for what takes a closer look."""
    if scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
        return None
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or headers.get(b"content-type") != b"application/json":
        return None
    if b"origin" in headers or b"sec-fetch-site" in headers:
        return None  # a page asks, maybe one of another site
    media_type = _MEDIA_TYPES.get(headers.get(b"accept", b"*/*"))
    if media_type is None:
        return None
    authorization = headers.get(b"authorization")
    return _Head(
        headers.get(b"host", b"").decode("latin-1"),
        media_type,
        None if authorization is None else authorization.decode("latin-1"),
        b"gzip" in headers.get(b"accept-encoding", b""),
        headers.get(b"content-length", b"").decode("latin-1"),
    )


class _Received:
    """What came of a request so far, to be read here, and again by the whole way."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._is_late = False

    async def asked(self, bounds: BodyBounds) -> _Asked | None:
        """Return what the body asks for; None for what takes a closer look."""
        try:
            body = await within(bounds.within_s, self._body(min(bounds.limit, MAX_BODY_BYTES)))
        except TimeoutError:
            self._is_late = True
            return None
        return None if body is None else _asked(body)

    async def _body(self, max_bytes: int) -> bytes | None:
        """Return the whole body, if it is no larger than that."""
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


def _asked(body: bytes) -> _Asked | None:
    """Return what a body asks for; None for what takes a closer look."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(asked) is not dict or "extensions" in asked:
        return None
    query, name, variables = asked.get("query"), asked.get("operationName"), asked.get("variables")
    if not (
        isinstance(query, str)
        and isinstance(name, str | None)
        and isinstance(variables, dict | None)
    ):
        return None
    return _Asked(query, name, variables or {})


async def _send(answer: bytes, head: _Head, scope: Scope, receive: Receive, send: Send) -> None:
    is_long = len(answer) >= MIN_COMPRESSED_BYTES
    if head.takes_gzip and is_long:
        response = Response(answer, 200, {"vary": "accept"}, head.media_type)
        response.raw_headers += SECURITY_HEADERS
        await compressing(response)(scope, receive, send)
        return
    headers = [
        (b"vary", b"accept, Accept-Encoding" if is_long else b"accept"),
        (b"content-length", b"%d" % len(answer)),
        (b"content-type", head.media_type.encode()),
        *SECURITY_HEADERS,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
