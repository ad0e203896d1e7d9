"""How requests come in: GraphQL over HTTP, GraphQL over WebSocket, and health."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from httpx import AsyncClient
from websockets import InvalidStatus, Subprotocol

from app.domain.errors import Unavailable
from app.store.sqlite import SqliteStore
from tests.api import Api
from tests.schema.documents import COUNT, IDENTIFY, USER, known
from tests.schema.websocket import initialised, opened

ROOT: Final = Path(__file__).parents[1]
JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
MUTATION: Final = """
mutation { userUpdate(user: {custom: "ada"}, changes: {}, createIfMissing: true) { __typename } }
"""
WATCH: Final = "subscription($by: UserBy!) { userChanged(by: $by) { kind user { version } } }"


async def post(api, body, accept=JSON, content_type=JSON):
    headers = {"accept": accept, "content-type": content_type}
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    return await api.http.post("/graphql", headers=headers, **sent)


async def get(api, accept=JSON, **parameters):
    return await api.http.get("/graphql", params=parameters, headers={"accept": accept})


def shown(answer):
    return answer.status_code, answer.headers["content-type"]


# ---------------------------------------------------------------- HTTP: well-formed requests


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": COUNT}, 200),
        ({"query": COUNT, "variables": None, "operationName": None, "extensions": None}, 200),
        ({"query": COUNT, "variables": {}, "extensions": {"a": 1}, "unknown": 1}, 200),
        ({"query": "query A { userCount } query B { users }", "operationName": "A"}, 400),
        ({"query": "{ users(first: 0) { nodes { id } } }"}, 200),
        ({"query": "{"}, 400),
        ({"query": " "}, 400),
        ({"query": "{ nope }"}, 400),
        ({"query": USER}, 400),
        ({"query": USER, "variables": {"by": 1}}, 400),
        ({"query": "query A { userCount }", "operationName": "B"}, 400),
        ({"query": "query A { userCount } query B { userCount }"}, 400),
    ],
)
async def test_a_request_that_was_understood_is_200_as_json_and_else_says_if_it_ran(
    api, body, status
):
    as_json = await post(api, body)
    as_graphql = await post(api, body, accept=GRAPHQL_JSON)

    assert shown(as_json) == (200, JSON)
    assert shown(as_graphql) == (status, GRAPHQL_JSON)
    assert as_json.json() == as_graphql.json()
    assert ("data" in as_graphql.json()) is (status == 200)


async def test_an_answer_is_json_in_utf_8(api):
    await known(api, name="Zoë 😀")

    answer = await post(api, {"query": '{ user(by: {custom: "ada"}) { name } }'})

    assert answer.content == '{"data":{"user":{"name":"Zoë 😀"}}}'.encode()
    assert answer.headers["vary"] == "accept"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        ("application/GraphQL-Response+JSON", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON};q=0.1", JSON),
        (f"{JSON}, {GRAPHQL_JSON};q=0", JSON),
    ],
)
async def test_the_answer_has_the_media_type_that_is_wanted_most(api, accept, media_type):
    assert shown(await post(api, {"query": COUNT}, accept=accept)) == (200, media_type)


@pytest.mark.parametrize(
    "content_type",
    [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", "Application/JSON"],
)
async def test_a_body_is_json(api, content_type):
    answer = await post(api, {"query": COUNT}, content_type=content_type)

    assert answer.json() == {"data": {"userCount": 0}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        f"text/plain; {JSON}",
        f"text/plain;a={JSON}",
        f"text/{JSON}",
        f"{JSON}x",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_any_other_content_type_is_415_and_runs_nothing(api, content_type, accept):
    answer = await post(api, {"query": MUTATION}, accept, content_type)

    assert shown(answer) == (415, accept)
    assert await api(COUNT) == 0


async def test_a_body_without_content_type_is_415(api):
    answer = await api.http.post("/graphql", content=b'{"query": "{ userCount }"}')

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"{ userCount }"',
        b"[]",
        b'[{"query": "{ userCount }"}]',
        b"{}",
        b'{"qeury": "{ userCount }"}',
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": ["{ userCount }"]}',
        b'{"query": {"a": 1}}',
        b'{"query": "{ userCount }", "variables": []}',
        b'{"query": "{ userCount }", "variables": "{}"}',
        b'{"query": "{ userCount }", "variables": 7}',
        b'{"query": "{ userCount }", "extensions": []}',
        b'{"query": "{ userCount }", "extensions": "x"}',
        b'{"query": "{ userCount }", "operationName": 1}',
        b'{"query": "{ userCount }", "operationName": {}}',
        b'{"query": "{ userCount }", "operationName": []}',
        b'{"query": "{ userCount }", "variables": {"a": NaN}}',
        b'{"query": "{ userCount }", "variables": {"a": 1e999}}',
        b'{"query": "{ userCount }"} {}',
        b'{"query": "{ userCount \xff }"}',
        b'{"query": "{ userCount }", "variables": {"a": "\\ud800"}}',
        b"\xff\xfe",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_what_is_no_request_is_400_in_a_well_formed_answer(api, body, accept):
    answer = await post(api, body, accept)

    (error,) = answer.json()["errors"]
    assert shown(answer) == (400, accept)
    assert error["extensions"] == {"code": "INVALID_INPUT"}
    assert len(error["message"]) < 120


# ---------------------------------------------------------------- HTTP: GET


async def test_a_query_can_be_a_get(api):
    await known(api)
    document = """query A { userCount }
    query B($by: UserBy!) { user(by: $by) { version } }"""

    answer = await get(
        api, query=document, operationName="B", variables='{"by": {"custom": "ada"}}'
    )

    assert answer.json() == {"data": {"user": {"version": 1}}}


@pytest.mark.parametrize(
    "parameters",
    [{"operationName": ""}, {"variables": "{}"}, {"extensions": "{}"}, {"unknown": "1"}],
)
async def test_a_get_may_name_nothing_more(api, parameters):
    answer = await get(api, query=COUNT, **parameters)

    assert (answer.status_code, answer.json()) == (200, {"data": {"userCount": 0}})


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": COUNT, "variables": "{"},
        {"query": COUNT, "variables": "[]"},
        {"query": COUNT, "variables": "1"},
        {"query": COUNT, "extensions": "{"},
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_get_that_is_no_request_is_400(api, parameters, accept):
    assert shown(await get(api, accept, **parameters)) == (400, accept)


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": MUTATION},
        {"query": f"query Read {{ userCount }} {MUTATION}".replace("mutation", "mutation Write")}
        | {"operationName": "Write"},
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_mutation_by_get_is_405_and_changes_nothing(api, parameters, accept):
    answer = await get(api, accept, **parameters)

    assert shown(answer) == (405, accept)
    assert answer.headers["allow"] == "POST"
    assert await api(COUNT) == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO"])
async def test_any_other_method_is_405(api, method):
    answer = await api.http.request(method, "/graphql", json={"query": MUTATION})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert await api(COUNT) == 0


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8"])
async def test_a_browser_gets_the_page(api, accept):
    answer = await get(api, accept)

    assert shown(answer) == (200, "text/html; charset=utf-8")
    assert "<title>Profilegraph</title>" in answer.text


async def test_a_browser_that_asks_gets_an_answer(api):
    answer = await get(api, "text/html,*/*", query=COUNT)

    assert answer.json() == {"data": {"userCount": 0}}


async def test_any_other_path_is_404(api):
    assert [(await api.http.get(path)).status_code for path in ("/", "/graph")] == [404, 404]


# ---------------------------------------------------------------- health


async def test_a_server_whose_database_answers_is_healthy(api):
    answer = await api.http.get("/health")

    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_a_server_whose_database_does_not_answer_says_so(api, monkeypatch):
    async def ping(_store):
        raise Unavailable("The database at mongodb://ada:secret@example.org does not answer.")

    monkeypatch.setattr(SqliteStore, "ping", ping)

    answer = await api.http.get("/health")

    assert answer.status_code == 503
    assert "secret" not in answer.text


# ---------------------------------------------------------------- WebSocket


class Running:
    """A server of our own, and what it logs."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        database = f"sqlite:///{folder}/people.db"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "--port", "0", "--database", database],
                cwd=ROOT, env=os.environ, stderr=log,
            )  # fmt: skip
        while "startup complete" not in self.log():
            assert self._process.poll() is None, self.log()
        found = re.search(r"http://\S+(?=/graphql)", self.log())
        assert found
        self.url = found[0]

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = Running(tmp_path_factory.mktemp("running"))
    yield server
    server.stop()


