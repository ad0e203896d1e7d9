"""Logging in on a device: who is found, created, converted, merged or switched."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.schema.documents import ADA, COUNT, EVA, USER, exceeded, fault, invalid, known
from tests.schema.resolution import (
    DEVICE,
    EMAIL,
    LOGIN,
    MAX,
    PUSH,
    everything,
    login,
    names,
    record,
    register,
    totals,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SHOWN_NOON = "2026-01-31T12:00:00.000Z"
ZOE = {"custom": "zoe"}


@pytest.fixture
async def api(store_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API on an empty store of each kind in turn."""
    async with serving(Settings(database=store_url), clock) as api:
        yield api


# ---------------------------------------------------------------- the table, row by row


@dataclass(frozen=True)
class Row:
    """One row of the table: whom the identities name, whose the device is, what comes of it."""

    owner: bool
    device: str
    outcome: str

    @property
    def on(self) -> str | None:
        return None if self.device == "none" else "d1"

    async def arranged(self, api: Api, clock: Clock) -> Any:
        """Bring it about, a minute between any two steps; return whose the device is."""
        if self.owner:
            await login(api, ADA, changes={"name": "Ada"})
            clock.now += MINUTE
        match self.device:
            case "anonymous":
                await record(api, DEVICE, {"id": "before", "name": "Viewed"})
                return await register(api, push=PUSH)
            case "identified":
                await login(api, EVA, device="d1", changes={"name": "Eva"})
                return await register(api, user=EVA, push=PUSH)
            case "own":
                await login(api, ADA, device="d1")
                return await register(api, user=ADA, push=PUSH)
            case _:
                return None


ROWS = [
    Row(owner=False, device="none", outcome="CREATED"),
    Row(owner=False, device="nobody's", outcome="CREATED"),
    Row(owner=False, device="anonymous", outcome="CONVERTED"),
    Row(owner=False, device="identified", outcome="SWITCHED"),
    Row(owner=True, device="none", outcome="FOUND"),
    Row(owner=True, device="nobody's", outcome="FOUND"),
    Row(owner=True, device="own", outcome="FOUND"),
    Row(owner=True, device="anonymous", outcome="MERGED"),
    Row(owner=True, device="identified", outcome="SWITCHED"),
]


ONE_OF_EACH = pytest.mark.parametrize(
    "row", [ROWS[1], ROWS[2], ROWS[3], ROWS[6], ROWS[7]], ids=lambda row: row.outcome.lower()
)


@pytest.fixture(params=ROWS, ids=lambda row: f"{'known' if row.owner else 'new'} on {row.device}")
def row(request: pytest.FixtureRequest) -> Row:
    drawn: Row = request.param
    return drawn


async def test_a_login_answers_the_person_who_has_all_identities_and_the_device(api, clock, row):
    await row.arranged(api, clock)
    clock.now += HOUR

    answer = await login(api, ADA, EMAIL, device=row.on)

    expected = {"CUSTOM:ada", "EMAIL:ada@example.org"} | ({"DEVICE:d1"} if row.on else set())
    assert answer["outcome"] == row.outcome
    assert set(names(answer["user"])) == expected
    for by in (ADA, EMAIL, *([DEVICE] if row.on else [])):
        assert await api(USER, by=by) == answer["user"]


async def test_repeating_a_login_finds_the_person_and_changes_nothing(api, clock, row):
    await row.arranged(api, clock)
    clock.now += HOUR
    first = await login(api, ADA, EMAIL, device=row.on)
    before = await everything(api)

    again = await login(api, EMAIL, ADA, device=row.on)

    assert again == first | {"outcome": "FOUND"}
    assert await everything(api) == before


@ONE_OF_EACH
async def test_a_repetition_later_moves_last_seen_and_no_version(api, clock, row):
    await row.arranged(api, clock)
    first = await login(api, ADA, device=row.on)
    clock.now += HOUR

    again = await login(api, ADA, device=row.on)

    seen = clock.now.strftime("%Y-%m-%dT%H:%M:%S.000Z") if row.on else first["user"]["lastSeenAt"]
    devices = [device | {"lastSeenAt": seen} for device in first["user"]["devices"]]
    assert again["outcome"] == "FOUND"
    assert again["user"] == first["user"] | {"lastSeenAt": seen, "devices": devices}


