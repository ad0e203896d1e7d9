"""Watching many: whoever changes, every event, who enters and leaves a segment; going on later."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from tests.api import Api
from tests.schema.documents import RECORD, REGISTER, known
from tests.schema.websocket import Socket, initialised
from tests.server_process import server_process
from tests.stores import STORES

USER = """
subscription($by: UserBy!, $after: Cursor) {
  userChanged(by: $by, after: $after) { kind userId cursor user { id name version } }
}
"""
USERS = """
subscription($where: Criteria, $after: Cursor) {
  usersChanged(where: $where, after: $after) { kind userId cursor user { name version } }
}
"""
EVENTS = """
subscription($name: String, $user: UserBy, $after: Cursor) {
  eventRecorded(name: $name, user: $user, after: $after) {
    userId cursor event { id name } user { version }
  }
}
"""
SEGMENT = """
subscription($segment: ID!, $after: Cursor) {
  segmentMembershipChanged(segment: $segment, after: $after) {
    kind userId at cursor user { name }
  }
}
"""
SAVE = """
mutation($id: ID, $name: String!, $criteria: Criteria!) {
  segmentSave(id: $id, name: $name, criteria: $criteria) {
    ... on SegmentSavePayload { segment { id evaluation { complete evaluated total lagMs } } }
  }
}
"""
DELETE_SEGMENT = "mutation($id: ID!) { segmentDelete(id: $id) { __typename } }"
MERGE = """
mutation($from: UserBy!, $into: UserBy!) { userMerge(from: $from, into: $into) { __typename } }
"""
DELETE = "mutation($user: UserBy!) { userDelete(user: $user) { __typename } }"


@pytest.fixture(scope="module", params=STORES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server, on a store of each kind in turn."""
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path_factory.mktemp('watching')}/people.db"
    else:
        database = f"{request.getfixturevalue('mongodb')}/test{uuid4().hex}"
    with server_process(database) as server:
        yield server.url


@pytest.fixture
async def api(url: str) -> AsyncIterator[Api]:
    async with AsyncClient(base_url=url, timeout=20) as http:
        yield Api(http)


@pytest.fixture
def tag() -> str:
    """A value that nobody has yet."""
    return uuid4().hex


@pytest.fixture
def ada(tag: str) -> dict[str, str]:
    return {"custom": f"ada-{tag}"}


@asynccontextmanager
async def watching(url: str, document: str, **variables: Any) -> AsyncIterator[Socket]:
    async with initialised(url) as socket:
        await socket.subscribe(document, **variables)
        if "after" in variables:
            yield socket
            return
        # What is asked after it is answered after it was taken up.
        await socket.subscribe("{ userCount }", id="2")
        message = await socket.receive()
        while message.get("id") != "2" or message["type"] != "complete":
            assert message["id"] == "2", message
            message = await socket.receive()
        yield socket


async def refusal(socket: Socket) -> Any:
    """Return the extensions of the one error that comes next."""
    message = await socket.receive()
    errors = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
    (error,) = errors
    return error["extensions"]


async def a_second() -> None:
    """Wait until what was before is surely before: the stand-in for MongoDB counts in seconds."""
    await asyncio.sleep(1.1)


def has(tag: str) -> dict[str, Any]:
    return {"property": {"name": "tag", "is": {"equals": tag}}}


async def tagged(api: Api, who: dict[str, str], tag: str | None, **more: Any) -> Any:
    properties = {"unset": ["tag"]} if tag is None else {"set": {"tag": tag}}
    return await known(api, who, properties=properties, **more)


async def recorded(api: Api, who: dict[str, str], *names: str) -> Any:
    events = [{"id": f"{name}-{uuid4().hex}", "name": name} for name in names]
    return await api(RECORD, user=who, events=events, createIfMissing=True)


# ---------------------------------------------------------------- whoever changes


