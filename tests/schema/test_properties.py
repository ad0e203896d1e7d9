"""Custom properties: what a value is, and what the operations do."""

from typing import Any, Final

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.schema.documents import (
    ADA,
    CATALOG,
    EVA,
    UPDATE,
    USER,
    error,
    exceeded,
    fault,
    invalid,
    known,
)

PROPERTIES = ["changes", "properties"]
KIBIBYTE = 1024
NO_OBJECTS: Final[list[Any]] = [None, [], "x"]


async def changed(api, before, **operations):
    """Return the properties after operations on one who has those `before`."""
    await known(api, properties={"set": before})
    return (await known(api, properties=operations))["properties"]


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("", ""),
        (" a ", " a "),
        ("é" * 256, "é" * 256),
        ("\u0007\n", "\u0007\n"),
        ("😀 שלום", "😀 שלום"),
        ("2026-01-31", "2026-01-31"),
        (True, True),
        (False, False),
        (0, 0),
        (-0.0, 0),
        (1.0, 1),
        (1.5, 1.5),
        (2**53, 2**53),
        (-(2**53), -(2**53)),
        (1e300, 1e300),
        (5e-324, 5e-324),
        ([], []),
        ([""], [""]),
        (["b", "a", "b"], ["b", "a"]),
        ({"date": "0001-01-01"}, {"date": "0001-01-01"}),
        ({"date": "9999-12-31"}, {"date": "9999-12-31"}),
        ({"date": "2024-02-29"}, {"date": "2024-02-29"}),
        ({"dateTime": "2026-01-31T12:00:00Z"}, {"dateTime": "2026-01-31T12:00:00.000Z"}),
        ({"dateTime": "2026-01-31T01:00:00.1239+02:00"}, {"dateTime": "2026-01-30T23:00:00.123Z"}),
        ({"dateTime": "0001-01-01T00:00:00Z"}, {"dateTime": "0001-01-01T00:00:00.000Z"}),
        ({"dateTime": "9999-12-31T23:59:59.999Z"}, {"dateTime": "9999-12-31T23:59:59.999Z"}),
    ],
)
async def test_a_value_is_read_and_can_be_written_back_unchanged(api, sent, read):
    first = await known(api, properties={"set": {"plan": sent}})

    again = await known(api, properties={"set": first["properties"]})

    assert first["properties"] == {"plan": read}
    assert repr(first["property"]) == repr(read)
    assert again == first


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, []),
        ({}, []),
        ({"a": 1}, []),
        ({"date": "2026-01-31", "dateTime": "2026-01-31T12:00:00Z"}, []),
        ({"date": None}, []),
        ({"date": 1}, []),
        ({"$gt": ""}, []),
        ({"date": "2026-02-30"}, []),
        ({"date": "0000-01-01"}, []),
        ({"date": "10000-01-01"}, []),
        ({"date": "2026-1-1"}, []),
        ({"date": "20260131"}, []),
        ({"date": "2026-W05-6"}, []),
        ({"date": "２０２６-01-31"}, []),
        ({"date": "2026-01-31\n"}, []),
        ({"dateTime": "2026-01-31T12:00:00"}, []),
        ({"dateTime": "2026-01-31"}, []),
        ({"dateTime": "2026-01-31T25:00:00Z"}, []),
        ({"dateTime": "0001-01-01T00:00:00+00:01"}, []),
        ({"dateTime": "9999-12-31T23:59:59-00:01"}, []),
        ([1], ["0"]),
        (["a", None], ["1"]),
        (["a", ["b"]], ["1"]),
        ([{}], ["0"]),
        ("a\u0000b", []),
        (["a", "\u0000"], ["1"]),
    ],
)
async def test_what_is_no_value_is_refused_by_its_path(api, ada, value, path):
    operations = {"set": {"fresh": 1, "odd": value}, "unset": ["plan"]}

    answer = await fault(api, UPDATE, user=ADA, changes={"properties": operations})

    assert answer == invalid(*PROPERTIES, "set", "odd", *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 5000])
@pytest.mark.parametrize("operation", ["set", "setOnce", "increment"])
async def test_a_number_beyond_64_bits_is_refused(api, number, operation):
    document = f"""mutation {{
      userUpdate(user: {{custom: "ada"}}, createIfMissing: true, changes: {{
        properties: {{{operation}: {{n: {number}}}}}
      }}) {{ __typename ... on InvalidInputError {{ path }} }}
    }}"""

    assert await api(document) == invalid(*PROPERTIES, operation, "n")


