"""The routes: messages one by one, and batches of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.answers import Refused
from app.auth import EVERYBODY, Caller, Role
from app.domain.errors import Busy, Unavailable
from app.domain.times import to_utc_ms
from app.gate import Gate
from app.limits import BodyBounds, coiner_of
from app.operations.terms import Terms
from app.schema.errors import logged
from app.settings import Settings
from app.tracking.body import MAX_BATCH_BYTES, MAX_MESSAGE_BYTES, messages_in, read_object
from app.tracking.messages import Kind
from app.tracking.outcomes import answer, refusal, try_again
from app.tracking.sites import from_another_site
from app.tracking.taking import Sent, take
from app.tracking.write_key import caller_by, may_send, write_key_of

Respond = Callable[[Request], Awaitable[Response]]

_BATCHES: Final = ("batch", "b", "import")


def routes(settings: Settings, clock: Callable[[], datetime], gate: Gate) -> Sequence[BaseRoute]:
    """Return the routes of the API, by the long names and by the initials that browsers use."""
    tracking = Tracking(settings, clock, gate)
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
        except Refused as refused:
            return refusal(refused)
        except (Busy, Unavailable) as fault:
            return try_again(fault)
        except Exception as bug:
            message = f"Unexpected error, id {logged(bug)}."
            return refusal(Refused(500, message, {"code": "INTERNAL"}))

    return guarded


class Tracking:
    """Answers calls."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], gate: Gate) -> None:
        self._settings = settings
        self._clock = clock
        self._gate = gate
        body_s = settings.requests.body_s
        self._of_message = BodyBounds("tracking_message_bytes", MAX_MESSAGE_BYTES, body_s)
        self._of_batch = BodyBounds("tracking_batch_bytes", MAX_BATCH_BYTES, body_s)

    async def single(self, kind: Kind, request: Request) -> Response:
        message, sender = await self._received(request, self._of_message)
        return await self._take(request, [Sent(message, {}, kind)], sender)

    async def batch(self, request: Request) -> Response:
        batch, sender = await self._received(request, self._of_batch)
        sent = [Sent(message, batch) for message in messages_in(batch)]
        return await self._take(request, sent, sender)

    async def _received(
        self, request: Request, bounds: BodyBounds
    ) -> tuple[Mapping[str, Any], Caller]:
        """Return the body, and who sent it.

        Raises:
            Refused: it cannot be read, or they may not send it, or not yet.
        """
        self._gate.charge_address(request)
        body = await read_object(request, bounds)
        write_key = write_key_of(request, body)
        sender = await caller_by(request, write_key)
        # The key may have come in the body; the address was charged before that was read.
        self._gate.charge_key(sender)
        self._check(request, write_key, sender)
        return body, sender

    def _check(self, request: Request, write_key: str | None, sender: Caller) -> None:
        """Refuse whoever may not send messages."""
        if sender is EVERYBODY and from_another_site(request, self._settings.cors_origins):
            # Any page that a developer looks at could otherwise write to the server beside it.
            message = "Without keys, no page of another site may send messages."
            raise Refused(403, message, {"code": "FORBIDDEN"})
        if may_send(sender):
            return
        if sender.role is Role.NOBODY:
            what = "no write key" if write_key is None else "no such write key"
            unauthenticated = {"code": "UNAUTHENTICATED"}
            raise Refused(401, f"There is {what}.", unauthenticated, {"www-authenticate": "Bearer"})
        raise Refused(403, "This write key may not send messages.", {"code": "FORBIDDEN"})

    async def _take(self, request: Request, sent: Sequence[Sent], sender: Caller) -> Response:
        now = to_utc_ms(self._clock())
        coiner = coiner_of(sender, self._settings.requests, now)
        terms = Terms(now, self._settings.limits, coiner)
        today = now.astimezone(self._settings.time_zone).date()
        return answer(len(sent), await take(request.state.store, sent, terms, today))
