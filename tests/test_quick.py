"""What is known and asked plainly is answered before all else; and all else holds there, too."""

import asyncio
import gzip
import json

import pytest

from app.http import GraphQLEndpoint
from app.limits import RequestLimits
from app.plans import Plan
from app.settings import Settings
from tests.api import serving
from tests.schema.documents import ADA, known

READ = "query($by: UserBy!) { user(by: $by) { name } }"
LIST = "query($first: Int!) { users(first: $first) { nodes { name properties } } }"
BODY = {"query": READ, "variables": {"by": ADA}}
SERVICE = "service-key-of-some-forty-characters-in-all"
INGEST = "ingest-key-of-some-forty-characters-in-all"


@pytest.fixture
def served(sqlite_url, clock):
    """How to serve, plans switched on, with settings of one's own."""
    return lambda **settings: serving(Settings(database=sqlite_url, plans=True, **settings), clock)


@pytest.fixture
def went_all_the_way(monkeypatch):
    """Whether each request that came since went all the way."""
    gone = []
    run = GraphQLEndpoint.run

    async def noted(self, *arguments, **more):
        gone.append(True)
        return await run(self, *arguments, **more)

    monkeypatch.setattr(GraphQLEndpoint, "run", noted)
    return gone


async def asked_before(api, **more):
    """Let there be somebody, and the question be known."""
    await known(api, name="Ada", **more)
    await api(READ, by=ADA)


async def post(api, body=BODY, **headers):
    return await api.http.post("/graphql", json=body, headers={**api.headers, **headers})


async def test_the_first_time_goes_all_the_way_and_later_ones_are_quick(served, went_all_the_way):
    async with served() as api:
        await asked_before(api)
        went_all_the_way.clear()

        answers = [await post(api) for _ in range(3)]

    assert [answer.json() for answer in answers] == 3 * [{"data": {"user": {"name": "Ada"}}}]
    assert went_all_the_way == []


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "application/json"},
        {"accept": "application/graphql-response+json"},
        {"accept": "text/event-stream, application/json;q=0.5"},
        {"accept-encoding": "identity"},
        {"accept-encoding": "gzip, br"},
        {"content-type": "application/json; charset=utf-8"},
        {"origin": "http://localhost", "sec-fetch-site": "same-origin"},
        {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"},
        {"host": "elsewhere.example"},
        {"host": ""},
        {"authorization": "Bearer nobody"},
    ],
    ids=str,
)
async def test_both_ways_answer_alike(served, sqlite_url, clock, headers):
    asked = {"query": LIST, "variables": {"first": 50}}
    async with served() as api:
        for name in ("ada", "eva", "zoe"):
            await known(
                api,
                {"custom": name},
                name=name,
                properties={"set": {"x": name * 100, "y": name * 150}},
            )
        await api(LIST, first=50)
        quick = await post(api, asked, **headers)
    async with serving(Settings(database=sqlite_url, plans=False), clock) as api:
        whole = await post(api, asked, **headers)

    assert quick.status_code == whole.status_code
    assert quick.content == whole.content
    assert quick.headers == whole.headers


async def test_a_long_answer_is_compressed_for_whoever_takes_it(served, went_all_the_way):
    async with served() as api:
        await known(api, name="Ada", properties={"set": {f"x{i}": "y" * 500 for i in range(5)}})
        await api(LIST, first=1)
        went_all_the_way.clear()
        request = api.http.stream(
            "POST", "/graphql", json={"query": LIST, "variables": {"first": 1}},
            headers={"accept-encoding": "gzip"},
        )  # fmt: skip
        async with request as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < 1_000 < len(gzip.decompress(raw))
    assert went_all_the_way == []


RECORD = """
mutation($user: UserBy!, $events: [EventInput!]!) {
  userRecordEvents(user: $user, events: $events) {
    ... on UserRecordEventsPayload { recorded user { id } }
    ... on Error { message }
  }
}
"""


def deed(**user):
    return {"query": RECORD, "variables": {"user": user, "events": [{"name": "Pinged"}]}}


