"""From a stored value to the JSON of its GraphQL type, as the standard executor completes it."""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from app.plans.parts import Make, Part, Run, Surprise, Unplanned, list_of

ObjectPart = Callable[[GraphQLObjectType], Part]


def completed(type_: GraphQLOutputType, object_part: ObjectPart) -> Part:
    """Return the part that completes a value of the type.

    Args:
        type_: What the schema says of the value.
        object_part: How an object type's selected fields are made.
    """
    match type_:
        case GraphQLNonNull(of_type=inner):
            return _never_null(_present(inner, object_part))
        case _:
            return _nullable(_present(type_, object_part))


def _present(type_: Any, object_part: ObjectPart) -> Part:
    match type_:
        case GraphQLList(of_type=inner):
            return list_of(completed(inner, object_part))
        case GraphQLEnumType():
            return Part(_enumerated(type_))
        case GraphQLScalarType(name=name) if name in _SCALARS:
            return Part(_SCALARS[name])
        case GraphQLObjectType():
            return object_part(type_)
        case _:
            raise Unplanned


def _never_null(part: Part) -> Part:
    make_present = part.make
    if make_present in _STRICT:
        return part

    def make(value: Any, run: Run) -> Any:
        if value is None:
            raise Surprise
        return make_present(value, run)

    return Part(make, part.fields, part.lasts, part.waits)


def _nullable(part: Part) -> Part:
    make_present = part.make

    def make(value: Any, run: Run) -> Any:
        return None if value is None else make_present(value, run)

    return Part(make, part.fields, part.lasts, part.waits)


def _enumerated(type_: GraphQLEnumType) -> Make:
    """Return what names a member; documents hold its value, and models itself, which equals it."""
    names = {member.value: name for name, member in type_.values.items()}
    return lambda value, _: names[value]


def _text(value: Any, _: Run) -> str:
    if type(value) is not str:
        raise Surprise
    return value


def _whole(value: Any, _: Run) -> int:
    if type(value) is not int or not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise Surprise
    return value


def _real(value: Any, _: Run) -> float:
    if type(value) is not float or not isfinite(value):
        raise Surprise
    return value


def _truth(value: Any, _: Run) -> bool:
    if type(value) is not bool:
        raise Surprise
    return value


def _instant(value: Any, run: Run) -> str:
    return run.instants.shown(value)


def _as_it_is(value: Any, _: Run) -> Any:
    return value


_STRICT: Final = frozenset({_text, _whole, _real, _truth})
"""What is surprised by null itself."""

_SCALARS: Final[dict[str, Make]] = {
    "ID": _text,
    "String": _text,
    "Cursor": _text,
    "Date": _text,  # documents hold days as the API shows them
    "Int": _whole,
    "Float": _real,
    "Boolean": _truth,
    "DateTime": _instant,
    "Properties": _as_it_is,
    "PropertyValue": _as_it_is,
    "CriteriaDocument": _as_it_is,
}