@ONE_OF_EACH
async def test_a_login_changes_the_person_in_the_same_call(api, clock, row):
    await row.arranged(api, clock)
    changes = {"name": "Lady Lovelace", "properties": {"increment": {"logins": 1}}}

    answer = await login(api, ADA, device=row.on, changes=changes)

    assert answer["outcome"] == row.outcome
    assert answer["user"]["name"] == "Lady Lovelace"
    assert answer["user"]["properties"] == {"logins": 1}
    assert await api(USER, by=ADA) == answer["user"]


@ONE_OF_EACH
@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({}, "ada@example.org"),
        ({"email": "Work@example.org"}, "Work@example.org"),
        ({"email": None}, None),
    ],
)
async def test_a_new_address_is_where_to_write_unless_the_changes_say_otherwise(
    api, clock, row, changes, email
):
    await row.arranged(api, clock)

    answer = await login(api, ADA, EMAIL, device=row.on, changes=changes)

    assert answer["user"]["email"] == email
    assert "EMAIL:ada@example.org" in names(answer["user"])


async def test_a_refused_change_refuses_the_whole_login(api, clock, row):
    await row.arranged(api, clock)
    before = await everything(api)
    clock.now += HOUR
    bad = {"name": "X", "properties": {"set": {"new": "x"}, "append": {"list": [1]}}}

    answer = await fault(api, LOGIN, identities=[ADA, EMAIL], device=row.on, changes=bad)

    assert answer == invalid("changes", "properties", "append", "list", "0")
    assert await everything(api) == before


@ONE_OF_EACH
async def test_changes_past_a_limit_refuse_the_whole_login(store_url, clock, row):
    one = Limits(properties=1)
    async with serving(Settings(database=store_url, limits=one), clock) as api:
        await row.arranged(api, clock)
        before = await everything(api)
        two = {"name": "X", "properties": {"set": {"plan": "pro", "theme": "dark"}}}

        answer = await fault(api, LOGIN, identities=[ADA, EMAIL], device=row.on, changes=two)

        assert (answer["__typename"], answer["limit"]) == ("LimitExceededError", 1)
        assert answer["path"][:2] == ["changes", "properties"]
        assert await everything(api) == before


@pytest.mark.parametrize("row", [row for row in ROWS if row.owner], ids=lambda row: row.device)
async def test_a_change_that_does_not_fit_the_person_refuses_the_whole_login(api, clock, row):
    await row.arranged(api, clock)
    await known(api, ADA, properties={"set": {"plan": "pro"}})
    before = await everything(api)
    changes = {"name": "X", "properties": {"set": {"theme": "dark"}, "increment": {"plan": 1}}}

    answer = await fault(api, LOGIN, identities=[ADA, EMAIL], device=row.on, changes=changes)

    assert answer == invalid("changes", "properties", "increment", "plan")
    assert await everything(api) == before


async def test_too_many_identities_refuse_the_whole_login(api, clock, row):
    await row.arranged(api, clock)
    before = await everything(api)
    clock.now += HOUR
    many = [ADA, *({"custom": f"c{number}"} for number in range(50))]

    answer = await fault(
        api, LOGIN, identities=many, device=row.on, changes={"name": "X", "email": "x@example.org"}
    )

    assert answer == exceeded(50, "identities")
    assert await everything(api) == before


async def test_identities_of_two_people_refuse_the_whole_login(api, clock, row):
    await row.arranged(api, clock)
    others = {"max": (await login(api, MAX))["user"], "zoe": (await login(api, ZOE))["user"]}
    before = await everything(api)
    clock.now += HOUR

    answer = await fault(
        api, LOGIN, identities=[ADA, MAX, ZOE, EMAIL], device=row.on, changes={"name": "X"}
    )

    foreign = "max" if row.owner else "zoe"
    assert answer == {
        "__typename": "IdentityTakenError",
        "kind": "CUSTOM",
        "value": foreign,
        "userId": others[foreign]["id"],
    }
    assert await everything(api) == before


# ---------------------------------------------------------------- what becomes of the two


