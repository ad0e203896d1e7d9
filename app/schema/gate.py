"""What an operation asks for, held against the rights of whoever asks, before anything is done.

All that a document can say counts, whatever its variables make `@skip` and `@include` leave out:
what a request may ask does not hang on how it asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.graphql import OperationType

from app.auth import NOBODY, Caller, Role
from app.schema.context import Context
from app.schema.naming import misnamed
from app.schema.permissions import Rights, rights_in

MAX_REFUSALS_SHOWN: Final = 10

Selection = tuple[str, FieldNode]
"""The name of a type, and a field that is selected on it."""


class Gate(SchemaExtension):
    """Refuses what the caller may not ask for; it comes after whatever validates."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        context: Context = execution.context
        context.watches = execution.operation_type is OperationType.SUBSCRIPTION
        document = execution.graphql_document
        if context.caller.role is not Role.SERVICE and document:
            invalid = execution.pre_execution_errors
            if invalid and context.caller == NOBODY:
                # What is wrong with a document tells what the schema is like.
                execution.pre_execution_errors = [_unauthenticated()]
            elif not invalid:
                execution.pre_execution_errors = refusals(
                    execution.schema._schema,
                    document,
                    execution._provided_operation_name,
                    execution.variables or {},
                    context,
                )
        yield


def refusals(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    context: Context,
) -> list[GraphQLError]:
    """Return why the caller may not have a valid operation executed; nothing, if they may.

    Whatever executes operations has to ask this first.
    """
    caller = context.caller
    if caller.role is Role.SERVICE:
        return []
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return [_unauthenticated()]  # which is meant nobody knows, so nobody may have it
    refused = _refused(schema, document, operation, caller)
    if caller == NOBODY:
        return [_unauthenticated()] if any(True for _ in refused) else []
    by_name = {f"{type_name}.{node.name.value}": node for type_name, node in refused}
    faults = [_forbidden(f"{_who(caller)} may not ask for {n}.", by_name[n]) for n in by_name]
    if faults:
        return list(islice(faults, MAX_REFUSALS_SHOWN))
    roots = _roots(schema, document, operation)
    return [
        _forbidden(message, node)
        for node, message in misnamed(schema, operation, roots, variables, context)
    ]


def _unauthenticated() -> GraphQLError:
    return GraphQLError("A key or a token is needed.", extensions={"code": "UNAUTHENTICATED"})


def _forbidden(message: str, node: FieldNode) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": "FORBIDDEN"})


def _who(caller: Caller) -> str:
    return "A person" if caller.person else "An ingest key"


# ---------------------------------------------------------------- what is selected


@cache
def _rights(schema: GraphQLSchema) -> Rights:
    return rights_in(schema, GraphQLCoreConverter.DEFINITION_BACKREF)


def check_declarations(schema: GraphQLSchema) -> None:
    """Return if every field declares a right that has to.

    Raises:
        TypeError: one does not.
    """
    _rights(schema)


def _refused(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    caller: Caller,
) -> Iterator[Selection]:
    """Yield the fields that the caller may not select."""
    rights = _rights(schema)
    walk = _Walk(schema, document)
    waiting = list(
        walk.selected(schema.get_root_type(operation.operation), operation.selection_set)
    )
    while waiting:
        type_name, node = waiting.pop()
        name = node.name.value
        if name.startswith("__"):
            if caller == NOBODY:
                yield type_name, node
            continue
        right = rights[type_name, name]
        if not right.is_given_to(caller):
            yield type_name, node
        elif node.selection_set and (caller.person or not right.own):
            field: Any = schema.get_type(type_name)
            below = get_named_type(field.fields[name].type)
            waiting += walk.selected(below, node.selection_set)


def _roots(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Iterable[FieldNode]:
    root = schema.get_root_type(operation.operation)
    return [node for _, node in _Walk(schema, document).selected(root, operation.selection_set)]


class _Walk:
    """Goes through the selections of a document, through each fragment once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._unseen = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def selected(
        self, type_: GraphQLNamedType | None, selections: SelectionSetNode
    ) -> Iterator[Selection]:
        """Yield the fields selected on a type, those in fragments included."""
        for node in selections.selections:
            if isinstance(node, FieldNode) and type_:
                yield type_.name, node
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                on = self._schema.get_type(condition.name.value) if condition else type_
                yield from self.selected(on, node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self._unseen:
                fragment = self._unseen.pop(node.name.value)
                on = self._schema.get_type(fragment.type_condition.name.value)
                yield from self.selected(on, fragment.selection_set)
