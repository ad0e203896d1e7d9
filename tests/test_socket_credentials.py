"""Credentials over WebSocket and Server-Sent Events: how they come, and that they end."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets import InvalidStatus

from app.domain.keys import KeyRole
from app.schema.pages import encode
from app.store import open_store
from tests.builders import LIMITS, NOON
from tests.credentials import INGEST, SECRET, SERVICE, stored_key, token
from tests.schema.websocket import Socket, initialised, opened
from tests.server_process import server_process

COUNT: Final = "{ userCount }"
WATCH: Final = """
subscription($by: UserBy!) { userChanged(by: $by) { kind user { name } } }
"""
LOG_IN: Final = """
mutation { userIdentify(identities: [{custom: "ada"}]) { __typename } }
"""
ADA: Final = {"custom": "ada"}
ENDED: Final = {
    "message": "The key was revoked, or the token has expired.",
    "extensions": {"code": "UNAUTHENTICATED"},
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('sockets')}/people.db"


@pytest.fixture(scope="module")
def url(database: str) -> Iterator[str]:
    """A server with a key of each role, where Ada is known."""
    keys = {
        "PROFILEGRAPH_SERVICE_KEY": SERVICE,
        "PROFILEGRAPH_INGEST_KEY": INGEST,
        "PROFILEGRAPH_JWT_SECRET": SECRET,
    }
    with server_process(database, **keys) as server:
        headers = {"authorization": f"Bearer {own_token()}"}
        httpx.post(f"{server.url}/graphql", json={"query": LOG_IN}, headers=headers)
        yield server.url


def own_token(sub: str = "ada", holds_for: timedelta = timedelta(hours=1)) -> str:
    now = datetime.now(UTC)
    return token(sub, now=now, exp=(now + holds_for).timestamp())


async def refused(socket: Socket) -> Any:
    """Return the code of the error that answers an operation."""
    answer = await socket.receive()
    assert answer["type"] == "error", answer
    (fault,) = answer["payload"]
    return fault["extensions"]["code"]


# ---------------------------------------------------------------- how they come


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_a_credential_comes_with_the_initialisation(url: str, name: str):
    async with opened(url) as socket:
        payload = {name: f"Bearer {SERVICE}"}
        await socket.send({"type": "connection_init", "payload": payload})
        acknowledged = await socket.receive()
        await socket.subscribe(COUNT)

        assert acknowledged == {"type": "connection_ack"}
        assert await socket.told() == 1


async def test_a_program_may_send_it_with_the_handshake(url: str):
    headers = {"authorization": f"Bearer {SERVICE}"}
    async with opened(url, additional_headers=headers) as socket:
        await socket.send({"type": "connection_init"})
        await socket.receive()
        await socket.subscribe(COUNT)

        assert await socket.told() == 1


async def test_that_of_the_initialisation_counts_before_that_of_the_handshake(url: str):
    headers = {"authorization": f"Bearer {SERVICE}"}
    async with opened(url, additional_headers=headers) as socket:
        payload = {"authorization": f"Bearer {INGEST}"}
        await socket.send({"type": "connection_init", "payload": payload})
        await socket.receive()
        await socket.subscribe(COUNT)

        assert await refused(socket) == "FORBIDDEN"


@pytest.mark.parametrize(
    "credential",
    ["Bearer unknown", SERVICE, "", "Basic eA==", 7, ["Bearer x"], {"a": 1}, "Bearer a.b.c"],
)
async def test_a_credential_that_is_not_taken_closes_the_socket(url: str, credential: Any):
    async with opened(url) as socket:
        payload = {"authorization": credential}
        await socket.send({"type": "connection_init", "payload": payload})

        assert await socket.close_code() == 4403


async def test_so_does_one_of_the_handshake(url: str):
    async with opened(url, additional_headers={"authorization": "Bearer unknown"}) as socket:
        await socket.send({"type": "connection_init"})

        assert await socket.close_code() == 4403


async def test_without_one_the_socket_opens_and_tells_nothing(url: str):
    async with initialised(url) as socket:
        for document in (COUNT, "{ __typename }", WATCH):
            await socket.subscribe(document, by=ADA)
            assert await refused(socket) == "UNAUTHENTICATED"
        await socket.subscribe("{ viewer { id } }")
        assert await socket.told() is None


async def test_a_handshake_by_a_strange_name_is_refused(tmp_path_factory: Any):
    database = f"sqlite:///{tmp_path_factory.mktemp('open')}/people.db"
    with server_process(database) as server:
        for host in ("evil.example.org", "localhost.evil.example.org:80"):
            with pytest.raises(InvalidStatus) as refusal:
                async with opened(server.url, additional_headers={"Host": host}):
                    pass
            assert refusal.value.response.status_code == 403
        async with initialised(server.url) as socket:
            await socket.subscribe(COUNT)
            assert await socket.told() == 0


# ---------------------------------------------------------------- whom they let watch


async def test_a_person_watches_oneself_and_nobody_else(url: str):
    async with initialised(url, own_token()) as socket:
        await socket.subscribe(WATCH, by=ADA)
        own = await socket.told()
        others = []
        for number, by in enumerate(({"custom": "bob"}, {"email": "bob@example.org"})):
            await socket.subscribe(WATCH, id=f"other{number}", by=by)
            message = await socket.receive()
            others.append(message["payload"])
            await socket.receive()

    assert own["kind"] == "CURRENT"
    codes = [payload["errors"][0]["extensions"]["code"] for payload in others]
    assert codes == ["FORBIDDEN", "FORBIDDEN"]


async def test_an_ingest_key_watches_nobody(url: str):
    async with initialised(url, INGEST) as socket:
        await socket.subscribe(WATCH, by={"device": "d1"})

        assert await refused(socket) == "FORBIDDEN"


# ---------------------------------------------------------------- that they end


async def test_a_subscription_ends_when_the_token_does(url: str):
    async with initialised(url, own_token(holds_for=timedelta(seconds=2))) as socket:
        await socket.subscribe(WATCH, by=ADA)
        await socket.told()

        last, end = await socket.receive(), await socket.receive()
        await socket.subscribe(COUNT, id="2")

        assert last == {"id": "1", "type": "next", "payload": {"data": None, "errors": [ENDED]}}
        assert end == {"id": "1", "type": "complete"}
        assert await refused(socket) == "UNAUTHENTICATED"


@pytest.mark.slow
async def test_so_does_a_stream_of_server_sent_events(url: str):
    headers = {
        "accept": "text/event-stream",
        "authorization": f"Bearer {own_token(holds_for=timedelta(seconds=2))}",
    }
    body = {"query": WATCH, "variables": {"by": ADA}}

    async with httpx.AsyncClient() as http, asyncio.timeout(4):
        answer = await http.post(f"{url}/graphql", json=body, headers=headers)

    events = [line for line in answer.text.splitlines() if line.startswith(("event", "data: {"))]
    assert [line for line in events if line.startswith("event")] == [
        "event: next", "event: next", "event: complete",
    ]  # fmt: skip
    assert json.loads(events[3].removeprefix("data: ")) == {"errors": [ENDED]}


@pytest.fixture
async def key(url: str, database: str) -> tuple[str, str]:
    """A stored service key and its id."""
    return await stored_key(database, KeyRole.SERVICE)


async def test_a_revoked_key_ends_what_was_begun_by_it_and_nothing_else(
    url: str, database: str, key: tuple[str, str]
):
    text, id = key
    async with initialised(url, text) as revoked, initialised(url, SERVICE) as other:
        for socket in (revoked, other):
            await socket.subscribe(WATCH, by=ADA)
            await socket.told()

        async with open_store(database, LIMITS) as store:
            await store.revoke_key(id, NOON)
        last = await revoked.receive()
        await revoked.receive()
        await revoked.subscribe(COUNT, id="2")
        await other.subscribe(COUNT, id="2")

        assert last["payload"] == {"data": None, "errors": [ENDED]}
        assert await refused(revoked) == "UNAUTHENTICATED"
        assert await other.told() == 1


async def test_a_made_up_place_does_not_tell_that_somebody_was_deleted(url: str):
    def ask(query: str) -> Any:
        headers = {"authorization": f"Bearer {SERVICE}"}
        answer = httpx.post(f"{url}/graphql", json={"query": query}, headers=headers)
        return answer.json()["data"]

    login = (
        'userIdentify(identities: [{custom: "bob"}]) { ... on UserIdentifyPayload { user { id } } }'
    )
    bob = ask(f"mutation {{ {login} }}")["userIdentify"]["user"]["id"]
    ask('mutation { userDelete(user: {custom: "bob"}) { __typename } }')
    document = """
    subscription($a: Cursor) { userChanged(by: {custom: "ada"}, after: $a) { userId kind } }
    """
    async with initialised(url, own_token()) as socket:
        await socket.subscribe(document, a=encode("changes", ["0", bob, 0, 0]))

        assert (await socket.told())["userId"] != bob


@pytest.mark.slow
@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"])
async def test_streams_that_begin_at_once_take_no_more_places_than_there_are(
    tmp_path: Path, accept: str
):
    limits = {"PROFILEGRAPH_REQUESTS_PROCESS_OPERATIONS": "3"}
    with server_process(f"sqlite:///{tmp_path}/people.db", **limits) as server:
        async with (
            httpx.AsyncClient(base_url=server.url, timeout=10) as http,
            AsyncExitStack() as open_streams,
        ):

            async def begin() -> int:
                body = {"query": "subscription { usersChanged { userId } }"}
                stream = http.stream("POST", "/graphql", json=body, headers={"accept": accept})
                return (await open_streams.enter_async_context(stream)).status_code

            statuses = await asyncio.gather(*(begin() for _ in range(8)))

    assert sorted(statuses) == [200] * 3 + [503] * 5
