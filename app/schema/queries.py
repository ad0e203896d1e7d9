"""Reading people."""

import strawberry

from app import domain
from app.domain.errors import LimitExceeded
from app.domain.identity import Impossible
from app.domain.profile import show_profile
from app.operations.export import export_user
from app.operations.find import find
from app.operations.segments import ask
from app.schema.context import Info
from app.schema.criteria import Criteria
from app.schema.enums import UserOrder
from app.schema.inputs import UserBy, given
from app.schema.permissions import FOR_ANYBODY, FOR_READERS, FOR_SERVICE
from app.schema.scalars import Cursor, ProfileDocument
from app.schema.types import Catalog, Segment, User, UserConnection, list_users


@strawberry.type
class Query:
    @strawberry.field(
        graphql_type=User | None,
        metadata=FOR_READERS,
        description="The person with this id or identity; null if there is none. Ids of merged "
        "people find the survivor.",
    )
    async def user(self, info: Info, by: UserBy) -> domain.User | None:
        context = info.context
        ref = await context.reached(by.to_domain(context.limits, ("by",)))
        return await find(context.store, ref)

    @strawberry.field(
        graphql_type=list[User | None] | None,
        metadata=FOR_READERS,
        description="At most 100, in the order asked for; null for nobody.",
    )
    async def users_by(self, info: Info, by: list[UserBy]) -> list[domain.User | None]:
        context = info.context
        limits = context.limits
        if len(by) > limits.page:
            raise LimitExceeded(f"At most {limits.page} at once.", ("by",), limits.page)
        refs = [
            await context.reached(one.to_domain(limits, ("by", str(i)))) for i, one in enumerate(by)
        ]
        possible = [ref for ref in refs if not isinstance(ref, Impossible)]
        found = iter(await context.store.find_many(possible))
        return [None if isinstance(ref, Impossible) else next(found) for ref in refs]

    @strawberry.field(
        graphql_type=UserConnection | None,
        metadata=FOR_SERVICE,
        description="Find People: those of whom criteria are true; without criteria, everyone.",
    )
    async def users(
        self,
        info: Info,
        where: Criteria | None = None,
        order_by: UserOrder = UserOrder.NEWEST,
        first: int = 20,
        after: Cursor | None = None,
    ) -> UserConnection:
        criteria = given(where) if where else None
        return await list_users(info.context, criteria, order_by, first, after)

    @strawberry.field(metadata=FOR_SERVICE, description="How many people match, exactly.")
    async def user_count(self, info: Info, where: Criteria | None = None) -> int | None:
        context = info.context
        if where is None:
            return await context.store.count()
        question = await ask(
            context.store, given(where), ("where",), context.moment, context.limits
        )
        return await context.store.count(question)

    @strawberry.field(
        graphql_type=Segment | None, metadata=FOR_SERVICE, description="Null if there is none."
    )
    async def segment(self, info: Info, id: strawberry.ID) -> domain.Segment | None:
        return (await info.context.store.segments()).get(id)

    @strawberry.field(
        graphql_type=list[Segment] | None, metadata=FOR_SERVICE, description="All, oldest first."
    )
    async def segments(self, info: Info) -> list[domain.Segment]:
        return list((await info.context.store.segments()).values())

    @strawberry.field(
        graphql_type=Catalog | None,
        metadata=FOR_SERVICE,
        description="Which properties and events exist, to build pickers from.",
    )
    async def catalog(self, info: Info) -> domain.Catalog:
        return await info.context.store.catalog()

    @strawberry.field(
        graphql_type=ProfileDocument | None,
        metadata=FOR_SERVICE,
        description="Everything kept about a person, as one document: for whoever asks what is "
        "known about them. Null if there is none. Only for service keys.",
    )
    async def user_export(self, info: Info, by: UserBy) -> object | None:
        context = info.context
        user = await export_user(context.store, by.to_domain(context.limits, ("by",)))
        return None if user is None else show_profile(user)

    @strawberry.field(
        graphql_type=User | None,
        metadata=FOR_ANYBODY,
        description="The person whose own token this request carries; null with any other "
        "credential, and as long as nobody has logged in by it.",
    )
    async def viewer(self, info: Info) -> domain.User | None:
        me = info.context.me
        return None if me is None else await info.context.store.find(me)
