"""Which fields an operation selects: fragments spread, `@skip` and `@include` decided."""

from collections.abc import Iterable, Mapping, Set
from typing import Any, Final

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from app.plans.parts import Unplanned
from app.schema.syntax import nodes_in, variables_in

Selected = dict[str, list[FieldNode]]
"""By the key of the answer, in its order, every node that selects the field."""

_KNOWN: Final = {"skip", "include"}


class Selections:
    """The selections of a document, for given values of the variables that switch parts of it.

    Attributes:
        switches: Those values, by variable.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, switches: Mapping[str, bool]
    ) -> None:
        self.switches = switches
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def of(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode | None]) -> Selected:
        """Return what the selection sets select from an object type."""
        selected: Selected = {}
        for each in sets:
            if each is not None:
                self._collect(type_, each, selected)
        return selected

    def _collect(
        self, type_: GraphQLObjectType, selections: SelectionSetNode, selected: Selected
    ) -> None:
        for node in selections.selections:
            if not self._is_included(node):
                continue
            match node:
                case FieldNode(name=name, alias=alias):
                    selected.setdefault((alias or name).value, []).append(node)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    if condition is None or self._fits(condition.name.value, type_):
                        self._collect(type_, inner, selected)
                case FragmentSpreadNode(name=name):
                    fragment = self._fragments[name.value]
                    if self._fits(fragment.type_condition.name.value, type_):
                        self._collect(type_, fragment.selection_set, selected)
                case _:
                    raise Unplanned

    def _fits(self, condition: str, type_: GraphQLObjectType) -> bool:
        named = self._schema.type_map[condition]
        return named is type_ or (
            is_abstract_type(named) and self._schema.is_sub_type(named, type_)
        )

    def _is_included(self, node: SelectionNode) -> bool:
        # A node that both skip and include decide is there only if both allow it.
        return all(self._allows(directive) for directive in node.directives or ())

    def _allows(self, directive: DirectiveNode) -> bool:
        if directive.name.value not in _KNOWN:
            raise Unplanned
        match directive.arguments:
            case (argument,):
                wanted = directive.name.value == "include"
                return self._value(argument.value) is wanted
            case _:
                raise Unplanned

    def _value(self, node: Any) -> bool:
        match node:
            case BooleanValueNode(value=value):
                return bool(value)
            case VariableNode(name=name):
                return self.switches[name.value]
            case _:
                raise Unplanned


def switches_of(document: DocumentNode) -> Set[str]:
    """Return the names of the variables that switch parts of the document on and off."""
    directives = (node for node in nodes_in(document) if isinstance(node, DirectiveNode))
    return set(variables_in(*directives))


def names_in(document: DocumentNode) -> Set[str]:
    """Return the names of all fields and arguments in a document."""
    return {
        node.name.value for node in nodes_in(document) if isinstance(node, FieldNode | ArgumentNode)
    }


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation of this name, or the only one."""
    operations = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (name is None or (definition.name and definition.name.value == name))
    ]
    if len(operations) != 1:
        raise Unplanned
    return operations[0]
