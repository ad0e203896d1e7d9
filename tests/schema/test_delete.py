"""Erasing a person: nothing is found any more, and nothing is left for whoever comes next."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.schema.documents import (
    ADA,
    COUNT,
    EVA,
    LINK,
    RECORD,
    REGISTER,
    UPDATE,
    USER,
    fault,
    known,
)
from tests.schema.resolution import (
    DELETE,
    DEVICE,
    EMAIL,
    LOG_OUT,
    LOGIN,
    MAX,
    MERGE,
    PUSH,
    delete,
    everything,
    login,
    merge,
    names,
    record,
    register,
    whole_log,
)

MINUTE = timedelta(minutes=1)
FEW = Limits(embedded_events=4)
NOT_FOUND = {"__typename": "UserNotFoundError"}


@pytest.fixture
async def api(store_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API on an empty store of each kind in turn, where few events stay in a document."""
    async with serving(Settings(database=store_url, limits=FEW), clock) as api:
        yield api


async def active(api: Api, ref: dict[str, str], device: str) -> Any:
    """Return somebody who did much, on a device that push messages reach."""
    await login(api, ref, device=device, changes={"name": "X", "email": "x@example.org"})
    await register(api, device, user=ref, push=PUSH)
    events = [{"id": f"e{number}", "name": "Viewed"} for number in range(12)]
    return (await record(api, ref, *events))["user"]


@pytest.fixture
async def ada(api: Api, clock: Clock) -> Any:
    """Ada, who absorbed Eva a minute after she came; both did much."""
    await active(api, ADA, "d1")
    await api(LINK, user=ADA, identity=EMAIL)
    clock.now += MINUTE
    await active(api, EVA, "d2")
    return (await merge(api, from_=EVA, into=ADA))["user"]


REFS = [ADA, EMAIL, DEVICE, EVA, {"device": "d2"}]


@pytest.mark.parametrize("ref", [EMAIL, {"device": "d2"}, "id", "absorbed id"])
async def test_a_person_is_deleted_by_any_name_and_found_by_none(api, ada, ref):
    ids = [{"id": ada["id"]}, {"id": ada["mergedIds"][0]}]
    by = {"id": ids[0], "absorbed id": ids[1]}[ref] if isinstance(ref, str) else ref

    deleted_id = await delete(api, by)

    assert deleted_id == ada["id"]
    assert [await api(USER, by=old) for old in (*REFS, *ids)] == [None] * 7
    assert await api(COUNT) == 0


async def test_of_others_nothing_is_deleted(api, ada, clock):
    await active(api, MAX, "d3")
    before = (await everything(api))[0]["nodes"]

    await delete(api, EVA)

    assert (await everything(api))[0]["nodes"] == [
        user for user in before if user["id"] != ada["id"]
    ]
    assert len(await whole_log(api, MAX)) == 12


CALLS: list[tuple[str, dict[str, Any]]] = [
    (DELETE, {}),
    (UPDATE, {"changes": {"name": "Y"}}),
    (UPDATE, {"changes": {"name": "Y"}, "createIfMissing": True}),
    (RECORD, {"events": [{"name": "Viewed"}]}),
    (RECORD, {"events": [{"name": "Viewed"}], "createIfMissing": True}),
    (LINK, {"identity": {"google": "1"}}),
    (REGISTER, {"device": {"id": "d9", "platform": "IOS"}}),
]


@pytest.mark.parametrize("whose", ["own", "absorbed"])
async def test_an_id_of_the_deleted_is_nobodys_for_ever(api, ada, whose):
    by = {"id": ada["id"] if whose == "own" else ada["mergedIds"][0]}
    await delete(api, ADA)

    answers = [await fault(api, document, user=by, **given) for document, given in CALLS]

    assert answers == [NOT_FOUND] * len(CALLS)
    assert await api(COUNT) == 0


async def test_the_deleted_merge_with_nobody(api, ada):
    await delete(api, ADA)
    before = await active(api, MAX, "d3")

    answers = [
        await fault(api, MERGE, **{"from": {"id": ada["id"]}, "into": MAX}),
        await fault(api, MERGE, **{"from": MAX, "into": {"id": ada["mergedIds"][0]}}),
    ]

    assert answers == [NOT_FOUND] * 2
    assert await api(USER, by=MAX) == before


@pytest.mark.parametrize("by", [MAX, {"id": "01KG9C2D00"}, {"email": "no address"}])
async def test_nobody_is_not_deleted(api, ada, by):
    answer = await fault(api, DELETE, user=by)

    assert answer == NOT_FOUND
    assert await api(USER, by=ADA) == ada


async def test_deleting_twice_finds_nobody(api, ada):
    await delete(api, ADA)

    assert await fault(api, DELETE, user=ADA) == NOT_FOUND


async def test_identities_are_free_at_once_and_the_new_person_has_no_past(api, ada):
    await delete(api, ADA)

    answer = await login(api, ADA, EMAIL, EVA, device="d1")

    user = answer["user"]
    assert answer["outcome"] == "CREATED"
    assert user["id"] not in {ada["id"], *ada["mergedIds"]}
    assert names(user) == ["CUSTOM:ada", "EMAIL:ada@example.org", "CUSTOM:eva", "DEVICE:d1"]
    assert (user["version"], user["name"], user["mergedIds"]) == (1, None, [])
    assert (user["devices"], user["activity"], user["events"]["nodes"]) == ([], [], [])
    assert await whole_log(api, ADA) == []


