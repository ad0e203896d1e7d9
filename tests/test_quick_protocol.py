"""A connection of the quick way answers byte for byte as uvicorn's own, however requests arrive."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.http import GraphQLEndpoint
from app.limits import RequestLimits
from app.plans import Plan
from app.quick import QuickProtocol
from app.server import create_app
from app.settings import Settings
from tests.api import Clock
from tests.builders import NOON
from tests.schema.documents import ADA

READ = "query($by: UserBy!) { user(by: $by) { name } }"
LONG = "query($by: UserBy!) { user(by: $by) { a: name b: name c: name } }"
NEVER_ASKED = "query Never($by: UserBy!) { user(by: $by) { name age } }"
UPDATE = """
mutation($by: UserBy!, $name: String) {
  userUpdate(user: $by, changes: {name: $name}, createIfMissing: true) {
    ... on UserUpdatePayload { user { name } }
    ... on Error { message }
  }
}
"""
LONG_UPDATE = UPDATE.replace("{ name }", "{ a: name b: name c: name }")


class Wire(asyncio.Transport):
    """The server's end of a connection, in memory."""

    def __init__(self):
        super().__init__()
        self.sent = b""
        self.closed = False

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 50_000) if name in ("peername", "sockname") else default

    def write(self, data):
        self.sent += data

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def set_protocol(self, protocol):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Server:
    """Connections to one application, of either kind."""

    def __init__(self, app, state):
        self._config = uvicorn.Config(app, access_log=False, server_header=False)
        self._config.load()
        self._app_state = state
        self.state = ServerState()

    def connect(self, kind):
        protocol = kind(config=self._config, server_state=self.state, app_state=self._app_state)
        protocol.connection_made(Wire())
        return protocol

    async def answers(self, kind, pieces):
        """Return what a client is sent who sends these pieces on one connection, and then waits."""
        protocol = self.connect(kind)
        for piece in pieces:
            if not protocol.transport.closed:
                protocol.data_received(piece)
                await asyncio.sleep(0)
        if protocol.transport.closed:
            protocol.connection_lost(None)
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
            await asyncio.sleep(0)
        if not protocol.transport.closed:
            protocol.connection_lost(None)
        return protocol.transport.sent


@asynccontextmanager
async def serving(settings, clock):
    """Serve where Ada is known, and has been asked for."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app) as state:
        server = Server(app, state)
        for body in (json_of(UPDATE, by=ADA, name="Ada"), json_of(READ, by=ADA)):
            await server.answers(HttpToolsProtocol, [post(body)])
        yield server


@pytest.fixture
def served(sqlite_url, clock):
    """How to serve, with settings of one's own."""
    return lambda **more: serving(Settings(database=sqlite_url, plans=True, **more), clock)


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    """A server for many examples."""
    database = f"sqlite:///{tmp_path_factory.mktemp('shared')}/people.db"
    async with serving(Settings(database=database, plans=True), Clock(NOON)) as server:
        yield server


def json_of(query, **variables):
    return json.dumps({"query": query, "variables": variables}).encode()


def post(body, *lines, path="/graphql", version="1.1", host="localhost"):
    said = any(line.lower().startswith(("content-length", "transfer-enc")) for line in lines)
    length = () if said else (f"Content-Length: {len(body)}",)
    head = (f"POST {path} HTTP/{version}", f"Host: {host}", "Content-Type: application/json")
    return "\r\n".join((*head, *length, *lines, "", "")).encode() + body


PLAIN = post(json_of(READ, by=ADA))
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(json_of(READ, by=ADA)), json_of(READ, by=ADA))

