"""The variables of an operation, coerced as the standard executor coerces them.

Most are texts, numbers or the name of a person. For these the general way, which walks types and
keeps where each value came from, would cost more than the rest of the plan. What it makes of
criteria is kept: they are large, and asked again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphql import (
    ArgumentNode,
    GraphQLNonNull,
    GraphQLSchema,
    NameNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from app.domain.repetition import kept_by_text
from app.plans.inputs import Read, reader
from app.plans.parts import Surprise, Unplanned
from app.schema.syntax import is_constant, nodes_in

Raw = Mapping[str, Any]


def coercion(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, plainly: bool
) -> Callable[[Raw], VariableValues]:
    """Return what coerces the variables that a client sends.

    Args:
        schema: Whose types the variables have.
        operation: Whose variables.
        plainly: Whether the quick way may be taken, which does not keep where values came from.
    """
    definitions = operation.variable_definitions or ()

    def generally(raw: Raw) -> VariableValues:
        found = get_variable_values(schema, definitions, dict(raw))
        if not isinstance(found, VariableValues):
            raise Surprise
        return found

    try:
        quickly = quick_coercion(schema, operation, remembering=True) if plainly else None
    except Unplanned:
        quickly = None
    if quickly is None:
        return generally

    def coerced(raw: Raw) -> VariableValues:
        try:
            return quickly(raw)
        except Surprise:  # what is not as expected may still be taken: 7 for an ID, say
            return generally(raw)

    return coerced


def quick_coercion(
    schema: GraphQLSchema, operation: OperationDefinitionNode, *, remembering: bool = False
) -> Callable[[Raw], VariableValues]:
    """Return what coerces variables in one step, or is surprised.

    Args:
        schema: Whose types the variables have.
        operation: Whose variables.
        remembering: Whether to coerce in the general way, but once, what has no step of its own.

    Raises:
        Unplanned: one is of a type for which there is no such way.
    """
    definitions = operation.variable_definitions or ()
    variables = [_quick(schema, one, remembering=remembering) for one in definitions]
    return lambda raw: VariableValues({}, _coerced(variables, raw))


def _coerced(variables: Sequence[tuple[str, Read, Any]], raw: Raw) -> dict[str, Any]:
    values = {}
    for name, coerce, default in variables:
        value = raw.get(name, Undefined)
        if value is not Undefined:
            values[name] = coerce(value)
        elif default is _REQUIRED:
            raise Surprise
        elif default is not Undefined:
            values[name] = default
    return values


def are_plain(*parts: Node) -> bool:
    """Return whether variables stand alone as arguments, or as a person's name, everywhere.

    Deep inside a literal, the executor has to know where their values came from.
    """
    return all(_is_plain(node) for node in nodes_in(*parts) if isinstance(node, ArgumentNode))


def _is_plain(argument: ArgumentNode) -> bool:
    match argument:
        case ArgumentNode(value=VariableNode()):
            return True
        case ArgumentNode(name=NameNode(value="by"), value=ObjectValueNode(fields=fields)):
            return not any(isinstance(field.value, ObjectValueNode) for field in fields)
        case _:
            return is_constant(argument.value)


def _quick(schema: GraphQLSchema, definition: Any, *, remembering: bool) -> tuple[str, Read, Any]:
    """Return a variable's name, what coerces it, and what it is if absent."""
    type_: Any = type_from_ast(schema, definition.type)
    try:
        coerce = reader(type_)
    except Unplanned:
        if not remembering:
            raise
        coerce = _remembering(schema, definition)
    default: Any = Undefined
    if definition.default_value:
        found = get_variable_values(schema, [definition], {})
        if not isinstance(found, VariableValues):
            raise Unplanned
        (default,) = found.coerced.values()
    elif isinstance(type_, GraphQLNonNull):
        default = _REQUIRED
    return definition.variable.name.value, coerce, default


def _remembering(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Read:
    """Return what coerces a variable in the general way, but the same value only once."""
    name = definition.variable.name.value

    @kept_by_text
    def coerce(value: Any) -> Any:
        found = get_variable_values(schema, [definition], {name: value})
        if not isinstance(found, VariableValues):
            raise Surprise
        return found.coerced[name]

    return coerce


_REQUIRED: Final = object()
"""Stands for the value of a variable that has to be there."""
