"""Many records at once: each whole or not at all."""

from typing import Any

import pytest

from app.settings import Settings
from tests.api import Api, serving
from tests.schema.documents import ADA, LINK, RECORD, UPDATE, USER
from tests.stores import STORES

IMPORT = """
mutation ($records: [RecordInput!]!, $dryRun: Boolean! = false) {
  recordsImport(records: $records, dryRun: $dryRun) {
    accepted
    rejected {
      index
      error {
        __typename message
        ... on InvalidInputError { path }
        ... on LimitExceededError { path limit }
        ... on IdentityTakenError { kind value userId }
      }
    }
  }
}
"""
MAIL = {"email": "ada@example.org"}


def setting(**properties: Any) -> dict[str, Any]:
    return {"properties": {"set": properties}}


@pytest.fixture(params=STORES)
async def api(request, clock):
    """The API on an empty store of each kind."""
    url = request.getfixturevalue(f"{request.param}_url")
    async with serving(Settings(database=url), clock) as api:
        yield api


async def taken_in(api: Api, *records: Any) -> None:
    assert await api(IMPORT, records=records) == {"accepted": len(records), "rejected": []}


async def one_refusal(api: Api, record: Any) -> Any:
    answer = await api(IMPORT, records=[record])
    (rejected,) = answer["rejected"]
    assert (answer["accepted"], rejected["index"]) == (0, 0)
    return rejected["error"]


async def test_an_unknown_identity_makes_a_person_with_all_that_the_record_says(api: Api):
    await taken_in(
        api,
        {
            "user": ADA,
            "identities": [MAIL, {"device": "phone"}],
            "changes": {"name": "Ada", **setting(plan="pro")},
            "events": [{"id": "e1", "name": "Charged"}, {"id": "e2", "name": "Viewed"}],
        },
    )

    user = await api(USER, by=MAIL)
    assert [identity["kind"] for identity in user["identities"]] == ["CUSTOM", "EMAIL", "DEVICE"]
    assert (user["name"], user["email"], user["properties"]) == (
        "Ada", "ada@example.org", {"plan": "pro"},
    )  # fmt: skip
    assert {total["name"]: total["count"] for total in user["activity"]} == {
        "Charged": 1, "Viewed": 1,
    }  # fmt: skip
    assert (user["type"], user["version"]) == ("CUSTOMER", 1)


async def test_a_device_makes_an_anonymous_person(api: Api):
    await taken_in(api, {"user": {"device": "phone"}, "changes": setting(a=1)})

    user = await api(USER, by={"device": "phone"})
    assert (user["type"], user["properties"]) == ("ANONYMOUS", {"a": 1})


async def test_records_of_one_person_apply_in_order_whatever_name_they_use(api: Api):
    await taken_in(
        api,
        {"user": ADA, "identities": [MAIL], "changes": setting(step="first")},
        {"user": {"custom": "eve"}, "changes": setting(step="other")},
        {"user": MAIL, "changes": {"properties": {"set": {"step": "last"}, "increment": {"n": 2}}}},
        {"user": ADA, "changes": {"properties": {"increment": {"n": 3}}}},
    )

    user = await api(USER, by=ADA)
    assert (user["properties"], user["version"]) == ({"n": 5, "step": "last"}, 3)


