"""The GraphQL schema, assembled."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import strawberry
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, execute
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError
from strawberry.utils.await_maybe import await_maybe

from app.auth import NOBODY
from app.domain.errors import Unavailable
from app.schema.context import Afresh, Context
from app.schema.documents import OneOperation, Parser, TimeLimit, Validator
from app.schema.errors import HANDLERS, ShowErrors, shown
from app.schema.extensions import Extensions
from app.schema.gate import Gate, check_declarations
from app.schema.mutations import Mutation
from app.schema.queries import Query
from app.schema.scalars import SCALARS
from app.schema.streams import while_allowed
from app.schema.subscriptions import Subscription
from app.schema.telling import Telling


async def _executed(schema: GraphQLSchema, document: DocumentNode, **options: Any) -> Any:
    """Execute what was let through; by a plan if one can, within all extensions."""
    context: Context = options["context_value"]
    if context.shortcut:
        data = await context.shortcut(document, context)
        if data is not None:
            return ExecutionResult(data, None)
    return await await_maybe(execute(schema, document, **options))


class _Schema(strawberry.Schema):
    def _get_execute_function(self) -> Callable[..., Any]:
        return _executed

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        return Extensions(execution_context, extensions)

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: SchemaExtensionsRunner
    ) -> PreExecutionError | None:
        """Answer what our extensions refuse; Strawberry would let it end a stream."""
        try:
            return await super()._prepare_operation_async(context, extensions_runner)
        except GraphQLError as fault:
            context.pre_execution_errors = [fault]
            return PreExecutionError(data=None, errors=[fault])

    async def _handle_execution_result(self, *args: Any, **options: Any) -> Any:
        """Show also what went wrong outside of the extensions, where `ShowErrors` never sees it."""
        result = await super()._handle_execution_result(*args, **options)
        if result.errors:
            result.errors = [
                error if "code" in (error.extensions or {}) else shown(error)
                for error in result.errors
            ]
        return result

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing here: Strawberry would log messages, which may quote a person.

        `ShowErrors` logs what nobody planned for.
        """

    async def stream(self, *args: Any, **options: Any) -> Any:
        """Stream answers to whoever the credential makes of the client now, and while it does."""
        try:
            context: Context = await options["context_value"].renewed()
        except Unavailable as fault:
            return _only(PreExecutionError(data=None, errors=[shown(_told(fault))]))
        results = await super().stream(*args, **options | {"context_value": context})
        return results if context.caller == NOBODY else while_allowed(results, context)


async def _only(result: PreExecutionError) -> AsyncGenerator[PreExecutionError, None]:
    yield result


def _told(fault: Unavailable) -> GraphQLError:
    return GraphQLError(str(fault), original_error=fault)


schema: Any = _Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    exception_handlers=HANDLERS,
    execution_context_class=Telling,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        ShowErrors,
        Afresh,
        OneOperation,
        Parser,
        Validator,
        Gate,
        TimeLimit,
    ],
)
check_declarations(schema._schema)


def schema_text() -> str:
    """Return the schema as `schema.graphql` holds it."""
    return f"{schema.as_str()}\n"
