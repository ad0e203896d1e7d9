"""The doors: a request for a name that is not ours goes no further."""

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.callers import Callers
from app.hosts import is_among, is_loopback, name_in

HEALTH: Final = "/health"
"""Asked by address, by whoever watches over the process; it tells nothing of anybody."""

# 421 (RFC 9110, section 15.5.20) says what is the matter, where 400 would blame the syntax.
_MISDIRECTED: Final = PlainTextResponse("This server does not answer to that name.\n", 421)


class Doors:
    """Looks at the name that a request is for before anything else does."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] == HEALTH or self._answers_to(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            await _MISDIRECTED(scope, receive, send)

    def _answers_to(self, scope: Scope) -> bool:
        callers: Callers = scope["state"]["callers"]
        if callers.are_needed and not self._names:
            return True
        hosts = Headers(scope=scope).getlist("host")
        name = name_in(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            return False
        return is_among(name, self._names) if callers.are_needed else is_loopback(name)
