"""The doors: a request for a name that is not ours goes no further."""

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.callers import Callers
from app.hosts import is_among, is_loopback, name_in

HEALTH: Final = "/health"
"""Asked by address, by whoever watches over the process; it tells nothing of anybody."""

MAX_HOST_CHARACTERS: Final = 300
"""No name is longer (RFC 1035, section 2.3.4), its port included."""

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
        hosts = Headers(scope=scope).getlist("host")
        return answers_to(hosts[0] if len(hosts) == 1 else "", self._names, callers)


def answers_to(host: str, names: frozenset[str], callers: Callers) -> bool:
    """Return whether a request with this `Host` is for us.

    Args:
        host: The header; empty where there is none, or more than one.
        names: By which we may be called where there are keys; any if there are none.
        callers: Who knows whether there are keys.
    """
    if callers.are_needed and not names:
        return True
    if len(host) > MAX_HOST_CHARACTERS:
        return False
    return _is_among(host, names) if callers.are_needed else _is_of_this_machine(host)


@lru_cache(1_000)
def _is_among(host: str, names: frozenset[str]) -> bool:
    name = name_in(host)
    return name is not None and is_among(name, names)


@lru_cache(1_000)
def _is_of_this_machine(host: str) -> bool:
    name = name_in(host)
    return name is not None and is_loopback(name)
