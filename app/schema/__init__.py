"""The GraphQL schema, assembled."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError

from app.schema.context import Afresh
from app.schema.documents import OneOperation, Parser, TimeLimit, Validator
from app.schema.errors import HANDLERS, ShowErrors
from app.schema.mutations import Mutation
from app.schema.queries import Query
from app.schema.scalars import SCALARS
from app.schema.subscriptions import Subscription


class _Schema(strawberry.Schema):
    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        """Answer what our extensions refuse; Strawberry would let it end a stream."""
        try:
            return await super()._prepare_operation_async(context, extensions_runner)
        except GraphQLError as fault:
            context.pre_execution_errors = [fault]
            return PreExecutionError(data=None, errors=[fault])

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
        Validator,
        TimeLimit,
    ],
)


def schema_text() -> str:
    """Return the schema as `schema.graphql` holds it."""
    return f"{schema.as_str()}\n"