async def test_an_event_of_the_deleted_is_no_duplicate_of_the_new_person(api, ada):
    await delete(api, ADA)

    answer = await record(api, ADA, *({"id": f"e{n}", "name": "Viewed"} for n in range(12)))

    assert (answer["recorded"], answer["duplicates"]) == (12, 0)
    assert len(await whole_log(api, ADA)) == 12


async def test_identities_of_the_deleted_go_to_different_people(api, ada):
    await delete(api, ADA)
    await login(api, MAX)

    linked = await api(LINK, user=MAX, identity=EMAIL)
    other = await login(api, EVA, device="d1")

    assert names(linked["user"]) == ["CUSTOM:max", "EMAIL:ada@example.org"]
    assert names(other["user"]) == ["CUSTOM:eva", "DEVICE:d1"]


async def test_the_device_of_the_deleted_is_nobodys(api, ada):
    await delete(api, ADA)

    answer = await fault(api, LOG_OUT, device="d1")

    assert answer == {"__typename": "DeviceNotFoundError", "id": "d1"}


async def test_who_came_again_can_be_deleted_again(api, ada):
    await delete(api, ADA)
    again = (await login(api, ADA))["user"]

    assert await delete(api, ADA) == again["id"]
    assert await api(COUNT) == 0


# ---------------------------------------------------------------- races


async def test_one_of_racing_deletions_deletes(api, ada):
    answers = await asyncio.gather(*(api(DELETE, user=ref) for ref in REFS * 2))

    types = sorted(answer["__typename"] for answer in answers)
    assert types == ["UserDeletePayload"] + ["UserNotFoundError"] * 9
    assert await api(COUNT) == 0


async def test_whoever_updates_the_deleted_too_late_brings_nobody_back(api, ada):
    by = {"id": ada["id"]}
    writes = [
        api(UPDATE, user=by, changes={"properties": {"increment": {"n": 1}}}) for _ in range(6)
    ]
    writes += [
        api(RECORD, user=by, events=[{"name": "Viewed"} for _ in range(9)]) for _ in range(6)
    ]
    writes += [api(LINK, user=by, identity={"google": f"g{number}"}) for number in range(6)]

    *answers, deletion = await asyncio.gather(*writes, api(DELETE, user=by))

    assert deletion == {"__typename": "UserDeletePayload", "deletedId": ada["id"]}
    assert {answer["__typename"] for answer in answers} <= {
        "UserUpdatePayload", "UserRecordEventsPayload", "UserLinkIdentityPayload",
        "UserNotFoundError",
    }  # fmt: skip
    refs = [by, *REFS, *({"google": f"g{number}"} for number in range(6))]
    assert [await api(USER, by=ref) for ref in refs] == [None] * 12
    again = await login(api, *({"google": f"g{number}"} for number in range(6)), *REFS[:2])
    assert (again["outcome"], again["user"]["events"]["nodes"]) == ("CREATED", [])
    assert await whole_log(api, ADA) == []
    assert await api(COUNT) == 1


async def test_a_login_that_races_with_a_deletion_finds_the_old_or_makes_a_new_person(api, ada):
    logins = [api(LOGIN, identities=[ADA, EMAIL], device="d1") for _ in range(8)]

    *answers, _ = await asyncio.gather(*logins, api(DELETE, user=ADA))

    assert {answer["outcome"] for answer in answers} <= {"FOUND", "CREATED"}
    user = await api(USER, by=ADA)
    assert user is None or user["id"] != ada["id"]
    assert user is None or user["events"]["nodes"] == []
    assert [await api(USER, by=ref) for ref in (EMAIL, DEVICE)] == [user, user]
    assert await api(COUNT) == (0 if user is None else 1)


@pytest.mark.parametrize("who", [MAX, EVA])
async def test_a_merge_that_races_with_a_deletion_is_deleted_too_or_did_not_happen(api, ada, who):
    await active(api, MAX, "d3")

    _, merging = await asyncio.gather(
        api(DELETE, user=who), api(MERGE, **{"from": MAX, "into": ADA})
    )

    left = [await api(USER, by=ref) for ref in (ADA, EVA, MAX)]
    people = {user["id"]: user for user in left if user}
    assert await api(COUNT) == len(people) <= 1
    assert all(set(user["mergedIds"]) <= set(ada["mergedIds"]) for user in people.values())
    assert merging["__typename"] in {"UserMergePayload", "UserNotFoundError"}


async def test_a_person_who_was_merged_into_a_deleted_one_can_come_again(api, ada):
    await known(api, MAX)
    await merge(api, from_=ADA, into=MAX)
    await delete(api, MAX)

    answers = [await login(api, ref) for ref in (ADA, EVA, MAX)]

    assert [answer["outcome"] for answer in answers] == ["CREATED"] * 3
    assert await api(COUNT) == 3
