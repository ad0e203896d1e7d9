"""Watching one person: as they are now, then after each change."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.api import Api
from tests.schema.documents import IDENTIFY, LINK, RECORD, REGISTER, UNLINK, UPDATE, fault, known
from tests.schema.websocket import Socket, initialised
from tests.server_process import server_process

WATCH = """
subscription($by: UserBy!) {
  userChanged(by: $by) { kind userId at cursor user { id name version updatedAt } }
}
"""
SHORT = "subscription($by: UserBy!) { userChanged(by: $by) { kind user { name version } } }"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    folder = tmp_path_factory.mktemp("watched")
    with server_process(f"sqlite:///{folder}/people.db") as server:
        yield server.url


@pytest.fixture
async def api(url: str) -> AsyncIterator[Api]:
    async with AsyncClient(base_url=url) as http:
        yield Api(http)


@pytest.fixture
async def socket(url: str) -> AsyncIterator[Socket]:
    async with initialised(url) as socket:
        yield socket


@pytest.fixture
def ada() -> dict[str, str]:
    """A name that nobody has yet."""
    return {"custom": f"ada-{uuid4().hex}"}


def told(kind, name, version):
    return {"kind": kind, "user": {"name": name, "version": version}}


async def test_a_person_is_told_as_they_are_then_after_each_change(api, socket, ada):
    before = await known(api, ada, name="Ada")
    await socket.subscribe(WATCH, by=ada)

    now = await socket.told()
    after = await known(api, ada, name="Eva")
    then = await socket.told()

    def shown(user):
        return {field: user[field] for field in ("id", "name", "version", "updatedAt")}

    assert now == {
        "kind": "CURRENT",
        "userId": before["id"],
        "user": shown(before),
        "at": now["at"],
        "cursor": now["cursor"],
    }
    assert then == {
        "kind": "UPDATED",
        "userId": before["id"],
        "user": shown(after),
        "at": after["updatedAt"],
        "cursor": then["cursor"],
    }
    assert now["at"] >= before["updatedAt"]
    assert isinstance(then["cursor"], str)


@pytest.mark.parametrize("created_by", ["login", "change", "event"])
async def test_nobody_yet_is_waited_for(api, socket, ada, created_by):
    mail = {"email": f"{ada['custom']}@example.org"}
    await socket.subscribe(SHORT, by=mail)
    await known(api, ada)
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "login": (IDENTIFY, {"identities": [{"google": uuid4().hex}, mail]}),
        "change": (UPDATE, {"user": mail, "changes": {}, "createIfMissing": True}),
        "event": (RECORD, {"user": mail, "events": [{"name": "V"}], "createIfMissing": True}),
    }
    document, variables = ways[created_by]

    await api(document, **variables)
    first = await socket.told()
    await known(api, mail, name="Ada")
    second = await socket.told()

    assert [first, second] == [told("CREATED", None, 1), told("UPDATED", "Ada", 2)]


async def test_what_changes_nothing_and_what_is_refused_is_not_told(api, socket, ada):
    await known(api, ada, name="Ada")
    await socket.subscribe(SHORT, by=ada)
    await socket.told()

    await known(api, ada, name="Ada")
    await fault(api, UPDATE, user=ada, changes={"name": ""})
    await fault(api, UPDATE, user=ada, changes={"name": "X"}, expectedVersion=9)
    await api(UNLINK, user=ada, identity={"google": "none of hers"})
    await known(api, {"custom": f"other-{ada['custom']}"}, name="Other")
    await known(api, ada, name="Eva")

    assert await socket.told() == told("UPDATED", "Eva", 2)


async def test_being_seen_alone_is_not_told(api, socket, ada):
    device = {"id": ada["custom"], "platform": "WEB"}
    by = {"device": ada["custom"]}
    await api(REGISTER, user=by, device=device)
    await socket.subscribe(SHORT, by=by)
    await socket.told()

    await api(REGISTER, user=by, device=device)
    await known(api, by, name="Ada")

    assert await socket.told() == told("UPDATED", "Ada", 2)


async def test_every_way_to_change_is_told(api, socket, ada):
    await known(api, ada)
    await socket.subscribe(SHORT, by=ada)
    await socket.told()
    other = {"google": uuid4().hex}
    device = {"id": uuid4().hex, "platform": "WEB"}
    versions = []

    for document, variables in [
        (UPDATE, {"user": ada, "changes": {"name": "Ada"}}),
        (RECORD, {"user": ada, "events": [{"name": "V"}]}),
        (LINK, {"user": ada, "identity": other}),
        (UNLINK, {"user": ada, "identity": other}),
        (REGISTER, {"user": ada, "device": device}),
        (IDENTIFY, {"identities": [ada], "changes": {"name": "Eva"}}),
    ]:
        await api(document, **variables)
        versions.append((await socket.told())["user"]["version"])

    assert versions == [2, 3, 4, 5, 6, 7]


async def test_of_quick_changes_the_last_state_arrives_and_versions_only_grow(api, socket, ada):
    await known(api, ada)
    await socket.subscribe(SHORT, by=ada)
    changes = " ".join(
        f'c{number}: userUpdate(user: {{custom: "{ada["custom"]}"}}, '
        f'changes: {{name: "n{number}"}}) {{ __typename }}'
        for number in range(100)
    )

    await api.raw(f"mutation {{ {changes} }}")
    states = [await socket.told()]
    while states[-1]["user"]["version"] < 101:
        states.append(await socket.told())

    versions = [state["user"]["version"] for state in states]
    assert versions == sorted(set(versions))
    assert states[-1] == told("UPDATED", "n99", 101)


async def test_a_person_is_followed_though_the_name_they_were_found_by_is_gone(api, socket, ada):
    before = await known(api, ada)
    await socket.subscribe(SHORT, by=ada)
    await socket.told()

    await api(UNLINK, user=ada, identity=ada)
    unlinked = await socket.told()
    await known(api, {"id": before["id"]}, name="Ada")

    assert unlinked == told("UPDATED", None, 2)
    assert await socket.told() == told("UPDATED", "Ada", 3)


async def test_every_watcher_is_told(api, url, socket, ada):
    await known(api, ada)
    async with initialised(url) as other:
        watchers = [(socket, "1"), (socket, "2"), (other, "1")]
        for watcher, id in watchers:
            await watcher.subscribe(SHORT, id=id, by=ada)
            await watcher.told()

        await known(api, ada, name="Ada")

        assert [await watcher.told() for watcher, _ in watchers] == [told("UPDATED", "Ada", 2)] * 3


async def test_messages_are_not_compressed_however_gladly_a_client_would(socket):
    assert socket.connection.request.headers["sec-websocket-extensions"]
    assert socket.connection.protocol.extensions == []


async def test_a_fault_in_one_field_does_not_end_the_watching(api, socket, ada):
    await known(api, ada)
    document = """subscription($by: UserBy!) {
      userChanged(by: $by) { kind user { events(first: 0) { nodes { id } } } }
    }"""
    await socket.subscribe(document, by=ada)

    first = await socket.receive()
    await known(api, ada, name="Ada")
    second = await socket.receive()

    for message, kind in [(first, "CURRENT"), (second, "UPDATED")]:
        assert message["type"] == "next"
        assert message["payload"]["data"] == {"userChanged": {"kind": kind, "user": None}}
        assert message["payload"]["errors"][0]["extensions"] == {
            "code": "INVALID_INPUT", "path": ["first"],
        }  # fmt: skip


async def test_who_could_not_exist_is_not_waited_for(socket):
    await socket.subscribe(SHORT, by={"email": "impossible"})

    message = await socket.receive()

    (only,) = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
    assert only["extensions"] == {"code": "INVALID_INPUT", "path": ["by", "email"]}


@pytest.mark.parametrize("by", [{}, {"id": "a", "custom": "b"}, None, {"custom": 1}])
async def test_a_person_is_named_in_exactly_one_way(socket, by):
    await socket.subscribe(SHORT, by=by)

    message = await socket.receive()

    faults = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
    assert {fault["extensions"]["code"] for fault in faults} == {"INVALID_INPUT"}
