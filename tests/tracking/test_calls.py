"""Calls as a whole: addresses, write keys, bodies, batches, and the answers."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from app.auth import Caller, Role
from app.domain.errors import Busy, Unavailable
from app.domain.limits import Limits
from app.settings import Settings
from app.store.sqlite import SqliteStore
from app.tracking import endpoint
from tests.api import Api, serving
from tests.schema.documents import USER

ADA = {"custom": "ada"}
TRACK = {"type": "track", "userId": "ada", "event": "Bought"}
TAKEN = (200, {"success": True})


async def post(api: Api, path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.http.post(path, content=content, headers=named)


def shown(answer):
    return answer.status_code, answer.json()


async def events(api: Api, by=ADA):
    user = await api(USER, by=by)
    return sorted(event["name"] for event in user["events"]["nodes"]) if user else None


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "name",
    [
        "identify", "track", "page", "screen", "group", "alias",
        "i", "t", "p", "s", "g", "a",
    ],
)  # fmt: skip
async def test_a_message_goes_to_the_address_of_its_kind(api, name):
    body = {"userId": "ada", "event": "Bought", "groupId": "acme", "previousId": "old"}

    assert shown(await post(api, f"/v1/{name}", body)) == TAKEN
    assert await events(api) is not None


@pytest.mark.parametrize("name", ["batch", "b", "import"])
async def test_batches_have_addresses_too(api, name):
    assert shown(await post(api, f"/v1/{name}", {"batch": [TRACK]})) == TAKEN
    assert await events(api) == ["Bought"]


async def test_nothing_is_got_from_them(api):
    answer = await api.http.get("/v1/track")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# ---------------------------------------------------------------- batches


async def test_a_batch_is_taken_in_order(api):
    batch = [
        {"type": "track", "anonymousId": "b", "event": "Viewed", "messageId": "m1"},
        {"type": "identify", "anonymousId": "b", "userId": "ada", "traits": {"plan": "free"}},
        {"type": "identify", "userId": "ada", "traits": {"plan": "pro"}},
        TRACK,
    ]

    assert shown(await post(api, "/v1/batch", {"batch": batch})) == TAKEN

    ada = await api(USER, by=ADA)
    assert ada["properties"] == {"plan": "pro"}
    assert await events(api) == ["Bought", "Viewed"]


async def test_what_a_batch_says_of_all_its_messages_holds_where_they_do_not_say_it(api):
    batch = {
        "context": {"locale": "de", "timezone": "Europe/Zurich"},
        "batch": [TRACK | {"context": {"locale": "fr"}}],
    }

    await post(api, "/v1/batch", batch)

    ada = await api(USER, by=ADA)
    assert (ada["language"], ada["timezone"]) == ("fr", "Europe/Zurich")


async def test_the_good_messages_of_a_batch_are_taken_and_the_others_named(api):
    batch = [
        TRACK,
        {"type": "track", "userId": "ada"},
        {"type": "teleport", "userId": "ada"},
        "track",
        TRACK | {"properties": {"note": "x" * 513}},
        TRACK | {"event": "Viewed"},
    ]

    answer = await post(api, "/v1/batch", {"batch": batch})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["accepted"]) == (False, 2)
    assert [(error["index"], error["code"], error["path"]) for error in body["errors"]] == [
        (1, "INVALID_INPUT", ["event"]),
        (2, "INVALID_INPUT", ["type"]),
        (3, "INVALID_INPUT", []),
        (4, "LIMIT_EXCEEDED", ["properties", "note"]),
    ]
    assert await events(api) == ["Bought", "Viewed"]


async def test_one_event_too_many_leaves_those_beside_it_alone(sqlite_url, clock):
    limits = Limits(event_names=1)
    batch = [TRACK, TRACK | {"event": "Viewed"}, TRACK]
    async with serving(Settings(database=sqlite_url, limits=limits), clock) as api:
        answer = await post(api, "/v1/batch", {"batch": batch})

        (error,) = answer.json()["errors"]
        assert (error["index"], error["path"], error["limit"]) == (1, ["event"], 1)
        assert await events(api) == ["Bought", "Bought"]


async def test_a_batch_of_which_nothing_is_taken_is_no_success(api):
    answer = await post(api, "/v1/batch", {"batch": [{"type": "track", "userId": "ada"}]})

    assert answer.status_code == 400
    assert answer.json()["code"] == "INVALID_INPUT"
    assert answer.json()["message"] == "The event has no name."


async def test_an_empty_batch_is_taken(api):
    assert shown(await post(api, "/v1/batch", {"batch": []})) == TAKEN


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": {}}])
async def test_a_batch_is_a_list(api, body):
    assert (await post(api, "/v1/batch", body)).status_code == 400


async def test_one_message_of_a_batch_may_be_as_large_as_one_alone(api):
    large = TRACK | {"integrations": {"note": "x" * 33_000}}

    answer = await post(api, "/v1/batch", {"batch": [TRACK, large]})

    (error,) = answer.json()["errors"]
    assert (error["index"], error["code"], error["limit"]) == (1, "LIMIT_EXCEEDED", 32_768)


@pytest.mark.parametrize("levels", [100, 400])
async def test_what_nobody_reads_may_not_nest_without_end_either(api, levels):
    body = b'{"batch": [{"type": "track", "userId": "ada", "event": "E", "a": %s1%s}]}' % (
        b'{"a":' * levels,
        b"}" * levels,
    )

    assert (await post(api, "/v1/batch", body)).status_code == (200 if levels == 100 else 400)


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
async def test_a_body_is_json_whatever_it_is_called(api, content_type):
    assert shown(await post(api, "/v1/t", TRACK, content_type=content_type)) == TAKEN


async def test_a_body_may_be_compressed(api):
    packed = gzip.compress(json.dumps({"batch": [TRACK]}).encode())

    assert shown(await post(api, "/v1/batch", packed, content_encoding="gzip")) == TAKEN
    assert await events(api) == ["Bought"]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"", "identity", 400),
        (b"{", "identity", 400),
        (b"[]", "identity", 400),
        (b'{"userId": "\xff"}', "identity", 400),
        (b"{" * 3_000, "identity", 400),
        (b"{}", "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-9], "gzip", 400),
        (zlib.compress(b"{}"), "deflate", 415),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(api, body, encoding, status):
    answer = await post(api, "/v1/track", body, content_encoding=encoding)

    assert (answer.status_code, answer.json()["code"]) == (status, "INVALID_INPUT")


@pytest.mark.parametrize(("path", "limit"), [("/v1/track", 32_768), ("/v1/batch", 512_000)])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_body_that_is_too_large_names_the_limit(api, path, limit, encoding):
    body = json.dumps(TRACK | {"note": "x" * limit}).encode()
    packed = gzip.compress(body) if encoding == "gzip" else body

    answer = await post(api, path, packed, content_encoding=encoding)

    assert (answer.status_code, answer.json()["limit"]) == (413, limit)


# ---------------------------------------------------------------- write keys


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


@pytest.fixture
def keys(monkeypatch):
    """Which callers the write keys stand for, and the keys that were presented."""
    known = {
        "service": Caller(Role.SERVICE, "k1"),
        "collector": Caller(Role.INGEST, "k2", trusting=True),
        "public": Caller(Role.INGEST, "k3"),
        "person": Caller(Role.PERSON),
    }

    async def caller_by(_, write_key):
        return known.get(write_key, Caller(Role.NOBODY))

    monkeypatch.setattr(endpoint, "caller_by", caller_by)


@pytest.mark.parametrize("key", ["service", "collector"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_a_write_key_comes_in_the_head_or_in_the_body(api, keys, path, key):
    body = TRACK | {"batch": [TRACK]}

    for headers in ({"authorization": basic(key)}, {"authorization": f"bearer {key}"}):
        assert shown(await post(api, path, body, **headers)) == TAKEN
    assert shown(await post(api, path, body | {"writeKey": key})) == TAKEN


@pytest.mark.parametrize(
    ("headers", "key", "status", "code"),
    [
        ({}, None, 401, "UNAUTHENTICATED"),
        ({}, 7, 401, "UNAUTHENTICATED"),
        ({"authorization": "Basic ?"}, "collector", 401, "UNAUTHENTICATED"),
        ({"authorization": "Basic"}, "collector", 401, "UNAUTHENTICATED"),
        ({"authorization": basic("")}, None, 401, "UNAUTHENTICATED"),
        ({"authorization": "Bearer "}, None, 401, "UNAUTHENTICATED"),
        ({"authorization": basic("stranger")}, "collector", 401, "UNAUTHENTICATED"),
        ({}, "stranger", 401, "UNAUTHENTICATED"),
        ({}, "public", 403, "FORBIDDEN"),
        ({}, "person", 403, "FORBIDDEN"),
    ],
)
async def test_without_the_right_to_send_nothing_is_kept(api, keys, headers, key, status, code):
    for path in ("/v1/track", "/v1/batch"):
        body = TRACK | {"writeKey": key, "batch": [TRACK]}
        answer = await post(api, path, body, **headers)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ("www-authenticate" in answer.headers) is (status == 401)
    assert await api("{ userCount }") == 0


async def test_without_keys_any_write_key_will_do(api):
    assert shown(await post(api, "/v1/track", TRACK, authorization=basic("any"))) == TAKEN


# ---------------------------------------------------------------- faults of ours


@pytest.mark.parametrize(
    ("fault", "code"), [(Busy(), "BUSY"), (Unavailable("It does not answer."), "TIMEOUT")]
)
async def test_what_may_succeed_later_is_to_be_sent_again(api, monkeypatch, fault, code):
    create = SqliteStore.create

    async def failing(store, edit):
        if any(identity.value == "eva" for identity in edit.user.identities):
            raise fault
        return await create(store, edit)

    batch = [TRACK | {"messageId": "m1"}, TRACK | {"userId": "eva", "messageId": "m2"}]
    with monkeypatch.context() as failure:
        failure.setattr(SqliteStore, "create", failing)
        answer = await post(api, "/v1/batch", {"batch": batch})

    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert answer.headers["retry-after"] == "1"
    assert shown(await post(api, "/v1/batch", {"batch": batch})) == TAKEN
    assert await events(api) == await events(api, {"custom": "eva"}) == ["Bought"]


async def test_nothing_of_a_bug_is_told_or_logged(api, monkeypatch, caplog):
    async def failing(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(SqliteStore, "change", failing)

    answer = await post(api, "/v1/track", TRACK)

    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "secret" not in answer.text + caplog.text
    assert answer.json()["message"].removesuffix(".").split()[-1] in caplog.text
