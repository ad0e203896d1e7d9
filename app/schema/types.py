"""What clients read.

A type here is a declaration over a domain class: resolvers return the domain's object, and each
field is read off it by name, or answered by the domain's rule.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from app import domain
from app.domain.criteria import Question
from app.domain.criteria_input import to_json
from app.domain.events import event_key
from app.domain.limits import Limits
from app.domain.listing import EventPosition, EventQuery, UserPosition, position_of
from app.domain.properties import show_properties, show_value
from app.domain.reach import age_on
from app.domain.repetition import kept_by_text
from app.domain.times import parse_instant, show_instant
from app.domain.windows import Moment
from app.operations.personalise import personalised
from app.operations.record_events import read_events
from app.operations.segments import ask, is_true, segments_of
from app.schema.context import Context, Info
from app.schema.criteria import Criteria
from app.schema.enums import (
    Channel,
    Gender,
    IdentityKind,
    Platform,
    ProfileType,
    PropertyKind,
    PushService,
    UserOrder,
)
from app.schema.inputs import given
from app.schema.pages import PageInfo, check_first, decode, encode, page_info
from app.schema.permissions import FOR_READERS, FOR_SERVICE, FOR_WRITERS
from app.schema.scalars import CriteriaDocument, Cursor, Properties, PropertyValue


@strawberry.type(description="A name of the person; it belongs to nobody else.")
class Identity:
    kind: IdentityKind
    value: str = strawberry.field(description="Normalised: equal values are the same person.")
    linked_at: datetime


@strawberry.type(description="Where the person lives, as far as known.")
class Location:
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")
    region: str | None
    city: str | None
    latitude: float | None
    longitude: float | None


@strawberry.type(description="A device that registered itself.")
class Device:
    id: strawberry.ID = strawberry.field(metadata=FOR_WRITERS)
    platform: Platform
    model: str | None
    os_version: str | None
    app_version: str | None
    last_seen_at: datetime

    @strawberry.field(description="Who delivers push messages to it; null without a token.")
    def push(self, device: strawberry.Parent[domain.Device]) -> PushService | None:
        return device.push.service if device.push else None

    @strawberry.field(description="Whether a push token is known.")
    def push_enabled(self, device: strawberry.Parent[domain.Device]) -> bool:
        return device.push is not None


@strawberry.type(description="What the person chose for a channel.")
class ChannelStatus:
    channel: Channel
    subscribed: bool = strawberry.field(description="False once the person opted out.")
    changed_at: datetime | None = strawberry.field(description="Null if they never chose.")


@strawberry.type(description="Something the person did.")
class Event:
    id: strawberry.ID
    name: str
    at: datetime

    @strawberry.field
    def properties(self, event: strawberry.Parent[domain.Event]) -> Properties:
        return Properties(show_properties(event.properties))

    @strawberry.field(description="Lines of a Charged event.")
    def items(self, event: strawberry.Parent[domain.Event]) -> list[Properties]:
        return [Properties(show_properties(item)) for item in event.items]


@dataclass(frozen=True)
class EventPaging:
    """Which page of a person's events is asked for."""

    query: EventQuery
    question: str

    @staticmethod
    def of(
        limits: Limits,
        name: str | None,
        since: datetime | None,
        until: datetime | None,
        first: int,
        after: Cursor | None,
    ) -> "EventPaging":
        """Return the page that arguments ask for.

        Raises:
            InvalidInput, LimitExceeded: they cannot be used.
        """
        check_first(first, limits)
        key = None if name is None else event_key(name)
        question = f"events {key!r} {since} {until}"
        position = None
        if after is not None:
            at, id = decode(after, question, str, str)
            position = EventPosition(parse_instant(at, ("after",)), id)
        return EventPaging(EventQuery(key, since, until, position, first), question)

    def cursor(self, at: datetime, id: str) -> Cursor:
        return encode(self.question, [show_instant(at), id])


@strawberry.type
class EventEdge:
    cursor: Cursor
    node: domain.Event = strawberry.field(graphql_type=Event)