async def test_whoever_matches_after_a_change_is_told(url, api, tag, ada):
    other = {"custom": f"other-{tag}"}
    async with watching(url, USERS, where=has(tag)) as socket:
        await known(api, other, name="Other")
        await tagged(api, ada, tag, name="Ada")
        told = [await socket.told()]
        await known(api, ada, name="Eva")
        told.append(await socket.told())
        await tagged(api, ada, None)
        await known(api, ada, name="Nobody")
        await tagged(api, other, tag)
        told.append(await socket.told())

    assert [(change["kind"], change["user"]["name"]) for change in told] == [
        ("CREATED", "Ada"), ("UPDATED", "Eva"), ("UPDATED", "Other"),
    ]  # fmt: skip


@pytest.mark.parametrize("document", [USERS, EVENTS])
async def test_whoever_begins_now_is_told_of_nothing_that_was_before(url, api, tag, document):
    before, after = ({"custom": f"{name}-{tag}"} for name in ("before", "after"))
    await recorded(api, before, f"Before {tag}")
    await a_second()
    async with watching(url, document) as socket:
        user = (await recorded(api, after, f"After {tag}"))["user"]

        assert (await socket.told())["userId"] == user["id"]


async def test_without_criteria_everyone_is_told_deletions_included(url, api, ada):
    async with watching(url, USERS) as socket:
        user = await known(api, ada, name="Ada")
        first = await socket.told()
        await api(DELETE, user=ada)
        last = await socket.told()

    assert (first["kind"], first["userId"], first["user"]["name"]) == ("CREATED", user["id"], "Ada")
    assert (last["kind"], last["userId"], last["user"]) == ("DELETED", user["id"], None)


async def test_who_was_away_is_told_the_newest_state_of_everyone_who_changed(url, api, tag):
    people = [{"custom": f"{number}-{tag}"} for number in range(5)]
    async with watching(url, USERS, where=has(tag)) as socket:
        await tagged(api, people[0], tag)
        cursor = (await socket.told())["cursor"]
    for name in ("a", "b"):
        for number, who in enumerate(people):
            await tagged(api, who, tag, name=f"{name}{number}")
    await api(DELETE, user=people[4])

    async with watching(url, USERS, where=has(tag), after=cursor) as socket:
        told = [await socket.told() for _ in range(4)]

    assert [(c["kind"], c["user"]["name"]) for c in told] == [
        ("UPDATED", "b0"), ("CREATED", "b1"), ("CREATED", "b2"), ("CREATED", "b3"),
    ]  # fmt: skip


async def test_who_was_away_hears_that_the_absorbed_are_gone_with_who_absorbed_them(
    url, api, ada, tag
):
    older = await known(api, {"custom": f"older-{tag}"})
    async with watching(url, USERS) as socket:
        user = await known(api, ada, name="Ada")
        cursor = (await socket.told())["cursor"]
    await api(MERGE, **{"from": ada, "into": {"id": older["id"]}})
    await api(DELETE, user=ada)

    async with watching(url, USERS, after=cursor) as socket:
        told = [await socket.told() for _ in range(2)]

    assert [(change["kind"], change["userId"], change["user"]) for change in told] == [
        ("DELETED", user["id"], None), ("DELETED", older["id"], None),
    ]  # fmt: skip


@pytest.mark.parametrize("document", [USERS, EVENTS])
@pytest.mark.parametrize("after", ["nonsense", "", "WyJmZmZmIl0"])
async def test_what_is_no_cursor_of_ours_is_refused(url, document, after):
    async with initialised(url) as socket:
        await socket.subscribe(document, after=after)

        assert await refusal(socket) == {"code": "INVALID_INPUT", "path": ["after"]}


@pytest.mark.parametrize("where", [{}, {"segment": "unknown"}, {"age": {}}])
async def test_criteria_that_cannot_be_used_are_refused_at_once(url, where):
    async with initialised(url) as socket:
        await socket.subscribe(USERS, where=where)

        assert (await refusal(socket))["code"] == "INVALID_INPUT"


# ---------------------------------------------------------------- one person, later


