"""The quick way in uvicorn: a question that came in one piece is answered where it arrived.

uvicorn makes a task of each request, and messages to and fro. That costs more than to answer what
is in memory. Here a request that may be plain is held until all that arrived with it is parsed. If
it is whole by then, and its answer at hand, the answer is written to the connection. If the answer
has to be waited for, uvicorn gets the request with a task that writes it. Whatever is not plain
goes on to uvicorn, as if nothing had been. What is answered here is in no access log: ours keeps
none.
"""

from collections.abc import Iterable
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
from app.quick.asgi import headers_for, is_long, is_to_be_compressed, leave
from app.quick.head import Head, head_in
from app.quick.way import MAX_BODY_BYTES, Begun, QuickWay, encoded

_URL: Final = PATH.encode()


class QuickProtocol(HttpToolsProtocol):
    """A connection over HTTP/1.1."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app = cast("Starlette", self.config.app)
        self._way: QuickWay | None = app.state.quick_way
        self._holds = self._is_whole = False
        self._begun: Begun | None = None
        self._body = b""
        self._known_headers: list[tuple[bytes, bytes]] = []
        self._known_head: Head | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._holds and not self._is_answered():
            self._go_on()

    # ------------------------------------------------------------ what the parser calls

    def on_message_begin(self) -> None:
        if self._holds:  # another request has come with it
            self._go_on()
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        self._holds = self._may_be_quick()
        self._is_whole, self._body = False, b""
        if not self._holds:
            self._let_go()

    def on_body(self, body: bytes) -> None:
        if self._holds:
            self._body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._holds:
            self._is_whole = True
        else:
            super().on_message_complete()

    # ------------------------------------------------------------ the quick way

    def _may_be_quick(self) -> bool:
        """Return whether the request is worth a look, and could be let go of later as well as now.

        That the client wants the connection closed, or another protocol, the parser knows only now.
        """
        parser = self.parser
        return (
            self.url == _URL
            and self._way is not None
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _is_answered(self) -> bool:
        """Answer, or begin to; or else return False."""
        head = self._head() if self._is_whole and len(self._body) <= MAX_BODY_BYTES else None
        begun = self._begin(head) if head and not self.flow.write_paused else None
        if begun is None:
            return False
        answer = encoded(begun)
        if answer is None or is_to_be_compressed(answer, begun.head):
            self._begun = begun
            self._go_on()
        else:
            self._holds = False
            self._write(answer, begun.head)
            self.on_response_complete()
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        begun, self._begun = self._begun, None
        if begun is None:
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(self._finish(begun, cycle, app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _finish(
        self, begun: Begun, cycle: RequestResponseCycle, app: ASGI3Application
    ) -> None:
        """Answer what has to be waited for; uvicorn knows of it as of any other request."""
        answer = await cast("QuickWay", self._way).finish(begun)
        scope = cast("Scope", cycle.scope)
        if answer is None or self.flow.write_paused or is_to_be_compressed(answer, begun.head):
            if answer is None:
                leave(begun, scope)
            else:
                scope["state"]["begun"] = begun
            await cycle.run_asgi(app)
        elif not cycle.disconnected:
            self._write(answer, begun.head)
            cycle.response_started = cycle.response_complete = True
            if not cycle.keep_alive:  # the server stops
                self.transport.close()
            cycle.on_response()

    def _head(self) -> Head | None:
        """Return what the head says; on one connection, it mostly says the same."""
        headers = [each for each in self.headers if each[0] != b"content-length"]
        if headers != self._known_headers:
            self._known_headers, self._known_head = headers, head_in(headers)
        return self._known_head

    def _begin(self, head: Head) -> Begun | None:
        way, state = cast("QuickWay", self._way), self.app_state
        try:
            caller = None if head.is_forwarded else way.caller(head, state)
            if caller is None or len(self._body) > way.bounds(caller).limit:
                return None
            return way.begin(head, caller, self._body, state, self.client and self.client[0])
        except Exception:  # a bug: the whole way meets it, too, and shows it as it should
            return None

    def _write(self, answer: bytes, head: Head) -> None:
        date = _date_in(*self.server_state.default_headers)
        fixed = _head_for(head.media_type, is_long=is_long(answer)) % len(answer)
        self.transport.write(b"".join((STATUS_LINE[200], date, fixed, answer)))

    # ------------------------------------------------------------ the whole way

    def _go_on(self) -> None:
        """Let the request that is held go the whole way, as far as it has come."""
        self._holds = False
        self._let_go()
        if self._body:
            super().on_body(self._body)
        if self._is_whole:
            super().on_message_complete()

    def _let_go(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()


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
