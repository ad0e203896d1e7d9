"""What a plan reads of inputs is what the executor, Strawberry and `given` make of them."""

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    parse,
)
from graphql.utilities import coerce_input_value
from hypothesis import given
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.arguments import convert_argument

from app.plans.inputs import arguments, reader
from app.plans.parts import Surprise, Unplanned
from app.schema import inputs, schema

INPUTS = (inputs.UserBy, inputs.IdentityInput, inputs.UserChanges, inputs.EventInput,
          inputs.RecordInput)  # fmt: skip

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "ID": st.text(max_size=3) | st.integers(),
    "String": st.text(max_size=3),
    "Boolean": st.booleans(),
    "Int": st.integers(-5, 5) | st.sampled_from([2**31, 7.0]),
    "Float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5),
    "Date": st.sampled_from(["1990-02-28", "1990-02-30", ""]),
    "DateTime": st.sampled_from(
        ["2026-01-31T12:00:00Z", "2026-01-31", "2026-01-31T12:00:00+01:00"]
    ),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def values(type_: Any) -> st.SearchStrategy[Any]:
    """Return values that mostly are of the type."""
    match type_:
        case GraphQLNonNull(of_type=inner):
            return values(inner)
        case _:
            return st.none() | present(type_) | present(type_) | present(type_)


def present(type_: Any) -> st.SearchStrategy[Any]:
    match type_:
        case GraphQLList(of_type=inner):
            return st.lists(values(inner), max_size=3)
        case GraphQLEnumType(values=members):
            return st.sampled_from([*members, "nothing"])
        case GraphQLInputObjectType(name="UserBy" | "IdentityInput", fields=fields):
            return st.one_of(
                [st.fixed_dictionaries({n: present(field.type)}) for n, field in fields.items()]
            )
        case GraphQLInputObjectType(fields=fields):
            each = {name: values(field.type) for name, field in fields.items()}
            needed = {n for n, field in fields.items() if isinstance(field.type, GraphQLNonNull)}
            return st.fixed_dictionaries(
                {name: each[name] for name in each if name in needed},
                optional={name: each[name] for name in each if name not in needed},
            )
        case _:
            return SCALARS.get(type_.name, ANYTHING)


def as_resolvers_read(value: Any, type_: Any) -> Any:
    """Return what `given` makes of an input; `Undefined` for what is refused."""
    named = schema._schema.type_map[type_.__strawberry_definition__.name]
    coerced = coerce_input_value(value, GraphQLNonNull(named))
    if coerced is Undefined:
        return Undefined
    registry = schema.schema_converter.scalar_registry
    try:
        return inputs.given(convert_argument(coerced, type_, registry, schema.config))
    except StrawberryInputCoercionError:
        return Undefined


def as_plans_read(value: Any, type_: Any) -> Any:
    named = schema._schema.type_map[type_.__strawberry_definition__.name]
    return reader(GraphQLNonNull(named))(value)


@pytest.mark.parametrize("type_", INPUTS)
@given(data=st.data())
def test_an_input_is_read_as_resolvers_read_it_or_surprises(type_, data):
    named = schema._schema.type_map[type_.__strawberry_definition__.name]
    value = data.draw(present(named) | ANYTHING)

    try:
        read = as_plans_read(value, type_)
    except Surprise:
        return
    expected = as_resolvers_read(value, type_)

    assert read == expected
    assert repr(read) == repr(expected)  # also in the order of what is in it


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (inputs.UserBy, {"email": "ada@example.org"}),
        (inputs.UserChanges, {}),
        (inputs.UserChanges, {"name": None, "birthday": "1990-02-28", "gender": "FEMALE"}),
        (inputs.UserChanges, {"location": {"country": "CH", "latitude": 47, "longitude": 8.5}}),
        (inputs.UserChanges, {"properties": {"set": {"a": {"b": [1]}}, "unset": ["c"]}}),
        (inputs.UserChanges, {"channels": {"email": False, "sms": None}}),
        (inputs.EventInput, {"name": "Charged", "at": "2026-01-31T12:00:00Z", "items": [{"a": 1}]}),
        (inputs.RecordInput, {"user": {"custom": "1"}, "events": [{"name": "A"}], "changes": None}),
    ],
)
def test_what_clients_send_is_no_surprise(type_, value):
    assert as_plans_read(value, type_) == as_resolvers_read(value, type_) != Undefined


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (inputs.UserBy, {}),
        (inputs.UserBy, {"email": None}),
        (inputs.UserBy, {"email": "a", "phone": "b"}),
        (inputs.UserBy, {"nick": "a"}),
        (inputs.UserChanges, {"name": 7}),
        (inputs.UserChanges, {"birthday": "1990-02-30"}),
        (inputs.UserChanges, {"nick": "a"}),
        (inputs.EventInput, {}),
        (inputs.EventInput, {"name": None}),
        (inputs.RecordInput, {"user": {"custom": "1"}, "events": {"name": "A"}}),
    ],
)
def test_what_is_wrong_or_unusual_surprises(type_, value):
    with pytest.raises(Surprise):
        as_plans_read(value, type_)