async def test_values_are_written_as_literals_as_well(api):
    document = """mutation($plan: PropertyValue, $tag: String!) {
      userUpdate(user: {custom: "ada"}, createIfMissing: true, changes: { properties: {
        set: {
          plan: $plan, text: "x", block: \"\"\"y\"\"\", int: 1, float: 1.5, yes: true, no: false,
          list: ["a", $tag], none: [], day: {date: "2026-01-31"},
          instant: {dateTime: "2026-01-31T12:00:00Z"}
        },
        setOnce: {once: -2}, increment: {count: 3}, append: {tags: ["x", "y"]}
      }}) { ... on UserUpdatePayload { user { properties } } }
    }"""

    answer = await api(document, plan="pro", tag="b")

    assert answer["user"]["properties"] == {
        "plan": "pro",
        "text": "x",
        "block": "y",
        "int": 1,
        "float": 1.5,
        "yes": True,
        "no": False,
        "list": ["a", "b"],
        "none": [],
        "day": {"date": "2026-01-31"},
        "instant": {"dateTime": "2026-01-31T12:00:00.000Z"},
        "once": -2,
        "count": 3,
        "tags": ["x", "y"],
    }


@pytest.mark.parametrize(
    ("operations", "path"),
    [
        ("{set: {a: null}}", ["set", "a"]),
        ("{set: null}", ["set"]),
        ('{set: "a"}', ["set"]),
        ('{append: {a: "x"}}', ["append", "a"]),
        ("{increment: {a: true}}", ["increment", "a"]),
        ("null", []),
    ],
)
async def test_literals_are_refused_as_variables_are(api, operations, path):
    document = f"""mutation {{
      userUpdate(user: {{custom: "ada"}}, createIfMissing: true, changes: {{
        properties: {operations}
      }}) {{ __typename ... on InvalidInputError {{ path }} }}
    }}"""

    assert await api(document) == invalid(*PROPERTIES, *path)


async def test_a_name_twice_in_a_literal_is_an_error(api):
    document = """mutation { userUpdate(user: {custom: "ada"}, createIfMissing: true, changes: {
      properties: {set: {a: 1, a: 2}}
    }) { __typename } }"""

    assert (await error(api, document))["extensions"] == {"code": "INVALID_INPUT"}


# ---------------------------------------------------------------- reading


async def test_properties_are_read_by_name_in_order_all_or_some(api):
    await known(api, properties={"set": {"b": 2, "a": 1, "Z": 0, "ä": 3}})
    document = """{ user(by: {custom: "ada"}) {
      all: properties
      null: properties(names: null)
      some: properties(names: ["ä", "b", "b", "none", "A"])
      none: properties(names: [])
      one: property(name: "b")
      other: property(name: "B")
      empty: property(name: "")
    } }"""

    answer = await api(document)

    assert list(answer["all"].items()) == [("Z", 0), ("a", 1), ("b", 2), ("ä", 3)]
    assert answer == {
        "all": {"Z": 0, "a": 1, "b": 2, "ä": 3},
        "null": {"Z": 0, "a": 1, "b": 2, "ä": 3},
        "some": {"b": 2, "ä": 3},
        "none": {},
        "one": 2,
        "other": None,
        "empty": None,
    }


# ---------------------------------------------------------------- operations


async def test_six_operations_happen_at_once(api):
    before = {
        "plan": "free", "once": 1, "points": 7, "tags": ["a"], "old": ["x", "y"], "gone": True,
    }  # fmt: skip

    after = await changed(
        api,
        before,
        set={"plan": "pro"},
        setOnce={"once": 2, "first": 3},
        increment={"points": -2.5, "count": 1},
        append={"tags": ["b", "a"], "list": ["x", "x"]},
        remove={"old": ["x"], "none": ["x"]},
        unset=["gone", "nothing"],
    )

    assert after == {
        "plan": "pro",
        "once": 1,
        "first": 3,
        "points": 4.5,
        "count": 1,
        "tags": ["a", "b"],
        "list": ["x"],
        "old": ["y"],
    }


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        ({"p": 1}, {"set": {"p": "x"}}, {"p": "x"}),
        ({"p": 1}, {"set": {"p": True}}, {"p": True}),
        ({"p": 1}, {"setOnce": {"p": "x"}}, {"p": 1}),
        ({"p": ""}, {"setOnce": {"p": "x"}}, {"p": ""}),
        ({"p": []}, {"setOnce": {"p": "x"}}, {"p": []}),
        ({}, {"increment": {"p": 0}}, {"p": 0}),
        ({"p": "a"}, {"append": {"p": ["b", "a"]}}, {"p": ["a", "b"]}),
        ({}, {"append": {"p": []}}, {"p": []}),
        ({"p": ["a", "b", "c"]}, {"remove": {"p": ["b", "z"]}}, {"p": ["a", "c"]}),
        ({"p": ["a"]}, {"remove": {"p": ["a"]}}, {"p": []}),
        ({"p": "a"}, {"remove": {"p": ["a"]}}, {"p": []}),
        ({"p": ["A"]}, {"remove": {"p": ["a"]}}, {"p": ["A"]}),
        ({"p": 1}, {"unset": ["p"]}, {}),
        ({"p": 1}, {"unset": [" p "]}, {}),
        ({"p": 1, "P": 2}, {"unset": ["p"]}, {"P": 2}),
        ({}, {"set": {" p ": 1}}, {"p": 1}),
        ({}, {"set": {"$set": 1, "a.b": 2, "__proto__": 3}}, {"$set": 1, "__proto__": 3, "a.b": 2}),
    ],
)
async def test_an_operation_makes(api, before, operations, after):
    assert await changed(api, before, **operations) == after


