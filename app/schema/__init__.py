"""The GraphQL schema, assembled."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry
from graphql import ExecutionResult, GraphQLError
from strawberry.extensions import SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from app.auth import Role
from app.schema.context import Afresh, Context
from app.schema.context import Query as ValidQuery
from app.schema.documents import CACHED_DOCUMENTS, OneOperation, Parser
from app.schema.errors import HANDLERS, ShowErrors
from app.schema.mutations import Mutation
from app.schema.queries import Query
from app.schema.scalars import SCALARS
from app.schema.subscriptions import Subscription


class Shortcut(SchemaExtension):
    """Lets plans answer what was parsed, validated and let through by all other extensions."""

    async def on_execute(self) -> AsyncIterator[None]:
        execution = self.execution_context
        context: Context = execution.context
        if (
            context.shortcut
            and execution.query
            and execution.graphql_document
            and context.caller.role is Role.SERVICE
            and execution.operation_type is OperationType.QUERY
        ):
            query = ValidQuery(
                execution.query,
                execution.graphql_document,
                execution._provided_operation_name,
                execution.variables or {},
            )
            data = await context.shortcut(query, context)
            if data is not None:
                execution.result = ExecutionResult(data, None)
        yield


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
        Shortcut,
    ],
)


def schema_text() -> str:
    """Return the schema as `schema.graphql` holds it."""
    return f"{schema.as_str()}\n"
