"""What clients send as a document: within bounds, parsed and validated once, and unambiguous."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types.graphql import OperationType

from app.auth import NOBODY
from app.limits import RequestLimits
from app.schema.bounds import fault_in_document, fault_in_text, limit_error
from app.schema.cost import Price, price_of

CACHED_DOCUMENTS: Final = 1_000
CACHED_CHARACTERS: Final = 4_096
"""Longer documents are not kept: parsed, one takes some 150 bytes for every character."""


@dataclass(frozen=True)
class Document:
    """A document with its text, which stands for it: to compare texts is quick."""

    text: str
    node: DocumentNode = field(compare=False)


class Parser(SchemaExtension):
    """Parses each document once, unless it is too large to be parsed."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        limits: RequestLimits = context.context.requests
        text = context.query
        if text:
            try:
                context.graphql_document = kept(_parsed, text)(text, limits.tokens)
            except GraphQLSyntaxError as fault:
                raise fault_in_text(text, limits) or fault from None
        yield


class Validator(SchemaExtension):
    """Validates each document once, if it is within bounds, and then looks at what it costs."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = Document(context.query or "", cast("DocumentNode", context.graphql_document))
        limits: RequestLimits = context.context.requests
        context.pre_execution_errors = self._faults(document, limits)
        yield

    def _faults(self, document: Document, limits: RequestLimits) -> list[GraphQLError]:
        if self._is_not_worth_it(document):
            return [GraphQLError("A key or a token is needed.")]
        if fault := kept(_fault_in, document.text)(document, limits):
            return [fault]
        context = self.execution_context
        validated = kept(_validated, document.text)
        faults: list[GraphQLError] = validated(
            context.schema._schema, document, context.validation_rules
        )
        if faults:
            return faults
        fault = self._fault_in_cost(document, limits)
        return [fault] if fault else []

    def _is_not_worth_it(self, document: Document) -> bool:
        """Return whether nobody sends what takes long to look at; they are told nothing of it."""
        caller = self.execution_context.context.caller
        return caller == NOBODY and len(document.text) > CACHED_CHARACTERS

    def _fault_in_cost(self, document: Document, limits: RequestLimits) -> GraphQLError | None:
        context = self.execution_context
        price = kept(_priced, document.text)(
            context.schema._schema, document, context._provided_operation_name
        )
        if price.exceeds(limits.cost, context.variables or {}, context.context.limits.page):
            return limit_error(
                "cost", f"The operation would answer more than {limits.cost} fields", limits.cost
            )
        return None


class TimeLimit(SchemaExtension):
    """Ends what takes too long, but never a mutation: what it wrote has to be told.

    A mutation's own waiting is bounded by the store. Of a subscription, the start is limited.
    """

    async def on_execute(self) -> AsyncIterator[None]:
        context = self.execution_context
        if context.operation_type is OperationType.MUTATION:
            yield
            return
        limit = context.context.requests.operation_s
        deadline = context.context.deadline or asyncio.get_running_loop().time() + limit
        try:
            async with asyncio.timeout_at(deadline) as patience:
                yield
        except TimeoutError:
            if not patience.expired():
                raise
            message = f"This took longer than {limit:g} seconds"
            raise limit_error("operation_s", message, limit, code="TIMEOUT") from None


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


def kept(function: Any, text: str) -> Callable[..., Any]:
    """Return a function that keeps what it answers, or, for a long text, the one behind it."""
    quick: Callable[..., Any] = function if len(text) <= CACHED_CHARACTERS else function.__wrapped__
    return quick


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _parsed(text: str, tokens: int) -> DocumentNode:
    return parse(text, max_tokens=tokens)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _fault_in(document: Document, limits: RequestLimits) -> GraphQLError | None:
    return fault_in_document(document.node, limits)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _validated(
    schema: GraphQLSchema, document: Document, rules: tuple[type[ASTValidationRule], ...]
) -> list[GraphQLError]:
    return validate_document(schema, document.node, rules)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _priced(schema: GraphQLSchema, document: Document, name: str | None) -> Price:
    return price_of(schema, document.node, name)
