"""Queries of every kind, and what shows of a mutation, drawn from the schema itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
    is_leaf_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

DEEPEST: Final = 4
ROOTS: Final = ("user", "usersBy", "users", "userCount", "segments", "segment", "catalog")

TEMPLATES: Final = ("Hi {{ user.name }}", "{{ user.age }} {{ user.activity }}", "{% broken", "")
CRITERIA: Final[tuple[Any, ...]] = (
    {"all": []},
    {"any": []},
    {"type": ["CUSTOMER"]},
    {"not": {"reachableBy": "EMAIL"}},
    {"age": {"min": 20, "max": None}},
    {"did": {"name": "Charged", "count": {"min": 2}}},
    {"property": {"name": "plan", "is": {"exists": True}}},
    {"age": {}},
    {"segment": "none"},
    {"all": [{"gender": ["FEMALE", "MALE"]}, {"did": {"name": "App Opened"}}]},
)
INSTANTS: Final = ("2026-01-01T00:00:00Z", "2025-11-03T10:00:00+02:00", "yesterday")


@dataclass
class Query:
    """A query on its way: what it declares, and what is sent with it."""

    schema: GraphQLSchema
    people: list[dict[str, str]]
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)


@st.composite
def queries(
    draw: DrawFn, schema: GraphQLSchema, people: list[dict[str, str]]
) -> tuple[str, Mapping[str, Any]]:
    """Return a document, and its variables."""
    query = Query(schema, people)
    names = draw(st.lists(st.sampled_from([*ROOTS, "users", "user"]), min_size=1, max_size=2))
    assert schema.query_type
    chosen = [_field(draw, query, schema.query_type, name, 0) for name in names]
    if draw(st.integers(0, 4)) == 0:
        chosen.append("__typename")
    return _document(query, "query", " ".join(chosen)), query.variables


@st.composite
def updates_of_nothing(
    draw: DrawFn, schema: GraphQLSchema, people: list[dict[str, str]]
) -> tuple[str, Mapping[str, Any]]:
    """Return a mutation that leaves everybody as they are and shows somebody, and its variables."""
    query = Query(schema, people)
    ((kind, value),) = draw(st.sampled_from(people)).items()
    shown = _result(draw, query, 0)
    by = f"{{{kind}: {_literal(value, GraphQLString)}}}"
    text = f"userUpdate(user: {by}, changes: {{}}) {{ {shown} }}"
    return _document(query, "mutation", text), query.variables


def _document(query: Query, kind: str, fields: str) -> str:
    header = f"({', '.join(query.declared)})" if query.declared else ""
    return f"{kind}{header} {{ {fields} }} {' '.join(query.fragments)}"


def _result(draw: DrawFn, query: Query, depth: int) -> str:
    """Return what is selected from the result of an update, by fragments on all that it may be."""
    payload = query.schema.type_map["UserUpdatePayload"]
    assert isinstance(payload, GraphQLObjectType)
    kinds = ["name", "payload", "refusal", *(["result", "spread"] if depth < DEEPEST else [])]
    parts = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)):
        switch = _directives(draw, query)
        match kind:
            case "name":
                parts.append("kind: __typename")
            case "payload":
                selection = _selection(draw, query, payload, 1)
                parts.append(f"... on UserUpdatePayload{switch} {{ {selection} }}")
            case "refusal":
                type_ = draw(st.sampled_from(["Error", "InvalidInputError"]))
                parts.append(f"... on {type_}{switch} {{ message }}")
            case "result":
                inner = _result(draw, query, depth + 1)
                parts.append(f"... on UserUpdateResult{switch} {{ {inner} }}")
            case _:
                inner = _result(draw, query, depth + 1)
                fragment = f"F{len(query.fragments)}"
                query.fragments.append(f"fragment {fragment} on UserUpdateResult {{ {inner} }}")
                parts.append(f"...{fragment}{switch}")
    return " ".join(parts)


def _selection(draw: DrawFn, query: Query, type_: GraphQLObjectType, depth: int) -> str:
    names = sorted(
        name
        for name, each in type_.fields.items()
        if depth < DEEPEST or is_leaf_type(get_named_type(each.type))
    )
    most = draw(st.sampled_from([1, 3, 12]))
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=most)) if names else []
    parts = [_field(draw, query, type_, name, depth) for name in chosen] or ["__typename"]
    if draw(st.integers(0, 5)) == 0:
        parts.append("kind: __typename")
    return " ".join(parts)


def _field(draw: DrawFn, query: Query, type_: GraphQLObjectType, name: str, depth: int) -> str:
    definition = type_.fields[name]
    inner = get_named_type(definition.type)
    # One key may not stand for two fields, or for two sets of arguments.
    key = f"k{len(query.declared)}x{draw(st.integers(0, 10**9))}"
    alias = f"{key}: " if definition.args or draw(st.booleans()) else ""
    text = f"{alias}{name}{_arguments(draw, query, definition.args)}{_directives(draw, query)}"
    if isinstance(inner, GraphQLObjectType):
        text += f" {{ {_selection(draw, query, inner, depth + 1)} }}"
    match draw(st.integers(0, 11)):
        case 0:
            return f"... on {type_.name}{_directives(draw, query)} {{ {text} }}"
        case 1:
            return f"...{_directives(draw, query)} {{ {text} }}"
        case 2:
            fragment = f"F{len(query.fragments)}"
            query.fragments.append(f"fragment {fragment} on {type_.name} {{ {text} }}")
            return f"...{fragment}{_directives(draw, query)}"
        case _:
            return text


def _directives(draw: DrawFn, query: Query) -> str:
    if draw(st.integers(0, 7)):
        return ""
    directive = draw(st.sampled_from(["skip", "include"]))
    if draw(st.booleans()):
        return f" @{directive}(if: {draw(st.sampled_from(['true', 'false']))})"
    name = f"v{len(query.declared)}"
    query.declared.append(f"${name}: Boolean!")
    query.variables[name] = draw(st.booleans())
    return f" @{directive}(if: ${name})"


def _arguments(draw: DrawFn, query: Query, definitions: Mapping[str, Any]) -> str:
    parts = []
    for name, definition in definitions.items():
        required = isinstance(definition.type, GraphQLNonNull) and not definition.default
        if not required and draw(st.integers(0, 2)):
            continue
        value = draw(_values(query, name, definition.type))
        if draw(st.booleans()):
            parts.append(f"{name}: ${_variable(draw, query, definition.type, value)}")
        elif name == "by" and isinstance(value, dict) and draw(st.booleans()):
            ((kind, text),) = value.items()
            type_ = "ID!" if kind == "id" else "String!"
            variable = f"v{len(query.declared)}"
            query.declared.append(f"${variable}: {type_}")
            query.variables[variable] = text
            parts.append(f"{name}: {{{kind}: ${variable}}}")
        else:
            parts.append(f"{name}: {_literal(value, definition.type)}")
    return f"({', '.join(parts)})" if parts else ""


def _variable(draw: DrawFn, query: Query, type_: GraphQLInputType, value: Any) -> str:
    name = f"v{len(query.declared)}"
    declaration = f"${name}: {type_}"
    match draw(st.integers(0, 9)):
        case 8:
            query.declared.append(f"{declaration} = {_literal(value, type_)}")
        case 9:
            query.declared.append(declaration)
            query.variables[name] = draw(st.sampled_from([None, 7, "7", [], True, 1.5, 2.0]))
        case _:
            query.declared.append(declaration)
            query.variables[name] = value
    return name


def _values(query: Query, name: str, type_: GraphQLInputType) -> SearchStrategy[Any]:
    """Return what may be sent as an argument, most of it good."""
    by = st.sampled_from([*query.people, {"id": "nobody"}, {"email": "no address"}])
    pools: dict[str, SearchStrategy[Any]] = {
        "by": st.lists(by, max_size=3) if "[" in str(type_) else by,
        "where": st.sampled_from(CRITERIA),
        "criteria": st.sampled_from(CRITERIA),
        "template": st.sampled_from(TEMPLATES),
        "first": st.sampled_from([1, 2, 3, 7, 20, 20, 30, 100, 0, 101]),
        "after": st.sampled_from(["", "WyJhIl0"]),
        "since": st.sampled_from(INSTANTS),
        "until": st.sampled_from(INSTANTS),
        "name": st.sampled_from(["Charged", "app opened", "plan", "loyaltyPoints", "nothing"]),
        "names": st.lists(st.sampled_from(["Charged", "plan", "loyaltyPoints"]), max_size=2),
        "orderBy": st.sampled_from(["NEWEST", "OLDEST", "LAST_SEEN"]),
        "id": st.just("none"),
    }
    return pools[name]


def _literal(value: Any, type_: GraphQLInputType) -> str:
    """Return a JSON value as GraphQL writes it."""
    while isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str() if isinstance(type_, GraphQLEnumType):
            return value
        case str():
            return '"' + value.replace('"', '\\"') + '"'
        case list() if isinstance(type_, GraphQLList):
            return f"[{', '.join(_literal(item, type_.of_type) for item in value)}]"
        case dict() if isinstance(type_, GraphQLInputObjectType):
            members = (f"{k}: {_literal(v, type_.fields[k].type)}" for k, v in value.items())
            return f"{{{', '.join(members)}}}"
        case _:
            return str(value)
