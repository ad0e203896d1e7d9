"""Whatever a client sends is answered, or refused with a reason: never is anything unexpected."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.settings import Settings
from tests.api import Api, serving
from tests.schema.anything import ODD_NAMES, requests
from tests.schema.documents import ADA, EVA, IDENTIFY, RECORD, UPDATE, USER

QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [*HealthCheck],
}
CODES = {
    "BUSY", "CURSOR_EXPIRED", "FORBIDDEN", "INVALID_INPUT", "LIMIT_EXCEEDED", "UNAUTHENTICATED",
}  # fmt: skip


@pytest.fixture
async def stored(store_url, clock):
    """The API on each store, with people whom wild values may meet."""
    async with serving(Settings(database=store_url), clock) as api:
        for who in (ADA, EVA):
            await api(IDENTIFY, identities=[who], device=None)
        yield api


async def answered(api: Api, body: dict[str, Any]) -> None:
    answer = await api.http.post("/graphql", json=body)

    assert answer.status_code == 200, answer.text
    for error in answer.json().get("errors", ()):
        assert error["extensions"]["code"] in CODES, error
        assert len(error["message"]) < 5_000


@settings(max_examples=60, derandomize=True, **QUIET)
@given(body=requests())
async def test_whatever_is_asked_is_answered(stored, body):
    await answered(stored, body)


@pytest.mark.slow
@settings(max_examples=1_500, print_blob=True, **QUIET)
@given(body=requests())
async def test_whatever_is_asked_is_answered_thousands_of_times(stored, body):
    await answered(stored, body)


@pytest.mark.parametrize(
    "name", ["$set", "$", "a.b", ".", "__proto__", "constructor", "_id", "😀" * 30]
)
async def test_odd_names_are_only_names(stored, name):
    properties = {name: "x"}
    event = {"id": "e", "name": name, "properties": properties, "items": [properties]}
    criteria = {"all": [
        {"property": {"name": name, "is": {"contains": "X"}}},
        {"did": {"name": name, "where": [{"name": name, "is": {"equals": "x"}}]}},
    ]}  # fmt: skip
    changes = {"properties": {"set": properties, "increment": {f"{name[:20]}n": 2}}}

    await stored(UPDATE, user=ADA, changes=changes)
    await stored(RECORD, user=ADA, events=[event])
    person = await stored(USER, by=ADA)
    found = await stored("query($c: Criteria!) { users(where: $c) { nodes { id } } }", c=criteria)

    assert person["properties"] == {name: "x", f"{name[:20]}n": 2}
    assert person["events"]["nodes"][0]["properties"] == properties
    assert person["events"]["nodes"][0]["items"] == [properties]
    assert [(a["name"], a["count"]) for a in person["activity"]] == [(name, 1)]
    assert found == {"nodes": [{"id": person["id"]}]}


@pytest.mark.parametrize("name", ["", " ", "\u0000", "a\u0000b", "\n", "a" * 121, "é" * 61])
async def test_what_is_no_name_is_refused(stored, name):
    answer = await stored(UPDATE, user=ADA, changes={"properties": {"set": {name: 1}}})

    assert answer["__typename"] in ("InvalidInputError", "LimitExceededError")


def setting(value):
    return f'{{"changes": {{"properties": {{"set": {{"a": {value}}}}}}}}}'


MANY = ",".join(f'"p{i}": 1' for i in range(5_000))


@pytest.mark.parametrize(
    "variables",
    [
        setting('1, "a": 2'),
        '{"changes": {"name": "a", "name": "b"}}',
        setting("9" * 400),
        setting("9" * 20),
        setting("1e308"),
        setting("-0.0"),
        setting("5e-324"),
        setting("[" * 300 + "]" * 300),
        setting('{"a":' * 300 + "1" + "}" * 300),
        setting(f"1, {MANY}"),
        '{"changes": {"properties": {"increment": {"a": 1e308}}}}',
        '{"changes": {"properties": {"unset": [' + '"a",' * 5_000 + '"a"]}}}',
        '{"changes": {"channels": {"email": "true"}}}',
    ],
    ids=lambda variables: variables[:60],
)
async def test_extreme_json_is_answered(stored, variables):
    document = UPDATE.replace("$user: UserBy!,", "").replace("user: $user", 'user: {custom: "ada"}')
    body = f'{{"query": {json.dumps(document)}, "variables": {variables}}}'

    answer = await stored.http.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code in (200, 400)
    for error in answer.json().get("errors", ()):
        assert error["extensions"]["code"] in CODES


def test_odd_names_are_among_what_is_drawn():
    assert {"$set", "a.b", "__proto__", "constructor", ""} <= set(ODD_NAMES)
