"""Watching people."""

from collections.abc import AsyncIterator
from datetime import datetime

import strawberry

from app import domain
from app.domain.identity import Impossible
from app.live import watch_user
from app.schema.context import Info
from app.schema.enums import ChangeKind
from app.schema.inputs import UserBy
from app.schema.scalars import Cursor
from app.schema.types import User


@strawberry.type(description="A change to a person.")
class UserChange:
    kind: ChangeKind
    user_id: strawberry.ID
    user: domain.User | None = strawberry.field(
        graphql_type=User | None,
        description="The person at this change, or later; null once deleted.",
    )
    at: datetime
    cursor: Cursor


@strawberry.type
class Subscription:
    @strawberry.subscription(
        graphql_type=UserChange,
        description="The person as they are now, then after each change. Nobody yet: waits for "
        "CREATED. Quick changes may arrive as one; versions only grow, and the last state always "
        "arrives.",
    )
    async def user_changed(self, info: Info, by: UserBy) -> AsyncIterator[watch_user.UserChange]:
        context = info.context
        ref = by.to_domain(context.limits, ("by",))
        if isinstance(ref, Impossible):
            raise ref.fault
        changes = watch_user.watch_user(context.store, context.feed, ref, context.now)
        async for change in changes:
            yield change
