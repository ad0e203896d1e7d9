"""Two profiles that a caller says are one person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    COUNT,
    EVA,
    LINK,
    UPDATE,
    USER,
    exceeded,
    fault,
    invalid,
    known,
)
from tests.schema.resolution import (
    DEVICE,
    EMAIL,
    MAX,
    MERGE,
    PUSH,
    everything,
    login,
    merge,
    names,
    record,
    register,
    totals,
    whole_log,
)

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FEW = Limits(embedded_events=4)


@pytest.fixture
async def api(store_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API on an empty store of each kind in turn, where few events stay in a document."""
    async with serving(Settings(database=store_url, limits=FEW), clock) as api:
        yield api


@pytest.fixture
async def two(api: Api, clock: Clock) -> tuple[Any, Any]:
    """Ada, and a minute later Eva, of whom much is known."""
    await login(api, ADA, EMAIL, device="d1", changes={"name": "Ada", "gender": "FEMALE"})
    await register(api, user=ADA, push=PUSH)
    await known(api, ADA, properties={"set": {"plan": "pro", "tags": ["a", "b"], "n": 1}})
    await known(api, ADA, channels={"email": True, "sms": False})
    clock.now += MINUTE
    await login(api, EVA, device="d2", changes={"name": "Eva", "language": "fr"})
    await known(api, EVA, email="eva@example.org", properties={"set": {"plan": 7, "m": 2}})
    await known(api, EVA, properties={"append": {"tags": ["c", "a"]}}, channels={"email": False})
    clock.now += MINUTE
    return await api(USER, by=ADA), await api(USER, by=EVA)


# ---------------------------------------------------------------- who is left


async def test_what_into_has_stays_and_the_rest_is_filled(api, two):
    answer = await merge(api, from_=EVA, into=ADA)

    user = answer["user"]
    assert (user["name"], user["gender"], user["language"]) == ("Ada", "FEMALE", "fr")
    assert user["email"] == "ada@example.org"
    assert user["properties"] == {"m": 2, "n": 1, "plan": "pro", "tags": ["a", "b", "c"]}
    assert [c["subscribed"] for c in user["channels"]] == [False, True, False, True]
    assert user["reachableBy"] == ["PUSH"]


async def test_into_wins_though_the_other_is_older(api, two):
    answer = await merge(api, from_=ADA, into=EVA)

    user = answer["user"]
    assert (user["id"], answer["absorbedId"]) == (two[0]["id"], two[1]["id"])
    assert (user["name"], user["gender"], user["language"]) == ("Eva", "FEMALE", "fr")
    assert user["email"] == "eva@example.org"
    assert user["properties"] == {"m": 2, "n": 1, "plan": 7, "tags": ["c", "a", "b"]}


@pytest.mark.parametrize("swapped", [False, True])
async def test_the_older_id_survives_and_every_name_of_both_finds_them(api, clock, two, swapped):
    one, other = (EVA, ADA) if swapped else (ADA, EVA)

    answer = await merge(api, from_=one, into=other)

    user = answer["user"]
    assert (user["id"], answer["absorbedId"]) == (two[0]["id"], two[1]["id"])
    assert user["mergedIds"] == [two[1]["id"]]
    assert set(names(user)) == {
        "CUSTOM:ada", "EMAIL:ada@example.org", "DEVICE:d1", "CUSTOM:eva", "DEVICE:d2",
    }  # fmt: skip
    assert user["createdAt"] == two[0]["createdAt"]
    assert user["lastSeenAt"] == two[1]["lastSeenAt"]
    assert user["updatedAt"] == "2026-01-31T12:02:00.000Z"
    assert user["version"] > max(person["version"] for person in two)
    refs = [ADA, EVA, EMAIL, DEVICE, {"device": "d2"}, *({"id": person["id"]} for person in two)]
    assert [await api(USER, by=ref) for ref in refs] == [user] * len(refs)
    assert await api(COUNT) == 1


