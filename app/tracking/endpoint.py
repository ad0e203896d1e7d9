"""The routes: messages one by one, and batches of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.auth import EVERYBODY, Role
from app.domain.errors import Busy, Unavailable
from app.domain.times import to_utc_ms
from app.operations.terms import Terms
from app.schema.errors import logged
from app.settings import Settings
from app.tracking.body import MAX_BATCH_BYTES, MAX_MESSAGE_BYTES, Unreadable, read_object
from app.tracking.messages import Kind
from app.tracking.outcomes import answer, refusal, try_again
from app.tracking.taking import Sent, take
from app.tracking.write_key import caller_by, may_send, write_key_of

Respond = Callable[[Request], Awaitable[Response]]

_BATCHES: Final = ("batch", "b", "import")


def routes(settings: Settings, clock: Callable[[], datetime]) -> Sequence[BaseRoute]:
    """Return the routes of the API, by the long names and by the initials that browsers use."""
    tracking = Tracking(settings, clock)
    singles = [
        Route(f"/v1/{name}", _guarded(partial(tracking.single, kind)), methods=["POST"])
        for kind in Kind
        for name in (kind.value, kind.value[0])
    ]
    batches = [
        Route(f"/v1/{name}", _guarded(tracking.batch), methods=["POST"]) for name in _BATCHES
    ]
    return [*singles, *batches]


def _guarded(respond: Respond) -> Respond:
    """Return what answers faults of the call as a whole, too; what nobody planned for is masked."""

    async def guarded(request: Request) -> Response:
        try:
            return await respond(request)
        except Unreadable as fault:
            code = "LIMIT_EXCEEDED" if fault.limit else "INVALID_INPUT"
            return refusal(fault.status, code, str(fault), fault.limit)
        except (Busy, Unavailable) as fault:
            return try_again(fault)
        except ClientDisconnect:
            return refusal(400, "INVALID_INPUT", "The body ended early.")
        except Exception as bug:
            return refusal(500, "INTERNAL", f"Unexpected error, id {logged(bug)}.")

    return guarded


class Tracking:
    """Answers calls."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock

    async def single(self, kind: Kind, request: Request) -> Response:
        body = await read_object(request, MAX_MESSAGE_BYTES)
        return await _no_right(request, body) or await self._take(request, [Sent(body, {}, kind)])

    async def batch(self, request: Request) -> Response:
        batch = await read_object(request, MAX_BATCH_BYTES)
        if no_right := await _no_right(request, batch):
            return no_right
        messages = batch.get("batch")
        if not isinstance(messages, list):
            return refusal(400, "INVALID_INPUT", "There is no list `batch` of messages.")
        return await self._take(request, [Sent(message, batch) for message in messages])

    async def _take(self, request: Request, sent: Sequence[Sent]) -> Response:
        terms = Terms(to_utc_ms(self._clock()), self._settings.limits)
        today = terms.now.astimezone(self._settings.time_zone).date()
        return answer(len(sent), await take(request.state.store, sent, terms, today))


async def _no_right(request: Request, body: Mapping[str, Any]) -> Response | None:
    """Return the refusal of whoever may not send, if this is one."""
    write_key = write_key_of(request, body)
    caller = await caller_by(request, write_key)
    if caller is EVERYBODY and request.headers.get("sec-fetch-site") == "cross-site":
        # Any page that a developer looks at could otherwise write to the server beside it.
        return refusal(403, "FORBIDDEN", "Without keys, no page of another site may send messages.")
    if may_send(caller):
        return None
    if caller.role is Role.NOBODY:
        missing = "There is no write key." if write_key is None else "There is no such write key."
        challenge = {"www-authenticate": "Bearer"}
        return refusal(401, "UNAUTHENTICATED", missing, headers=challenge)
    return refusal(403, "FORBIDDEN", "This write key may not send messages.")
