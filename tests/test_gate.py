"""Who gets in, how often, with how much, from where, and in which wrapping answers go out."""

import asyncio
import gzip
import hashlib
import json

import pytest

from app.http import GraphQLEndpoint
from app.limits import RequestLimits
from app.settings import Settings
from tests.api import serving
from tests.schema.documents import COUNT, known

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
MUTATION = """
mutation { userUpdate(user: {custom: "ada"}, changes: {}, createIfMissing: true) { __typename } }
"""


@pytest.fixture
def served(sqlite_url, clock):
    """How to serve with settings of one's own."""
    return lambda **settings: serving(Settings(database=sqlite_url, **settings), clock)


def fault(answer):
    (error,) = answer.json()["errors"]
    return error["extensions"]


# ---------------------------------------------------------------- bodies


SMALL = RequestLimits(body_bytes=1_024, service_body_bytes=2_048)
TOO_LARGE = {"code": "LIMIT_EXCEEDED", "name": "service_body_bytes", "limit": 2_048}


def sized(size):
    """Return a request of so many bytes."""
    body = json.dumps({"query": COUNT}).encode()
    return body + b" " * (size - len(body))


async def pieces(body, size=100):
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [2_047, 2_048])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_up_to_the_limit_is_read(served, size, chunked):
    async with served(requests=SMALL) as api:
        content = pieces(sized(size)) if chunked else sized(size)
        answer = await api.http.post("/graphql", content=content, headers={"content-type": JSON})

    assert answer.json() == {"data": {"userCount": 0}}


@pytest.mark.parametrize("size", [2_049, 100_000])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_a_larger_body_is_413_with_the_limit(served, size, chunked, accept):
    headers = {"content-type": JSON, "accept": accept}
    async with served(requests=SMALL) as api:
        content = pieces(sized(size)) if chunked else sized(size)
        answer = await api.http.post("/graphql", content=content, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (413, accept)
    assert fault(answer) == TOO_LARGE
    assert answer.json()["errors"][0]["message"] == (
        "A body may have at most 2048 bytes (service_body_bytes)."
    )


async def test_a_body_is_read_no_further_than_its_limit(served):
    read = []

    async def endless():
        while True:
            read.append(1)
            assert len(read) < 100
            yield b" " * 1_000

    async with served(requests=SMALL) as api:
        answer = await api.http.post("/graphql", content=endless(), headers={"content-type": JSON})

    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["9" * 5_000, "2049"])
async def test_a_body_that_says_it_is_too_large_is_not_read_at_all(served, length):
    async with served(requests=SMALL) as api:
        answer = await api.http.post(
            "/graphql", content=sized(100), headers={"content-type": JSON, "content-length": length}
        )

    assert answer.status_code == 413


async def test_a_megabyte_of_variables_is_taken(api):
    answer = await api.raw(COUNT, unused="x" * (1 << 20))

    assert answer == {"data": {"userCount": 0}}


async def test_a_body_that_does_not_come_is_408(served):
    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    async with served(requests=RequestLimits(body_s=0.1)) as api:
        answer = await api.http.post("/graphql", content=slow(), headers={"content-type": JSON})

    assert answer.status_code == 408
    assert fault(answer) == {"code": "LIMIT_EXCEEDED", "name": "body_s", "limit": 0.1}


async def test_a_fault_outside_of_any_field_is_masked_as_well(api, monkeypatch, caplog):
    def broken(*_):
        raise ValueError("ada@example.org")

    monkeypatch.setattr(GraphQLEndpoint, "encode_json", broken)

    answer = await api.http.post("/graphql", json={"query": COUNT})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["message"]) == (500, "Unexpected error.")
    assert error["extensions"] == {"code": "INTERNAL", "id": error["extensions"]["id"]}
    assert error["extensions"]["id"] in caplog.text
    assert "ada@example.org" not in caplog.text + answer.text


# ---------------------------------------------------------------- rates


