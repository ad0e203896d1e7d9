"""What one call changes about a person, read from plain values."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import NO_CHANGES, UserChanges, parse_changes
from app.domain.errors import DomainError, InvalidInput, LimitExceeded
from app.domain.properties import Append, Increment, Remove, Set, SetOnce, Unset
from app.domain.reach import Channel
from tests.builders import LIMITS, TODAY, changes
from tests.domain.strategies import json

PROPERTIES = ("changes", "properties")
WRITING = ["set", "setOnce", "increment", "append", "remove"]
STANDARD = [
    "name",
    "email",
    "phone",
    "birthday",
    "gender",
    "language",
    "timezone",
    "photoUrl",
    "location",
]
DERIVED = ["age", "type", "id"]


def test_nothing_given_changes_nothing():
    assert changes() == NO_CHANGES == changes(properties={})


def test_every_part_is_read():
    read = changes(
        name=" Ada ",
        email=None,
        properties={"set": {"plan": "pro"}, "unset": ["old"]},
        channels={"email": False, "push": True, "sms": None},
    )

    assert read == UserChanges(
        fields={"name": "Ada", "email": None},
        operations=(
            Set("plan", (*PROPERTIES, "set", "plan"), "pro"),
            Unset("old", (*PROPERTIES, "unset", "0")),
        ),
        channels={Channel.EMAIL: False, Channel.PUSH: True, Channel.SMS: None},
    )


@pytest.mark.parametrize(
    ("raw", "operation"),
    [
        ({"set": {" a ": 1}}, Set("a", (*PROPERTIES, "set", " a "), 1.0)),
        ({"setOnce": {"a": ["x", "x"]}}, SetOnce("a", (*PROPERTIES, "setOnce", "a"), ("x",))),
        ({"increment": {"a": 2}}, Increment("a", (*PROPERTIES, "increment", "a"), 2.0)),
        ({"append": {"a": ["x"]}}, Append("a", (*PROPERTIES, "append", "a"), ("x",))),
        ({"remove": {"a": ["x"]}}, Remove("a", (*PROPERTIES, "remove", "a"), ("x",))),
        ({"unset": [" a "]}, Unset("a", (*PROPERTIES, "unset", "0"))),
    ],
)
def test_an_operation_is_read_with_its_path(raw, operation):
    assert changes(properties=raw).operations == (operation,)


@pytest.mark.parametrize("kind", [*WRITING, "unset"])
@pytest.mark.parametrize("raw", [None, 1, "a", True])
def test_an_operation_without_names_is_refused(kind, raw):
    with pytest.raises(InvalidInput, match="property names") as refused:
        changes(properties={kind: raw})

    assert refused.value.path == (*PROPERTIES, kind)


def test_properties_null_is_refused():
    with pytest.raises(InvalidInput, match="null") as refused:
        changes(properties=None)

    assert refused.value.path == PROPERTIES


@pytest.mark.parametrize("kind", WRITING)
def test_null_as_a_value_is_refused(kind):
    with pytest.raises(InvalidInput) as refused:
        changes(properties={kind: {"a": None}})

    assert refused.value.path == (*PROPERTIES, kind, "a")


@pytest.mark.parametrize("kind", ["set", "setOnce"])
def test_who_sets_null_learns_of_unset(kind):
    with pytest.raises(InvalidInput, match="unset"):
        changes(properties={kind: {"a": None}})


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"set": {"a": [1]}}, ("set", "a", "0")),
        ({"setOnce": {"a": {"date": "x"}}}, ("setOnce", "a")),
        ({"increment": {"a": "1"}}, ("increment", "a")),
        ({"increment": {"a": True}}, ("increment", "a")),
        ({"increment": {"a": 10**400}}, ("increment", "a")),
        ({"append": {"a": "x"}}, ("append", "a")),
        ({"append": {"a": ["x", None]}}, ("append", "a", "1")),
        ({"remove": {"a": "x"}}, ("remove", "a")),
        ({"unset": ["a", None]}, ("unset", "1")),
        ({"set": {"": 1}}, ("set", "")),
        ({"unset": ["a\tb"]}, ("unset", "0")),
    ],
)
def test_a_fault_in_an_operation_has_its_path(raw, path):
    with pytest.raises(InvalidInput) as refused:
        changes(properties=raw)

    assert refused.value.path == (*PROPERTIES, *path)


@pytest.mark.parametrize(
    ("raw", "path", "limit"),
    [
        ({"set": {"a": "x" * 513}}, ("set", "a"), 512),
        ({"append": {"a": ["", "x" * 513]}}, ("append", "a", "1"), 512),
        ({"append": {"a": [str(n) for n in range(101)]}}, ("append", "a"), 100),
        ({"unset": ["x" * 121]}, ("unset", "0"), 120),
        ({"set": {"x" * 121: 1}}, ("set", "x" * 121), 120),
    ],
)
def test_a_limit_in_an_operation_has_its_path(raw, path, limit):
    with pytest.raises(LimitExceeded, match=str(limit)) as refused:
        changes(properties=raw)

    assert (refused.value.path, refused.value.limit) == ((*PROPERTIES, *path), limit)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"set": {"a": 1}, "increment": {"a": 1}}, ("increment", "a")),
        ({"set": {"a": 1, " a ": 1}}, ("set", " a ")),
        ({"append": {"a": ["x"]}, "remove": {"a": ["x"]}}, ("remove", "a")),
        ({"set": {"a": 1}, "unset": ["b", "a"]}, ("unset", "1")),
        ({"unset": ["a", "a"]}, ("unset", "1")),
    ],
)
def test_one_property_twice_is_refused(raw, path):
    with pytest.raises(InvalidInput, match="'a' is named twice") as refused:
        changes(properties=raw)

    assert refused.value.path == (*PROPERTIES, *path)


def test_names_differ_by_case():
    assert len(changes(properties={"set": {"a": 1, "A": 1}}).operations) == 2


@pytest.mark.parametrize("cased", [str, str.upper, str.title])
@pytest.mark.parametrize("field", STANDARD)
def test_a_custom_property_cannot_be_named_like_a_standard_field(field, cased):
    name = cased(field)

    with pytest.raises(InvalidInput, match=f"change `{field}` instead") as refused:
        changes(properties={"set": {f" {name} ": "x"}})

    assert refused.value.path == (*PROPERTIES, "set", f" {name} ")


@pytest.mark.parametrize("cased", [str, str.upper, str.title])
@pytest.mark.parametrize("field", DERIVED)
def test_a_custom_property_cannot_be_named_like_a_derived_field(field, cased):
    with pytest.raises(InvalidInput, match=f"`User.{field}`") as refused:
        changes(properties={"unset": [cased(field)]})

    assert refused.value.path == (*PROPERTIES, "unset", "0")


def test_null_channels_all_return_to_never_chosen():
    assert changes(channels=None).channels == dict.fromkeys(Channel)


@pytest.mark.parametrize("field", STANDARD)
def test_null_clears_a_standard_field(field):
    assert changes(**{field: None}).fields == {field: None}


by_name = st.dictionaries(st.text(max_size=5), json, max_size=3)


@given(st.dictionaries(st.sampled_from([*WRITING, "unset"]), json | by_name))
def test_any_json_is_read_or_refused(raw):
    with contextlib.suppress(DomainError):
        parse_changes({"properties": raw}, TODAY, LIMITS)