async def test_a_bad_record_is_rejected_whole_and_the_others_are_stored(api: Api):
    await taken_in(api, {"user": {"custom": "eve"}, "identities": [MAIL]})
    eve = await api(USER, by=MAIL)

    answer = await api(
        IMPORT,
        records=[
            {"user": ADA, "changes": setting(a=1)},
            {"user": ADA, "changes": {"properties": {"set": {"b": 1}, "increment": {"c": "x"}}}},
            {"user": {"id": "01KG9C2D00"}, "changes": setting(a=1)},
            {"user": {"custom": "bob"}, "identities": [{"custom": "bo"}, MAIL]},
            {"user": {"email": "nobody"}},
            {"user": ADA, "events": [{"name": "Viewed"}, {"name": " "}]},
            {"user": ADA, "changes": setting(z=1)},
        ],
    )

    assert answer["accepted"] == 2
    assert [(one["index"], one["error"]["__typename"]) for one in answer["rejected"]] == [
        (1, "InvalidInputError"),
        (2, "UserNotFoundError"),
        (3, "IdentityTakenError"),
        (4, "InvalidInputError"),
        (5, "InvalidInputError"),
    ]
    paths = [one["error"].get("path") for one in answer["rejected"]]
    assert paths[0] == ["records", "1", "changes", "properties", "increment", "c"]
    assert paths[3] == ["records", "4", "user", "email"]
    assert paths[4] == ["records", "5", "events", "1", "name"]
    taken = answer["rejected"][2]["error"]
    assert (taken["kind"], taken["value"], taken["userId"]) == (
        "EMAIL", "ada@example.org", eve["id"],
    )  # fmt: skip
    ada = await api(USER, by=ADA)
    assert (ada["properties"], ada["version"]) == ({"a": 1, "z": 1}, 2)
    assert await api(USER, by={"custom": "bob"}) is None
    assert await api(USER, by={"custom": "bo"}) is None


async def test_what_a_value_meets_in_the_person_is_judged_in_order(api: Api):
    answer = await api(
        IMPORT,
        records=[
            {"user": ADA, "changes": setting(city="Bern")},
            {"user": ADA, "changes": {"properties": {"increment": {"city": 1}}}},
            {"user": ADA, "changes": setting(city=1)},
            {"user": ADA, "changes": {"properties": {"increment": {"city": 1}}}},
        ],
    )

    assert [one["index"] for one in answer["rejected"]] == [1]
    assert (await api(USER, by=ADA))["properties"] == {"city": 2}


async def test_a_record_with_an_id_is_harmless_to_repeat(api: Api):
    record = {
        "id": "r1",
        "user": ADA,
        "changes": {"properties": {"increment": {"n": 1}}},
        "events": [{"name": "Viewed"}],
    }
    await taken_in(api, record, record)
    before = await api(USER, by=ADA)

    await taken_in(api, record)

    assert await api(USER, by=ADA) == before
    assert (before["properties"], before["activity"][0]["count"]) == ({"n": 1}, 1)


async def test_the_ids_of_records_and_idempotency_keys_are_apart(api: Api):
    increment = {"properties": {"increment": {"n": 1}}}
    await taken_in(api, {"id": "k", "user": ADA, "changes": increment})

    user = await api(UPDATE, user=ADA, changes=increment, idempotencyKey="k")
    assert user["user"]["properties"] == {"n": 2}


async def test_the_last_64_records_of_a_person_are_remembered(api: Api):
    records = [
        {"id": f"r{n}", "user": ADA, "changes": {"properties": {"increment": {"n": 1}}}}
        for n in range(65)
    ]
    await taken_in(api, *records)

    await taken_in(api, *reversed(records))

    assert (await api(USER, by=ADA))["properties"] == {"n": 66}


async def test_events_with_ids_are_recorded_once_however_late(api: Api):
    events = [{"id": f"e{n}", "name": "Viewed"} for n in range(150)]
    await taken_in(api, {"user": ADA, "events": events})

    await taken_in(
        api,
        {"user": ADA, "events": events},
        {"user": ADA, "events": [*events, {"id": "x", "name": "viewed"}]},
    )

    (total,) = (await api(USER, by=ADA))["activity"]
    assert (total["name"], total["count"]) == ("Viewed", 151)


# ---------------------------------------------------------------- dry runs


async def everything(api: Api) -> Any:
    return await api.raw(
        "{ users(first: 100) { nodes { id version properties identities { value } } } "
        "catalog { properties { name } events { name } } }"
    )