async def test_who_asks_too_often_has_to_wait(served):
    limits = RequestLimits(rate_per_s=0.5, rate_burst=3)
    async with served(requests=limits) as api:
        answers = [await api.http.post("/graphql", json={"query": COUNT}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert fault(answers[3]) == {"code": "LIMIT_EXCEEDED", "name": "rate_per_s", "limit": 0.5}
    assert answers[3].headers["retry-after"] == "2"


async def test_who_guesses_keys_too_often_has_to_wait(served):
    async with served(requests=RequestLimits(rate_per_s=0.5, rate_burst=3)) as api:
        answers = [
            await api.http.post(
                "/graphql", json={"query": COUNT}, headers={"authorization": f"Bearer guess{n}"}
            )
            for n in range(4)
        ]

    assert fault(answers[2])["code"] == "UNAUTHENTICATED"
    assert answers[3].status_code == 429


async def test_nobody_waits_unless_a_rate_is_set(api):
    answers = [await api.http.post("/graphql", json={"query": COUNT}) for _ in range(200)]

    assert {answer.status_code for answer in answers} == {200}


# ---------------------------------------------------------------- documents by hash


HASH = hashlib.sha256(COUNT.encode()).hexdigest()


def persisted(digest, version=1):
    return {"persistedQuery": {"version": version, "sha256Hash": digest}}


async def by_hash(api, digest=HASH, query=None, method="POST", **more):
    body = {"extensions": persisted(digest)} | ({"query": query} if query else {}) | more
    if method == "POST":
        return await api.http.post("/graphql", json=body)
    parameters = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
    return await api.http.get("/graphql", params=parameters, headers={"accept": JSON})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_document_is_known_by_its_hash_once_it_was_sent_with_it(api, method):
    before = await by_hash(api, method=method)
    registered = await by_hash(api, query=COUNT, method=method)
    after = await by_hash(api, method=method)

    assert (before.status_code, before.json()) == (
        200,
        {
            "errors": [
                {
                    "message": "PersistedQueryNotFound",
                    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
                }
            ]
        },
    )
    assert registered.json() == after.json() == {"data": {"userCount": 0}}


async def test_variables_go_with_a_hash(api):
    await known(api)
    document = "query($by: UserBy!) { user(by: $by) { version } }"
    digest = hashlib.sha256(document.encode()).hexdigest()
    await by_hash(api, digest, document, variables={"by": {"id": "x"}})

    answer = await by_hash(api, digest, variables={"by": {"custom": "ada"}})

    assert answer.json() == {"data": {"user": {"version": 1}}}


async def test_a_mutation_by_its_hash_is_no_get(api):
    digest = hashlib.sha256(MUTATION.encode()).hexdigest()
    await by_hash(api, digest, MUTATION, method="GET")

    answer = await by_hash(api, digest, method="GET")

    assert answer.status_code == 405
    assert await api(COUNT) == 0


@pytest.mark.parametrize(
    "extensions",
    [
        persisted(hashlib.sha256(b"{ userCoun }").hexdigest()),
        persisted(HASH.upper()),
        persisted(""),
        persisted(None),
        persisted(1),
        persisted(HASH, version=2),
        persisted(HASH, version="1"),
        {"persistedQuery": {"sha256Hash": HASH}},
        {"persistedQuery": {}},
        {"persistedQuery": []},
        {"persistedQuery": HASH},
    ],
)
async def test_what_is_no_hash_of_the_document_is_refused(api, extensions):
    answer = await api.http.post("/graphql", json={"query": COUNT, "extensions": extensions})

    assert (answer.status_code, fault(answer)) == (400, {"code": "INVALID_INPUT"})


async def test_a_document_that_cannot_run_can_be_registered_and_still_cannot_run(api):
    document = "{ nope }"
    digest = hashlib.sha256(document.encode()).hexdigest()

    answers = [await by_hash(api, digest, document), await by_hash(api, digest)]

    assert [fault(answer)["code"] for answer in answers] == ["INVALID_INPUT"] * 2


# ---------------------------------------------------------------- only listed documents


@pytest.fixture(params=["map", "apollo", "folder", "document"])
def listing(request, tmp_path):
    """A list of one document, in each of its forms."""
    folder = tmp_path / "documents"
    folder.mkdir()
    operation = {"id": HASH, "name": "Count", "type": "query", "body": COUNT}
    apollo = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    if request.param == "document":
        (folder / "count.graphql").write_text(COUNT)
    else:
        manifest = {HASH: COUNT} if request.param == "map" else apollo
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder if request.param in ("folder", "document") else folder / "manifest.json"


async def test_a_listed_document_is_executed_by_hash_or_as_it_is(served, listing):
    async with served(documents=listing) as api:
        answers = [
            await by_hash(api),
            await by_hash(api, query=COUNT),
            await api.http.post("/graphql", json={"query": COUNT}),
            await by_hash(api, method="GET"),
        ]

    assert [answer.json() for answer in answers] == [{"data": {"userCount": 0}}] * 4


@pytest.mark.parametrize(
    "document", ["{ userCount  }", "{ __typename }", "{ __schema { types { name } } }"]
)
async def test_any_other_document_is_refused(served, listing, document):
    digest = hashlib.sha256(document.encode()).hexdigest()
    async with served(documents=listing) as api:
        written = await api.http.post("/graphql", json={"query": document})
        registering = await by_hash(api, digest, document)
        hashed = await by_hash(api, digest)
        disguised = await by_hash(api, HASH, document)

    assert [answer.status_code for answer in (written, registering, disguised)] == [403] * 3
    assert fault(written) == {"code": "FORBIDDEN"}
    assert fault(hashed) == {"code": "PERSISTED_QUERY_NOT_FOUND"}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"a": 1}', '{"operations": []}', '{"operations": [{}]}', "1"]
)
def test_what_lists_no_documents_is_refused_at_the_start(tmp_path, content):
    file = tmp_path / "manifest.json"
    file.write_text(content)

    with pytest.raises(ValueError, match=r"manifest\.json"):
        Settings(documents=file)