async def test_people_are_merged_by_any_name(api, clock, two):
    answer = await merge(api, from_={"device": "d2"}, into={"email": " ADA@Example.org"})

    assert answer["user"] == await api(USER, by=EVA)
    assert await api(COUNT) == 1


async def test_a_device_stays_with_its_token(api, two):
    answer = await merge(api, from_=ADA, into=EVA)

    assert [(held["id"], held["push"]) for held in answer["user"]["devices"]] == [("d1", "FCM")]
    assert "PUSH" in answer["user"]["reachableBy"]


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_dry_run_answers_what_the_merge_then_does_and_changes_nothing(api, two, swapped):
    one, other = (EVA, ADA) if swapped else (ADA, EVA)
    await record(api, ADA, {"id": "e", "name": "Viewed"}, {"id": "a", "name": "Charged"})
    await record(api, EVA, {"id": "e", "name": "Viewed", "properties": {"by": "eva"}})
    before = await everything(api)

    dry = await merge(api, from_=one, into=other, dryRun=True)
    after_dry = await everything(api)
    wet = await merge(api, from_=one, into=other)

    assert after_dry == before
    assert dry == wet


async def test_merging_again_is_merging_with_oneself(api, two):
    await merge(api, from_=EVA, into=ADA)
    before = await everything(api)

    answers = [
        await fault(api, MERGE, **{"from": EVA, "into": ADA}),
        await fault(api, MERGE, **{"from": ADA, "into": {"id": two[1]["id"]}}),
        await fault(api, MERGE, **{"from": EMAIL, "into": ADA}, dryRun=True),
    ]

    assert answers == [invalid("from")] * 3
    assert await everything(api) == before


@pytest.mark.parametrize(
    ("from_", "into"),
    [
        (ADA, MAX),
        (MAX, ADA),
        (ADA, {"id": "01KG9C2D00"}),
        ({"device": "null"}, ADA),
    ],
)
async def test_nobody_is_not_found(api, from_, into):
    before = await known(api)

    wet = await fault(api, MERGE, **{"from": from_, "into": into})
    dry = await fault(api, MERGE, **{"from": from_, "into": into}, dryRun=True)

    assert wet == dry == {"__typename": "UserNotFoundError"}
    assert await api(USER, by=ADA) == before


@pytest.mark.parametrize("dry", [False, True])
async def test_a_limit_that_would_be_passed_refuses_the_merge(api, clock, dry):
    for letter in "ab":
        identities = [{"custom": f"{letter}{number}"} for number in range(26)]
        await login(api, *identities, device=letter, changes={"name": letter})
        await record(api, {"device": letter}, *({"name": "Viewed"} for _ in range(6)))
    before = await everything(api)

    answer = await fault(
        api, MERGE, **{"from": {"custom": "a0"}, "into": {"custom": "b0"}}, dryRun=dry
    )

    assert answer == exceeded(50, "from")
    assert await everything(api) == before


# ---------------------------------------------------------------- chains


async def people(api: Api, clock: Clock, count: int) -> list[dict[str, str]]:
    """Return names of people made one after the other, each with an event and a device."""
    refs = [{"custom": f"c{number}"} for number in range(count)]
    for number, ref in enumerate(refs):
        await login(api, ref, device=f"d{number}", changes={"name": f"Person {number}"})
        await record(api, ref, {"id": f"e{number}", "name": "Viewed"})
        clock.now += MINUTE
    return refs


@pytest.mark.parametrize(
    "merges",
    [
        [(0, 1), (1, 2)],
        [(2, 1), (1, 0)],
        [(2, 1), (0, 2)],
    ],
)
async def test_in_a_chain_every_old_name_finds_the_survivor(api, clock, merges):
    refs = await people(api, clock, 3)
    ids = [(await api(USER, by=ref))["id"] for ref in refs]

    for one, other in merges:
        await merge(api, from_={"id": ids[one]}, into={"id": ids[other]})

    user = await api(USER, by=refs[0])
    every_ref = [*refs, *({"id": id} for id in ids), *({"device": f"d{n}"} for n in range(3))]
    assert [await api(USER, by=ref) for ref in every_ref] == [user] * 9
    assert (user["id"], sorted(user["mergedIds"])) == (ids[0], ids[1:])
    assert {event["id"] for event in await whole_log(api, refs[2])} == {"e0", "e1", "e2"}
    assert totals(user) == {"Viewed": 3}
    assert await api(COUNT) == 1