REQUESTS = {
    "plain": PLAIN,
    "somebody nobody knows": post(json_of(READ, by={"email": "nobody@example.org"})),
    "with a name": post(json.dumps({"query": READ, "operationName": "Other"}).encode()),
    "not asked before": post(json_of(NEVER_ASKED, by=ADA)),
    "a change": post(json_of(UPDATE, by=ADA, name="Ada")),
    "the newest media type": post(
        json_of(READ, by=ADA), "Accept: application/graphql-response+json"
    ),
    "no JSON": post(b"{"),
    "no body": post(b""),
    "another path": post(json_of(READ, by=ADA), path="/elsewhere"),
    "with a question mark": post(json_of(READ, by=ADA), path="/graphql?a=b"),
    "in chunks": post(CHUNKS, "Transfer-Encoding: chunked"),
    "in mended chunks": post(CHUNKS, "Transfer-Encoding: chunked", "Connection: keep-alive"),
    "two lengths": post(json_of(READ, by=ADA), "Content-Length: 7", "Content-Length: 8"),
    "closing": post(json_of(READ, by=ADA), "Connection: close"),
    "old": post(json_of(READ, by=ADA), version="1.0"),
    "old, to be kept": post(json_of(READ, by=ADA), "Connection: keep-alive", version="1.0"),
    "with patience": post(json_of(READ, by=ADA), "Expect: 100-continue"),
    "with another protocol": post(json_of(READ, by=ADA), "Connection: Upgrade", "Upgrade: h2c"),
    "for a WebSocket": post(b"", "Connection: Upgrade", "Upgrade: websocket"),
    "by another name": post(json_of(READ, by=ADA), host="elsewhere.example"),
    "of a page": post(json_of(READ, by=ADA), "Origin: http://localhost"),
    "with a wrong key": post(json_of(READ, by=ADA), "Authorization: Bearer nobody"),
    "for somebody": post(json_of(READ, by=ADA), "X-Forwarded-For: 10.0.0.1"),
    "no HTTP": b"\x16\x03\x01\r\n\r\n",
    "broken in its body": post(b"zz\r\n", "Transfer-Encoding: chunked"),
    "a GET": GET,
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_both_connections_answer_alike(served, request_):
    async with served() as server:
        expected = await server.answers(HttpToolsProtocol, [PLAIN, request_, PLAIN])
        answered = await server.answers(QuickProtocol, [PLAIN, request_, PLAIN])

    assert expected.startswith(b"HTTP/1.1 ")
    assert answered == expected


ENDS = ("no HTTP", "broken in its body", "two lengths", "for a WebSocket")
KEPT = [name for name in REQUESTS if name not in ENDS]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
async def test_however_requests_arrive_they_are_answered_in_their_order(data, shared):
    names = data.draw(st.lists(st.sampled_from(KEPT), min_size=1, max_size=4), label="requests")
    stream = b"".join(REQUESTS[name] for name in names)
    cuts = data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=6), label="cuts")
    ends = sorted({0, *cuts, len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(ends)]

    expected = await shared.answers(HttpToolsProtocol, pieces)
    assert await shared.answers(QuickProtocol, pieces) == expected


@pytest.fixture
def tasks_made(monkeypatch):
    """The requests for which uvicorn made a task."""
    made = []
    start = HttpToolsProtocol._start_asgi_task

    def noted(self, cycle, app):
        made.append(cycle.scope["path"])
        start(self, cycle, app)

    monkeypatch.setattr(HttpToolsProtocol, "_start_asgi_task", noted)
    return made


async def test_what_is_at_hand_takes_no_task(served, tasks_made):
    async with served() as server:
        await server.answers(QuickProtocol, [PLAIN])
        tasks_made.clear()
        answers = await server.answers(QuickProtocol, [PLAIN, PLAIN[:-9], PLAIN[-9:], PLAIN])

    assert answers.count(b'{"data":{"user":{"name":"Ada"}}}') == 3
    assert tasks_made == ["/graphql"]  # the one that came in two pieces


@pytest.fixture
def asked(monkeypatch):
    """What plans were asked."""
    bodies = []
    begin = Plan.begin

    def noted(self, raw, context):
        bodies.append(raw)
        return begin(self, raw, context)

    monkeypatch.setattr(Plan, "begin", noted)
    return bodies


async def test_what_has_to_be_waited_for_is_asked_and_done_once(served, asked):
    async with served() as server:
        asked.clear()
        answers = await server.answers(QuickProtocol, [REQUESTS["a change"]])

    assert answers.endswith(b'{"data":{"userUpdate":{"user":{"name":"Ada"}}}}')
    assert len(asked) == 1


async def test_a_plan_that_gives_up_later_is_not_asked_again(served, asked, monkeypatch):
    async def gives_up(*_):
        return None

    async with served() as server:
        asked.clear()
        monkeypatch.setattr(Plan, "finish", gives_up)
        answers = await server.answers(QuickProtocol, [REQUESTS["a change"], PLAIN])

    assert b'{"data":{"userUpdate":{"user":{"name":"Ada"}}}}' in answers
    assert answers.endswith(b'{"data":{"user":{"name":"Ada"}}}')
    assert len(asked) == 2


@pytest.mark.parametrize("accept", ["gzip", "identity"])
async def test_a_long_answer_is_compressed_for_whoever_takes_it(served, asked, accept):
    change = json_of(LONG_UPDATE, by=ADA, name="Ada" * 150)
    read = json_of(LONG, by=ADA)
    texts = []
    async with served() as server:
        asked.clear()
        for kind in (HttpToolsProtocol, QuickProtocol):
            for body in (change, change, read, read):
                answer = await server.answers(kind, [post(body, f"Accept-Encoding: {accept}")])
                head, _, sent = answer.partition(b"\r\n\r\n")
                is_compressed = b"\r\ncontent-encoding: gzip" in head
                assert is_compressed == (accept == "gzip")
                texts.append(gzip.decompress(sent) if is_compressed else sent)

    assert len(asked) == 8
    assert texts[:4] == texts[4:]
    assert texts[0].count(b"Ada" * 150) == 3


async def test_who_leaves_before_the_answer_is_let_go_and_the_change_is_made(served):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(post(json_of(UPDATE, by=ADA, name="Eva")))
        protocol.connection_lost(None)
        await asyncio.wait(server.state.tasks)

        assert protocol.transport.sent == b""
        answer = await server.answers(QuickProtocol, [PLAIN])
        assert answer.endswith(b'{"data":{"user":{"name":"Eva"}}}')


async def test_a_server_that_stops_answers_what_was_asked_and_closes(served):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(REQUESTS["a change"])
        protocol.shutdown()
        await asyncio.wait(server.state.tasks)

        assert protocol.transport.sent.endswith(b'{"user":{"name":"Ada"}}}}')
        assert protocol.transport.closed


async def test_it_counts_against_the_rate_once_and_by_the_address_that_is_meant(served):
    async with served(requests=RequestLimits(rate_per_s=0.001, rate_burst=5)) as server:
        # Two came before.
        answers = await server.answers(QuickProtocol, [PLAIN] * 5)
        forwarded = await server.answers(QuickProtocol, [REQUESTS["for somebody"]] * 6)

    assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 429")) == (3, 2)
    assert (forwarded.count(b"HTTP/1.1 200"), forwarded.count(b"HTTP/1.1 429")) == (5, 1)


async def test_a_body_that_is_too_large_is_refused(served):
    padded = json_of(READ, by=ADA) + b" " * 1_100
    limits = RequestLimits(body_bytes=1_024, service_body_bytes=1_024)
    async with served(requests=limits) as server:
        answer = await server.answers(QuickProtocol, [post(padded)])

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_client_who_reads_nothing_is_waited_for(served):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(PLAIN)
        length = len(protocol.transport.sent)
        protocol.pause_writing()
        protocol.data_received(PLAIN)
        await asyncio.sleep(0.01)
        assert len(protocol.transport.sent) == length

        protocol.resume_writing()
        await asyncio.wait(server.state.tasks)
        assert len(protocol.transport.sent) == 2 * length


async def test_a_client_who_leaves_is_let_go(served):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(PLAIN[:-5])
        protocol.connection_lost(None)
        await asyncio.wait(server.state.tasks)

        assert protocol.transport.sent == b""
        assert not server.state.tasks
        assert not server.state.connections


async def test_an_idle_connection_is_closed(served, monkeypatch):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        monkeypatch.setattr(protocol, "timeout_keep_alive", 0.01)
        protocol.data_received(PLAIN)
        assert not protocol.transport.closed

        await asyncio.sleep(0.05)
        assert protocol.transport.closed


async def test_a_server_that_stops_closes_what_is_answered(served):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(PLAIN)
        protocol.shutdown()

        assert protocol.transport.closed


async def test_a_bug_on_the_quick_way_is_masked_by_the_whole(served, monkeypatch):
    def broken(*_):
        raise KeyError("ada@example.org")

    async with served() as server:
        monkeypatch.setattr(GraphQLEndpoint, "context", broken)
        answer = await server.answers(QuickProtocol, [PLAIN])

    assert answer.startswith(b"HTTP/1.1 500")
    assert b"ada@example.org" not in answer