@pytest.fixture
def url(running: Running) -> str:
    return running.url


@pytest.fixture
async def socket(url):
    async with initialised(url) as socket:
        yield socket


def subscribing(id="1", **payload):
    return {"type": "subscribe", "id": id, "payload": {"query": COUNT} | payload}


async def test_a_query_is_answered_once_and_completed(socket):
    await socket.subscribe("{ __typename }", id="a")

    assert await socket.receive() == {
        "id": "a", "type": "next", "payload": {"data": {"__typename": "Query"}},
    }  # fmt: skip
    assert await socket.receive() == {"id": "a", "type": "complete"}


@pytest.mark.parametrize("variables", [{}, {"variables": None}, {"operationName": None}])
async def test_a_payload_may_hold_nothing_more(socket, variables):
    await socket.send(subscribing(query="{ __typename }", **variables))

    assert await socket.told() == "Query"


async def test_a_mutation_is_answered_as_well(socket, url):
    await socket.subscribe(IDENTIFY, identities=[{"custom": "by websocket"}])

    answer = await socket.told()

    assert answer["outcome"] == "CREATED"
    async with AsyncClient(base_url=url) as http:
        assert await Api(http)(USER, by={"custom": "by websocket"}) == answer["user"]


async def test_a_watcher_is_told_until_it_has_enough(socket, url):
    by = {"custom": "watched"}
    async with AsyncClient(base_url=url) as http:
        api = Api(http)
        await known(api, by)
        await socket.subscribe(WATCH, id="w", by=by)
        first = await socket.told()

        await socket.send({"type": "complete", "id": "w"})
        await known(api, by, name="unheard")
        await socket.subscribe("{ __typename }", id="w")

        assert first["user"] == {"version": 1}
        assert await socket.told() == "Query"