@strawberry.type
class EventConnection:
    edges: list[EventEdge]
    nodes: list[domain.Event] = strawberry.field(graphql_type=list[Event])
    page_info: PageInfo


@strawberry.type(description="The exact total of an event over the whole life of the person.")
class EventActivity:
    name: str
    count: int
    first_at: datetime
    last_at: datetime


@strawberry.type(description="Everything known about one person.")
class User:
    id: strawberry.ID = strawberry.field(
        metadata=FOR_WRITERS, description="Stable; stays valid after merges."
    )
    type: ProfileType = strawberry.field(metadata=FOR_READERS)
    name: str | None = strawberry.field(metadata=FOR_READERS)
    email: str | None = strawberry.field(
        metadata=FOR_READERS, description="Where to write to; people may share one."
    )
    phone: str | None = strawberry.field(metadata=FOR_READERS, description="E.164.")
    birthday: date | None = strawberry.field(metadata=FOR_READERS)
    gender: Gender | None = strawberry.field(metadata=FOR_READERS)
    language: str | None = strawberry.field(metadata=FOR_READERS, description="BCP 47.")
    timezone: str | None = strawberry.field(metadata=FOR_READERS, description="IANA name.")
    photo_url: str | None = strawberry.field(metadata=FOR_READERS)
    location: domain.Location | None = strawberry.field(
        metadata=FOR_READERS, graphql_type=Location | None
    )
    identities: list[domain.LinkedIdentity] = strawberry.field(
        metadata=FOR_READERS, graphql_type=list[Identity], description="Oldest first."
    )
    devices: list[domain.Device] = strawberry.field(metadata=FOR_READERS, graphql_type=list[Device])
    reachable_by: list[Channel] = strawberry.field(
        metadata=FOR_READERS,
        description="Channels that can reach the person now: an address or token is known, and "
        "they have not opted out.",
    )
    created_at: datetime = strawberry.field(metadata=FOR_READERS)
    updated_at: datetime = strawberry.field(metadata=FOR_READERS)
    last_seen_at: datetime | None = strawberry.field(
        metadata=FOR_READERS, description="The newest event or device activity."
    )
    version: int = strawberry.field(
        metadata=FOR_WRITERS,
        description="Grows by one whenever something readable here changes; `lastSeenAt` alone "
        "does not count.",
    )

    @strawberry.field(
        metadata=FOR_READERS,
        description="Whole years on today's date in the service's time zone; null without a "
        "birthday.",
    )
    def age(self, user: strawberry.Parent[domain.User], info: Info) -> int | None:
        return None if user.birthday is None else age_on(info.context.today, user.birthday)

    @strawberry.field(
        metadata=FOR_READERS,
        description="Custom properties, sorted by name; all, or the named ones.",
    )
    def properties(
        self, user: strawberry.Parent[domain.User], names: list[str] | None = None
    ) -> Properties:
        wanted = user.properties
        if names is not None:
            among = frozenset(names)
            wanted = {name: value for name, value in wanted.items() if name in among}
        return Properties(show_properties(wanted))

    @strawberry.field(
        metadata=FOR_READERS, description="One custom property; null if there is none."
    )
    def property(self, user: strawberry.Parent[domain.User], name: str) -> PropertyValue | None:
        value = user.properties.get(name)
        return None if value is None else PropertyValue(show_value(value))

    @strawberry.field(metadata=FOR_READERS)
    def channels(self, user: strawberry.Parent[domain.User]) -> list[ChannelStatus]:
        chosen = ((channel, user.choices.get(channel)) for channel in Channel)
        return [
            ChannelStatus(
                channel=channel,
                subscribed=choice is None or choice.subscribed,
                changed_at=choice.changed_at if choice else None,
            )
            for channel, choice in chosen
        ]

    @strawberry.field(
        metadata=FOR_READERS,
        graphql_type=EventConnection,
        description="The log of what the person did, newest first, complete. `since` includes its "
        "instant, `until` excludes it.",
    )
    async def events(
        self,
        user: strawberry.Parent[domain.User],
        info: Info,
        name: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> EventConnection:
        paging = EventPaging.of(info.context.limits, name, since, until, first, after)
        found, more = await read_events(info.context.store, user, paging.query)
        cursors = [paging.cursor(event.at, event.id) for event in found]
        edges = [EventEdge(cursor=c, node=event) for c, event in zip(cursors, found, strict=True)]
        info_of_page = page_info(cursors, more=more, after=after)
        return EventConnection(edges=edges, nodes=found, page_info=info_of_page)

    @strawberry.field(
        metadata=FOR_READERS,
        graphql_type=list[EventActivity],
        description="Exact totals per event name over the whole life of the profile, sorted by "
        "name; all, or the named ones.",
    )
    def activity(
        self, user: strawberry.Parent[domain.User], names: list[str] | None = None
    ) -> list[domain.Activity]:
        keys = user.activity.keys() if names is None else {event_key(name) for name in names}
        totals = (total for key, total in user.activity.items() if key in keys)
        return sorted(totals, key=lambda total: total.name)

    @strawberry.field(
        metadata=FOR_READERS,
        graphql_type=list[Annotated["Segment", strawberry.lazy("app.schema.types")]],
        description="The segments whose criteria are true of the person now.",
    )
    async def segments(
        self, user: strawberry.Parent[domain.User], info: Info
    ) -> Sequence[domain.Segment]:
        segments, criteria = await info.context.segments()
        moment = info.context.moment
        return await segments_of(info.context.store, user, segments, criteria, moment)

    @strawberry.field(
        metadata=FOR_READERS, description="Whether criteria are true of the person now."
    )
    async def matches(
        self, user: strawberry.Parent[domain.User], info: Info, criteria: Criteria
    ) -> bool | None:
        context = info.context
        moment = context.moment
        raw = given(criteria)
        question = await ask(context.store, raw, ("criteria",), moment, context.limits)
        return await is_true(context.store, question.criterion, user, moment)

    @strawberry.field(
        metadata=FOR_READERS,
        description="A Liquid template filled in with this person, such as "
        "`Hi {{ user.name | default: 'there' }}`; what is not known renders as nothing.",
    )
    def personalised(
        self, user: strawberry.Parent[domain.User], info: Info, template: str
    ) -> str | None:
        return personalised(template, user, info.context.today)

    @strawberry.field(
        metadata=FOR_READERS, description="Ids of profiles merged into this one; they find it too."
    )
    def merged_ids(self, user: strawberry.Parent[domain.User]) -> list[strawberry.ID]:
        return [strawberry.ID(id) for id in user.absorbed]


@strawberry.type
class UserEdge:
    cursor: Cursor
    node: domain.User = strawberry.field(graphql_type=User)


@strawberry.type
class UserConnection:
    edges: list[UserEdge]
    nodes: list[domain.User] = strawberry.field(graphql_type=list[User])
    page_info: PageInfo
    question: strawberry.Private[Question | None]

    @strawberry.field(description="How many there are in all; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        return await info.context.store.count(self.question)


@dataclass(frozen=True)
class UserPaging:
    """Which page of people is asked for; its cursors keep the moment of the question.

    Attributes:
        order: In which order.
        first: How many at the most.
        after: Where the last page ended.
        question: Of whom it has to be true.
        text: What the cursors belong to.
        moment: The question's "now".
    """

    order: UserOrder
    first: int
    after: UserPosition | None
    question: Question | None
    text: str
    moment: Moment

    @staticmethod
    async def of(
        context: Context,
        criteria: Mapping[str, Any] | None,
        order: UserOrder,
        first: int,
        after: Cursor | None,
    ) -> "UserPaging":
        """Return the page that arguments ask for.

        Raises:
            InvalidInput, LimitExceeded: they cannot be used.
        """
        check_first(first, context.limits)
        text = f"users {order} {_text_of(criteria)}"
        moment, position = context.moment, None
        if after is not None:
            now, seen_at, id = decode(after, text, str, str | None, str)
            moment = Moment(parse_instant(now, ("after",)), context.time_zone)
            seen = None if seen_at is None else parse_instant(seen_at, ("after",))
            position = UserPosition(seen, id)
        question = None
        if criteria is not None:
            question = await ask(context.store, criteria, ("where",), moment, context.limits)
        return UserPaging(order, first, position, question, text, moment)

    def cursor(self, position: UserPosition) -> Cursor:
        seen_at = position.seen_at and show_instant(position.seen_at)
        return encode(self.text, [show_instant(self.moment.now), seen_at, position.id])


@kept_by_text
def _text_of(criteria: Mapping[str, Any] | None) -> str:
    return json.dumps(to_json(criteria))


async def list_users(
    context: Context,
    criteria: Mapping[str, Any] | None,
    order: UserOrder,
    first: int,
    after: Cursor | None,
) -> UserConnection:
    """Return a page of the people of whom criteria are true."""
    paging = await UserPaging.of(context, criteria, order, first, after)
    found = await context.store.page(order, first + 1, paging.after, paging.question)
    shown = found[:first]
    cursors = [paging.cursor(position_of(user, order)) for user in shown]
    return UserConnection(
        edges=[UserEdge(cursor=c, node=user) for c, user in zip(cursors, shown, strict=True)],
        nodes=shown,
        page_info=page_info(cursors, more=len(found) > first, after=after),
        question=paging.question,
    )


@strawberry.type(
    description="How far people have been looked at since the segment was saved, to tell who "
    "entered it and who left."
)
class SegmentEvaluation:
    complete: bool = strawberry.field(description="Whether everybody has been.")
    evaluated: int = strawberry.field(description="How many people have been.")
    lag_ms: int = strawberry.field(
        description="How late, in milliseconds, is told what time alone brings about; 0 unless "
        "very many people are due at one instant."
    )

    @strawberry.field(description="How many people there are.")
    async def total(self, info: Info) -> int:
        return await info.context.store.count()


@strawberry.type(description="Criteria under a name.")
class Segment:
    id: strawberry.ID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    @strawberry.field(metadata=FOR_SERVICE, description="As saved; can be edited and saved again.")
    def criteria(self, segment: strawberry.Parent[domain.Segment]) -> CriteriaDocument:
        return CriteriaDocument(segment.criteria)

    @strawberry.field(
        graphql_type=UserConnection, metadata=FOR_SERVICE, description="Who belongs to it now."
    )
    async def users(
        self,
        segment: strawberry.Parent[domain.Segment],
        info: Info,
        order_by: UserOrder = UserOrder.NEWEST,
        first: int = 20,
        after: Cursor | None = None,
    ) -> UserConnection:
        criteria = {"segment": segment.id}
        return await list_users(info.context, criteria, order_by, first, after)

    @strawberry.field(
        metadata=FOR_SERVICE,
        description="How far those who watch the segment have been told of what it asks for now. "
        "`users` and `count` never lag.",
    )
    async def evaluation(
        self, segment: strawberry.Parent[domain.Segment], info: Info
    ) -> SegmentEvaluation:
        found = await info.context.leader.evaluation(segment.id)
        return SegmentEvaluation(
            complete=found.is_complete, evaluated=found.done, lag_ms=found.lag_ms
        )

    @strawberry.field(metadata=FOR_SERVICE, description="How many belong to it now, exactly.")
    async def count(self, segment: strawberry.Parent[domain.Segment], info: Info) -> int:
        context = info.context
        criteria = {"segment": segment.id}
        question = await ask(context.store, criteria, (), context.moment, context.limits)
        return await context.store.count(question)


@strawberry.type(description="A property that somebody has or had.")
class PropertyDefinition:
    name: str
    kinds: list[PropertyKind]


@strawberry.type(description="An event that was recorded, and the properties it came with.")
class EventDefinition:
    name: str
    properties: list[domain.PropertyDefinition] = strawberry.field(
        graphql_type=list[PropertyDefinition]
    )


@strawberry.type(description="What is known to exist, to build pickers from.")
class Catalog:
    properties: list[domain.PropertyDefinition] = strawberry.field(
        graphql_type=list[PropertyDefinition]
    )
    events: list[domain.EventDefinition] = strawberry.field(graphql_type=list[EventDefinition])