async def test_a_person_is_told_of_what_came_since(url, api, ada):
    await known(api, ada, name="Ada")
    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada)
        cursor = (await socket.told())["cursor"]
    await known(api, ada, name="Eva")
    await known(api, ada, name="Zoe")

    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada, after=cursor)
        since = await socket.told()
        await known(api, ada, name="Ida")
        then = await socket.told()

    assert (since["kind"], since["user"]["name"]) == ("UPDATED", "Zoe")
    assert (then["kind"], then["user"]["name"]) == ("UPDATED", "Ida")


async def test_who_was_away_hears_of_a_merge_and_follows_the_survivor(url, api, ada, tag):
    older = await known(api, {"custom": f"older-{tag}"}, name="Older")
    user = await known(api, ada, name="Ada")
    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada)
        cursor = (await socket.told())["cursor"]
    await known(api, ada, name="Eva")
    await api(MERGE, **{"from": ada, "into": {"id": older["id"]}})

    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada, after=cursor)
        merged = await socket.told()
        await known(api, {"id": older["id"]}, name="One")
        then = await socket.told()

    assert (merged["kind"], merged["userId"], merged["user"]["id"]) == (
        "MERGED", user["id"], older["id"],
    )  # fmt: skip
    assert (then["kind"], then["userId"], then["user"]["name"]) == ("UPDATED", older["id"], "One")


@pytest.mark.parametrize("again", [False, True])
async def test_who_was_away_hears_that_the_person_is_gone(url, api, ada, again):
    user = await known(api, ada, name="Ada")
    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada)
        cursor = (await socket.told())["cursor"]
    await api(DELETE, user=ada)
    if again:
        await known(api, ada, name="Another")

    async with initialised(url) as socket:
        await socket.subscribe(USER, by=ada, after=cursor)
        gone = await socket.told()
        ended = await socket.receive()

    assert (gone["kind"], gone["userId"], gone["user"]) == ("DELETED", user["id"], None)
    assert ended == {"id": "1", "type": "complete"}


# ---------------------------------------------------------------- events


async def test_every_event_is_told_once_in_order(url, api, tag, ada):
    async with watching(url, EVENTS, user=ada) as socket:
        await recorded(api, ada, *(f"E{number}" for number in range(5)))
        await recorded(api, {"custom": f"other-{tag}"}, "E9")
        await api(RECORD, user=ada, events=[{"id": "same", "name": "E5"}] * 2)
        await api(RECORD, user=ada, events=[{"id": "same", "name": "E6"}])
        await recorded(api, ada, "E7")

        names = [(await socket.told())["event"]["name"] for _ in range(7)]

    assert names == ["E0", "E1", "E2", "E3", "E4", "E5", "E7"]


async def test_events_of_one_name_only_are_told_to_who_asks_for_them(url, api, ada, tag):
    name = f"Bought {tag}"
    async with watching(url, EVENTS, name=name.upper().replace(" ", "")) as socket:
        await recorded(api, ada, "Seen", name, "Seen", name)

        told = [await socket.told() for _ in range(2)]

    assert [one["event"]["name"] for one in told] == [name, name]


@pytest.mark.parametrize("heard", [1, 2, 3, 4, 5, 6])
async def test_who_goes_on_after_an_event_is_told_the_next_one(url, api, ada, heard):
    names = [f"E{number}" for number in range(6)]
    async with watching(url, EVENTS, user=ada) as socket:
        await recorded(api, ada, *names[:4])
        await recorded(api, ada, *names[4:])
        told = [await socket.told() for _ in range(heard)]
    await recorded(api, ada, "E6")

    async with watching(url, EVENTS, user=ada, after=told[-1]["cursor"]) as socket:
        rest = [(await socket.told())["event"]["name"] for _ in range(7 - heard)]

    assert [one["event"]["name"] for one in told] + rest == [*names, "E6"]


async def test_events_of_the_archive_are_told_on_resuming(url, api, ada):
    async with watching(url, EVENTS, user=ada) as socket:
        await recorded(api, ada, "First")
        cursor = (await socket.told())["cursor"]
    names = [f"E{number}" for number in range(300)]
    await recorded(api, ada, *names)

    async with watching(url, EVENTS, user=ada, after=cursor) as socket:
        told = [(await socket.told())["event"]["name"] for _ in range(300)]

    assert told == names


