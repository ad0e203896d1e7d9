"""Reading people."""

import strawberry

from app import domain
from app.domain.errors import LimitExceeded
from app.domain.identity import Impossible
from app.domain.listing import UserPosition, position_of
from app.domain.times import parse_instant, show_instant
from app.operations.find import find
from app.schema.context import Info
from app.schema.enums import UserOrder
from app.schema.inputs import UserBy
from app.schema.pages import check_first, decode, encode, page_info
from app.schema.scalars import Cursor
from app.schema.types import Catalog, User, UserConnection, UserEdge


@strawberry.type
class Query:
    @strawberry.field(
        graphql_type=User | None,
        description="The person with this id or identity; null if there is none. Ids of merged "
        "people find the survivor.",
    )
    async def user(self, info: Info, by: UserBy) -> domain.User | None:
        return await find(info.context.store, by.to_domain(info.context.limits, ("by",)))

    @strawberry.field(
        graphql_type=list[User | None] | None,
        description="At most 100, in the order asked for; null for nobody.",
    )
    async def users_by(self, info: Info, by: list[UserBy]) -> list[domain.User | None]:
        limits = info.context.limits
        if len(by) > limits.page:
            raise LimitExceeded(f"At most {limits.page} at once.", ("by",), limits.page)
        refs = [one.to_domain(limits, ("by", str(i))) for i, one in enumerate(by)]
        possible = [ref for ref in refs if not isinstance(ref, Impossible)]
        found = iter(await info.context.store.find_many(possible))
        return [None if isinstance(ref, Impossible) else next(found) for ref in refs]

    @strawberry.field(graphql_type=UserConnection | None, description="Everyone, in pages.")
    async def users(
        self,
        info: Info,
        order_by: UserOrder = UserOrder.NEWEST,
        first: int = 20,
        after: Cursor | None = None,
    ) -> UserConnection:
        check_first(first, info.context.limits)
        question = f"users {order_by}"
        position = _user_position(after, question)
        found = await info.context.store.page(order_by, first + 1, position)
        shown = found[:first]
        cursors = [_cursor(user, order_by, question) for user in shown]
        edges = [UserEdge(cursor=c, node=user) for c, user in zip(cursors, shown, strict=True)]
        info_of_page = page_info(cursors, more=len(found) > first, after=after)
        return UserConnection(edges=edges, nodes=shown, page_info=info_of_page)

    @strawberry.field(description="How many people there are, exactly.")
    async def user_count(self, info: Info) -> int | None:
        return await info.context.store.count()

    @strawberry.field(
        graphql_type=Catalog | None,
        description="Which properties and events exist, to build pickers from.",
    )
    async def catalog(self, info: Info) -> domain.Catalog:
        return await info.context.store.catalog()


def _cursor(user: domain.User, order: UserOrder, question: str) -> Cursor:
    position = position_of(user, order)
    return encode(question, [position.seen_at and show_instant(position.seen_at), position.id])


def _user_position(after: Cursor | None, question: str) -> UserPosition | None:
    if after is None:
        return None
    seen_at, id = decode(after, question, str, str)
    return UserPosition(seen_at and parse_instant(seen_at, ("after",)), str(id))