async def test_two_people_are_merged_by_ids_that_were_absorbed(api, clock):
    refs = await people(api, clock, 4)
    ids = [(await api(USER, by=ref))["id"] for ref in refs]
    await merge(api, from_=refs[1], into=refs[0])
    await merge(api, from_=refs[3], into=refs[2])

    answer = await merge(api, from_={"id": ids[1]}, into={"id": ids[3]})

    assert (answer["user"]["id"], answer["absorbedId"]) == (ids[0], ids[2])
    assert answer["user"]["name"] == "Person 2"
    assert sorted(answer["user"]["mergedIds"]) == ids[1:]
    assert totals(answer["user"]) == {"Viewed": 4}


async def test_who_was_absorbed_is_changed_by_the_old_id_and_the_old_names(api, clock, two):
    await merge(api, from_=EVA, into=ADA)
    absorbed = {"id": two[1]["id"]}

    await known(api, EVA, name="Countess")
    updated = await api(UPDATE, user=absorbed, changes={"language": "en"})
    linked = await api(LINK, user=absorbed, identity=MAX)

    user = await api(USER, by=MAX)
    assert (user["name"], user["language"]) == ("Countess", "en")
    assert linked["user"] == user
    assert user["version"] == updated["user"]["version"] + 1


# ---------------------------------------------------------------- histories


def numbered(letter: str, numbers: range, name: str, shift: timedelta = timedelta(0)) -> list[Any]:
    """Return events a day apart, the first at NOON less a month and `shift`."""
    start = NOON - 100 * DAY + shift
    return [
        {
            "id": f"{letter}{number:02}",
            "name": name,
            "at": (start + number * DAY).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "properties": {"by": name},
        }
        for number in numbers
    ]


def newest_first(events: list[Any]) -> list[Any]:
    return sorted(events, key=lambda event: (event["at"], event["id"]), reverse=True)


def together(into: list[Any], other: list[Any]) -> list[Any]:
    """Return every event once, the copy of `into` where both have one."""
    return newest_first(list({event["id"]: event for event in (*other, *into)}.values()))


def counted(events: list[Any]) -> list[Any]:
    """Return the totals of events, as a person shows them."""
    times: dict[str, list[str]] = {}
    for event in events:
        times.setdefault(event["name"], []).append(event["at"])
    return [
        {"name": name, "count": len(at), "firstAt": min(at), "lastAt": max(at)}
        for name, at in sorted(times.items())
    ]


HISTORIES = {
    "nothing in common": (
        numbered("a", range(20), "Viewed"),
        numbered("b", range(15), "Charged", 6 * MINUTE),
    ),
    "embedded and archived in common": (
        numbered("e", range(20), "Viewed"),
        numbered("e", range(10, 30), "Charged", MINUTE),
    ),
    "the newest in common": (
        numbered("e", range(18, 22), "Viewed"),
        numbered("e", range(20, 24), "Charged", MINUTE),
    ),
    "all in common": (
        numbered("e", range(12), "Viewed"),
        numbered("e", range(12), "Charged", -MINUTE),
    ),
    "archived by one, embedded by the other": (
        numbered("e", range(20), "Viewed"),
        numbered("e", range(3), "Viewed", 40 * DAY),
    ),
    "of one, nothing": (numbered("e", range(20), "Viewed"), []),
}


WAYS = pytest.mark.parametrize(
    ("from_", "into"), [(EVA, ADA), (ADA, EVA)], ids=["into the older", "into the younger"]
)
PAIRS = pytest.mark.parametrize("pair", HISTORIES.values(), ids=HISTORIES)