async def test_events_of_a_person_who_was_erased_are_skipped(url, api, ada, tag):
    name, other = f"N{tag}", {"custom": f"other-{tag}"}
    async with watching(url, EVENTS, name=name) as socket:
        await recorded(api, other, name)
        cursor = (await socket.told())["cursor"]
    await recorded(api, ada, name)
    await api(DELETE, user=ada)
    last = await recorded(api, other, name)

    async with watching(url, EVENTS, name=name, after=cursor) as socket:
        told = await socket.told()

    assert told["user"]["version"] == last["user"]["version"]


async def test_events_follow_a_person_who_is_merged(url, api, ada, tag):
    older = {"custom": f"older-{tag}"}
    await known(api, older, name="Older")
    await known(api, ada, name="Ada")
    async with watching(url, EVENTS, user=ada) as socket:
        await recorded(api, ada, "Before")
        first = await socket.told()
        await api(MERGE, **{"from": ada, "into": older})
        await recorded(api, older, "After")
        then = await socket.told()
        await api(DELETE, user=older)
        ended = await socket.receive()

    assert [first["event"]["name"], then["event"]["name"]] == ["Before", "After"]
    assert ended == {"id": "1", "type": "complete"}


# ---------------------------------------------------------------- segments


async def saved(api: Api, criteria: dict[str, Any], id: str | None = None) -> str:
    segment = (await api(SAVE, id=id, name="S", criteria=criteria))["segment"]
    assert segment["evaluation"]["complete"]
    assert segment["evaluation"]["lagMs"] == 0
    return str(segment["id"])


async def test_who_enters_and_leaves_is_told_once_each(url, api, tag, ada):
    segment = await saved(api, has(tag))
    async with watching(url, SEGMENT, segment=segment) as socket:
        user = await tagged(api, ada, tag, name="Ada")
        entered = await socket.told()
        await known(api, ada, name="Eva")
        await tagged(api, ada, None)
        left = await socket.told()

    assert (entered["kind"], entered["userId"], entered["user"]) == (
        "ENTERED", user["id"], {"name": "Ada"},
    )  # fmt: skip
    assert (left["kind"], left["userId"], left["user"]) == ("LEFT", user["id"], {"name": "Eva"})


async def test_who_leaves_by_time_alone_is_told(url, api, tag, ada):
    criteria = {"did": {"name": f"Pinged {tag}", "during": {"last": "PT1S"}}}
    segment = await saved(api, criteria)
    async with watching(url, SEGMENT, segment=segment) as socket:
        await recorded(api, ada, f"Pinged {tag}")
        entered = await socket.told()
        left = await socket.told()

    assert [entered["kind"], left["kind"]] == ["ENTERED", "LEFT"]
    assert entered["at"] < left["at"]


@pytest.mark.parametrize("way", ["deleted", "merged"])
async def test_who_is_gone_has_left(url, api, tag, ada, way):
    segment = await saved(api, has(tag))
    older = await known(api, {"custom": f"older-{tag}"}, name="Older")
    async with watching(url, SEGMENT, segment=segment) as socket:
        user = await tagged(api, ada, tag)
        assert (await socket.told())["kind"] == "ENTERED"
        if way == "deleted":
            await api(DELETE, user=ada)
        else:
            await api(MERGE, **{"from": ada, "into": {"id": older["id"]}})
        told = [await socket.told() for _ in range(1 if way == "deleted" else 2)]

    left = next(change for change in told if change["kind"] == "LEFT")
    assert left["userId"] == user["id"]
    if way == "deleted":
        assert left["user"] is None
    else:
        assert {(c["kind"], c["userId"]) for c in told} == {
            ("LEFT", user["id"]), ("ENTERED", older["id"]),
        }  # fmt: skip


