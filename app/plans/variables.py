"""The variables of an operation, coerced as the standard executor coerces them.

Most are texts, numbers or the name of a person. For these the general way, which walks types and
keeps where each value came from, would cost more than the rest of the plan.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    NameNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    Visitor,
    type_from_ast,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from app.plans.parts import Surprise, Unplanned
from app.plans.selection import variables_in

Raw = Mapping[str, Any]
Coerce = Callable[[Any], Any]


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
        quick = [_quick(schema, definition) for definition in definitions] if plainly else None
    except Unplanned:
        quick = None
    if quick is None:
        return generally

    def quickly(raw: Raw) -> VariableValues:
        try:
            return VariableValues({}, _coerced(quick, raw))
        except Surprise:  # what is not as expected may still be taken: 7 for an ID, say
            return generally(raw)

    return quickly


def _coerced(variables: list[tuple[str, Coerce, Any]], raw: Raw) -> dict[str, Any]:
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


class _Arguments(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.are_plain = True

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        match node:
            case ArgumentNode(value=VariableNode()):
                pass
            case ArgumentNode(name=NameNode(value="by"), value=ObjectValueNode(fields=fields)):
                values = [field.value for field in fields]
                self.are_plain &= not any(isinstance(v, ObjectValueNode) for v in values)
            case _:
                self.are_plain &= next(variables_in(node.value), None) is None


def are_plain(document: DocumentNode) -> bool:
    """Return whether variables stand alone as arguments, or as a person's name, everywhere.

    Deep inside a literal, the executor has to know where their values came from.
    """
    visitor = _Arguments()
    visit(document, visitor)
    return visitor.are_plain


def _quick(schema: GraphQLSchema, definition: Any) -> tuple[str, Coerce, Any]:
    """Return a variable's name, what coerces it, and what it is if absent."""
    type_: Any = type_from_ast(schema, definition.type)
    coerce = _coercer(type_)
    default: Any = Undefined
    if definition.default_value:
        found = get_variable_values(schema, [definition], {})
        if not isinstance(found, VariableValues):
            raise Unplanned
        (default,) = found.coerced.values()
    elif isinstance(type_, GraphQLNonNull):
        default = _REQUIRED
    return definition.variable.name.value, coerce, default


_REQUIRED: Final = object()
"""Stands for the value of a variable that has to be there."""


def _coercer(type_: GraphQLInputType) -> Coerce:
    match type_:
        case GraphQLNonNull(of_type=inner):
            return _value_coercer(inner)
        case _:
            coerce = _value_coercer(type_)
            return lambda value: None if value is None else coerce(value)


def _value_coercer(type_: Any) -> Coerce:
    match type_:
        case GraphQLScalarType(name=name) if name in _SCALARS:
            return _SCALARS[name]
        case GraphQLList(of_type=inner):
            coerce = _coercer(inner)
            return lambda value: [coerce(item) for item in _list(value)]
        case GraphQLInputObjectType(is_one_of=True, fields=fields):
            return _one_of({name: _text_coercer(field.type) for name, field in fields.items()})
        case _:
            raise Unplanned


def _text_coercer(type_: GraphQLInputType) -> Coerce:
    if isinstance(type_, GraphQLScalarType) and type_.name in ("ID", "String"):
        return _text
    raise Unplanned


def _one_of(fields: dict[str, Coerce]) -> Coerce:
    def coerce(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) != 1:
            raise Surprise
        ((name, member),) = value.items()
        if member is None or name not in fields:
            raise Surprise
        return {name: fields[name](member)}

    return coerce


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise Surprise
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Surprise
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise Surprise
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Surprise
    return value


_SCALARS: Final[dict[str, Coerce]] = {
    "ID": _text,
    "String": _text,
    "Cursor": _text,
    "Int": _whole,
    "Boolean": _truth,
}
