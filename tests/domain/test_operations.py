"""What the operations make of properties."""

from copy import deepcopy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.errors import DomainError, InvalidInput, LimitExceeded
from app.domain.properties import (
    AnyOperation,
    Append,
    Increment,
    Properties,
    Remove,
    Set,
    SetOnce,
    Unset,
    applied,
    properties_bytes,
    show_properties,
)
from tests.builders import HERE, LIMITS, TODAY
from tests.domain.strategies import any_operation, calls, few_properties, repeatable

HUNDRED = tuple(str(number) for number in range(100))
FULL_LIST = tuple(f"{number:02}" + "a" * 510 for number in range(32))


@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        (None, Set("a", HERE, "x"), "x"),
        ("x", Set("a", HERE, 1.0), 1.0),
        ("x", Set("a", HERE, ()), ()),
        (None, SetOnce("a", HERE, "x"), "x"),
        ("old", SetOnce("a", HERE, "x"), "old"),
        ("", SetOnce("a", HERE, "x"), ""),
        ((), SetOnce("a", HERE, "x"), ()),
        (False, SetOnce("a", HERE, "x"), False),
        (0.0, SetOnce("a", HERE, "x"), 0.0),
        (None, Increment("a", HERE, 2.5), 2.5),
        (None, Increment("a", HERE, 0.0), 0.0),
        (1.0, Increment("a", HERE, -3.0), -2.0),
        (1.0, Increment("a", HERE, -1.0), 0.0),
        (None, Append("a", HERE, ("x", "y")), ("x", "y")),
        (None, Append("a", HERE, ()), ()),
        (("y",), Append("a", HERE, ("x", "y")), ("y", "x")),
        ("x", Append("a", HERE, ("y", "x")), ("x", "y")),
        ("", Append("a", HERE, ("x",)), ("", "x")),
        (("x", "y", "z"), Remove("a", HERE, ("y", "q")), ("x", "z")),
        (("x",), Remove("a", HERE, ("x",)), ()),
        ("x", Remove("a", HERE, ("x",)), ()),
        ("x", Remove("a", HERE, ("y",)), "x"),
        (None, Remove("a", HERE, ("x",)), None),
        ("x", Unset("a", HERE), None),
        (None, Unset("a", HERE), None),
    ],
)
def test_an_operation_makes_of_a_value(before, operation, after):
    kept = {"other": True}
    properties = kept | ({} if before is None else {"a": before})

    result = applied([operation], properties, LIMITS)

    assert show_properties(result) == show_properties(
        kept | ({} if after is None else {"a": after})
    )


