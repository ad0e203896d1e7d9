"""How much and how often messages may come, and how many new names they may bring."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.domain.keys import KeyRole
from app.limits import RequestLimits
from app.operations.terms import Terms
from app.settings import Settings
from app.tracking.taking import Sent, take
from tests.api import serving
from tests.builders import LIMITS, NOON, TODAY
from tests.credentials import SERVICE, stored_key
from tests.schema.documents import USER

COUNT = "{ userCount }"
TRACK = {"type": "track", "userId": "ada", "event": "Bought"}
TAKEN = (200, {"success": True})
RECORD = """
mutation {
  userRecordEvents(user: {device: "b"}, events: [{name: "Viewed"}], createIfMissing: true) {
    __typename
  }
}
"""


@pytest.fixture
def served(sqlite_url, clock):
    """How to serve within limits of one's own."""

    @asynccontextmanager
    async def serve(database=sqlite_url, **limits):
        requests = RequestLimits(**limits)
        async with serving(Settings(database=database, requests=requests), clock) as api:
            yield api

    return serve


async def send(api, name="track", key=None, **body):
    body = {**TRACK, **body} | ({"writeKey": key} if key else {})
    return await api.http.post(f"/v1/{name}", json=body)


def shown(answer):
    return answer.status_code, answer.json()


def fault(answer):
    """Return what a call was refused for, its wording aside."""
    body = answer.json()
    assert body.pop("message").endswith(".")
    assert body.pop("success") is False
    return body


# ---------------------------------------------------------------- new names


@pytest.fixture
async def collector(store_url):
    key, _ = await stored_key(store_url, KeyRole.INGEST, trusting=True)
    return key


TOO_MANY = {"code": "LIMIT_EXCEEDED", "limit": 2}


async def test_names_that_an_ingest_key_coins_are_counted(served, store_url, collector):
    async with served(store_url, names_per_hour=2) as api:
        known = {"key": collector, "properties": {"total": 1}}
        assert shown(await send(api, **known)) == TAKEN

        answers = [
            await send(api, key=collector, properties={"page": "a"}),
            await send(api, key=collector, event="Viewed"),
            await send(api, "identify", key=collector, traits={"plan": "pro"}),
            await send(
                api, "identify", key=collector, userId=None, anonymousId="b", traits={"a": 1}
            ),
            await send(api, "group", key=collector, groupId="acme"),
        ]

        assert shown(await send(api, **known)) == TAKEN
    assert [answer.status_code for answer in answers] == [400] * 5
    faults = [answer.json()["errors"][0] for answer in answers]
    assert all(TOO_MANY.items() <= fault.items() for fault in faults)
    assert [fault["path"] for fault in faults] == [
        ["properties", "page"], ["event"], ["traits", "plan"], ["traits", "a"], ["groupId"],
    ]  # fmt: skip


async def test_in_a_batch_the_message_that_coins_too_many_is_named(served, store_url, collector):
    batch = [TRACK, TRACK | {"event": "Viewed"}, TRACK | {"event": "Left"}, TRACK]
    async with served(store_url, names_per_hour=2) as api:
        answer = await send(api, "batch", key=collector, batch=batch)

        (refused,) = answer.json()["errors"]
        assert (answer.status_code, answer.json()["accepted"]) == (200, 3)
        assert (refused["index"], refused["path"], refused["limit"]) == (2, ["event"], 2)


async def test_names_are_one_count_with_those_over_graphql(served, store_url, collector):
    async with served(store_url, names_per_hour=1) as api:
        await api.by(collector)(RECORD)

        answer = await send(api, key=collector)

    assert (answer.status_code, answer.json()["limit"]) == (400, 1)


async def test_names_of_a_service_key_are_not_counted(sqlite_url, clock):
    requests = RequestLimits(names_per_hour=0)
    settings = Settings(database=sqlite_url, service_key=SERVICE, requests=requests)
    async with serving(settings, clock) as api:
        assert shown(await send(api, key=SERVICE)) == TAKEN


# ---------------------------------------------------------------- rates


WAIT = {"code": "LIMIT_EXCEEDED", "name": "rate_per_s", "limit": 0.5}