async def lived(api: Api, clock: Clock, *pair: list[Any]) -> dict[str, list[Any]]:
    """Have Ada, and a minute later Eva, do what the pair says; return it by name."""
    for ref, events in zip((ADA, EVA), pair, strict=True):
        await login(api, ref)
        clock.now += MINUTE
        for start in range(0, len(events), 6):
            await record(api, ref, *events[start : start + 6])
    return {"ada": pair[0], "eva": pair[1]}


@WAYS
@PAIRS
async def test_of_two_histories_every_event_is_there_once(api, clock, pair, from_, into):
    done = await lived(api, clock, *pair)

    user = (await merge(api, from_=from_, into=into))["user"]

    all_events = together(done[into["custom"]], done[from_["custom"]])
    assert await whole_log(api, ADA, first=2) == all_events
    assert await whole_log(api, ADA, first=7) == all_events
    assert [event["id"] for event in user["events"]["nodes"]] == [e["id"] for e in all_events]
    assert user["activity"] == counted(all_events)
    assert user["lastSeenAt"] == max(event["at"] for events in pair for event in events)


@WAYS
@pytest.mark.parametrize("pair", list(HISTORIES.values())[:3], ids=list(HISTORIES)[:3])
async def test_a_dry_run_shows_the_history_as_it_would_be(api, clock, pair, from_, into):
    await lived(api, clock, *pair)

    dry = await merge(api, from_=from_, into=into, dryRun=True)
    wet = await merge(api, from_=from_, into=into)

    assert dry == wet


@pytest.fixture
async def histories(api: Api, clock: Clock) -> list[Any]:
    """The events of three people merged into one, many ids in common; newest first."""
    into = [
        *numbered("e", range(30), "Viewed"),
        *numbered("a", range(8), "Charged", 20 * DAY),
    ]
    other = [
        *numbered("e", range(20, 40), "Viewed", MINUTE),
        *numbered("b", range(8), "Charged", 20 * DAY),
    ]
    third = [
        *numbered("b", range(4, 12), "Viewed", DAY),
        *numbered("c", range(12), "Added To Cart", 30 * DAY),
    ]
    for ref, events in ((ADA, into), (EVA, other), (MAX, third)):
        await login(api, ref)
        clock.now += MINUTE
        await record(api, ref, *events[::2])
        await record(api, ref, *events[1::2])
    await merge(api, from_=EVA, into=ADA)
    await merge(api, from_=MAX, into=ADA)
    return together(together(into, other), third)


async def test_a_merged_history_is_read_in_pages_without_a_seam(api, histories):
    logs = [await whole_log(api, by) for by in (ADA, EVA, MAX)]

    assert logs == [histories] * 3


async def test_of_a_merged_history_one_name_is_read_in_pages(api, histories):
    spellings = {"Viewed": "Viewed", "c h a r g e d": "Charged", " addedtocart ": "Added To Cart"}

    logs = {name: await whole_log(api, ADA, name=name) for name in (*spellings, "None")}

    assert logs == {"None": []} | {
        spelling: [event for event in histories if event["name"] == name]
        for spelling, name in spellings.items()
    }


async def test_of_a_merged_history_a_window_is_read_in_pages(api, histories):
    since, until = histories[-12]["at"], histories[9]["at"]

    log = await whole_log(api, ADA, since=since, until=until)
    viewed = await whole_log(api, ADA, name="Viewed", since=since, until=until)

    window = [event for event in histories if since <= event["at"] < until]
    assert log == window
    assert viewed == [event for event in window if event["name"] == "Viewed"]


async def test_an_event_that_either_had_is_a_duplicate_for_ever(api, histories):
    before = await api(USER, by=ADA)

    again = await record(api, EVA, *({"id": event["id"], "name": "Charged"} for event in histories))

    assert (again["recorded"], again["duplicates"]) == (0, len(histories))
    assert again["user"] == before
    assert await whole_log(api, ADA) == histories


async def test_an_event_of_an_absorbed_history_is_no_duplicate_of_a_stranger(api, histories):
    answer = await record(api, {"custom": "new"}, {"id": histories[-1]["id"], "name": "Viewed"})

    assert (answer["recorded"], answer["duplicates"]) == (1, 0)