async def test_what_devices_do_is_recorded_quickly(served, went_all_the_way):
    async with served(service_key=SERVICE, ingest_key=INGEST) as doors:
        api = doors.by(INGEST)
        await post(api, deed(device="d"))
        went_all_the_way.clear()

        recorded = (await post(api, deed(device="d"))).json()["data"]["userRecordEvents"]
        assert recorded["recorded"] == 1
        assert went_all_the_way == []

        (error,) = (await post(api, deed(email="ada@example.org"))).json()["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"


async def test_only_whoever_may_read_is_told_quickly(served, went_all_the_way):
    async with served(service_key=SERVICE, ingest_key=INGEST) as doors:
        api = doors.by(SERVICE)
        await asked_before(api)
        went_all_the_way.clear()
        assert (await post(api)).json() == {"data": {"user": {"name": "Ada"}}}
        assert went_all_the_way == []

        codes = [
            (await post(doors.by(key))).json()["errors"][0]["extensions"]["code"]
            for key in (INGEST, None, "nobody")
        ]

    assert codes == ["FORBIDDEN", "UNAUTHENTICATED", "UNAUTHENTICATED"]


async def test_a_known_question_that_would_cost_too_much_now_is_refused(served):
    async with served(requests=RequestLimits(cost=20)) as api:
        assert "errors" not in await api.raw(LIST, first=2)

        (error,) = (await api.raw(LIST, first=50))["errors"]

    assert error["extensions"]["name"] == "cost"


async def test_a_quick_question_counts_against_the_rate_once(served):
    async with served(requests=RequestLimits(rate_per_s=0.001, rate_burst=5)) as api:
        statuses = [(await post(api)).status_code for _ in range(7)]

    assert statuses == [200] * 5 + [429] * 2


async def test_a_question_that_turns_out_to_be_none_of_a_plan_counts_once(served, monkeypatch):
    def gives_up(*_):
        return None

    async with served(requests=RequestLimits(rate_per_s=0.001, rate_burst=5)) as api:
        await post(api)
        monkeypatch.setattr(Plan, "begin", gives_up)
        statuses = [(await post(api)).status_code for _ in range(6)]

    assert statuses == [200] * 4 + [429] * 2


async def test_what_cannot_be_encoded_is_left_to_the_whole_way(served, monkeypatch):
    def unspeakable(*_):
        return {"user": object()}

    async with served() as api:
        await asked_before(api)
        with monkeypatch.context() as patched:
            patched.setattr(Plan, "begin", unspeakable)
            patched.setattr(GraphQLEndpoint, "encode_json", lambda *_: json.dumps(object()))
            (error,) = (await post(api)).json()["errors"]

        assert (error["message"], error["extensions"]["code"]) == ("Unexpected error.", "INTERNAL")
        assert (await post(api)).json() == {"data": {"user": {"name": "Ada"}}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        json.dumps({**BODY, "variables": []}).encode(),
        json.dumps({**BODY, "operationName": 7}).encode(),
        json.dumps({**BODY, "extensions": {"persistedQuery": 7}}).encode(),
        json.dumps({**BODY, "query": None}).encode(),
    ],
)
async def test_what_is_not_asked_plainly_is_refused_as_ever(served, sqlite_url, clock, body):
    headers = {"content-type": "application/json"}
    async with served() as api:
        await asked_before(api)
        quick = await api.http.post("/graphql", content=body, headers=headers)
    async with serving(Settings(database=sqlite_url, plans=False), clock) as api:
        whole = await api.http.post("/graphql", content=body, headers=headers)

    assert (quick.status_code, quick.content) == (whole.status_code, whole.content)


@pytest.mark.parametrize("pause_s", [0, 0.01, 0.7])
async def test_a_body_may_come_later_and_in_pieces(served, pause_s):
    async def pieces():
        await asyncio.sleep(pause_s)
        yield json.dumps(BODY).encode()[:20]
        yield json.dumps(BODY).encode()[20:]

    async with served() as api:
        await asked_before(api)
        answer = await api.http.post(
            "/graphql", content=pieces(), headers={"content-type": "application/json"}
        )

    assert answer.json() == {"data": {"user": {"name": "Ada"}}}


async def test_a_plan_that_gives_up_is_not_asked_again(served, monkeypatch):
    asked = []

    def gives_up(*_):
        asked.append(True)

    async with served() as api:
        await asked_before(api)
        monkeypatch.setattr(Plan, "begin", gives_up)
        answer = await post(api)

    assert answer.json() == {"data": {"user": {"name": "Ada"}}}
    assert asked == [True]
