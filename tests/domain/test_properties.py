"""Property values: what is one, and how it is read and shown."""

import contextlib
import json as plain_json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given

from app.domain.errors import DomainError, InvalidInput, LimitExceeded
from app.domain.properties import (
    PropertyKind,
    kind_of,
    parse_name,
    parse_number,
    parse_properties,
    parse_texts,
    parse_value,
    properties_bytes,
    same,
    show_properties,
    show_value,
    value_bytes,
)
from tests.builders import HERE, LIMITS
from tests.domain.strategies import json, properties, values


@pytest.mark.parametrize(
    ("raw", "value", "kind"),
    [
        ("", "", PropertyKind.TEXT),
        (" two  blanks ", " two  blanks ", PropertyKind.TEXT),
        ("line\nbreak", "line\nbreak", PropertyKind.TEXT),
        ("2026-01-31", "2026-01-31", PropertyKind.TEXT),
        (True, True, PropertyKind.BOOLEAN),
        (1, 1.0, PropertyKind.NUMBER),
        (0.1, 0.1, PropertyKind.NUMBER),
        (2**53, 2.0**53, PropertyKind.NUMBER),
        (10**300, 1e300, PropertyKind.NUMBER),
        ([], (), PropertyKind.TEXT_LIST),
        (["b", "a", "b", ""], ("b", "a", ""), PropertyKind.TEXT_LIST),
        ({"date": "0001-01-01"}, date(1, 1, 1), PropertyKind.DATE),
        ({"date": "9999-12-31"}, date(9999, 12, 31), PropertyKind.DATE),
        (
            {"dateTime": "2026-01-31T12:00:00.0009+02:00"},
            datetime(2026, 1, 31, 10, tzinfo=UTC),
            PropertyKind.DATE_TIME,
        ),
    ],
)
def test_json_stands_for_a_value_of_one_kind(raw, value, kind):
    read = parse_value(raw, HERE, LIMITS)

    assert (read, kind_of(read)) == (value, kind)
    assert same(read, value)


@pytest.mark.parametrize(
    ("base", "value", "kind"),
    [
        (str, "", PropertyKind.TEXT),
        (float, 0.5, PropertyKind.NUMBER),
        (int, 1, PropertyKind.NUMBER),
        (tuple, (), PropertyKind.TEXT_LIST),
    ],
)
def test_a_value_of_a_narrower_type_is_of_the_same_kind(base, value, kind):
    narrower = type("Narrower", (base,), {})

    assert kind_of(narrower(value)) is kind_of(value) is kind


@given(properties)
def test_properties_weigh_their_names_and_texts_in_utf_8(drawn):
    texts = [*drawn]
    for value in drawn.values():
        texts += [value] if isinstance(value, str) else value if isinstance(value, tuple) else []
    others = [value for value in drawn.values() if not isinstance(value, str | tuple)]

    assert properties_bytes(drawn) == sum(len(text.encode()) for text in texts) + 8 * len(others)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (None, "unset"),
        ({}, "A value is"),
        ({"date": 1}, "A value is"),
        ({"date": None}, "A value is"),
        ({"Date": "2026-01-31"}, "A value is"),
        ({"date": "2026-01-31", "dateTime": "2026-01-31T12:00:00Z"}, "A value is"),
        ({"date": "2026-01-32"}, "no day"),
        ({"date": "0000-12-31"}, "no day"),
        ({"date": "2026-01-31T00:00:00Z"}, "no day"),
        ({"dateTime": "2026-01-31T12:00:00"}, "no offset"),
        ({"dateTime": "2026-01-31"}, "no instant"),
        (float("nan"), "range"),
        (float("inf"), "range"),
        (-(10**400), "range"),
        ("a\0b", r"U\+0000"),
        ("\ud800", "surrogate"),
    ],
)
def test_what_is_no_value_is_refused(raw, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        parse_value(raw, HERE, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize("raw", [1, None, True, [], {}, ["a"]])
def test_a_list_holds_texts_only(raw):
    with pytest.raises(InvalidInput, match="texts only") as refused:
        parse_value(["a", raw], HERE, LIMITS)

    assert refused.value.path == (*HERE, "1")


@pytest.mark.parametrize("raw", ["a" * 512, "é" * 256, ["a" * 512]])
def test_a_text_takes_up_to_512_bytes(raw):
    assert show_value(parse_value(raw, HERE, LIMITS)) == raw


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("a" * 513, HERE),
        ("é" * 256 + "a", HERE),
        (["", "a" * 513], (*HERE, "1")),
    ],
)
def test_a_longer_text_is_refused(raw, path):
    with pytest.raises(LimitExceeded, match="512 bytes") as refused:
        parse_value(raw, HERE, LIMITS)

    assert (refused.value.path, refused.value.limit) == (path, 512)


def test_how_long_a_text_may_be_is_a_setting():
    shorter = LIMITS.model_copy(update={"text_bytes": 3})

    with pytest.raises(LimitExceeded, match="3 bytes"):
        parse_value("abcd", HERE, shorter)


