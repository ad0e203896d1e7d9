"""What many are told of one message, executed and encoded once for all who asked alike.

They asked alike if the same caller sent the same document, with the same variables below its root
field. What the root field's arguments say has chosen the message, and shows nowhere in it.
"""

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    print_ast,
)
from graphql.execution import Executor
from graphql.pyutils import AwaitableOrValue
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.utils.await_maybe import await_maybe

from app.lasting import lasting_json
from app.schema.context import Context, Show
from app.schema.documents import CACHED_DOCUMENTS, Document, kept
from app.schema.syntax import variables_in


class Told(dict[str, Any]):
    """The data of an answer that many are told."""

    @cached_property
    def json(self) -> orjson.Fragment:
        return orjson.Fragment(lasting_json(self))


class Telling(StrawberryGraphQLCoreExecutionContext):
    """Executes operations; of a subscription, each message once for all who asked alike."""

    question: str
    show: Show | None = None

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *more: Any,
        **options: Any,
    ) -> list[GraphQLError] | Executor[Any]:
        # What else could have been meant by a name in a variable is not worked out: that fails
        # where the lower case of a name is longer than the name.
        options["hide_suggestions"] = True
        built = super().build(
            schema, document, root_value, context_value, raw_variable_values, operation_name,
            *more, **options,
        )  # fmt: skip
        if isinstance(built, Telling) and built.operation.operation is OperationType.SUBSCRIPTION:
            context: Context = context_value
            if context.messages:
                built.show = context.messages(document, operation_name, built.variable_values)
            built.question = _question(document, operation_name, raw_variable_values or {}, context)
        return built

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        return cast("Executor[Any]", _Message(self, payload))

    def told(self, message: Hashable) -> AwaitableOrValue[ExecutionResult]:
        """Return what whoever asked so is told of a message."""
        once, key = self.context_value.feed.once, (message, self.question)
        known: ExecutionResult | None = once.kept(key)
        return known or once.of(key, partial(self._executed, message))

    async def _executed(self, message: Hashable) -> ExecutionResult:
        if self.show and (data := self.show(message, self.context_value)) is not None:
            return ExecutionResult(Told(data), None)
        executor = super().build_per_event_executor(message)
        result: Any = await await_maybe(executor.execute_operation(False))
        return ExecutionResult(result.data and Told(result.data), result.errors)


def _question(
    document: DocumentNode, operation_name: str | None, given: Mapping[str, Any], context: Context
) -> str:
    """Return who asks what, in one text, since that keeps its hash."""
    text = _text_of(document)
    names = kept(_names_below_root, text)(Document(text, document))
    shown = {name: value for name, value in given.items() if name in names}
    variables = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    return repr((context.caller, text, operation_name, variables))


class _Message:
    """A message, in place of the copy of the executor that would be made for each."""

    def __init__(self, telling: Telling, message: Hashable) -> None:
        self._telling = telling
        self._message = message

    def execute_operation(self, _: bool) -> AwaitableOrValue[ExecutionResult]:
        return self._telling.told(self._message)


def _text_of(document: DocumentNode) -> str:
    return document.loc.source.body if document.loc else print_ast(document)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _names_below_root(document: Document) -> frozenset[str]:
    """Return the names of the variables that show in an answer."""
    return frozenset(variables_in(*_below_root(document.node)))


def _below_root(document: DocumentNode) -> Iterator[Node]:
    """Yield all of a document but the arguments of its operations' fields."""
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            yield definition
        elif isinstance(definition, OperationDefinitionNode):
            for node in definition.selection_set.selections:
                if isinstance(node, FieldNode):
                    yield from node.directives or ()
                    if node.selection_set:
                        yield node.selection_set
                else:
                    yield node
