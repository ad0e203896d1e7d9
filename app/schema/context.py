"""What every resolver can reach."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import strawberry
from graphql import DocumentNode
from graphql.execution.values import VariableValues
from strawberry.extensions import SchemaExtension

from app.auth import EVERYBODY, NOBODY, Caller, Role, Unauthenticated
from app.callers import Callers
from app.domain.access import Guard, anybody, never_identified, not_oneself, oneself
from app.domain.change import Change, Crossing
from app.domain.criteria import Criterion
from app.domain.identity import Identity, IdentityKind
from app.domain.limits import Limits
from app.domain.segment import Segments, criteria_of_all
from app.domain.times import to_utc_ms
from app.domain.windows import Moment
from app.limits import REQUEST_LIMITS, RequestLimits, coiner_of
from app.live.feed import Feed
from app.live.leader import Leader
from app.operations.find import WhoeverRef, only_oneself
from app.operations.terms import Terms
from app.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True)
class Done:
    """What came of something that is done once: what it returned, or the fault that it raised."""

    returned: Any = None
    fault: Exception | None = None

    def outcome(self) -> Any:
        """Return, or raise, what it did."""
        if self.fault:
            raise self.fault
        return self.returned


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
        callers: Who is behind which credential.
        requests: What a request may ask for.
        caller: Who asks.
        authorization: The credential that they came with, as it was sent.
        watches: Whether the operation is a subscription.
        connection_params: What a WebSocket client said of itself.
        shortcut: What may answer an operation without the executor; it returns None if it cannot.
        done: What came of the operation's one field, if it changed something before the executor
            was asked to show it.
        messages: What may show a subscription's messages without the executor, in the same way.
        deadline: When a query has to be answered, by the event loop's clock, if it was begun
            before the executor was asked.
    """

    store: Store
    feed: Feed[Change]
    crossings: Feed[Crossing]
    leader: Leader
    limits: Limits
    time_zone: ZoneInfo
    clock: Callable[[], datetime]
    callers: Callers
    requests: RequestLimits = REQUEST_LIMITS
    caller: Caller = EVERYBODY
    authorization: str | None = None
    watches: bool = False
    connection_params: dict[str, Any] | None = None
    shortcut: "Callable[[DocumentNode, Context], Awaitable[dict[str, Any] | None]] | None" = None
    done: Done | None = None
    messages: "MessagePlans | None" = None
    deadline: float | None = None
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
        now = self.now
        return Terms(now, self.limits, coiner_of(self.caller, self.requests, now))

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.time_zone)

    @property
    def me(self) -> Identity | None:
        """The identity of the person whose own token this is."""
        if self.caller.person is None:
            return None
        return Identity(kind=IdentityKind.CUSTOM, value=self.caller.person.custom)

    @property
    def is_ingest(self) -> bool:
        """Whether whoever asks is to learn nothing about who exists."""
        return self.caller.role is Role.INGEST

    @property
    def may_change(self) -> Guard:
        """Whose profile the caller may change.

        An ingest key that anybody can read changes no person who has a name: whoever knows a
        device could have their messages sent elsewhere. It may still record what was done there.
        """
        if self.is_ingest and not self.caller.trusting:
            return never_identified
        return self.may_act_for

    @property
    def may_act_for(self) -> Guard:
        """For whom the caller may record events, and log devices out."""
        return anybody if self.me is None else oneself(self.me)

    async def renewed(self) -> "Context":
        """Return the context of one more operation by the same credential, as it holds now."""
        try:
            caller = await self.callers.caller(self.authorization)
        except Unauthenticated:
            caller = NOBODY
        return replace(self, caller=caller, _segments=None)

    async def reached(self, ref: WhoeverRef) -> WhoeverRef:
        """Return whom a reference means to the caller.

        Raises:
            Forbidden: to a person, it means anybody but oneself.
        """
        return ref if self.me is None else await only_oneself(self.store, ref, self.me)

    def reaches_everyone(self) -> None:
        """Return if the caller may be told of everyone.

        Raises:
            Forbidden: it is a person.
        """
        if self.me is not None:
            raise not_oneself()

    async def segments(self) -> tuple[Segments, Mapping[str, Criterion]]:
        """Return all segments and what each asks for, read once a request, or once a message."""
        if self._segments is None:
            segments = await self.store.segments()
            self._segments = segments, criteria_of_all(segments, self.limits)
        return self._segments

    async def once(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Return what `act` returns, unless a plan has done the same before: then, what it did."""
        if self.done is None:
            return await act()
        result: Result = self.done.outcome()
        return result

    def forget(self) -> None:
        """Read afresh what was read once: another message of a subscription begins."""
        self._segments = None


Show = Callable[[Any, Context], dict[str, Any] | None]
"""From a message to the data it is told by, or to None if the executor is to answer."""

MessagePlans = Callable[[DocumentNode, str | None, VariableValues], Show | None]
"""From a subscription, its operation's name and its variables to what shows its messages."""

Info = strawberry.Info[Context, None]


class Afresh(SchemaExtension):
    """Lets each operation read for itself: those on one WebSocket share a context."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.context.forget()
        yield