async def test_recording_goes_on_after_a_merge(api, histories):
    late = numbered("z", range(50, 60), "Viewed", 5 * MINUTE)

    answer = await record(api, EVA, *late)

    assert answer["recorded"] == 10
    assert await whole_log(api, MAX) == newest_first([*histories, *late])
    assert totals(answer["user"]) == {
        "Viewed": sum(e["name"] == "Viewed" for e in histories) + 10,
        "Charged": sum(e["name"] == "Charged" for e in histories),
        "Added To Cart": 12,
    }


@pytest.mark.parametrize("mine", [range(90), range(130)], ids=["in documents", "in the archive"])
async def test_histories_of_the_usual_size_are_merged(store_url, clock, mine):
    into = numbered("e", mine, "Viewed", -100 * DAY)
    other = numbered("e", range(20, 20 + len(mine)), "Charged", -100 * DAY + MINUTE)
    async with serving(Settings(database=store_url), clock) as api:
        for ref, events in ((ADA, into), (EVA, other)):
            await record(api, ref, *events[::2])
            await record(api, ref, *events[1::2])

        answer = await merge(api, from_=EVA, into=ADA)

        assert await whole_log(api, ADA) == together(into, other)
        assert answer["user"]["activity"] == counted(together(into, other))


# ---------------------------------------------------------------- devices past the limit


async def test_a_device_past_the_limit_is_released_and_free_for_others(store_url, clock):
    one = Limits(devices=1)
    async with serving(Settings(database=store_url, limits=one), clock) as api:
        await login(api, ADA, device="d1")
        await register(api, user=ADA, push=PUSH)
        clock.now += MINUTE
        await login(api, EVA, device="d2")

        answer = await merge(api, from_=EVA, into=ADA)
        freed = await login(api, MAX, device="d1")

        assert names(answer["user"]) == ["CUSTOM:ada", "CUSTOM:eva", "DEVICE:d2"]
        assert answer["user"]["devices"] == []
        assert freed["outcome"] == "CREATED"
        assert names(freed["user"]) == ["CUSTOM:max", "DEVICE:d1"]


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_device_that_switched_before_is_released_and_free_for_others(
    store_url, clock, swapped
):
    one = Limits(devices=1)
    from_, into = (ADA, EVA) if swapped else (EVA, ADA)
    async with serving(Settings(database=store_url, limits=one), clock) as api:
        await login(api, MAX, device="d1")
        switched = await login(api, ADA, device="d1")
        clock.now += MINUTE
        await login(api, EVA, device="d2")

        await merge(api, from_=from_, into=into)
        found = await api(USER, by=DEVICE)
        freed = await login(api, MAX, device="d1")
        again = await login(api, MAX, device="d1")

        assert switched["outcome"] == "SWITCHED"
        assert found is None
        assert names(freed["user"]) == ["CUSTOM:max", "DEVICE:d1"]
        assert again == freed | {"outcome": "FOUND"}
        assert names(await api(USER, by=ADA)) == ["CUSTOM:ada", "CUSTOM:eva", "DEVICE:d2"]


# ---------------------------------------------------------------- keys and versions


async def test_the_keys_of_both_are_remembered(api, two):
    for ref in (ADA, EVA):
        await api(UPDATE, user=ref, changes={"name": "X"}, idempotencyKey=ref["custom"])
    merged = (await merge(api, from_=EVA, into=ADA))["user"]

    answers = [
        await api(UPDATE, user=by, changes={"name": "Y"}, idempotencyKey=key, expectedVersion=1)
        for key in ("ada", "eva")
        for by in (ADA, {"id": two[1]["id"]})
    ]

    assert [answer["user"] for answer in answers] == [merged] * 4


