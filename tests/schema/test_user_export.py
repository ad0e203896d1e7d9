"""Everything kept about one person, for whoever asks what is known about them."""

from typing import Any

from tests.api import Api
from tests.schema.documents import ADA, EVA, RECORD, UPDATE

EXPORT = "query ($by: UserBy!) { userExport(by: $by) }"


async def test_a_person_is_exported_whole(api: Api, ada: Any):
    await api(UPDATE, user=ADA, changes={}, idempotencyKey="k1")
    events = [{"id": f"n{n:03}", "name": "Viewed"} for n in range(150)]
    await api(RECORD, user=ADA, events=events)

    profile = await api(EXPORT, by={"email": "ada@example.org"})

    assert profile["id"] == ada["id"]
    assert (profile["name"], profile["gender"], profile["birthday"]) == (
        "Ada", "FEMALE", "1990-05-17",
    )  # fmt: skip
    assert profile["properties"] == {"plan": "pro", "points": 7, "tags": ["new", "vip"]}
    assert profile["location"]["city"] == "Zürich"
    assert profile["devices"][0]["push"] == {"service": "APNS", "token": "t1"}
    assert profile["channels"]["sms"]["subscribed"] is False
    assert [identity["kind"] for identity in profile["identities"]] == ["CUSTOM", "EMAIL", "DEVICE"]
    assert len({event["id"] for event in profile["events"]}) == len(profile["events"]) == 151
    assert profile["idempotencyKeys"] == ["k1"]
    assert {total["name"]: total["count"] for total in profile["activity"]} == {
        "Charged": 1, "Viewed": 150,
    }  # fmt: skip


async def test_nobody_is_null(api: Api):
    assert await api(EXPORT, by=EVA) is None
    assert await api(EXPORT, by={"email": "nobody"}) is None