# ---------------------------------------------------------------- other sites


ORIGIN = "https://app.example.org"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}


def cors(answer):
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


async def test_pages_of_other_sites_read_nothing_unless_let_in(api):
    preflight = await api.http.options("/graphql", headers=PREFLIGHT)
    answer = await api.http.post("/graphql", json={"query": COUNT}, headers={"origin": ORIGIN})

    assert (preflight.status_code, cors(preflight), cors(answer)) == (405, {}, {})


@pytest.mark.parametrize(("origins", "shown"), [(ORIGIN, ORIGIN), ("*", "*")])
async def test_pages_that_are_let_in_may_ask_and_read(served, origins, shown):
    async with served(cors_origins=origins) as api:
        preflight = await api.http.options("/graphql", headers=PREFLIGHT)
        answer = await api.http.post(
            "/graphql",
            json={"query": COUNT},
            headers={"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        )

    assert preflight.status_code == 200
    assert cors(preflight)["access-control-allow-origin"] == shown
    assert cors(answer)["access-control-allow-origin"] == shown
    assert answer.json() == {"data": {"userCount": 0}}
    assert "access-control-allow-credentials" not in cors(preflight) | cors(answer)


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", f"{ORIGIN}.evil.org"])
async def test_to_let_one_site_in_lets_in_no_other(served, origin):
    async with served(cors_origins=ORIGIN) as api:
        preflight = await api.http.options("/graphql", headers=PREFLIGHT | {"origin": origin})
        answer = await api.http.post(
            "/graphql",
            json={"query": COUNT},
            headers={"origin": origin, "sec-fetch-site": "cross-site"},
        )

    assert (preflight.status_code, answer.status_code) == (400, 403)
    assert "access-control-allow-origin" not in cors(preflight) | cors(answer)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_a_browser_sends_for_another_site_is_not_executed(api, site):
    headers = {"sec-fetch-site": site, "accept": "*/*"}

    asked = await api.http.get("/graphql", params={"query": COUNT}, headers=headers)
    written = await api.http.post("/graphql", json={"query": MUTATION}, headers=headers)

    assert (asked.status_code, written.status_code) == (403, 403)
    assert fault(asked) == {"code": "FORBIDDEN"}
    assert await api(COUNT) == 0


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_what_a_browser_sends_for_our_own_page_is_executed(api, site):
    answer = await api.http.post(
        "/graphql", json={"query": COUNT}, headers={"sec-fetch-site": site}
    )

    assert answer.json() == {"data": {"userCount": 0}}


async def test_a_link_from_another_site_opens_the_page(api):
    headers = {"sec-fetch-site": "cross-site", "accept": "text/html"}

    assert (await api.http.get("/graphql", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"query=" + MUTATION.encode()),
        ("text/plain", json.dumps({"query": MUTATION}).encode()),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
    ],
)
async def test_a_form_changes_nothing(api, content_type, body):
    answer = await api.http.post("/graphql", content=body, headers={"content-type": content_type})

    assert answer.status_code == 415
    assert await api(COUNT) == 0


# ---------------------------------------------------------------- headers and compression


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/graphql", {"json": {"query": COUNT}}),
        ("POST", "/graphql", {"json": {"query": "{"}}),
        ("POST", "/graphql", {"content": b"x"}),
        ("GET", "/graphql", {}),
        ("PUT", "/graphql", {}),
        ("GET", "/health", {}),
        ("GET", "/nowhere", {}),
    ],
)
async def test_every_answer_is_neither_misread_nor_framed_nor_kept(api, method, path, sent):
    answer = await api.http.request(method, path, headers={"accept": JSON}, **sent)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; frame-ancestors 'none'"
    )


async def test_a_large_answer_is_compressed_for_those_who_take_it(api):
    request = api.http.build_request(
        "POST",
        "/graphql",
        json={"query": "{ __schema { types { name description } } }"},
        headers={"accept-encoding": "gzip"},
    )

    answer = await api.http.send(request, stream=True)
    sent = b"".join([piece async for piece in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert "data" in json.loads(gzip.decompress(sent))


@pytest.mark.parametrize(
    ("document", "encoding"),
    [(COUNT, "gzip"), ("{ __schema { types { name description } } }", "identity")],
)
async def test_other_answers_are_not_compressed(api, document, encoding):
    answer = await api.http.post(
        "/graphql", json={"query": document}, headers={"accept-encoding": encoding}
    )

    assert "content-encoding" not in answer.headers