async def incremented(api: Api, who: str, keys: list[str]) -> None:
    """Count up a property of somebody, once a key."""
    change = "changes: {properties: {increment: {done: 1}}}"
    calls = [
        f'k{key}: userUpdate(user: {{custom: "{who}"}}, {change}, idempotencyKey: "{key}") '
        "{ __typename }"
        for key in keys
    ]
    answer = await api.raw(f"mutation {{ {' '.join(calls)} }}")
    assert "errors" not in answer, answer


async def test_the_newest_64_keys_of_both_are_remembered(api, two):
    keys = {who: [f"{who}{number}" for number in range(40)] for who in ("ada", "eva")}
    for who, own in keys.items():
        await incremented(api, who, own)
    merged = (await merge(api, from_=EVA, into=ADA))["user"]

    await incremented(api, "ada", keys["ada"][8:] + keys["eva"][8:])
    repeated = await api(USER, by=ADA)
    await incremented(api, "ada", keys["ada"][:8] + keys["eva"][:8])

    assert repeated == merged
    assert (await api(USER, by=ADA))["version"] == merged["version"] + 16


async def test_a_version_from_before_the_merge_is_refused(api, two):
    merged = (await merge(api, from_=EVA, into=ADA))["user"]

    answers = [
        await fault(api, UPDATE, user=by, changes={"name": "Y"}, expectedVersion=person["version"])
        for person in two
        for by in (ADA, EVA, {"id": person["id"]})
    ]
    fits = await api(UPDATE, user=EVA, changes={"name": "Y"}, expectedVersion=merged["version"])

    conflict = {"__typename": "VersionConflictError", "currentVersion": merged["version"]}
    assert answers == [conflict] * 6
    assert fits["user"]["name"] == "Y"


# ---------------------------------------------------------------- races


async def test_merging_either_way_at_once_makes_one_person_with_everything_once(api, two):
    for ref in (ADA, EVA):
        events = [{"id": f"{n}", "name": "Viewed", "at": "2026-01-01T00:00:00Z"} for n in range(9)]
        own = {"id": ref["custom"], "name": "Charged"}
        await record(api, ref, *events, own)

    answers = await asyncio.gather(
        *(api(MERGE, **{"from": one, "into": other}) for one, other in [(ADA, EVA), (EVA, ADA)] * 4)
    )

    user = await api(USER, by=ADA)
    types = sorted(answer["__typename"] for answer in answers)
    assert types == ["InvalidInputError"] * 7 + ["UserMergePayload"]
    assert await api(USER, by=EVA) == user
    assert (user["id"], user["mergedIds"]) == (two[0]["id"], [two[1]["id"]])
    assert sorted(names(user)) == sorted({*names(two[0]), *names(two[1])})
    assert totals(user) == {"Viewed": 9, "Charged": 2}
    assert len(await whole_log(api, EVA)) == 11
    assert await api(COUNT) == 1


async def test_many_people_merged_at_once_in_a_circle_become_one(api, clock):
    refs = await people(api, clock, 6)

    await asyncio.gather(
        *(
            api(MERGE, **{"from": ref, "into": refs[(number + 1) % 6]})
            for number, ref in enumerate(refs)
        )
    )

    user = await api(USER, by=refs[0])
    assert [await api(USER, by=ref) for ref in refs] == [user] * 6
    assert len(user["mergedIds"]) == 5
    assert totals(user) == {"Viewed": 6}
    assert await api(COUNT) == 1


async def test_nothing_recorded_while_two_are_merged_is_lost(api, two):
    async def busy(ref: dict[str, str], number: int) -> None:
        await record(api, ref, {"id": f"{ref['custom']}{number}", "name": "Viewed"})
        await known(api, ref, properties={"append": {"seen": [f"{ref['custom']}{number}"]}})

    await asyncio.gather(
        *(busy(ref, number) for number in range(8) for ref in (ADA, EVA)),
        merge(api, from_=EVA, into=ADA),
    )

    user = await api(USER, by=EVA)
    expected = {f"{name}{number}" for name in ("ada", "eva") for number in range(8)}
    assert set(user["properties"]["seen"]) == expected
    assert {event["id"] for event in await whole_log(api, ADA)} == expected
    assert totals(user) == {"Viewed": 16}
