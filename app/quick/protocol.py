"""The quick way in uvicorn: what comes in one piece, by a known head, is answered where it came.

uvicorn parses a request into many calls, and makes a task of it, and messages to and fro. That
takes longer than to answer what is in memory. Clients send the same head again and again, and what
the parser made of one it would make of the same bytes once more. So a request whose head was
plain before, and whose body came with it, is not parsed at all: its answer is written to the
connection at once, or, if it has to be waited for, by a task.

uvicorn gets every other request, and learns of one that waits as soon as it matters: when another
follows it, when the server stops, or when the whole way has to answer. What is answered here is in
no access log: ours keeps none.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from app.http import PATH
from app.plans import Pending
from app.quick.asgi import headers_for, is_long, is_to_be_compressed, leave
from app.quick.head import Head, head_in
from app.quick.way import Begun, QuickWay, encoded

_URL: Final = PATH.encode()
_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(slots=True)
class _Asked:
    """A request whose answer was begun.

    Attributes:
        begun: The answer.
        data: The request, as it came.
        is_awaited: Whether a task of ours waits for the answer.
        cycle: As what uvicorn knows the request; None before it does.
    """

    begun: Begun
    data: bytes
    is_awaited: bool = False
    cycle: RequestResponseCycle | None = None


class QuickProtocol(HttpToolsProtocol):
    """A connection over HTTP/1.1."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app = cast("Starlette", self.config.app)
        self._way: QuickWay | None = app.state.quick_way
        self._is_between_requests = True
        self._messages_begun = 0
        self._plain_head: Head | None = None
        self._asked: _Asked | None = None
        self._told: _Asked | None = None
        self._answered_at = 0.0

    # ------------------------------------------------------------ what the connection calls

    def data_received(self, data: bytes) -> None:
        self._tell_of_asked()
        begins = self._is_between_requests
        body_at = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        body_bytes = len(data) - body_at
        if begins and self._is_free():
            head = cast("QuickWay", self._way).heads.get(data[:body_at], body_bytes)
            begun = self._begin(head, data[body_at:]) if head else None
            if begun:
                self._answer(_Asked(begun, data))
                return
        self._messages_begun, self._plain_head = 0, None
        super().data_received(data)
        # Only of one whole message is the head what stands before the first blank line.
        is_one = begins and self._is_between_requests and self._messages_begun == 1
        if self._way and self._plain_head and is_one:
            self._way.heads.note(data[:body_at], self._plain_head, body_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell_of_asked()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._tell_of_asked()
        super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        idle_s = 0.0 if self._asked else self.loop.time() - self._answered_at
        if idle_s < self.timeout_keep_alive:
            self._close_after(self.timeout_keep_alive - idle_s)
        else:
            super().timeout_keep_alive_handler()

    # ------------------------------------------------------------ what the parser calls

    def on_message_begin(self) -> None:
        self._is_between_requests = False
        self._messages_begun += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        head = head_in(self.headers) if self._may_be_plain() else None
        self._plain_head = None if head is None or head.is_forwarded else head
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_between_requests = True
        super().on_message_complete()

    def _may_be_plain(self) -> bool:
        parser = self.parser
        return (
            self.url == _URL
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
        )

    # ------------------------------------------------------------ the quick way

    def _is_free(self) -> bool:
        """Return whether an answer could be written now."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and self._way is not None and not self.flow.write_paused

    def _begin(self, head: Head, body: bytes) -> Begun | None:
        way, state = cast("QuickWay", self._way), self.app_state
        try:
            caller = way.caller(head, state)
            if caller is None or len(body) > way.bounds(caller).limit:
                return None
            return way.begin(head, caller, body, state, self.client and self.client[0])
        except Exception:  # a bug: the whole way meets it, too, and shows it as it should
            return None

    def _answer(self, asked: _Asked) -> None:
        begun = asked.begun
        if type(begun.data) is Pending:
            self._asked, asked.is_awaited = asked, True
            task = self.loop.create_task(self._wait_for(asked))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
            return
        answer = encoded(begun)
        if answer is None or is_to_be_compressed(answer, begun.head):
            self._tell(asked)
        else:
            self._write(answer, begun.head)
            self._be_idle()

    async def _wait_for(self, asked: _Asked) -> None:
        begun = asked.begun
        try:
            answer = await cast("QuickWay", self._way).finish(begun)
        except asyncio.CancelledError:  # the server stops, and waits no longer
            await self._cycle_of(asked).send_500_response()
            raise
        stops = asked.cycle is not None and not asked.cycle.keep_alive
        is_blocked = stops or self.flow.write_paused
        if answer is None or is_blocked or is_to_be_compressed(answer, begun.head):
            cycle = self._cycle_of(asked)
            _hand_over(begun, cycle)
            await cycle.run_asgi(self.app)
        elif asked.cycle is None:
            self._asked = None
            self._write(answer, begun.head)
            self._be_idle()
        elif not asked.cycle.disconnected:
            self._write(answer, begun.head)
            asked.cycle.response_started = asked.cycle.response_complete = True
            asked.cycle.on_response()

    def _cycle_of(self, asked: _Asked) -> RequestResponseCycle:
        """Return as what uvicorn knows a request that waits, or knows it from now on."""
        self._tell_of_asked()
        return cast("RequestResponseCycle", asked.cycle)

    def _write(self, answer: bytes, head: Head) -> None:
        date = _date_in(*self.server_state.default_headers)
        fixed = _head_for(head.media_type, is_long=is_long(answer)) % len(answer)
        self.transport.write(b"".join((STATUS_LINE[200], date, fixed, answer)))

    def _be_idle(self) -> None:
        """Wait for the next request; a timer that runs already learns of it when it rings."""
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)

    def _close_after(self, seconds: float) -> None:
        close = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, close)

    # ------------------------------------------------------------ the whole way

    def _tell_of_asked(self) -> None:
        """Let uvicorn know of a request that waits, if there is one of which it does not."""
        if self._asked:
            asked, self._asked = self._asked, None
            self._tell(asked)

    def _tell(self, asked: _Asked) -> None:
        self._told = asked
        super().data_received(asked.data)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        asked, self._told = self._told, None
        if asked and asked.is_awaited:
            asked.cycle = cycle
            return
        if asked:
            _hand_over(asked.begun, cycle)
        super()._start_asgi_task(cycle, app)


def _hand_over(begun: Begun, cycle: RequestResponseCycle) -> None:
    """Let the layer before the application go on with an answer that is at hand, or else leave."""
    scope = cast("Scope", cycle.scope)
    if begun.data is None:
        leave(begun, scope)
    else:
        scope["state"]["begun"] = begun


@lru_cache(1)
def _date_in(*headers: tuple[bytes, bytes]) -> bytes:
    """Return the headers that uvicorn adds to every answer, and changes every second."""
    return _lines(headers)


@cache
def _head_for(media_type: str, *, is_long: bool) -> bytes:
    """Return the head of an answer, with a place for its length."""
    return _lines(headers_for(media_type, b"%d", is_long=is_long)) + b"\r\n"


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
