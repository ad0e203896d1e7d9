"""The GraphQL schema, assembled."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from app.schema.context import Afresh
from app.schema.documents import CACHED_DOCUMENTS, OneOperation, Parser
from app.schema.errors import HANDLERS, ShowErrors
from app.schema.mutations import Mutation
from app.schema.queries import Query
from app.schema.scalars import SCALARS
from app.schema.subscriptions import Subscription


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing here: Strawberry would log messages, which may quote a person.

        `ShowErrors` logs what nobody planned for.
        """


schema: Any = _Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    exception_handlers=HANDLERS,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        ShowErrors,
        Afresh,
        OneOperation,
        Parser,
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
)


def schema_text() -> str:
    """Return the schema as `schema.graphql` holds it."""
    return f"{schema.as_str()}\n"