async def test_a_dry_run_says_what_the_real_one_rejects_and_stores_nothing(clock, store_url):
    limits = {"property_names": 4, "event_names": 2, "identities": 3, "devices": 2}
    settings = Settings(database=store_url, limits=limits)
    async with serving(settings, clock) as api:
        await taken_in(
            api, {"user": {"custom": "eve"}, "identities": [MAIL], "changes": setting(a=1)}
        )
        before = await everything(api)
        records = [
            {"user": ADA, "identities": [{"custom": "countess"}], "changes": setting(b=1)},
            {"user": {"custom": "countess"}, "identities": [MAIL], "changes": setting(lost=1)},
            {"user": {"custom": "countess"}, "changes": setting(c=1)},
            {"user": {"custom": "bob"}, "identities": [{"custom": "countess"}]},
            {"user": {"custom": "bob"}, "changes": setting(d=1)},
            {"user": {"custom": "bob"}, "changes": setting(e=1)},
            {"user": ADA, "changes": setting(e=1)},
            {"user": ADA, "identities": [{"custom": "x"}, {"custom": "y"}]},
            {"user": ADA, "identities": [{"custom": "x"}]},
            {"user": {"custom": "x"}, "events": [{"id": "1", "name": "One"}]},
            {"user": {"custom": "bob"}, "events": [{"name": "two"}, {"name": "Three"}]},
            {"user": {"custom": "bob"}, "events": [{"name": "two"}, {"name": "ONE"}]},
            {"user": ADA, "events": [{"id": "1", "name": "Three"}]},
            {"user": ADA, "events": [{"name": "Three"}]},
            {"user": {"device": "phone"}, "identities": [{"device": "tv"}]},
            {"user": {"custom": "bob"}, "identities": [{"device": "tv"}]},
            {"user": {"device": "tv"}, "identities": [{"device": "watch"}, {"device": "car"}]},
            {"user": {"custom": "bob"}, "identities": [{"device": "phone"}]},
        ]  # fmt: skip

        expected = await api(IMPORT, records=records, dryRun=True)
        assert await everything(api) == before
        done = await api(IMPORT, records=records)

        assert [one["index"] for one in done["rejected"]] == [1, 3, 5, 6, 7, 10, 13, 15]
        assert _without_ids(done) == _without_ids(expected)
        bob, ada = await api(USER, by={"custom": "bob"}), await api(USER, by=ADA)
        assert [total["name"] for total in bob["activity"]] == ["One", "two"]
        assert [total["name"] for total in ada["activity"]] == ["One"]
        assert (await api(USER, by={"device": "phone"}))["id"] == bob["id"]


def _without_ids(answer: Any) -> Any:
    """Return an answer without the ids of people, which are made anew each time."""
    for one in answer["rejected"]:
        one["error"].pop("userId", None)
    return answer


# ---------------------------------------------------------------- the call as a whole


async def test_a_call_without_records_is_refused(api: Api):
    (error,) = (await api.raw(IMPORT, records=[]))["errors"]

    assert error["extensions"] == {"code": "INVALID_INPUT", "path": ["records"]}


async def test_a_call_with_too_many_records_is_refused_whole(api: Api):
    (error,) = (await api.raw(IMPORT, records=[{"user": ADA}] * 1001))["errors"]

    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "path": ["records"], "limit": 1000}
    assert await api(USER, by=ADA) is None


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"id": "", "user": ADA}, ["id"]),
        ({"id": "x" * 129, "user": ADA}, ["id"]),
        ({"user": ADA, "identities": []}, ["identities"]),
        ({"user": ADA, "events": []}, ["events"]),
        ({"user": ADA, "identities": [MAIL, {"custom": "null"}]}, ["identities", "1", "custom"]),
        ({"user": ADA, "changes": {"birthday": "2999-01-01"}}, ["changes", "birthday"]),
        ({"user": ADA, "changes": {"properties": None}}, ["changes", "properties"]),
    ],
)
async def test_a_refusal_names_the_fault(api: Api, record, path):
    error = await one_refusal(api, record)

    assert error["path"] == ["records", "0", *path]
    assert await api(USER, by=ADA) is None


async def test_an_identity_that_is_free_again_can_be_brought(api: Api):
    await taken_in(api, {"user": ADA}, {"user": {"custom": "eve"}})
    await api(LINK, user=ADA, identity=MAIL)

    assert (await one_refusal(api, {"user": {"custom": "eve"}, "identities": [MAIL]}))[
        "__typename"
    ] == "IdentityTakenError"
    assert (await api(RECORD, user=ADA, events=[{"name": "Viewed"}]))["recorded"] == 1