async def test_a_converted_person_keeps_id_history_and_device(api, clock):
    anonymous = await Row(False, "anonymous", "CONVERTED").arranged(api, clock)
    clock.now += HOUR

    answer = await login(api, EMAIL, device="d1")

    linked = {"kind": "EMAIL", "value": "ada@example.org", "linkedAt": "2026-01-31T13:00:00.000Z"}
    seen = "2026-01-31T13:00:00.000Z"
    assert answer["user"] == anonymous | {
        "email": "ada@example.org",
        "reachableBy": ["EMAIL", "PUSH"],
        "identities": [*anonymous["identities"], linked],
        "devices": [anonymous["devices"][0] | {"lastSeenAt": seen}],
        "lastSeenAt": seen,
        "updatedAt": seen,
        "version": anonymous["version"] + 1,
    }
    assert await api(COUNT) == 1


@pytest.mark.parametrize("older", ["the known", "the anonymous"])
async def test_a_merged_person_keeps_the_anonymous_history_and_their_own_values(api, clock, older):
    async def anonymous() -> Any:
        await record(api, DEVICE, {"id": "before", "name": "Viewed"})
        await known(api, DEVICE, name="Visitor", language="de", channels={"push": False})
        return await register(api, push=PUSH)

    if older == "the anonymous":
        other = await anonymous()
        clock.now += MINUTE
    mine = (await login(api, ADA, changes={"name": "Ada", "channels": {"push": True}}))["user"]
    clock.now += MINUTE
    if older == "the known":
        other = await anonymous()
    clock.now += HOUR

    answer = await login(api, ADA, device="d1")

    ids = sorted([mine["id"], other["id"]])
    user = answer["user"]
    assert (user["id"], user["mergedIds"]) == (ids[0], ids[1:])
    assert (user["name"], user["language"]) == ("Ada", "de")
    assert [event["id"] for event in user["events"]["nodes"]] == ["before"]
    assert totals(user) == {"Viewed": 1}
    assert [(held["id"], held["push"]) for held in user["devices"]] == [("d1", "FCM")]
    assert user["reachableBy"] == []
    assert user["createdAt"] == SHOWN_NOON
    assert user["version"] > max(mine["version"], other["version"])
    assert [await api(USER, by={"id": id}) for id in ids] == [user, user]
    assert await api(COUNT) == 1


@pytest.mark.parametrize("owner", [True, False])
async def test_a_device_that_switches_takes_its_token_and_leaves_all_else(api, clock, owner):
    former = await Row(owner, "identified", "SWITCHED").arranged(api, clock)
    assert former["reachableBy"] == ["PUSH"]
    clock.now += HOUR

    answer = await login(api, ADA, device="d1")

    left = await api(USER, by=EVA)
    assert [(held["id"], held["push"]) for held in answer["user"]["devices"]] == [("d1", "FCM")]
    assert answer["user"]["reachableBy"] == ["PUSH"]
    assert left == former | {
        "type": "ANONYMOUS",
        "identities": former["identities"][:1],
        "devices": [],
        "reachableBy": [],
        "version": former["version"] + 1,
        "updatedAt": "2026-01-31T13:00:00.000Z" if not owner else "2026-01-31T13:01:00.000Z",
    }


async def test_a_device_goes_back_and_forth_with_its_token(api, clock):
    await login(api, ADA, device="d1")
    await register(api, user=ADA, push=PUSH)
    for identity in (EVA, ADA, EVA):
        clock.now += HOUR
        answer = await login(api, identity, device="d1")

        assert answer["outcome"] in {"CREATED", "SWITCHED"}
        assert answer["user"]["reachableBy"] == ["PUSH"]
        assert await api(USER, by=DEVICE) == answer["user"]

    assert (await api(USER, by=ADA))["devices"] == []


async def test_who_was_identified_once_and_unlinked_since_stays_apart(api):
    unlink = (
        "mutation($user: UserBy!, $identity: IdentityInput!) "
        "{ userUnlinkIdentity(user: $user, identity: $identity) { __typename } }"
    )
    once = (await login(api, EVA, device="d1"))["user"]
    await api(unlink, user=EVA, identity=EVA)

    answer = await login(api, ADA, device="d1")

    assert answer["outcome"] == "SWITCHED"
    assert answer["user"]["id"] != once["id"]
    assert names(await api(USER, by={"id": once["id"]})) == []