async def test_many_operations_share_a_socket(socket):
    for number in range(90):
        await socket.subscribe(WATCH, id=f"w{number}", by={"custom": "nobody yet"})
    for number in range(5):
        await socket.subscribe("{ __typename }", id=f"q{number}")

    answers = [await socket.receive() for _ in range(10)]

    assert sorted((answer["id"], answer["type"]) for answer in answers) == sorted(
        (f"q{number}", type) for number in range(5) for type in ("next", "complete")
    )


async def test_the_hundred_and_first_operation_at_once_is_refused_alone(socket):
    for number in range(101):
        await socket.subscribe(WATCH, id=str(number), by={"custom": "nobody yet"})

    refusal = await socket.receive()
    await socket.send({"type": "complete", "id": "0"})
    await socket.subscribe("{ __typename }", id="again")

    assert (refusal["id"], refusal["type"]) == ("100", "error")
    assert refusal["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert await socket.told() == "Query"


async def test_an_id_is_free_again_after_its_answer(socket):
    answers = []
    for _ in range(3):
        await socket.subscribe("{ __typename }")
        answers.append((await socket.receive())["type"])
        answers.append((await socket.receive())["type"])

    assert answers == ["next", "complete"] * 3


async def test_a_ping_is_answered_at_any_time(url):
    async with opened(url) as socket:
        await socket.send({"type": "ping", "payload": {"a": 1}})
        before = await socket.receive()
        await socket.send({"type": "connection_init"})
        await socket.receive()
        await socket.send({"type": "pong"})
        await socket.send({"type": "ping"})
        after = await socket.receive()

    assert (before, after) == ({"type": "pong"}, {"type": "pong"})


@pytest.mark.parametrize("payload", [{}, {"payload": {}}, {"payload": {"a": 1}}, {"payload": None}])
async def test_a_connection_is_acknowledged(url, payload):
    async with opened(url) as socket:
        await socket.send({"type": "connection_init"} | payload)

        assert await socket.receive() == {"type": "connection_ack"}


async def test_completing_what_is_not_there_is_ignored(socket):
    await socket.send({"type": "complete", "id": "never was"})
    await socket.subscribe("{ __typename }")

    assert await socket.told() == "Query"


@pytest.mark.parametrize(
    "payload",
    [
        {"query": "{"},
        {"query": '{ user(by: {email: "secret@example.org) { id } }'},
        {"query": '{ user(by: {email "secret@example.org"}) { id } }'},
        {"query": f'{{ "{"secret" * 100}" }}'},
        {"query": ""},
        {"query": " "},
        {"query": "{ nope }"},
        {"query": "fragment A on Query { userCount }"},
        {"query": COUNT, "operationName": "secret"},
        {"query": COUNT, "operationName": "secret" * 100},
        {"query": "query A { userCount } query B { userCount }"},
        {"query": 'subscription { a: userChanged(by: {id: "a"}) { kind } b: __typename }'},
        {"query": "subscription { userChanged(by: {}) { kind } }"},
    ],
)
async def test_a_document_that_cannot_run_is_an_error_and_the_socket_stays(
    running, socket, payload
):
    before = len(running.log())
    await socket.send(subscribing(**payload))

    answer = await socket.receive()
    await socket.subscribe("{ __typename }", id="next")

    assert (answer["id"], answer["type"]) == ("1", "error")
    assert {fault["extensions"]["code"] for fault in answer["payload"]} == {"INVALID_INPUT"}
    assert await socket.told() == "Query"
    assert "secret" not in running.log()[before:]
    assert "Traceback" not in running.log()[before:]


BROKEN: Final = [
    "",
    "hello",
    "{",
    "[]",
    "null",
    "1",
    '"ping"',
    b'{"type": "ping"}',
    b"",
    "[" * 100_000,
    '{"type": "ping", "payload": NaN}',
    {},
    {"type": None},
    {"type": 1},
    {"type": []},
    {"type": {}},
    {"type": "start"},
    {"type": "x" * 1_000},
    {"type": "next", "id": "1"},
    {"type": "subscribe"},
    {"type": "subscribe", "id": "1"},
    {"type": "subscribe", "payload": {"query": COUNT}},
    {"type": "subscribe", "id": "1", "payload": None},
    {"type": "subscribe", "id": "1", "payload": "{ userCount }"},
    {"type": "subscribe", "id": "1", "payload": []},
    {"type": "subscribe", "id": "1", "payload": {}},
    subscribing(id=1),
    subscribing(id=None),
    subscribing(id=[]),
    subscribing(id={}),
    subscribing(query=None),
    subscribing(query=1),
    subscribing(query={}),
    subscribing(query=["{ userCount }"]),
    subscribing(variables=[]),
    subscribing(variables="{}"),
    subscribing(variables=1),
    subscribing(operationName=1),
    subscribing(operationName={}),
    {"type": "complete"},
    {"type": "complete", "id": None},
    {"type": "complete", "id": []},
]


@pytest.mark.parametrize("message", BROKEN, ids=lambda message: repr(message)[:60])
async def test_what_is_no_message_closes_the_socket_with_4400(running, socket, message):
    before = len(running.log())

    await socket.send(message)

    assert await socket.close_code() == 4400
    assert "Traceback" not in running.log()[before:]


@pytest.mark.parametrize("payload", [1, "x", [], True])
async def test_a_wrong_initialisation_closes_the_socket(url, payload):
    async with opened(url) as socket:
        await socket.send({"type": "connection_init", "payload": payload})

        assert await socket.close_code() == 4400


async def test_a_second_initialisation_closes_the_socket(socket):
    await socket.send({"type": "connection_init"})

    assert await socket.close_code() == 4429


async def test_to_subscribe_before_initialising_closes_the_socket(url):
    async with opened(url) as socket:
        await socket.subscribe("{ userCount }")

        assert await socket.close_code() == 4401


@pytest.mark.parametrize("id", ["1", "x" * 1_000])
async def test_an_id_in_use_closes_the_socket(running, socket, id):
    before = len(running.log())
    await socket.subscribe(WATCH, id=id, by={"custom": "nobody yet"})
    await socket.subscribe(WATCH, id=id, by={"custom": "nobody yet"})

    assert await socket.close_code() == 4409
    assert "Traceback" not in running.log()[before:]


@pytest.mark.parametrize("offered", [None, [Subprotocol("graphql-ws")], [Subprotocol("mqtt")]])
async def test_another_protocol_is_not_spoken(url, offered):
    async with opened(url, subprotocols=offered) as socket:
        assert await socket.close_code() == 4406


async def test_of_several_protocols_ours_is_chosen(url):
    offered = [Subprotocol("graphql-ws"), Subprotocol("graphql-transport-ws")]

    async with opened(url, subprotocols=offered) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


async def test_a_page_of_another_site_opens_no_socket(url):
    with pytest.raises(InvalidStatus) as refusal:
        async with opened(url, origin="https://example.org"):
            pass

    assert refusal.value.response.status_code == 403


async def test_a_page_of_our_own_opens_a_socket(url):
    async with opened(url, origin=url) as socket:
        await socket.send({"type": "connection_init"})

        assert await socket.receive() == {"type": "connection_ack"}


async def test_a_client_that_vanishes_disturbs_nobody(running, url):
    by = {"custom": "left alone"}
    before = len(running.log())
    async with AsyncClient(base_url=url) as http, initialised(url) as staying:
        await known(Api(http), by)
        await staying.subscribe(WATCH, by=by)
        await staying.told()

        vanishing = [await _vanished(url, by) for _ in range(20)]
        await known(Api(http), by, name="Ada")

        assert vanishing == [{"version": 1}] * 20
        assert (await staying.told())["user"] == {"version": 2}
        assert (await http.get("/health")).status_code == 200
    assert "Traceback" not in running.log()[before:]


async def _vanished(url, by):
    """Return what a watcher was told before it was gone without a word."""
    async with initialised(url) as socket:
        await socket.subscribe(WATCH, by=by)
        told = await socket.told()
        socket.connection.transport.abort()
        return told["user"]


async def test_many_sockets_are_served_at_once(url):
    async def asked():
        async with initialised(url) as socket:
            await socket.subscribe("{ __typename }")
            return await socket.told()

    assert await asyncio.gather(*(asked() for _ in range(50))) == ["Query"] * 50


async def test_what_a_request_says_is_not_logged(running, url):
    async with AsyncClient(base_url=url) as http:
        await http.get("/graphql", params={"query": '{ user(by: {email: "logged@x.org"}) { id } }'})
        await http.post("/graphql?token=logged", json={"query": COUNT})
    async with opened(url, "?token=logged") as socket:
        await socket.send({"type": "connection_init"})
        await socket.receive()

    assert "logged" not in running.log()
