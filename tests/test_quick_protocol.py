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
from app.quick.head import KEPT_HEADS, MAX_KEPT_BYTES, Head, KnownHeads
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

    async def answers(self, kind, pieces, *, one_by_one=False):
        """Return what a client is sent who sends these pieces on one connection, and then waits."""
        protocol = self.connect(kind)
        for piece in pieces:
            if not protocol.transport.closed:
                protocol.data_received(piece)
                await asyncio.sleep(0.01 if one_by_one else 0)
        if protocol.transport.closed:
            protocol.connection_lost(None)
        await self.done()
        if not protocol.transport.closed:
            protocol.connection_lost(None)
        return protocol.transport.sent

    async def done(self):
        """Return once everything is answered."""
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(settings, clock):
    """Serve where Ada is known, and has been asked for and changed by heads that are known now."""
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app) as state:
        server = Server(app, state)
        for body in (json_of(UPDATE, by=ADA, name="Ada"), json_of(READ, by=ADA)):
            await server.answers(QuickProtocol, [post(body)])
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
    "by another method": PLAIN.replace(b"POST", b"PUT"),
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
        for requests in ([PLAIN, request_, request_, PLAIN], [request_, PLAIN]):
            expected = await server.answers(HttpToolsProtocol, requests)
            answered = await server.answers(QuickProtocol, requests)

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


async def test_uvicorn_gets_what_came_in_pieces_and_each_head_once(served, tasks_made):
    new = post(json_of(READ, by=ADA), "X-New: 1")
    async with served() as server:
        tasks_made.clear()
        answers = [
            await server.answers(QuickProtocol, pieces)
            for pieces in ([PLAIN, PLAIN], [PLAIN[:-9], PLAIN[-9:]], [new, new, new])
        ]

    assert b"".join(answers).count(b'{"data":{"user":{"name":"Ada"}}}') == 6
    assert len(tasks_made) == 2


async def test_a_change_is_no_request_of_uvicorn_s(served, tasks_made):
    async with served() as server:
        tasks_made.clear()
        protocol = server.connect(QuickProtocol)
        protocol.data_received(REQUESTS["a change"])
        assert len(server.state.tasks) == 1
        await asyncio.wait(server.state.tasks)

        assert protocol.transport.sent.endswith(b'{"data":{"userUpdate":{"user":{"name":"Ada"}}}}')
        protocol.connection_lost(None)

    assert tasks_made == []


PADDED = post(json_of(READ, by=ADA) + b"   ")
PIECES = {
    "two in one": [PLAIN + PLAIN, PLAIN + PLAIN],
    "one and a half": [PLAIN + PLAIN[:20], PLAIN[20:]],
    "without its end": [PLAIN[:-1], PLAIN[-1:] + PLAIN],
    "without the blanks after it": [PADDED, PADDED[:-3], PADDED[-3:], PLAIN],
    "with an end of its own": [PLAIN[:20], PLAIN[20:], PLAIN[20:]],
    "in the body of another that was answered": [
        post(b"", f"Content-Length: {len(PLAIN)}", path="/elsewhere"), PLAIN, PLAIN
    ],
    "with blank lines before it": [b"\r\n" + PLAIN, b"\r\n", PLAIN],
}  # fmt: skip


KEY = "k" * 40
KEYED = f"Authorization: Bearer {KEY}"


def crossed(first):
    """Return a piece in which a head with a key follows something that ends as a head does.

    As many bytes as that head announces follow the end of what came first.
    """
    head = post(b"", "Content-Length: 600", KEYED)
    return first + head + b"x" * (600 - len(head))