async def test_a_merge_that_would_pass_a_limit_switches_instead(store_url, clock):
    one = Limits(properties=1)
    async with serving(Settings(database=store_url, limits=one), clock) as api:
        await known(api, ADA, properties={"set": {"plan": "pro"}})
        await known(api, DEVICE, properties={"set": {"theme": "dark"}})
        await record(api, DEVICE, {"name": "Viewed"})
        anonymous = await register(api, push=PUSH)

        answer = await login(api, ADA, device="d1")
        again = await login(api, ADA, device="d1")

        left = await api(USER, by={"id": anonymous["id"]})
        assert (answer["outcome"], again["outcome"]) == ("SWITCHED", "FOUND")
        assert answer["user"]["properties"] == {"plan": "pro"}
        assert answer["user"]["reachableBy"] == ["PUSH"]
        assert again["user"] == answer["user"]
        assert (left["identities"], left["reachableBy"]) == ([], [])
        assert (left["properties"], totals(left)) == ({"theme": "dark"}, {"Viewed": 1})


async def test_the_device_of_a_login_that_merges_is_never_the_one_released(store_url, clock):
    two = Limits(devices=2)
    async with serving(Settings(database=store_url, limits=two), clock) as api:
        await register(api, "d1")
        clock.now += MINUTE
        await login(api, ADA, device="d2")
        await login(api, ADA, device="d3")
        clock.now += HOUR

        answer = await login(api, ADA, device="d1")
        again = await login(api, ADA, device="d1")

        assert answer["outcome"] == "MERGED"
        assert "DEVICE:d1" in names(answer["user"])
        assert again == answer | {"outcome": "FOUND"}


async def test_a_device_past_the_limit_releases_the_one_seen_longest_ago(store_url, clock):
    two = Limits(devices=2)
    async with serving(Settings(database=store_url, limits=two), clock) as api:
        await login(api, EVA, device="d3")
        for device in ("d1", "d2"):
            clock.now += HOUR
            await login(api, ADA, device=device)
        clock.now += HOUR

        answer = await login(api, ADA, device="d3")
        freed = await login(api, MAX, device="d1")

        assert answer["outcome"] == "SWITCHED"
        assert names(answer["user"]) == ["CUSTOM:ada", "DEVICE:d2", "DEVICE:d3"]
        assert freed["outcome"] == "CREATED"


async def test_two_people_who_share_a_contact_address_stay_two(api, clock):
    shared = {"email": "family@example.org"}
    await login(api, ADA, device="d1", changes=shared)
    await login(api, EVA, device="d2", changes=shared)

    whose = await login(api, {"email": "family@example.org"}, device="d3")

    assert whose["outcome"] == "CREATED"
    assert (await api(USER, by=ADA))["email"] == (await api(USER, by=EVA))["email"]
    assert await api(COUNT) == 3


async def test_an_anonymous_history_on_three_devices_ends_up_on_one_person(api, clock):
    devices = ["d1", "d2", "d3"]
    ids = []
    for device in devices:
        event = {"id": f"on {device}", "name": "Viewed"}
        ids.append((await record(api, {"device": device}, event))["user"]["id"])
        await register(api, device, push={"service": "FCM", "token": device})
        clock.now += MINUTE

    outcomes = [(await login(api, EMAIL, device=device))["outcome"] for device in devices]

    user = await api(USER, by=EMAIL)
    assert outcomes == ["CONVERTED", "MERGED", "MERGED"]
    assert (user["id"], sorted(user["mergedIds"])) == (ids[0], ids[1:])
    assert sorted(held["id"] for held in user["devices"]) == devices
    assert {event["id"] for event in user["events"]["nodes"]} == {f"on {d}" for d in devices}
    assert totals(user) == {"Viewed": 3}
    assert await api(COUNT) == 1


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("position", [0, 1])
async def test_a_device_among_the_identities_is_refused(api, position):
    identities = [ADA]
    identities.insert(position, DEVICE)

    answer = await fault(api, LOGIN, identities=identities, device="d1")

    assert answer == invalid("identities", str(position), "device")
    assert await api(COUNT) == 0