@pytest.mark.parametrize(
    "raw",
    [
        [str(number) for number in range(100)],
        [str(number % 100) for number in range(1_000)],
        [f"{number:02}" + "a" * 510 for number in range(32)],
    ],
)
def test_a_list_holds_up_to_100_texts_and_16_kib_without_repeats(raw):
    assert parse_texts(raw, HERE, LIMITS) == tuple(dict.fromkeys(raw))


@pytest.mark.parametrize(
    ("raw", "fault", "limit"),
    [
        ([str(number) for number in range(101)], "100 texts", 100),
        ([*(f"{number:02}" + "a" * 510 for number in range(32)), "b"], "16384 bytes", 16_384),
    ],
)
def test_a_larger_list_is_refused(raw, fault, limit):
    with pytest.raises(LimitExceeded, match=fault) as refused:
        parse_texts(raw, HERE, LIMITS)

    assert (refused.value.path, refused.value.limit) == (HERE, limit)


@pytest.mark.parametrize("raw", [None, "a", 1, True, {}, {"0": "a"}])
def test_only_a_list_is_a_list_of_texts(raw):
    with pytest.raises(InvalidInput, match="not a list of texts") as refused:
        parse_texts(raw, HERE, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize("raw", [None, "1", True, [], {}, [1]])
def test_only_a_number_is_a_number(raw):
    with pytest.raises(InvalidInput, match="not a number") as refused:
        parse_number(raw, HERE)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (-0.0, "0"),
        (1.0, "1"),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (2.0**54, "1.8014398509481984e+16"),
        (2.0**60, "1.152921504606847e+18"),
        (1e300, "1e+300"),
        (0.1, "0.1"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_a_number_is_shown_as_an_integer_where_that_is_exact(raw, shown):
    assert plain_json.dumps(show_value(parse_value(raw, HERE, LIMITS))) == shown


def test_there_is_one_zero():
    assert str(parse_number(-0.0, HERE)) == "0.0"


@given(values)
def test_what_is_shown_is_read_as_the_same_value(value):
    shown = plain_json.loads(plain_json.dumps(show_value(value)))

    assert same(parse_value(shown, HERE, LIMITS), value)


@given(properties)
def test_shown_properties_are_read_as_the_same(drawn):
    again = parse_properties(show_properties(drawn), HERE, LIMITS)

    assert again == drawn
    assert list(again) == list(drawn)
    assert [kind_of(value) for value in again.values()] == [kind_of(v) for v in drawn.values()]


@pytest.mark.parametrize("read", [parse_value, parse_texts, parse_properties])
@given(raw=json)
def test_any_json_is_read_or_refused(read, raw):
    with contextlib.suppress(DomainError):
        read(raw, HERE, LIMITS)


@given(json)
def test_any_json_is_a_number_or_refused(raw):
    with contextlib.suppress(DomainError):
        parse_number(raw, HERE)


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1.0), (False, 0.0), ("1", 1.0), ("a", ("a",)), ((), ""), (("a", "b"), ("b", "a"))],
)
def test_values_that_read_differently_are_not_the_same(one, other):
    assert same(one, one)
    assert not same(one, other)
    assert not same(other, one)
    assert not same(one, None)


@pytest.mark.parametrize(
    ("raw", "name"), [("é" * 60, "é" * 60), (" A b ", "A b"), ("$a.b", "$a.b")]
)
def test_a_property_is_named_by_up_to_120_bytes(raw, name):
    assert parse_name(raw, HERE) == name


@pytest.mark.parametrize("raw", ["a" * 121, "é" * 60 + "a"])
def test_a_longer_property_name_is_refused(raw):
    with pytest.raises(LimitExceeded, match="120 bytes") as refused:
        parse_properties({raw: 1}, HERE, LIMITS)

    assert (refused.value.path, refused.value.limit) == ((*HERE, raw), 120)


@pytest.mark.parametrize("raw", ["", " ", "a\tb", "\0", "\ud800"])
def test_what_is_no_property_name_is_refused(raw):
    with pytest.raises(InvalidInput) as refused:
        parse_properties({raw: 1}, HERE, LIMITS)

    assert refused.value.path == (*HERE, raw)


def test_properties_are_sorted_by_their_trimmed_names():
    read = parse_properties({"b": 1, " a ": 2, "B": 3}, HERE, LIMITS)

    assert list(read.items()) == [("B", 3.0), ("a", 2.0), ("b", 1.0)]


def test_one_name_twice_is_refused():
    with pytest.raises(InvalidInput, match="'a' is named twice") as refused:
        parse_properties({"a": 1, " a ": 1}, HERE, LIMITS)

    assert refused.value.path == (*HERE, " a ")


@pytest.mark.parametrize("raw", [None, [], "a", 1, True])
def test_only_an_object_holds_properties(raw):
    with pytest.raises(InvalidInput, match="not an object") as refused:
        parse_properties(raw, HERE, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("value", "size"),
    [("é", 2), ("", 0), (("é", "a"), 3), (1.0, 8), (True, 8), (date(2026, 1, 31), 8)],
)
def test_a_value_weighs_its_bytes(value, size):
    assert value_bytes(value) == size
    assert properties_bytes({"né": value}) == 3 + size