FIRST = {
    "blank lines": b"\r\n\r\n",
    "a GET": GET,
    "a POST without a body": post(b"", "Content-Length: 0"),
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
async def test_no_head_lends_what_it_says_to_another(served, first):
    body = json_of(READ, by=ADA).ljust(600)
    async with served(service_key=KEY) as server:
        for known in (json_of(UPDATE, by=ADA, name="Ada"), body):
            answer = await server.answers(QuickProtocol, [post(known, KEYED)])
            assert b"Ada" in answer
        protocol = server.connect(QuickProtocol)
        protocol.data_received(crossed(first))
        protocol.connection_lost(None)
        await server.done()
        expected = await server.answers(HttpToolsProtocol, [first + body])
        answered = await server.answers(QuickProtocol, [first + body])

    assert b"Ada" not in answered
    assert answered == expected


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
async def test_where_a_request_begins_and_ends_is_as_uvicorn_says(served, pieces):
    async with served() as server:
        expected = await server.answers(HttpToolsProtocol, pieces, one_by_one=True)
        assert await server.answers(QuickProtocol, pieces, one_by_one=True) == expected


async def _gives_up(*_):
    return None


CHANGES = {
    "known": REQUESTS["a change"],
    "new": post(json_of(UPDATE, by=ADA, name="Ada"), "X-New: 1"),
}
"""By what is known of the head: such a request waits with nobody knowing, or as uvicorn's."""

of_each_head = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


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


@of_each_head
@pytest.mark.parametrize("then", [[], [PLAIN], [GET, GET]], ids=["alone", "two", "three"])
async def test_what_has_to_be_waited_for_is_asked_and_done_once(served, asked, change, then):
    async with served() as server:
        asked.clear()
        answers = await server.answers(QuickProtocol, [change, *then])

    assert answers.count(b'{"data":{"userUpdate":{"user":{"name":"Ada"}}}}') == 1
    assert answers.startswith(b"HTTP/1.1 200")
    assert answers.count(b"HTTP/1.1") == 1 + len(then)
    assert len([raw for raw in asked if "name" in raw]) == 1


@of_each_head
async def test_a_plan_that_gives_up_later_is_not_asked_again(served, asked, monkeypatch, change):
    async with served() as server:
        asked.clear()
        monkeypatch.setattr(Plan, "finish", _gives_up)
        answers = [await server.answers(QuickProtocol, [each]) for each in (change, PLAIN)]
        both = await server.answers(QuickProtocol, [change, PLAIN])

    assert answers[0].endswith(b'{"data":{"userUpdate":{"user":{"name":"Ada"}}}}')
    assert answers[1].endswith(b'{"data":{"user":{"name":"Ada"}}}')
    assert both == b"".join(answers)
    assert len(asked) == 4


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
        protocol.data_received(CHANGES["known"].replace(b'"Ada"', b'"Eva"'))
        protocol.connection_lost(None)
        await server.done()

        assert protocol.transport.sent == b""
        assert not server.state.connections
        answer = await server.answers(QuickProtocol, [PLAIN])
        assert answer.endswith(b'{"data":{"user":{"name":"Eva"}}}')


@of_each_head
async def test_who_leaves_is_let_go_though_the_plan_gives_up(served, monkeypatch, change):
    async with served() as server:
        monkeypatch.setattr(Plan, "finish", _gives_up)
        protocol = server.connect(QuickProtocol)
        protocol.data_received(change)
        protocol.connection_lost(None)
        await server.done()

        assert protocol.transport.sent == b""
        assert not server.state.connections


@of_each_head
async def test_a_server_that_stops_and_waits_no_longer_says_so(served, monkeypatch, change):
    async def never(*_):
        await asyncio.Event().wait()

    async with served() as server:
        monkeypatch.setattr(Plan, "finish", never)
        protocol = server.connect(QuickProtocol)
        protocol.data_received(change)
        await asyncio.sleep(0.01)
        protocol.shutdown()
        for task in server.state.tasks:
            task.cancel()
        await server.done()

        assert protocol.transport.sent.startswith(b"HTTP/1.1 500")
        assert b"connection: close" in protocol.transport.sent
        assert protocol.transport.closed


@of_each_head
async def test_a_server_that_stops_answers_what_was_asked_and_closes(served, change):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(change)
        protocol.shutdown()
        assert not protocol.transport.closed
        await server.done()

        assert protocol.transport.sent.endswith(b'{"user":{"name":"Ada"}}}}')
        assert b"\r\nconnection: close\r\n" in protocol.transport.sent
        assert protocol.transport.closed


@of_each_head
async def test_who_reads_nothing_once_the_change_is_made_is_waited_for(served, change):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        protocol.data_received(change)
        protocol.pause_writing()
        await asyncio.sleep(0.1)
        assert protocol.transport.sent == b""

        protocol.resume_writing()
        await server.done()
        assert protocol.transport.sent.endswith(b'{"user":{"name":"Ada"}}}}')


async def test_it_counts_against_the_rate_once_and_by_the_address_that_is_meant(served):
    async with served(requests=RequestLimits(rate_per_s=0.001, rate_burst=5)) as server:
        forwarded = await server.answers(QuickProtocol, [REQUESTS["for somebody"]] * 6)
        # Two came before.
        answers = await server.answers(QuickProtocol, [PLAIN] * 5)

    assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 429")) == (3, 2)
    assert (forwarded.count(b"HTTP/1.1 200"), forwarded.count(b"HTTP/1.1 429")) == (5, 1)


async def test_a_body_that_is_too_large_is_refused(served):
    padded = json_of(READ, by=ADA) + b" " * 1_100
    limits = RequestLimits(body_bytes=1_024, service_body_bytes=1_024)
    async with served(requests=limits) as server:
        for _ in range(2):
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


@pytest.mark.parametrize("last", [PLAIN, GET, *CHANGES.values()], ids=["read", "GET", *CHANGES])
async def test_an_idle_connection_is_closed(served, monkeypatch, last):
    async with served() as server:
        protocol = server.connect(QuickProtocol)
        monkeypatch.setattr(protocol, "timeout_keep_alive", 0.2)
        for request in (PLAIN, last):
            await asyncio.sleep(0.15)
            protocol.data_received(request)
        await asyncio.sleep(0.15)
        assert not protocol.transport.closed

        await asyncio.sleep(0.15)
        assert protocol.transport.closed


async def test_a_connection_that_waits_for_its_answer_is_not_idle(served, monkeypatch):
    answered = asyncio.Event()
    finish = Plan.finish

    async def finish_late(self, data):
        await answered.wait()
        return await finish(self, data)

    async with served() as server:
        protocol = server.connect(QuickProtocol)
        monkeypatch.setattr(protocol, "timeout_keep_alive", 0.05)
        monkeypatch.setattr(Plan, "finish", finish_late)
        protocol.data_received(PLAIN)
        protocol.data_received(REQUESTS["a change"])
        await asyncio.sleep(0.2)
        assert not protocol.transport.closed

        answered.set()
        await server.done()
        assert protocol.transport.sent.endswith(b'{"user":{"name":"Ada"}}}}')
        await asyncio.sleep(0.2)
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


def test_the_newest_heads_are_kept_but_none_that_is_long_or_announces_another_body():
    head = Head(
        "localhost", "application/json", None, takes_gzip=False, length="9", is_forwarded=False
    )
    heads = KnownHeads()
    heads.note(b"another body", head, 8)
    heads.note(b"-" * (MAX_KEPT_BYTES + 1), head, 9)
    assert heads.get(b"another body", 8) is heads.get(b"-" * (MAX_KEPT_BYTES + 1), 9) is None

    for number in range(KEPT_HEADS + 1):
        heads.note(b"%d" % number, head, 9)
    assert heads.get(b"0", 9) is None
    assert heads.get(b"1", 9) is heads.get(b"%d" % KEPT_HEADS, 9) is head
