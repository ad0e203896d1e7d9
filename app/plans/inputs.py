"""Inputs as the domain reads them, made of a client's JSON in one step.

The executor coerces an input, Strawberry makes objects of it, and `given` makes plain values of
these again. What is read here is the same, or a surprise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    value_from_ast_untyped,
)
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.field import StrawberryField

from app.plans.parts import Surprise, Unplanned
from app.schema.inputs import name_of
from app.schema.syntax import is_constant

Read = Callable[[Any], Any]
"""From JSON to a value, or from the values of variables to one; `Undefined` if there is none."""


class _Null(Enum):
    """What null means in a field."""

    STAYS = auto()
    IS_ABSENT = auto()
    IS_REFUSED = auto()


@dataclass(frozen=True)
class _Field:
    """A field of an input, or an argument.

    Attributes:
        name: In JSON.
        type: Of its value.
        null: What null means.
        default: What it is if absent; `Undefined` for nothing, and for what has to be there.
    """

    name: str
    type: GraphQLInputType
    null: _Null
    default: Any

    @cached_property
    def matters_when_absent(self) -> bool:
        return isinstance(self.type, GraphQLNonNull) or self.default not in (Undefined, None)

    def put(self, value: Any, made: dict[str, Any]) -> None:
        """Put a value that was read where it belongs."""
        if value is Undefined:
            value = self.default
            if value is Undefined and isinstance(self.type, GraphQLNonNull):
                raise Surprise
        if value is None:
            if self.null is _Null.IS_REFUSED:
                raise Surprise
            if self.null is _Null.STAYS:
                made[self.name] = None
        elif value is not Undefined:
            made[self.name] = value


# ---------------------------------------------------------------- JSON


def reader(type_: GraphQLInputType) -> Read:
    """Return what reads a variable's value.

    Raises:
        Unplanned: the type holds itself, as criteria do.
    """
    return _reader(type_, frozenset())


def _reader(type_: Any, around: frozenset[str]) -> Read:
    match type_:
        case GraphQLNonNull(of_type=GraphQLInputObjectType() as inner):
            return _present(inner, around)  # which is surprised by null as by all else
        case GraphQLNonNull(of_type=inner):
            read = _present(inner, around)
            return lambda value: read(_there(value))
        case _:
            read = _present(type_, around)
            return lambda value: None if value is None else read(value)


def _present(type_: Any, around: frozenset[str]) -> Read:
    match type_:
        case GraphQLScalarType(name=name) if name in _SCALARS:
            return _SCALARS[name]
        case GraphQLScalarType() | GraphQLEnumType():
            return _leaf(type_)
        case GraphQLList(of_type=inner):
            read = _reader(inner, around)
            return lambda value: list(map(read, _list(value)))
        case GraphQLInputObjectType(name=name) if name not in around:
            return _object(type_, around | {name})
        case _:
            raise Unplanned


def _object(type_: GraphQLInputObjectType, around: frozenset[str]) -> Read:
    fields = [
        (one.name, one, one.matters_when_absent, _present(get_nullable_type(one.type), around))
        for one in _fields(type_)
    ]
    if _definition(type_).is_one_of:
        return _one_of({name: read for name, _, _, read in fields})
    names = {name for name, *_ in fields}

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict or not value.keys() <= names:
            raise Surprise
        made: dict[str, Any] = {}
        for name, field, is_awaited, read_one in fields:
            if name in value:
                given = value[name]
                one = None if given is None else read_one(given)
                if one is None:
                    field.put(None, made)
                else:
                    made[name] = one
            elif is_awaited:
                field.put(Undefined, made)
        return made

    return read


def _one_of(reads: Mapping[str, Read]) -> Read:
    """Return what reads an input of which one field is given, and not as null."""

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) != 1:
            raise Surprise
        ((name, given),) = value.items()
        if given is None or name not in reads:
            raise Surprise
        return {name: reads[name](given)}

    return read


def _one(read: Read) -> Read:
    """Return what reads an input of which one field is given."""

    def read_one(value: Any) -> Any:
        made = read(value)
        if len(made) != 1:
            raise Surprise
        return made

    return read_one


def _fields(type_: GraphQLInputObjectType) -> list[_Field]:
    null = {name_of(field): _null(field) for field in _definition(type_).fields}
    return [
        _Field(name, field.type, null[name], coerce_default_value(field))
        for name, field in type_.fields.items()
    ]


def _definition(type_: GraphQLInputObjectType) -> Any:
    return type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]


def _null(field: StrawberryField) -> _Null:
    match field.type:
        case StrawberryMaybe(of_type=StrawberryOptional()):
            return _Null.STAYS
        case StrawberryMaybe():
            return _Null.IS_REFUSED
        case StrawberryOptional():
            return _Null.IS_ABSENT
        case _:
            return _Null.IS_REFUSED


def _leaf(type_: GraphQLScalarType | GraphQLEnumType) -> Read:
    def read(value: Any) -> Any:
        try:
            return type_.coerce_input_value(value)
        except Exception:  # whatever it is, the standard executor shows it
            raise Surprise from None

    return read


def _there(value: Any) -> Any:
    if value is None or value is Undefined:
        raise Surprise
    return value


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


_SCALARS: Final[dict[str, Read]] = {
    "ID": _text,
    "String": _text,
    "Cursor": _text,
    "Int": _whole,
    "Boolean": _truth,
    "Properties": lambda value: value,
}


# ---------------------------------------------------------------- arguments


def arguments(field: GraphQLField, node: FieldNode) -> Read:
    """Return what makes a field's arguments of the values of variables, read by `reader`.

    Raises:
        Unplanned: an argument is made of variables in a way that is not known here.
    """
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    asked = [
        _Field(name, argument.type, _Null.STAYS, coerce_default_value(argument))
        for name, argument in field.args.items()
    ]
    return _filled(asked, given)


def _filled(fields: Sequence[_Field], given: Mapping[str, ValueNode]) -> Read:
    """Return what fills these fields with what a document gives them."""
    parts = [
        (field, _template(given[field.name], field.type) if field.name in given else _absent)
        for field in fields
    ]

    def fill(variables: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field, read in parts:
            field.put(read(variables), made)
        return made

    return fill


def _absent(_: Mapping[str, Any]) -> Any:
    return Undefined


def _template(node: ValueNode, type_: GraphQLInputType) -> Read:
    """Return what makes a value, as a document has it, of the values of variables."""
    if isinstance(node, VariableNode):
        return _variable(node.name.value, type_)
    if is_constant(node):
        return _constant(node, type_)
    match node, get_nullable_type(type_):
        case ObjectValueNode(fields=given), GraphQLInputObjectType() as input_:
            fill = _filled(_fields(input_), {one.name.value: one.value for one in given})
            return _one(fill) if _definition(input_).is_one_of else fill
        case ListValueNode(values=values), GraphQLList(of_type=inner):
            items = [_template(value, inner) for value in values]
            return lambda variables: [_there(item(variables)) for item in items]
        case _:
            raise Unplanned


def _variable(name: str, type_: GraphQLInputType) -> Read:
    required = isinstance(type_, GraphQLNonNull)

    def read(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name, Undefined)
        if value is None and required:
            raise Surprise
        return value

    return read


def _constant(node: ValueNode, type_: GraphQLInputType) -> Read:
    try:
        value = reader(type_)(value_from_ast_untyped(node))
    except Surprise:
        raise Unplanned from None
    return lambda _: value