@pytest.mark.parametrize("device", ["null", "000", " ", "a\u0007"])
async def test_a_device_that_cannot_be_is_refused(api, device):
    answer = await fault(api, LOGIN, identities=[ADA], device=device)

    assert answer == invalid("device")
    assert await api(COUNT) == 0


async def test_no_identity_is_refused_on_a_device_too(api):
    anonymous = await register(api)

    answer = await fault(api, LOGIN, identities=[], device="d1", changes={"name": "X"})

    assert answer == invalid("identities")
    assert await api(USER, by=DEVICE) == anonymous


async def test_a_device_named_null_is_no_device(api):
    answer = await login(api, ADA, device=None)

    assert (answer["outcome"], names(answer["user"])) == ("CREATED", ["CUSTOM:ada"])
    assert answer["user"]["lastSeenAt"] is None


# ---------------------------------------------------------------- races

RACERS = 24


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter(answer["outcome"] for answer in answers)


async def test_racing_logins_make_one_person(api):
    answers = await asyncio.gather(*(login(api, EMAIL, device="d1") for _ in range(RACERS)))

    assert {answer["user"]["id"] for answer in answers} == {(await api(USER, by=EMAIL))["id"]}
    assert await api(COUNT) == 1
    assert names(await api(USER, by=DEVICE)) == ["EMAIL:ada@example.org", "DEVICE:d1"]
    assert outcomes(answers) == {"CREATED": 1, "FOUND": RACERS - 1}


async def test_racing_logins_on_an_anonymous_device_convert_it_once(api):
    anonymous = (await record(api, DEVICE, {"id": "before", "name": "Viewed"}))["user"]

    answers = await asyncio.gather(*(login(api, EMAIL, device="d1") for _ in range(RACERS)))

    assert {answer["user"]["id"] for answer in answers} == {anonymous["id"]}
    assert outcomes(answers) == {"CONVERTED": 1, "FOUND": RACERS - 1}
    assert await api(COUNT) == 1


@pytest.mark.parametrize("row", ROWS[2:], ids=lambda row: f"{row.owner} {row.device}")
async def test_each_of_racing_logins_changes_the_person_once(api, clock, row):
    await row.arranged(api, clock)
    changes = {"properties": {"increment": {"logins": 1}}}

    await asyncio.gather(
        *(login(api, ADA, device=row.on, changes=changes) for _ in range(RACERS // 3))
    )

    user = await api(USER, by=ADA)
    assert user["properties"] == {"logins": RACERS // 3}
    assert row.on is None or await api(USER, by=DEVICE) == user


async def test_racing_logins_of_a_known_person_merge_an_anonymous_device_once(api):
    mine = (await login(api, ADA))["user"]
    other = (await record(api, DEVICE, {"id": "before", "name": "Viewed"}))["user"]

    answers = await asyncio.gather(*(login(api, ADA, device="d1") for _ in range(RACERS)))

    user = await api(USER, by=DEVICE)
    assert {user["id"], *user["mergedIds"]} == {mine["id"], other["id"]}
    assert totals(user) == {"Viewed": 1}
    assert outcomes(answers) == {"MERGED": 1, "FOUND": RACERS - 1}


async def test_racing_strangers_on_one_device_stay_apart_and_one_has_it(api):
    strangers = [{"custom": f"c{number}"} for number in range(RACERS // 2)]

    await asyncio.gather(*(login(api, stranger, device="d1") for stranger in strangers))

    everyone, _ = await everything(api)
    assert everyone["totalCount"] == len(strangers)
    holders = [names(user) for user in everyone["nodes"] if "DEVICE:d1" in names(user)]
    assert [names(await api(USER, by=DEVICE))] == holders


async def test_racing_logins_of_two_names_end_as_one_person_or_are_refused(api):
    pairs = [[ADA, EMAIL], [EMAIL, ADA]] * 4

    answers = await asyncio.gather(
        *(login(api, *pair, device=f"d{number % 2}") for number, pair in enumerate(pairs))
    )

    user = await api(USER, by=ADA)
    assert {answer["user"]["id"] for answer in answers} == {user["id"]}
    assert set(names(user)) == {"CUSTOM:ada", "EMAIL:ada@example.org", "DEVICE:d0", "DEVICE:d1"}
    assert await api(COUNT) == 1