@pytest.mark.parametrize("operation", ["append", "remove"])
async def test_an_absent_list_is_not_made_by_taking_out(api, operation):
    await known(api)

    after = await known(api, properties={operation: {"p": ["x"]}})

    assert after["properties"] == ({"p": ["x"]} if operation == "append" else {})


@pytest.mark.parametrize(
    ("operation", "name", "argument", "path"),
    [
        ("increment", "text", 1, []),
        ("increment", "list", 1, []),
        ("increment", "yes", 1, []),
        ("increment", "day", 1, []),
        ("increment", "big", 1e308, []),
        ("increment", "number", "1", []),
        ("increment", "number", True, []),
        ("increment", "number", None, []),
        ("increment", "number", [1], []),
        ("append", "number", ["x"], []),
        ("append", "yes", ["x"], []),
        ("append", "day", ["x"], []),
        ("append", "list", "x", []),
        ("append", "list", None, []),
        ("append", "list", ["x", 1], ["1"]),
        ("remove", "number", ["x"], []),
        ("remove", "day", ["x"], []),
        ("remove", "list", [None], ["0"]),
        ("setOnce", "number", None, []),
        ("setOnce", "fresh", {"x": 1}, []),
    ],
)
async def test_an_operation_that_does_not_fit_refuses_them_all(
    api, operation, name, argument, path
):
    before = await known(
        api,
        properties={
            "set": {
                "text": "7",
                "list": ["1"],
                "yes": True,
                "number": 1,
                "big": 1e308,
                "day": {"date": "2026-01-31"},
            }
        },
    )
    operations = {"set": {"other": 1}, operation: {name: argument}}

    answer = await fault(api, UPDATE, user=ADA, changes={"name": "E", "properties": operations})

    assert answer == invalid(*PROPERTIES, operation, name, *path)
    assert await api(USER, by=ADA) == before


@pytest.mark.parametrize(
    ("operations", "path"),
    [
        (None, []),
        *(
            ({operation: argument}, [operation])
            for operation in ("set", "setOnce", "increment", "append", "remove")
            for argument in NO_OBJECTS
        ),
        ({"unset": None}, ["unset"]),
    ],
)
async def test_null_and_what_is_no_object_are_refused(api, ada, operations, path):
    answer = await fault(api, UPDATE, user=ADA, changes={"name": "E", "properties": operations})

    assert answer == invalid(*PROPERTIES, *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    ("operations", "path"),
    [
        ({"set": {"p": 1}, "unset": ["p"]}, ["unset", "0"]),
        ({"set": {"p": 1, " p": 1}}, ["set", " p"]),
        ({"set": {"p": 1}, "setOnce": {"p": 1}}, ["setOnce", "p"]),
        ({"increment": {"q": 1, "p": 1}, "append": {"p": []}}, ["append", "p"]),
        ({"unset": ["p", "q", "p "]}, ["unset", "2"]),
    ],
)
async def test_a_property_is_named_once_in_a_call(api, ada, operations, path):
    answer = await fault(api, UPDATE, user=ADA, changes={"properties": operations})

    assert answer == invalid(*PROPERTIES, *path)
    assert await api(USER, by=ADA) == ada


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("name", "name"), ("Email", "email"), ("PHONE", "phone"), ("birthday", "birthday"),
        ("Gender", "gender"), ("language", "language"), ("TimeZone", "timezone"),
        ("photourl", "photoUrl"), (" location ", "location"), ("AGE", "age"), ("type", "type"),
        ("Id", "id"),
    ],
)  # fmt: skip
async def test_a_standard_name_is_refused_with_the_field_to_use(api, name, field):
    operations = {"set": {name: "x"}}

    answer = await api(UPDATE, user=ADA, createIfMissing=True, changes={"properties": operations})

    assert f"{field}`" in answer.pop("message")
    assert answer == invalid(*PROPERTIES, "set", name)


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("set", ""),
        ("setOnce", " "),
        ("increment", "a\u0000"),
        ("append", "a\u0007b"),
        ("remove", "a\nb"),
    ],
)
async def test_what_is_no_name_is_refused(api, operation, name):
    changes = {"properties": {operation: {name: 1}}}

    answer = await fault(api, UPDATE, user=ADA, createIfMissing=True, changes=changes)

    assert answer == invalid(*PROPERTIES, operation, name)


