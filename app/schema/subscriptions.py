"""Watching people."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar, cast

import strawberry

from app import domain
from app.auth import Role
from app.domain.criteria import EVERYONE, Question
from app.domain.criteria_input import Raw
from app.domain.errors import FellBehind, SegmentNotFound
from app.domain.events import event_key
from app.domain.identity import Impossible
from app.live import watch_events, watch_segment, watch_user, watch_users
from app.live.place import Place
from app.operations.segments import ask, is_true
from app.schema.context import Context, Info
from app.schema.criteria import Criteria
from app.schema.enums import ChangeKind, MembershipKind
from app.schema.inputs import UserBy, given
from app.schema.permissions import FOR_READERS, FOR_SERVICE
from app.schema.places import CHANGES, CROSSINGS, cursor_of, place_of
from app.schema.scalars import Cursor
from app.schema.types import Event, User
from app.store import UserRef

Message = TypeVar("Message")


@strawberry.type(description="A change to a person.")
class UserChange:
    kind: ChangeKind
    user_id: strawberry.ID = strawberry.field(
        description="To whom it happened; for MERGED, the id that was absorbed."
    )
    user: domain.User | None = strawberry.field(
        graphql_type=User | None,
        description="The person at this change, or later; null once deleted. For MERGED, the "
        "survivor.",
    )
    at: datetime

    @strawberry.field(description="Pass as `after` to go on from here.")
    def cursor(self, change: strawberry.Parent[watch_user.UserChange]) -> Cursor:
        return cursor_of(CHANGES, change.place)


@strawberry.type(description="An event, as it was recorded.")
class RecordedEvent:
    user_id: strawberry.ID = strawberry.field(description="Who did it, by the id of then.")
    user: domain.User | None = strawberry.field(
        graphql_type=User | None, description="The person by now."
    )
    event: domain.Event = strawberry.field(graphql_type=Event)

    @strawberry.field(description="Pass as `after` to go on from here.")
    def cursor(self, recorded: strawberry.Parent[watch_events.RecordedEvent]) -> Cursor:
        return cursor_of(CHANGES, recorded.place)


@strawberry.type(description="Somebody entered a segment, or left it.")
class SegmentMembershipChange:
    kind: MembershipKind
    user_id: strawberry.ID
    at: datetime

    @strawberry.field(
        graphql_type=User | None,
        description="The person by now; null once deleted. Of one who was merged, the survivor.",
    )
    async def user(
        self, change: strawberry.Parent[watch_segment.MembershipChange], info: Info
    ) -> domain.User | None:
        return await info.context.store.find(change.user_id)

    @strawberry.field(description="Pass as `after` to go on from here.")
    def cursor(self, change: strawberry.Parent[watch_segment.MembershipChange]) -> Cursor:
        return cursor_of(CROSSINGS, change.place)


@strawberry.type
class Subscription:
    @strawberry.subscription(
        graphql_type=UserChange,
        metadata=FOR_READERS,
        description="The person as they are now, then after each change; ends after DELETED. With "
        "`after`, no CURRENT, but what came since. Nobody yet: waits for CREATED. Merged into "
        "another: MERGED, then the survivor is followed. Quick changes may arrive as one; versions "
        "only grow, and the last state always arrives.",
    )
    async def user_changed(
        self, info: Info, by: UserBy, after: Cursor | None = None
    ) -> AsyncIterator[watch_user.UserChange]:
        context = info.context
        ref = await _possible(by, context, "by")
        place = place_of(CHANGES, after)
        changes = watch_user.watch_user(
            context.store,
            context.feed,
            ref,
            context.now,
            place,
            tells_of_gone=context.caller.role is Role.SERVICE,
        )
        async for change in _told(changes, CHANGES, context):
            if change.user:
                context.may_act_for(change.user)  # who was oneself may have become somebody else
            yield change

    @strawberry.subscription(
        graphql_type=UserChange,
        metadata=FOR_SERVICE,
        description="Every change to anyone of whom the criteria are true after it; without "
        "criteria, to everyone. Who ceases to match, or is deleted, is told by "
        "`segmentMembershipChanged`; deletions come here without criteria only. Quick changes to "
        "one person may arrive as one; the last state always arrives. With `after`, what came "
        "since: the newest state of everyone who changed.",
    )
    async def users_changed(
        self, info: Info, where: Criteria | None = None, after: Cursor | None = None
    ) -> AsyncIterator[watch_user.UserChange]:
        context = info.context
        place = place_of(CHANGES, after)
        criteria = given(where) if where else None
        is_everyone = criteria is None or (await _ask(context, criteria)).criterion == EVERYONE

        async def is_meant(user: domain.User) -> bool:
            # Asked anew each time: what the segments in it mean may have changed.
            question = await _ask(context, criteria or {})
            return await is_true(context.store, question.criterion, user, context.moment)

        chosen = None if is_everyone else is_meant
        changes = watch_users.watch_users(context.store, context.feed, chosen, place)
        async for change in _told(changes, CHANGES, context):
            yield change

    @strawberry.subscription(
        graphql_type=SegmentMembershipChange,
        metadata=FOR_SERVICE,
        description="Who enters the segment and who leaves it, each once, also when only time has "
        "passed. Who belongs to a segment when it is saved enters it then. Being deleted, or "
        "merged into another, is leaving.",
    )
    async def segment_membership_changed(
        self, info: Info, segment: strawberry.ID, after: Cursor | None = None
    ) -> AsyncIterator[watch_segment.MembershipChange]:
        context = info.context
        place = place_of(CROSSINGS, after)
        if segment not in await context.store.segments():
            raise SegmentNotFound(segment)
        changes = watch_segment.watch_segment(context.crossings, segment, place)
        async for change in _told(changes, CROSSINGS, context):
            yield change

    @strawberry.subscription(
        graphql_type=RecordedEvent,
        metadata=FOR_READERS,
        description="Every event as it is recorded, each exactly once; only those of one name, or "
        "of one person, if asked for. Those of people who were erased are skipped on resuming. "
        "Whoever reads too slowly gets an error that names the last cursor.",
    )
    async def event_recorded(
        self,
        info: Info,
        name: str | None = None,
        user: UserBy | None = None,
        after: Cursor | None = None,
    ) -> AsyncIterator[watch_events.RecordedEvent]:
        context = info.context
        if user is None:
            context.reaches_everyone()
        ref = None if user is None else await _possible(user, context, "user")
        key = None if name is None else event_key(name)
        place = place_of(CHANGES, after)
        events = watch_events.watch_events(
            context.store,
            context.feed,
            key,
            ref,
            place,
            tells_of_gone=context.caller.role is Role.SERVICE,
        )
        async for recorded in _told(events, CHANGES, context):
            if recorded.user:
                context.may_act_for(recorded.user)
            yield recorded


async def _told(
    messages: AsyncIterator[Message], log: str, context: Context
) -> AsyncIterator[Message]:
    """Pass messages on, each seen afresh; whoever fell behind is told the last one's cursor."""
    try:
        async with aclosing(cast("AsyncGenerator[Message]", messages)) as open_messages:
            async for message in open_messages:
                context.forget()
                yield message
    except FellBehind as fault:
        place = fault.after
        cursor = cursor_of(log, place) if isinstance(place, Place) else None
        raise FellBehind(fault.limit, cursor) from None


async def _ask(context: Context, criteria: Raw) -> Question:
    return await ask(context.store, criteria, ("where",), context.moment, context.limits)


async def _possible(by: UserBy, context: Context, argument: str) -> UserRef:
    """Return whom to watch; who could not exist is not waited for."""
    ref = await context.reached(by.to_domain(context.limits, (argument,)))
    if isinstance(ref, Impossible):
        raise ref.fault
    return ref