async def test_who_was_away_is_told_every_crossing_since(url, api, tag, ada):
    segment = await saved(api, has(tag))
    async with watching(url, SEGMENT, segment=segment) as socket:
        await tagged(api, ada, tag)
        cursor = (await socket.told())["cursor"]
        for value in (None, tag, None):
            await tagged(api, ada, value)
            await socket.told()

    async with watching(url, SEGMENT, segment=segment, after=cursor) as socket:
        kinds = [(await socket.told())["kind"] for _ in range(3)]

    assert kinds == ["LEFT", "ENTERED", "LEFT"]


async def test_an_edit_lets_people_enter_and_leave(url, api, tag):
    people = [await tagged(api, {"custom": f"{n}-{tag}"}, f"{tag}{n % 2}") for n in range(6)]
    segment = await saved(api, has(f"{tag}0"))
    await a_second()
    async with watching(url, SEGMENT, segment=segment) as socket:
        await saved(api, has(f"{tag}1"), id=segment)
        told = [await socket.told() for _ in range(6)]

    assert sorted((c["kind"], c["userId"]) for c in told) == sorted(
        ("ENTERED" if number % 2 else "LEFT", user["id"]) for number, user in enumerate(people)
    )


async def test_an_edit_of_a_segment_is_one_of_those_that_refer_to_it(url, api, tag, ada):
    await tagged(api, ada, tag)
    inner = await saved(api, has("nothing"))
    outer = await saved(api, {"not": {"not": {"segment": inner}}})
    async with watching(url, SEGMENT, segment=outer) as socket:
        await saved(api, has(tag), id=inner)

        assert (await socket.told())["kind"] == "ENTERED"


async def test_whoever_is_in_a_segment_when_it_is_saved_entered_then(url, api, tag, ada):
    other = await saved(api, has(tag))
    async with watching(url, SEGMENT, segment=other) as socket:
        await tagged(api, ada, tag)
        cursor = (await socket.told())["cursor"]
    segment = await saved(api, has(tag))

    async with watching(url, SEGMENT, segment=segment, after=cursor) as socket:
        assert (await socket.told())["kind"] == "ENTERED"


async def test_a_segment_that_is_deleted_ends_the_watching(url, api, tag):
    segment = await saved(api, has(tag))
    async with watching(url, SEGMENT, segment=segment) as socket:
        await api(DELETE_SEGMENT, id=segment)

        assert (await refusal(socket))["code"] == "INVALID_INPUT"
        assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_an_unknown_segment_is_refused(url):
    async with initialised(url) as socket:
        await socket.subscribe(SEGMENT, segment="unknown")

        assert (await refusal(socket))["code"] == "INVALID_INPUT"


@pytest.mark.slow
async def test_who_has_not_been_seen_for_long_leaves(url, api, tag):
    device = {"id": tag, "platform": "WEB"}
    await api(REGISTER, user={"device": tag}, device=device)
    on_it = {"identity": {"kind": "DEVICE", "value": tag}}
    segment = await saved(api, {"all": [on_it, {"lastSeenAt": {"last": "PT3S"}}]})
    await a_second()
    async with watching(url, SEGMENT, segment=segment) as socket:
        assert (await socket.told())["kind"] == "LEFT"


async def test_racing_changes_alternate_and_end_in_the_truth(url, api, tag, ada):
    segment = await saved(api, has(tag))
    async with watching(url, SEGMENT, segment=segment) as socket:
        await tagged(api, ada, tag)

        async def flip(times: int) -> None:
            for number in range(times):
                await tagged(api, ada, tag if number % 2 else None)

        await asyncio.gather(*(flip(20) for _ in range(3)))
        await tagged(api, ada, None)
        last = await tagged(api, {"custom": f"last-{tag}"}, tag)
        told: list[Any] = []
        while not told or told[-1]["userId"] != last["id"]:
            told.append(await socket.told())

    kinds = [change["kind"] for change in told[:-1]]
    assert kinds == ["ENTERED", "LEFT"] * (len(kinds) // 2)
    assert kinds