def test_criteria_which_hold_criteria_are_not_read_so():
    with pytest.raises(Unplanned):
        reader(schema._schema.type_map["Criteria"])


# ---------------------------------------------------------------- arguments

UPDATE = schema._schema.mutation_type.fields["userUpdate"]
RECORD = schema._schema.mutation_type.fields["userRecordEvents"]


def node_of(document: str) -> Any:
    operation: Any = parse(document).definitions[0]
    return operation.selection_set.selections[0]


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        (
            "mutation($u: UserBy!, $c: UserChanges!) { userUpdate(user: $u, changes: $c) }",
            {"u": {"id": "1"}, "c": {"name": "Ada"}},
            {"user": {"id": "1"}, "changes": {"name": "Ada"}},
        ),
        (
            'mutation($n: String) { userUpdate(user: {id: "1"}, changes: {name: $n}) }',
            {},
            {"user": {"id": "1"}, "changes": {}},
        ),
        (
            'mutation($n: String) { userUpdate(user: {id: "1"}, changes: {name: $n}) }',
            {"n": None},
            {"user": {"id": "1"}, "changes": {"name": None}},
        ),
        (
            "mutation($e: String!, $v: Int, $p: Properties) { userUpdate(user: {email: $e}, "
            "changes: {properties: {set: $p}}, expectedVersion: $v, createIfMissing: true) }",
            {"e": "a@example.org", "v": 3, "p": {"plan": "pro"}},
            {
                "user": {"email": "a@example.org"},
                "changes": {"properties": {"set": {"plan": "pro"}}},
                "createIfMissing": True,
                "expectedVersion": 3,
            },
        ),
    ],
)
def test_arguments_are_put_together_of_variables(document, variables, expected):
    always = {"createIfMissing": False, "expectedVersion": None, "idempotencyKey": None}

    assert always | arguments(UPDATE, node_of(document))(variables) == always | expected


def test_lists_in_a_document_may_hold_variables():
    document = 'mutation($n: String!) { userRecordEvents(user: {id: "1"}, events: [{name: $n}]) }'

    read = arguments(RECORD, node_of(document))({"n": "Charged"})

    assert read["events"] == [{"name": "Charged"}]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("mutation($u: String) { userUpdate(user: {email: $u}, changes: {}) }", {}),
        ("mutation($u: String) { userUpdate(user: {email: $u}, changes: {}) }", {"u": None}),
        ('mutation($c: UserChanges!) { userUpdate(user: {id: "1"}, changes: $c) }', {}),
    ],
)
def test_a_variable_that_is_missing_where_it_has_to_be_surprises(document, variables):
    with pytest.raises(Surprise):
        arguments(UPDATE, node_of(document))(variables)


def test_a_variable_deep_in_a_scalar_is_not_read_so():
    document = (
        "mutation($n: String) { userUpdate(user: {id: 1}, changes: {properties: {set: {a: $n}}}) }"
    )

    with pytest.raises(Unplanned):
        arguments(UPDATE, node_of(document))
