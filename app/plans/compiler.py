"""From what an operation selects to the parts that make it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_nullable_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from app.domain.errors import DomainError
from app.plans.completion import completed
from app.plans.parts import NOTHING, Make, Part, Run, Unplanned, after, object_of
from app.plans.selection import Selections
from app.plans.sources import SOURCES, Arguments, Source
from app.schema.syntax import is_constant

Nodes = Sequence[FieldNode]
Special = Callable[["Compiler", GraphQLField, Nodes], Part]
"""How a field is planned that is not simply read off its parent."""


class Compiler:
    """Plans the selections of one operation.

    Attributes:
        schema: Of what types they are.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        selections: Selections,
        specials: dict[tuple[str, str], Special],
    ) -> None:
        self.schema = schema
        self._selections = selections
        self._specials = specials

    def operation(self, operation: OperationDefinitionNode) -> Part:
        """Return the part that makes the whole answer."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            raise Unplanned
        return self._object(root, [operation])

    def object(self, type_name: str, nodes: Iterable[FieldNode]) -> Part:
        """Return the part that makes an object of what the nodes select from it."""
        type_ = self.schema.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType):
            raise Unplanned
        return self._object(type_, nodes)

    def fields(self, type_name: str, nodes: Iterable[FieldNode]) -> dict[str, Nodes]:
        """Return what the nodes select from an object, by the key of the answer."""
        type_ = self.schema.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType):
            raise Unplanned
        return dict(self._selections.of(type_, [node.selection_set for node in nodes]))

    def field(self, type_name: str, nodes: Nodes, source: Source | None = None) -> Part:
        """Return the part that makes a field of what its parent is read off.

        Args:
            type_name: The parent's type.
            nodes: Where the field is selected.
            source: How it is read, if not as `SOURCES` says.
        """
        name = nodes[0].name.value
        if name == "__typename":
            return Part(lambda _, __: type_name)
        field = self._definition(type_name, name)
        if special := self._specials.get((type_name, name)):
            return special(self, field, nodes)
        source = source or SOURCES.get(type_name, {}).get(name)
        if source is None:
            raise Unplanned
        return self.read(source, field, nodes)

    def read(self, source: Source, field: GraphQLField, nodes: Nodes) -> Part:
        """Return the part that reads a field from a source, and completes it."""
        arguments, constant = self.arguments(field, nodes[0])
        whole = completed(field.type, lambda type_: self._object(type_, nodes))
        return Part(
            _reading(source, arguments, whole.make),
            source.fields,
            source.lasts and whole.lasts and constant,
            source.waits or whole.waits,
        )

    @staticmethod
    def arguments(field: GraphQLField, node: FieldNode) -> tuple[Callable[[Run], Arguments], bool]:
        """Return what gives a field's arguments, and whether they are always the same."""
        if _takes_one_person(field) and (named := _named_by_variable(node)) is not None:
            kind, variable = named
            return lambda run: {"by": {kind: run.variables.coerced[variable]}}, False
        if not is_constant(*node.arguments or ()):
            return lambda run: get_argument_values(field, node, run.variables), False
        try:
            always = get_argument_values(field, node, VariableValues({}, {}))
        except (GraphQLError, DomainError):
            raise Unplanned from None
        return lambda _: always, True

    def _object(self, type_: GraphQLObjectType, nodes: Iterable[Any]) -> Part:
        selected = self._selections.of(type_, [node.selection_set for node in nodes])
        part = object_of({key: self.field(type_.name, each) for key, each in selected.items()})
        fields = part.fields if type_.name == "User" else NOTHING
        return Part(part.make, fields, part.lasts, part.waits)

    def _definition(self, type_name: str, name: str) -> GraphQLField:
        type_ = self.schema.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType) or name not in type_.fields:
            raise Unplanned
        field: GraphQLField = type_.fields[name]
        return field


def _reading(source: Source, arguments: Callable[[Run], Arguments], complete: Make) -> Make:
    """Return what reads and completes a field, with no more calls than it takes."""
    read, key = source.read, source.key
    if key is not None:
        return lambda document, run: complete(document[key], run)
    if not source.waits:
        return lambda value, run: complete(read(value, run, arguments(run)), run)
    return after(lambda value, run: read(value, run, arguments(run)), complete)


def _takes_one_person(field: GraphQLField) -> bool:
    by = field.args.get("by")
    return by is not None and isinstance(get_nullable_type(by.type), GraphQLInputObjectType)


def _named_by_variable(node: FieldNode) -> tuple[str, str] | None:
    """Return the kind and the variable of `by: {kind: $variable}`, the commonest of arguments."""
    match node.arguments:
        case (
            ArgumentNode(
                name=NameNode(value="by"),
                value=ObjectValueNode(
                    fields=(ObjectFieldNode(name=kind, value=VariableNode(name=variable)),)
                ),
            ),
        ):
            return kind.value, variable.value
        case _:
            return None