async def test_a_name_has_up_to_120_bytes(api):
    longest = "é" * 60

    fits = await known(api, properties={"set": {longest: 1}})
    answer = await fault(api, UPDATE, user=ADA, changes={"properties": {"set": {f"{longest}a": 1}}})

    assert fits["properties"] == {longest: 1}
    assert answer == exceeded(120, *PROPERTIES, "set", f"{longest}a")


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("operation", "value", "limit", "path"),
    [
        ("set", "é" * 256 + "a", 512, []),
        ("set", ["a", "é" * 256 + "a"], 512, ["1"]),
        ("set", [str(number) for number in range(101)], 100, []),
        ("set", [f"{number}".zfill(512) for number in range(33)], 16 * KIBIBYTE, []),
        ("append", [str(number) for number in range(100)], 100, []),
        ("append", [f"{number}".zfill(512) for number in range(32)], 16 * KIBIBYTE, []),
    ],
)
async def test_a_value_that_is_too_large_names_its_limit(api, operation, value, limit, path):
    before = await known(api, properties={"set": {"p": ["x"]}})
    operations = {"setOnce": {"q": 1}, operation: {"p": value}}

    answer = await fault(api, UPDATE, user=ADA, changes={"properties": operations})

    assert answer == exceeded(limit, *PROPERTIES, operation, "p", *path)
    assert await api(USER, by=ADA) == before


@pytest.mark.parametrize(
    "value",
    [
        [str(number) for number in range(100)],
        ["x"] * 1000,
        [f"{number}".zfill(512) for number in range(32)],
    ],
)
async def test_a_list_as_large_as_may_be_is_taken(api, value):
    taken = await known(api, properties={"set": {"p": value}})

    assert taken["properties"]["p"] == list(dict.fromkeys(value))


async def test_a_person_has_up_to_256_properties(api):
    full = await known(api, properties={"set": {f"p{number}": 1 for number in range(256)}})

    answer = await fault(
        api, UPDATE, user=ADA, changes={"properties": {"set": {"one more": 1, "p0": 2}}}
    )
    swapped = await known(api, properties={"set": {"one more": 1}, "unset": ["p0"]})

    assert answer == exceeded(256, *PROPERTIES)
    assert len(full["properties"]) == len(swapped["properties"]) == 256


async def test_the_properties_of_a_person_take_up_to_256_kib(api):
    list_of_16_kib = [f"{number}".zfill(512) for number in range(32)]
    size = 16 * (16 * KIBIBYTE - 512 + 3)
    rest = 256 * KIBIBYTE - size
    await known(
        api,
        properties={"set": {f"p{number:02}": list_of_16_kib[1:] for number in range(16)}},
    )
    fill = {f"f{number:02}": "a" * 509 for number in range(rest // 512)}
    fill["last"] = "a" * (rest % 512 - 4)

    full = await known(api, properties={"set": fill})
    answer = await fault(
        api, UPDATE, user=ADA, changes={"properties": {"set": {"last": f"{fill['last']}a"}}}
    )

    assert answer == exceeded(256 * KIBIBYTE, *PROPERTIES)
    assert await api(USER, by=ADA) == full


async def test_the_service_knows_so_many_names_and_not_one_more(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(property_names=2))
    async with serving(settings, clock) as api:
        before = await known(api, properties={"set": {"a": 1, "b": 1}})
        catalog = await api(CATALOG)

        answer = await fault(
            api, UPDATE, user=ADA, changes={"name": "E", "properties": {"setOnce": {"c": 1}}}
        )
        other = await known(api, EVA, properties={"set": {"a": "text"}})

        assert answer == exceeded(2, *PROPERTIES, "setOnce", "c")
        assert await api(USER, by=ADA) == before
        assert [entry["name"] for entry in catalog["properties"]] == ["a", "b"]
        assert other["properties"] == {"a": "text"}


@pytest.mark.parametrize(
    ("limits", "operations", "limit", "path"),
    [
        (Limits(properties=1), {"set": {"a": 1, "b": 1}}, 1, []),
        (Limits(text_bytes=1), {"set": {"a": "é"}}, 1, ["set", "a"]),
        (Limits(text_bytes=1), {"append": {"a": ["b", "cc"]}}, 1, ["append", "a", "1"]),
    ],
)
async def test_limits_are_settings(sqlite_url, clock, limits, operations, limit, path):
    async with serving(Settings(database=sqlite_url, limits=limits), clock) as api:
        changes = {"properties": operations}

        answer = await fault(api, UPDATE, user=ADA, createIfMissing=True, changes=changes)

        assert answer == exceeded(limit, *PROPERTIES, *path)
