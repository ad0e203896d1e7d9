"""What every resolver can reach."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import strawberry
from graphql import DocumentNode
from strawberry.extensions import SchemaExtension

from app.auth import EVERYBODY, Caller, Role
from app.domain.catalog import Coiner
from app.domain.change import Change, Crossing
from app.domain.criteria import Criterion
from app.domain.limits import Limits
from app.domain.segment import Segments, criteria_of_all
from app.domain.times import to_utc_ms
from app.domain.windows import Moment
from app.limits import REQUEST_LIMITS, RequestLimits
from app.live.feed import Feed
from app.live.leader import Leader
from app.operations.terms import Terms
from app.store import Store


@dataclass
class Context:
    """Everything an operation needs from outside; its clock is the only one.

    Attributes:
        store: Where people are kept.
        feed: Their changes, as they happen.
        crossings: Who enters or leaves a segment, as it happens.
        leader: Keeps memberships of segments true.
        limits: What the service may hold.
        time_zone: Whose midnight begins a day.
        clock: What time it is.
        requests: What a request may ask for.
        caller: Who asks.
        connection_params: What a WebSocket client said of itself.
        shortcut: What may answer a query without the executor; it returns None if it cannot.
    """

    store: Store
    feed: Feed[Change]
    crossings: Feed[Crossing]
    leader: Leader
    limits: Limits
    time_zone: ZoneInfo
    clock: Callable[[], datetime]
    requests: RequestLimits = REQUEST_LIMITS
    caller: Caller = EVERYBODY
    connection_params: dict[str, Any] | None = None
    shortcut: "Callable[[DocumentNode, Context], Awaitable[dict[str, Any] | None]] | None" = None
    _segments: tuple[Segments, Mapping[str, Criterion]] | None = None

    @property
    def now(self) -> datetime:
        return to_utc_ms(self.clock())

    @property
    def today(self) -> date:
        """The current day in the service's time zone."""
        return self.clock().astimezone(self.time_zone).date()

    @property
    def terms(self) -> Terms:
        return Terms(self.now, self.limits, self._coiner)

    @property
    def _coiner(self) -> Coiner | None:
        """Who asks, if their new names are counted: ingest keys may be in anybody's hands."""
        caller = self.caller
        if caller.role is not Role.INGEST or caller.key_id is None:
            return None
        return Coiner(caller.key_id, self.requests.names_per_hour, self.now)

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.time_zone)

    async def segments(self) -> tuple[Segments, Mapping[str, Criterion]]:
        """Return all segments and what each asks for, read once a request, or once a message."""
        if self._segments is None:
            segments = await self.store.segments()
            self._segments = segments, criteria_of_all(segments, self.limits)
        return self._segments

    def forget(self) -> None:
        """Read afresh what was read once: another message of a subscription begins."""
        self._segments = None


Info = strawberry.Info[Context, None]


class Afresh(SchemaExtension):
    """Lets each operation read for itself: those on one WebSocket share a context."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.context.forget()
        yield
