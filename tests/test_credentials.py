"""Credentials over HTTP: where they come, and what is answered to those that are not taken."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from httpx import Response

from app.domain.errors import Unavailable
from app.domain.keys import KeyRole
from app.settings import Settings
from app.store import open_store
from app.store.sqlite import SqliteStore
from tests.api import Api, Clock, serving
from tests.builders import LIMITS, NOON
from tests.credentials import INGEST, SERVICE, keyed, stored_key, token
from tests.schema.documents import COUNT

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
STREAM: Final = "text/event-stream"
VIEWER: Final = "{ viewer { id } }"
SCHEMA: Final = "{ __schema { queryType { name } } }"


@pytest.fixture
async def keyed_api(sqlite_url: str, clock: Clock) -> AsyncIterator[Api]:
    async with serving(keyed(sqlite_url), clock) as api:
        yield api


async def post(api: Api, query: str, *sent: str, accept: str = JSON) -> Response:
    headers = [("accept", accept), *(("authorization", value) for value in sent)]
    return await api.http.post("/graphql", json={"query": query}, headers=headers)


def codes(answer: Response) -> set[str]:
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


# ---------------------------------------------------------------- taken


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_comes_as_a_bearer_credential(keyed_api: Api, scheme: str):
    answer = await post(keyed_api, COUNT, f"{scheme} {SERVICE}")

    assert answer.json() == {"data": {"userCount": 0}}


async def test_a_key_comes_with_a_get_as_well(keyed_api: Api):
    answer = await keyed_api.http.get(
        "/graphql", params={"query": COUNT}, headers={"authorization": f"Bearer {SERVICE}"}
    )

    assert answer.json() == {"data": {"userCount": 0}}


@pytest.mark.parametrize("role", list(KeyRole))
async def test_a_stored_key_is_taken_at_once_and_until_it_is_revoked(
    store_url: str, clock: Clock, role: KeyRole
):
    async with serving(keyed(store_url), clock) as api, open_store(store_url, LIMITS) as store:
        key, id = await stored_key(store_url, role)
        before = await post(api, SCHEMA, f"Bearer {key}")
        await store.revoke_key(id, NOON)
        await until_refused(api, f"Bearer {key}")

    assert "errors" not in before.json()


async def until_refused(api: Api, *sent: str) -> None:
    """Return once nothing is answered any more."""
    async with asyncio.timeout(2.5):
        while "errors" not in (await post(api, SCHEMA, *sent)).json():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


# ---------------------------------------------------------------- not taken

MALFORMED: Final = [
    ("",),
    ("Bearer",),
    (SERVICE,),
    (f"Basic {SERVICE}",),
    (f"Bearer {SERVICE} x",),
    (f"Bearer {SERVICE}", f"Bearer {SERVICE}"),
    ("Bearer unknown",),
    (f"Bearer {SERVICE}x",),
    ("Bearer a.b.c",),
    (f"Bearer {token('ada')}x",),
]


@pytest.mark.parametrize("sent", MALFORMED)
@pytest.mark.parametrize("query", [COUNT, VIEWER, "{", "{ nope }"])
async def test_a_credential_that_is_not_taken_opens_nothing_not_even_what_is_open_to_all(
    keyed_api: Api, sent: Any, query: str
):
    answers = [await post(keyed_api, query, *sent, accept=kind) for kind in (JSON, GRAPHQL_JSON)]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert [answer.headers["content-type"] for answer in answers] == [JSON, GRAPHQL_JSON]
    assert [codes(answer) for answer in answers] == [{"UNAUTHENTICATED"}] * 2
    assert answers[1].headers["www-authenticate"] == "Bearer"
    assert not any(SERVICE in answer.text for answer in answers)


async def test_a_stream_is_refused_by_its_status(keyed_api: Api):
    answer = await post(keyed_api, COUNT, "Bearer unknown", accept=STREAM)

    assert (answer.status_code, codes(answer)) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize(
    "query",
    [
        COUNT,
        SCHEMA,
        "{ __typename }",
        "{ viewer { id } userCount }",
        '{ __type(name: "User") { name } }',
        "{ usr { id } }",
        "{ viewer { nam } }",
        "mutation { segmentDelete(id: 1) { __typename } }",
    ],
)
async def test_without_a_credential_nothing_is_told_not_even_of_the_schema(
    keyed_api: Api, query: str
):
    answers = [await post(keyed_api, query, accept=kind) for kind in (JSON, GRAPHQL_JSON)]

    assert [answer.status_code for answer in answers] == [200, 401]
    error = {"message": "A key or a token is needed.", "extensions": {"code": "UNAUTHENTICATED"}}
    assert [answer.json() for answer in answers] == [{"errors": [error]}] * 2


async def test_without_a_credential_the_viewer_is_null(keyed_api: Api):
    assert (await post(keyed_api, VIEWER)).json() == {"data": {"viewer": None}}


async def test_what_a_key_may_not_ask_is_403_where_the_status_tells(keyed_api: Api):
    answers = [
        await post(keyed_api, COUNT, f"Bearer {INGEST}", accept=kind)
        for kind in (JSON, GRAPHQL_JSON)
    ]

    assert [answer.status_code for answer in answers] == [200, 403]
    assert [codes(answer) for answer in answers] == [{"FORBIDDEN"}] * 2
    assert [error["message"] for error in answers[0].json()["errors"]] == [
        "An ingest key may not ask for Query.userCount."
    ]


async def test_with_a_key_the_schema_is_told(keyed_api: Api):
    for credential in (INGEST, token(), SERVICE):
        answer = await post(keyed_api, SCHEMA, f"Bearer {credential}")
        assert answer.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


async def test_health_and_the_page_are_open(keyed_api: Api):
    health = await keyed_api.http.get("/health")
    page = await keyed_api.http.get("/graphql", headers={"accept": "text/html"})

    assert (health.status_code, page.status_code) == (200, 200)


async def test_if_the_keys_cannot_be_read_nobody_is_taken_for_somebody(
    sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    async with serving(Settings(database=sqlite_url), clock) as api:

        async def keys(_store: object) -> None:
            raise Unavailable("The database does not answer.")

        monkeypatch.setattr(SqliteStore, "keys", keys)
        answer = await post(api, COUNT, "Bearer unknown")

    assert (answer.status_code, codes(answer)) == (503, {"TIMEOUT"})


# ---------------------------------------------------------------- no keys


async def test_without_any_key_whoever_is_on_this_machine_may_do_all(api: Api):
    assert (await post(api, COUNT)).json() == {"data": {"userCount": 0}}
    assert "errors" not in (await post(api, SCHEMA)).json()


async def test_a_credential_that_nobody_gave_out_is_refused_there_as_well(api: Api):
    assert codes(await post(api, COUNT, "Bearer unknown")) == {"UNAUTHENTICATED"}


async def test_the_first_key_closes_the_doors_and_its_revocation_does_not_open_them(
    api: Api, sqlite_url: str
):
    _, id = await stored_key(sqlite_url, KeyRole.SERVICE)
    await until_refused(api)
    async with open_store(sqlite_url, LIMITS) as store:
        await store.revoke_key(id, NOON)
    await asyncio.sleep(1.2)  # as long as it takes to be noticed

    assert codes(await post(api, COUNT)) == {"UNAUTHENTICATED"}


async def test_an_address_that_others_reach_is_not_open_even_if_nobody_made_a_key(
    sqlite_url: str, clock: Clock
):
    async with serving(Settings(database=sqlite_url, host="0.0.0.0"), clock) as api:
        assert codes(await post(api, COUNT)) == {"UNAUTHENTICATED"}