@pytest.mark.parametrize("value", ["1", True, ("1",), TODAY])
def test_only_a_number_is_incremented(value):
    with pytest.raises(InvalidInput, match="'a' is not a number") as refused:
        applied([Increment("a", HERE, 1.0)], {"a": value}, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize(("number", "by"), [(1e308, 1e308), (-1e308, -1e308)])
def test_a_sum_beyond_all_floats_is_refused(number, by):
    with pytest.raises(InvalidInput, match="range") as refused:
        applied([Increment("a", HERE, by)], {"a": number}, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize("value", [1.0, True, TODAY])
@pytest.mark.parametrize("operation", [Append("a", HERE, ("x",)), Remove("a", HERE, ("x",))])
def test_only_lists_and_texts_take_list_operations(operation, value):
    with pytest.raises(InvalidInput, match="'a' is not a list of texts") as refused:
        applied([operation], {"a": value}, LIMITS)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("before", "texts", "after"),
    [
        (HUNDRED[:99], ("99",), HUNDRED),
        (HUNDRED, HUNDRED, HUNDRED),
        (FULL_LIST[:31], FULL_LIST[31:], FULL_LIST),
    ],
)
def test_a_list_grows_to_its_limits(before, texts, after):
    assert applied([Append("a", HERE, texts)], {"a": before}, LIMITS) == {"a": after}


@pytest.mark.parametrize(
    ("before", "texts", "fault", "limit"),
    [
        (HUNDRED, ("100",), "100 texts", 100),
        ("x", HUNDRED, "100 texts", 100),
        (FULL_LIST, ("b",), "16384 bytes", 16_384),
    ],
)
def test_a_list_does_not_grow_past_its_limits(before, texts, fault, limit):
    with pytest.raises(LimitExceeded, match=fault) as refused:
        applied([Append("a", HERE, texts)], {"a": before}, LIMITS)

    assert (refused.value.path, refused.value.limit) == (HERE, limit)


def test_a_user_has_up_to_256_properties():
    operations = [Set(f"p{number}", HERE, "") for number in range(256)]

    assert len(applied(operations, {}, LIMITS)) == 256


def test_one_property_more_is_refused():
    full = {f"p{number}": "" for number in range(256)}

    with pytest.raises(LimitExceeded, match="256 properties") as refused:
        applied([Set("one more", HERE, "")], full, LIMITS)

    assert (refused.value.path, refused.value.limit) == (("changes", "properties"), 256)


def test_one_property_makes_place_for_another_in_the_same_call():
    full = {f"p{number}": "" for number in range(256)}

    after = applied([Set("one more", HERE, ""), Unset("p0", HERE)], full, LIMITS)

    assert len(after) == 256


def test_what_is_over_a_limit_that_was_lowered_may_change_and_shrink():
    lowered = LIMITS.model_copy(update={"properties": 1})

    after = applied([Set("a", HERE, "x"), Unset("b", HERE)], {"a": "", "b": "", "c": ""}, lowered)

    assert after == {"a": "x", "c": ""}


FULL = {f"{number:02}": FULL_LIST for number in range(15)} | {"z": (*FULL_LIST[:31], "a" * 481)}


def test_properties_take_up_to_256_kib_names_included():
    after = applied([Set(name, HERE, value) for name, value in FULL.items()], {}, LIMITS)

    assert properties_bytes(after) == 256 * 1024


def test_one_byte_more_is_refused():
    with pytest.raises(LimitExceeded, match="262144") as refused:
        applied([Set("z", HERE, (*FULL_LIST[:31], "a" * 482))], FULL, LIMITS)

    assert (refused.value.path, refused.value.limit) == (("changes", "properties"), 262_144)


def test_what_weighs_too_much_may_shrink():
    heavy = FULL | {"more": FULL_LIST, "y": ("x",)}

    after = applied([Unset("y", HERE)], heavy, LIMITS)

    assert after == FULL | {"more": FULL_LIST}


def test_properties_are_sorted_by_name():
    assert list(applied([Set("a", HERE, "")], {"b": "", "c": ""}, LIMITS)) == ["a", "b", "c"]


def test_one_refused_operation_refuses_all():
    before: Properties = {"text": "x", "list": ("x",)}
    operations: list[AnyOperation] = [
        Set("list", HERE, "y"),
        Unset("text", HERE),
        Increment("list", HERE, 1.0),
    ]

    with pytest.raises(InvalidInput):
        applied(operations, before, LIMITS)

    assert before == {"text": "x", "list": ("x",)}


@given(few_properties, calls(repeatable))
def test_a_repeat_changes_nothing(before, operations):
    assume(is_taken(operations, before))

    once = applied(operations, before, LIMITS)

    assert applied(operations, once, LIMITS) is once


@given(few_properties, calls(any_operation))
def test_the_properties_before_stay_as_they_were(before, operations):
    copy = deepcopy(before)

    is_taken(operations, before)

    assert show_properties(before) == show_properties(copy)


@given(few_properties, calls(any_operation))
def test_the_order_of_operations_in_a_call_does_not_matter(before, operations):
    assume(is_taken(operations, before))

    assert show_properties(applied(operations, before, LIMITS)) == show_properties(
        applied(operations[::-1], before, LIMITS)
    )


@given(few_properties, calls(any_operation))
def test_properties_that_are_not_named_stay(before, operations):
    assume(is_taken(operations, before))
    named = {operation.name for operation in operations}

    after = applied(operations, before, LIMITS)

    assert {k: v for k, v in after.items() if k not in named} == {
        k: v for k, v in before.items() if k not in named
    }


@given(few_properties, st.sampled_from(["x", "y", "z"]))
def test_what_was_appended_can_be_removed(before, text):
    assume(is_taken([Append("a", HERE, (text,))], before))

    grown = applied([Append("a", HERE, (text,))], before, LIMITS)

    shrunk = applied([Remove("a", HERE, (text,))], grown, LIMITS)
    assert text in show_properties(grown)["a"]
    assert text not in show_properties(shrunk)["a"]


def is_taken(operations, before) -> bool:
    try:
        applied(operations, before, LIMITS)
    except DomainError:
        return False
    return True
