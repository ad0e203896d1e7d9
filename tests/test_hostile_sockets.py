"""Clients that send too much, too often or nothing at all, over real sockets."""

import asyncio
import hashlib
import json
import socket as sockets
from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.schema.documents import ADA, COUNT, IDENTIFY
from tests.schema.websocket import initialised, opened
from tests.server_process import server_process

WATCH = """subscription { userChanged(by: {custom: "ada"}) { kind } }"""
LIMITS = {
    "MESSAGE_BYTES": "4096",
    "SERVICE_BODY_BYTES": "4096",
    "SOCKET_OPERATIONS": "5",
    "PROCESS_OPERATIONS": "8",
    "PROCESS_SOCKETS": "20",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with tight limits."""
    folder = tmp_path_factory.mktemp("hostile")
    environment = {f"PROFILEGRAPH_REQUESTS_{name}": number for name, number in LIMITS.items()}
    with server_process(f"sqlite:///{folder}/people.db", **environment) as server:
        login = {"query": IDENTIFY, "variables": {"identities": [ADA]}}
        httpx.post(f"{server.url}/graphql", json=login)
        yield server.url
        assert httpx.get(f"{server.url}/health").status_code == 200


def by_hash(document, **more):
    digest = hashlib.sha256(document.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}} | more


def fault(message):
    assert message["type"] == "error", message
    (error,) = message["payload"]
    return error["extensions"]


async def until_admitted(url):
    """Return once the server has noticed that others have left, and takes all it can again."""
    async with asyncio.timeout(5), initialised(url) as one, initialised(url) as other:
        for number in range(8):
            socket = one if number < 5 else other
            admitted = False
            while not admitted:
                await socket.subscribe(WATCH, id=str(number))
                admitted = (await socket.receive())["type"] == "next"


# ---------------------------------------------------------------- sockets


async def test_a_message_over_the_limit_closes_the_socket(url):
    async with initialised(url) as socket:
        await socket.subscribe(f"{{ userCount }} # {'x' * 5_000}")

        assert await socket.close_code() == 1009


async def test_operations_on_a_socket_are_limited(url):
    async with initialised(url) as socket:
        for number in range(5):
            await socket.subscribe(WATCH, id=str(number))
            await socket.told()
        await socket.subscribe(WATCH, id="5")
        refused = await socket.receive()
        await socket.send({"type": "complete", "id": "0"})
        await socket.subscribe("{ __typename }", id="6")

        assert refused["id"] == "5"
        assert fault(refused) == {
            "code": "LIMIT_EXCEEDED", "name": "socket_operations", "limit": 5,
        }  # fmt: skip
        assert await socket.told() == "Query"


async def test_operations_in_a_process_are_limited_and_end_with_their_sockets(url):
    async with initialised(url) as one, initialised(url) as other:
        for number in range(8):
            socket = one if number < 5 else other
            await socket.subscribe(WATCH, id=str(number))
            await socket.told()
        await other.subscribe(WATCH, id="8")
        refused = await other.receive()
        async with httpx.AsyncClient(base_url=url) as http:
            stream = await http.post(
                "/graphql", json={"query": WATCH}, headers={"accept": "text/event-stream"}
            )

        assert (refused["id"], fault(refused)["name"]) == ("8", "process_operations")
        assert stream.status_code == 503
        assert stream.json()["errors"][0]["extensions"]["limit"] == 8

    await until_admitted(url)


async def test_sockets_in_a_process_are_limited(url):
    async with AsyncExitStack() as stack:
        for _ in range(20):
            socket = await stack.enter_async_context(initialised(url))
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(opened(url))
        await socket.subscribe(COUNT)
        assert await socket.told() == 1

    answer = refused.value.response
    assert answer.status_code == 503
    (error,) = json.loads(answer.body)["errors"]
    assert (error["extensions"]["name"], error["extensions"]["limit"]) == ("process_sockets", 20)
    await until_admitted(url)


async def test_whoever_guesses_keys_on_sockets_has_to_wait(tmp_path):
    rate = {"PROFILEGRAPH_REQUESTS_RATE_PER_S": "0.01", "PROFILEGRAPH_REQUESTS_RATE_BURST": "3"}
    with server_process(f"sqlite:///{tmp_path}/people.db", **rate) as server:
        for number in range(3):
            async with opened(server.url) as socket:
                guess = {"authorization": f"Bearer guess{number}"}
                await socket.send({"type": "connection_init", "payload": guess})
                assert await socket.close_code() == 4403
        with pytest.raises(InvalidStatus) as refused:
            async with opened(server.url):
                pass

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["retry-after"] == "100"


async def test_a_document_may_come_by_its_hash(url):
    document = "query Hashed { userCount }"
    async with initialised(url) as socket:
        for id, payload in enumerate([by_hash(document), by_hash(document, query=document)]):
            await socket.send({"type": "subscribe", "id": str(id), "payload": payload})
        unknown = await socket.receive()
        registered = await socket.told()
        await socket.receive()
        await socket.send({"type": "subscribe", "id": "2", "payload": by_hash(document)})

        assert unknown["payload"][0]["message"] == "PersistedQueryNotFound"
        assert (registered, await socket.told()) == (1, 1)


async def test_a_document_over_a_bound_is_an_error_and_the_socket_stays(url):
    async with initialised(url) as socket:
        for document in ("{" + "a{" * 100, "{ " + "userCount " * 101 + "}", "{" * 1_000):
            await socket.subscribe(document)
            assert fault(await socket.receive())["code"] in ("LIMIT_EXCEEDED", "INVALID_INPUT")
        await socket.subscribe(COUNT)

        assert await socket.told() == 1


async def test_thousands_of_pings_are_answered_each(url):
    async with opened(url) as socket:
        for _ in range(3_000):
            await socket.send({"type": "ping"})

        assert [await socket.receive() for _ in range(3_000)] == [{"type": "pong"}] * 3_000


async def test_a_flood_that_nobody_reads_the_answers_to_ends_with_its_socket(url):
    async with initialised(url) as socket:
        for number in range(2_000):
            await socket.subscribe("{ __typename }", id=str(number))
        socket.connection.transport.abort()

    await until_admitted(url)


@pytest.mark.parametrize("frame", [b"\x00\xff", b"{}", b"\xff" * 1_000, "\x00", '"\\ud800"', "{]"])
async def test_garbage_closes_the_socket(url, frame):
    async with opened(url) as socket:
        await socket.send(frame)

        assert await socket.close_code() == 4400


@pytest.mark.parametrize("variables", ['{"a": 1e999}', '{"a": "\\ud800"}', '{"a": NaN}'])
async def test_what_is_no_json_closes_the_socket(url, variables):
    message = '{"type":"subscribe","id":"1","payload":{"query":"{ userCount }","variables":%s}}'
    async with initialised(url) as socket:
        await socket.send(message % variables)

        assert await socket.close_code() == 4400


@pytest.mark.slow
async def test_a_socket_that_never_says_who_it_is_is_closed(url):
    async with opened(url) as socket:
        async with asyncio.timeout(15):
            await socket.connection.wait_closed()

        assert socket.connection.close_code == 4408


# ---------------------------------------------------------------- HTTP


@pytest.mark.parametrize(
    "accept", ["text/event-stream", 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"']
)
async def test_a_stream_is_neither_compressed_nor_kept(url, accept):
    headers = {"accept": accept, "accept-encoding": "gzip"}
    body = {"query": WATCH}
    async with (
        asyncio.timeout(5),
        httpx.AsyncClient(base_url=url) as http,
        http.stream("POST", "/graphql", json=body, headers=headers) as stream,
    ):
        told = ""
        async for text in stream.aiter_text():
            told += text
            if "CURRENT" in told:
                break

    assert "content-encoding" not in stream.headers
    assert "no-store" in stream.headers["cache-control"]


def exchanged(url, head, *pieces):
    """Return what a server answers to raw bytes, until it closes the connection."""
    where = urlsplit(url)
    with sockets.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer.decode()


HEAD = "POST /graphql HTTP/1.1\nHost: localhost\nContent-Type: application/json\n"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(url):
    answer = exchanged(url, f"{HEAD}Content-Length: 4097")

    assert answer.startswith("HTTP/1.1 413 ")
    assert json.loads(answer.split("\r\n\r\n", 1)[1])["errors"][0]["extensions"]["limit"] == 4096


def test_a_chunked_body_is_refused_once_it_is_too_large(url):
    chunk = b"400\r\n" + b" " * 1_024 + b"\r\n"

    answer = exchanged(url, f"{HEAD}Transfer-Encoding: chunked", *[chunk] * 5)

    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "head",
    [
        f"{HEAD}Content-Length: x",
        f"{HEAD}Content-Length: -1",
        f"{HEAD}Content-Length: 10\nTransfer-Encoding: chunked",
        "\x00\x01\x02",
        "GET /graphql HTTP/9.9",
        f"GET /{'x' * 100_000} HTTP/1.1\nHost: localhost",
    ],
)
def test_what_is_no_http_disturbs_nobody(url, head):
    try:
        answer = exchanged(url, head)
    except (ConnectionError, TimeoutError):
        answer = "HTTP/1.1 4"

    assert answer == "" or answer.startswith("HTTP/1.1 4")
    assert httpx.get(f"{url}/health").status_code == 200