@pytest.mark.parametrize("name", ["track", "batch"])
async def test_who_sends_too_often_has_to_wait(served, name):
    async with served(rate_per_s=0.5, rate_burst=3) as api:
        answers = [await send(api, name, batch=[TRACK]) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert fault(answers[3]) == WAIT
    assert answers[3].headers["retry-after"] == "2"


async def test_an_address_has_one_allowance_for_messages_and_graphql(served):
    async with served(rate_per_s=0.5, rate_burst=2) as api:
        await send(api)
        await api(COUNT)

        answers = [await send(api), await api.http.post("/graphql", json={"query": COUNT})]

    assert [answer.status_code for answer in answers] == [429, 429]


async def test_a_key_has_one_allowance_wherever_it_comes_from(served, sqlite_url, monkeypatch):
    key, _ = await stored_key(sqlite_url, KeyRole.SERVICE)
    async with served(rate_per_s=0.5, rate_burst=2) as api:
        await send(api, key=key)
        await api.by(key)(COUNT)
        monkeypatch.setattr(api.http._transport, "client", ("192.0.2.1", 1))

        limited = await send(api, key=key)
        other = await send(api, key="stranger")

    assert (limited.status_code, fault(limited)) == (429, WAIT)
    assert limited.headers["retry-after"] == "2"
    assert other.status_code == 401


async def test_nothing_is_read_of_what_comes_too_often(served):
    read = []

    async def body():
        read.append(1)
        yield b"{}"

    async with served(rate_per_s=0.5, rate_burst=1) as api:
        await send(api)
        answer = await api.http.post("/v1/track", content=body())

    assert (answer.status_code, read) == (429, [])


# ---------------------------------------------------------------- slow bodies


@pytest.mark.parametrize("name", ["track", "batch"])
async def test_a_body_that_does_not_come_is_408(served, name):
    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    async with served(body_s=0.1) as api:
        answer = await api.http.post(f"/v1/{name}", content=slow())

    assert answer.status_code == 408
    assert fault(answer) == {"code": "LIMIT_EXCEEDED", "name": "body_s", "limit": 0.1}


# ---------------------------------------------------------------- many messages


@pytest.mark.parametrize("count", [2_501, 160_000])
async def test_a_batch_of_too_many_messages_is_refused_whole(api, count):
    answer = await send(api, "batch", batch=[{}] * (count - 1) + [TRACK])

    assert answer.status_code == 400
    assert fault(answer) == {
        "code": "LIMIT_EXCEEDED", "name": "tracking_batch_messages", "limit": 2_500,
    }  # fmt: skip
    assert await api(COUNT) == 0


async def test_as_many_messages_as_may_be_are_taken(api):
    assert shown(await send(api, "batch", batch=[TRACK] * 2_500)) == TAKEN

    assert (await api(USER, by={"custom": "ada"}))["version"] < 2_500


@pytest.mark.parametrize("good", [0, 1])
async def test_of_many_refusals_the_first_are_shown_and_all_counted(api, good):
    answer = await send(api, "batch", batch=[{}] * (2_500 - good) + [TRACK] * good)

    body = answer.json()
    assert answer.status_code == (200 if good else 400)
    assert (body["success"], body["accepted"], body["refused"]) == (False, good, 2_500 - good)
    assert [error["index"] for error in body["errors"]] == list(range(100))


async def test_what_a_batch_says_of_all_its_messages_weighs_as_often_as_it_is_read(api):
    context = {"traits": {"plan": "x" * 500}}

    few = await send(api, "batch", batch=[TRACK] * 10, context=context)
    many = await send(api, "batch", batch=[{}] * 2_500, context=context)

    assert shown(few) == TAKEN
    assert many.status_code == 400
    assert fault(many) == {
        "code": "LIMIT_EXCEEDED", "name": "tracking_contexts_bytes", "limit": 1_048_576,
    }  # fmt: skip


async def test_others_have_their_turn_while_a_batch_is_read():
    turns = []

    async def others():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    unneeded: Any = None
    beside = asyncio.create_task(others())
    refusals = await take(unneeded, [Sent({}, {})] * 2_500, Terms(NOON, LIMITS), TODAY)
    beside.cancel()

    assert len(refusals) == 2_500
    assert len(turns) >= 2_500 / 50
