"""What clients send as a document: parsed and validated once, and clear about what to execute."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
)
from strawberry.extensions import ParserCache, SchemaExtension

CACHED_DOCUMENTS: Final = 1_000


class Parser(ParserCache):
    """Parses each document once."""

    def __init__(self) -> None:
        super().__init__(maxsize=CACHED_DOCUMENTS)

    def on_parse(self) -> Iterator[None]:
        with suppress(GraphQLSyntaxError):  # Strawberry meets it again, where it can show it
            next(iter(super().on_parse()))
        yield


class OneOperation(SchemaExtension):
    """Refuses a document of several operations if none is named: which is meant, nobody knows."""

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context
        # `operation_name` would answer the first one's, named or not.
        if context._provided_operation_name is None:
            context.validation_rules = (*context.validation_rules, _OneOperationRule)
        yield


class _OneOperationRule(ASTValidationRule):
    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        operations = [d for d in node.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1:
            self.report_error(
                GraphQLError("There are several operations; name one by `operationName`.", node)
            )
