"""Whatever a client could ask: operations drawn from the whole schema, sane and wild."""

from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st

from app.schema import schema
from tests.schema.documents import ADA, EVA

SCHEMA: Final = schema._schema
ROOTS: Final = [
    (kind, name)
    for kind, type in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    for name in type.fields
]
ODD_NAMES: Final = [
    "", " ", "$set", "$", "a.b", ".", "__proto__", "constructor", "prototype", "toString", "_id",
    "name", "$where", "{{ user }}", "\u0000", "😀" * 30,
    "%s", "' OR 1=1 --", "\u202e", "ſ", "İ", "a" * 121,
]  # fmt: skip
WHO: Final = ["ada", "eva", "ada@example.org", "+41446681800", "phone", "0", "null"]
TIMES: Final = [
    "2026-01-31", "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "10000-01-01",
    "2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "9999-12-31T23:59:59.999-14:00",
    "0001-01-01T00:00:00+14:00", "P1D", "PT24H", "P99999999999Y", "-P1D", "PT0S",
]  # fmt: skip
MAX_VALUE_LEVELS: Final = 5

texts = st.one_of(
    st.sampled_from(WHO),
    st.sampled_from([*ODD_NAMES, *TIMES]),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
whole = st.one_of(st.integers(-3, 120), st.sampled_from([2**31 - 1, -(2**31), 2**53, 2**63, -1]))
numbers = st.one_of(whole, st.floats(allow_nan=False, allow_infinity=False), st.just(-0.0))
plain = st.one_of(st.none(), st.booleans(), numbers, texts)
anything = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(texts, inner, max_size=4),
        st.builds(lambda text: {"date": text}, texts),
        st.builds(lambda text: {"dateTime": text}, texts),
    ),
    max_leaves=8,
)
maps = st.dictionaries(texts, anything, max_size=4)
SCALARS: Final = {
    "Int": whole, "Float": numbers, "Boolean": st.booleans(), "PropertyValue": anything,
    "Properties": maps, "Numbers": st.dictionaries(texts, numbers, max_size=4),
    "Date": st.sampled_from(TIMES), "DateTime": st.sampled_from(TIMES),
    "TextLists": st.dictionaries(texts, st.lists(texts, max_size=3), max_size=4),
}  # fmt: skip


@dataclass
class Request:
    """A document, put together field by field, and the variables that it declares."""

    draw: Any
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    def argument(self, name: str, argument: GraphQLArgument) -> str:
        variable = f"v{len(self.declared)}"
        self.declared.append(f"${variable}: {argument.type}")
        self.variables[variable] = self.draw(values(argument.type))
        return f"{name}: ${variable}"

    def selected(self, name: str, field: GraphQLField, levels: int) -> str:
        """Return a field as it is written, with its arguments and what is read of it."""
        given = [
            self.argument(key, argument)
            for key, argument in field.args.items()
            if is_required_argument(argument) or self.draw(st.booleans())
        ]
        arguments = f"({', '.join(given)})" if given else ""
        return f"{name}{arguments}{self.selection(field.type, levels)}"

    def selection(self, type: GraphQLOutputType, levels: int) -> str:
        match get_named_type(type):
            case GraphQLUnionType() as union:
                parts = [f"... on {t.name} {self.selection(t, levels)}" for t in union.types]
                return f" {{ __typename {' '.join(parts)} }}"
            case GraphQLObjectType() | GraphQLInterfaceType() as found:
                return f" {{ __typename {' '.join(self.chosen(found, levels))} }}"
            case _:
                return ""

    def chosen(self, type: GraphQLObjectType | GraphQLInterfaceType, levels: int) -> list[str]:
        names = [
            name for name, found in type.fields.items() if levels > 1 or not _has_fields(found.type)
        ]
        wanted = (
            self.draw(st.lists(st.sampled_from(names), max_size=6, unique=True)) if names else []
        )
        return [self.selected(name, type.fields[name], levels - 1) for name in wanted]


@st.composite
def requests(draw: Any, kinds: tuple[str, ...] = ("query", "mutation")) -> dict[str, Any]:
    """Draw the body of a request for one root field."""
    kind, name = draw(st.sampled_from([root for root in ROOTS if root[0] in kinds]))
    root = SCHEMA.query_type if kind == "query" else SCHEMA.mutation_type
    request = Request(draw)
    wanted = request.selected(name, root.fields[name], 4)
    declared = f"({', '.join(request.declared)})" if request.declared else ""
    return {"query": f"{kind}{declared} {{ {wanted} }}", "variables": request.variables}


def values(type: GraphQLInputType, levels: int = 0) -> st.SearchStrategy[Any]:
    """Return values of an input type, or, now and then, any other."""
    fitting = _fitting(type, levels)
    return st.integers(0, 300).flatmap(lambda n: anything if n == 7 else fitting)


def _fitting(type: GraphQLInputType, levels: int) -> st.SearchStrategy[Any]:
    match type:
        case GraphQLNonNull():
            return _fitting(type.of_type, levels)
        case GraphQLList():
            size = 3 if levels < MAX_VALUE_LEVELS else 0
            return st.lists(st.deferred(lambda: values(type.of_type, levels + 1)), max_size=size)
        case GraphQLEnumType():
            return st.sampled_from(list(type.values))
        case GraphQLScalarType():
            return SCALARS.get(type.name, texts)
        case GraphQLInputObjectType(name="UserBy"):
            return st.one_of(st.sampled_from([ADA, EVA]), _objects(type, levels + 1))
        case GraphQLInputObjectType():
            return st.deferred(lambda: _objects(type, levels + 1))
        case _:
            raise TypeError(f"There are no inputs of the type {type}.")


def _objects(type: GraphQLInputObjectType, levels: int) -> st.SearchStrategy[Any]:
    fields = {
        name: found
        for name, found in type.fields.items()
        if levels < MAX_VALUE_LEVELS or not _is_nested(found.type) or is_required_input_field(found)
    }
    if type.extensions["strawberry-definition"].is_one_of:
        return st.sampled_from(list(fields)).flatmap(
            lambda name: values(fields[name].type, levels).map(lambda value: {name: value})
        )
    required = {n: values(f.type, levels) for n, f in fields.items() if is_required_input_field(f)}
    optional = {n: values(f.type, levels) for n, f in fields.items() if n not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _has_fields(type: GraphQLOutputType) -> bool:
    return isinstance(
        get_named_type(type), GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
    )


def _is_nested(type: GraphQLInputType) -> bool:
    return isinstance(get_named_type(type), GraphQLInputObjectType)
