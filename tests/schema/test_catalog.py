"""The catalog: which names exist, and of what kinds."""

from typing import Any, Final

from tests.schema.documents import ADA, CATALOG, EVA, IDENTIFY, RECORD, UPDATE, known

NOTHING: Final[dict[str, list[Any]]] = {"properties": [], "events": []}


def prop(name, *kinds):
    return {"name": name, "kinds": list(kinds)}


async def test_at_first_nothing_is_known(api):
    assert await api(CATALOG) == NOTHING


async def test_every_property_is_known_with_its_kinds_sorted_by_name(api):
    values = {
        "text": "x", "number": 1, "yes": True, "day": {"date": "2026-01-31"},
        "instant": {"dateTime": "2026-01-31T12:00:00Z"}, "list": ["x"], "A": 1,
    }  # fmt: skip

    await known(api, properties={"set": values})

    assert (await api(CATALOG))["properties"] == [
        prop("A", "NUMBER"),
        prop("day", "DATE"),
        prop("instant", "DATE_TIME"),
        prop("list", "TEXT_LIST"),
        prop("number", "NUMBER"),
        prop("text", "TEXT"),
        prop("yes", "BOOLEAN"),
    ]


async def test_a_property_may_be_of_several_kinds(api):
    await known(api, properties={"set": {"p": ["x"]}})
    await known(api, EVA, properties={"set": {"p": "x"}})
    await known(api, properties={"set": {"p": True}})
    await known(api, properties={"unset": ["p"]})

    catalog = await api(CATALOG)

    assert catalog["properties"] == [prop("p", "TEXT", "BOOLEAN", "TEXT_LIST")]


async def test_every_operation_makes_its_name_known(api):
    operations = {
        "set": {"a": "x"}, "setOnce": {"b": True}, "increment": {"c": 1}, "append": {"d": ["x"]},
        "remove": {"e": ["x"]}, "unset": ["f"],
    }  # fmt: skip

    await api(IDENTIFY, identities=[ADA], changes={"properties": operations})

    assert (await api(CATALOG))["properties"] == [
        prop("a", "TEXT"),
        prop("b", "BOOLEAN"),
        prop("c", "NUMBER"),
        prop("d", "TEXT_LIST"),
    ]


async def test_every_event_is_known_with_its_properties(api):
    events = [
        {"name": "Viewed", "properties": {"page": "x", "seconds": 1}},
        {"name": "v I E W e d", "properties": {"page": 2}},
        {"name": "Charged", "items": [{"sku": "a"}]},
        {"name": "added", "properties": {"sku": ["a"]}},
    ]

    await api(RECORD, user=ADA, events=events, createIfMissing=True)

    assert await api(CATALOG) == {
        "properties": [],
        "events": [
            {"name": "Charged", "properties": []},
            {
                "name": "Viewed",
                "properties": [prop("page", "TEXT", "NUMBER"), prop("seconds", "NUMBER")],
            },
            {"name": "added", "properties": [prop("sku", "TEXT_LIST")]},
        ],
    }


async def test_a_property_of_events_is_none_of_people(api):
    await api(
        RECORD,
        user=ADA,
        events=[{"name": "V", "properties": {"email": "x", "name": "y"}}],
        createIfMissing=True,
    )

    catalog = await api(CATALOG)

    assert catalog["properties"] == []
    assert catalog["events"][0]["properties"] == [prop("email", "TEXT"), prop("name", "TEXT")]


async def test_what_nobody_has_any_more_stays_known(api):
    await known(api, properties={"set": {"p": 1}})
    await known(api, properties={"unset": ["p"]})

    assert (await api(CATALOG))["properties"] == [prop("p", "NUMBER")]


async def test_a_refused_call_makes_nothing_known(api, ada):
    before = await api(CATALOG)
    operations = {"set": {"fresh": 1, "plan": 2}, "increment": {"tags": 1}}

    await api(UPDATE, user=ADA, changes={"properties": operations})
    await api(UPDATE, user=ADA, changes={"properties": {"set": {"fresh": 1}}}, expectedVersion=1)
    await api(RECORD, user=EVA, events=[{"name": "Fresh"}])

    assert await api(CATALOG) == before
