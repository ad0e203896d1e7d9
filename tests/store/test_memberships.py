"""Memberships: judged by whichever process, each crossing logged once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.change import Crossing, MembershipKind
from app.domain.criteria_input import parse_criteria
from app.domain.membership import Judge, Leadership, Scan
from app.domain.windows import Moment
from app.store import Store
from tests.builders import HERE, LIMITS, NOON, event, identity
from tests.store.databases import Database
from tests.store.steps import linking, newcomer, recording, setting

UTC = ZoneInfo("UTC")
PRO = parse_criteria({"property": {"name": "plan", "is": {"equals": "pro"}}}, HERE, LIMITS, {})
LATELY = parse_criteria({"did": {"name": "Viewed", "during": {"last": "PT1H"}}}, HERE, LIMITS, {})


def judge(now: datetime = NOON) -> Judge:
    return Judge({"pro": PRO, "lately": LATELY}, Moment(now, UTC))


async def crossings(store: Store, after: str) -> Sequence[Crossing]:
    return await store.crossings.page(after, 1_000)


def told(found: Sequence[Crossing]) -> list[tuple[MembershipKind, str, str]]:
    return [(one.kind, one.segment_id, one.user_id) for one in found]


ENTERED, LEFT = MembershipKind.ENTERED, MembershipKind.LEFT


@pytest.fixture
async def store(logged_database: Database) -> AsyncIterator[Store]:
    async with logged_database.opened() as store:
        yield store


@pytest.fixture
async def other_store(logged_database: Database, store: Store) -> AsyncIterator[Store]:
    async with logged_database.opened() as other:
        yield other


@pytest.fixture
async def start(store: Store) -> str:
    """Where the log of crossings begins."""
    return await store.crossings.cursor()


async def test_a_crossing_is_logged_once_however_often_it_is_judged(
    store: Store, other_store: Store, start: str
):
    ada = (await store.create(newcomer())).user
    await store.change(ada.id, setting(plan="pro"))

    for each in (store, other_store, store):
        await each.memberships.judge([ada.id], judge())
    await store.change(ada.id, setting(plan="free"))
    await other_store.memberships.judge([ada.id], judge(NOON + timedelta(minutes=1)))

    assert told(await crossings(store, start)) == [
        (ENTERED, "pro", ada.id),
        (LEFT, "pro", ada.id),
    ]
    assert [one.at for one in await crossings(store, start)] == [
        NOON,
        NOON + timedelta(minutes=1),
    ]
    assert await store.memberships.next_due() is None


async def test_processes_that_judge_at_once_log_each_crossing_once(
    store: Store, other_store: Store, start: str
):
    people = [(await store.create(newcomer())).user.id for _ in range(20)]
    await asyncio.gather(*(store.change(id, setting(plan="pro")) for id in people))

    await asyncio.gather(
        *(each.memberships.judge(people, judge()) for each in [store, other_store] * 3)
    )

    found = told(await crossings(store, start))
    assert sorted(found) == sorted((ENTERED, "pro", id) for id in people)


async def test_what_falls_due_is_found_first_first_and_judged_as_of_then(store: Store, start: str):
    people = []
    for minutes in (30, 10, 20):
        at = NOON - timedelta(minutes=minutes)
        one = (await store.create(newcomer(created_at=at, updated_at=at))).user
        await store.change(one.id, recording(event(id="v", at=at)))
        people.append(one.id)
    await store.memberships.judge(people, judge())
    order = [people[0], people[2], people[1]]
    passes = [NOON + timedelta(minutes=m, milliseconds=1) for m in (30, 40, 50)]

    assert await store.memberships.next_due() == passes[0]
    assert await store.memberships.due(NOON + timedelta(minutes=20), 9) == []
    assert await store.memberships.due(NOON + timedelta(hours=1), 2) == [
        (order[0], passes[0]),
        (order[1], passes[1]),
    ]
    await store.memberships.judge(people, judge(NOON + timedelta(hours=1)))
    assert await store.memberships.due(NOON + timedelta(hours=9), 9) == []
    left = [one for one in await crossings(store, start) if one.kind is LEFT]
    assert [(one.user_id, one.at) for one in left] == list(
        zip(people, [passes[0], passes[2], passes[1]], strict=True)
    )


async def test_who_is_deleted_leaves(store: Store, start: str):
    ada = (await store.create(newcomer("custom:ada"))).user
    await store.change(ada.id, setting(plan="pro"))
    await store.change(ada.id, recording(event()))
    await store.memberships.judge([ada.id], judge())

    await store.delete(ada.id, NOON)
    for _ in range(2):
        await store.memberships.judge([ada.id], judge())

    left = [one for one in await crossings(store, start) if one.kind is LEFT]
    assert sorted(one.segment_id for one in left) == ["lately", "pro"]
    assert await store.memberships.next_due() is None


async def test_whoever_was_away_hears_how_somebody_came_and_went_who_is_deleted_since(
    store: Store, start: str
):
    ada = (await store.create(newcomer("custom:ada"))).user
    for plan in ("pro", "free"):
        await store.change(ada.id, setting(plan=plan))
        await store.memberships.judge([ada.id], judge())

    await store.delete(ada.id, NOON)
    await store.memberships.judge([ada.id], judge())

    assert told(await crossings(store, start)) == [
        (ENTERED, "pro", ada.id),
        (LEFT, "pro", ada.id),
    ]


async def test_who_is_merged_into_another_leaves_and_the_other_enters(store: Store, start: str):
    both = [(await store.create(newcomer(f"custom:{name}"))).user for name in ("ada", "eva")]
    older, younger = sorted(both, key=lambda user: user.id)
    await store.change(younger.id, setting(plan="pro"))
    people = [older.id, younger.id]
    await store.memberships.judge(people, judge())

    await store.merge(older.id, younger.id, NOON)
    await store.memberships.judge(people, judge())

    assert sorted(told(await crossings(store, start))) == sorted(
        [(ENTERED, "pro", younger.id), (LEFT, "pro", younger.id), (ENTERED, "pro", older.id)]
    )


async def test_events_in_the_archive_count(logged_database: Database):
    limits = LIMITS.model_copy(update={"embedded_events": 2})
    async with logged_database.open(limits) as store:
        start = await store.crossings.cursor()
        ada = (await store.create(newcomer())).user
        for number in range(6):
            at = NOON - timedelta(minutes=number)
            await store.change(ada.id, recording(event(id=str(number), at=at), limits=limits))
        thrice = {"did": {"name": "Viewed", "during": {"last": "PT1H"}, "count": {"min": 3}}}
        criterion = parse_criteria(thrice, HERE, LIMITS, {})

        await store.memberships.judge([ada.id], Judge({"s": criterion}, Moment(NOON, UTC)))

        # It ceases to be three when the third newest has passed.
        assert await store.memberships.next_due() == NOON + timedelta(minutes=58, milliseconds=1)
        assert told(await crossings(store, start)) == [(ENTERED, "s", ada.id)]


async def test_memberships_of_other_segments_are_dropped_untold(store: Store, start: str):
    ada = (await store.create(newcomer())).user
    await store.change(ada.id, recording(event()))
    await store.memberships.judge([ada.id], judge())

    await store.memberships.forget_segments(["pro"])

    assert await store.memberships.next_due() is None
    assert told(await crossings(store, start)) == [(ENTERED, "lately", ada.id)]


async def test_people_are_gone_through_by_their_ids(store: Store):
    ids = [(await store.create(newcomer("custom:ada"))).user.id]
    ids += [(await store.create(newcomer())).user.id for _ in range(4)]
    await store.delete(ids[2], NOON)
    await store.change(ids[0], linking("custom:eva"))
    assert await store.find(identity("custom:eva"))
    there = sorted(set(ids) - {ids[2]})

    assert await store.memberships.user_ids("", 3) == there[:3]
    assert await store.memberships.user_ids(there[2], 3) == there[3:]


async def test_one_of_those_who_would_lead_does(store: Store, other_store: Store):
    assert await store.memberships.leadership() is None
    claims = [Leadership(name) for name in ("a", "b", "c", "d")]

    won = await asyncio.gather(
        *(
            each.memberships.replace_leadership(None, claim)
            for each, claim in zip([store, other_store] * 2, claims, strict=True)
        )
    )

    assert sorted(won) == [False, False, False, True]
    leader = claims[won.index(True)]
    assert await other_store.memberships.leadership() == leader
    beaten = Leadership(leader.holder, 1, "7", {"s": Scan("m", "u", 3)}, 5)
    assert await store.memberships.replace_leadership(leader, beaten)
    assert not await store.memberships.replace_leadership(leader, Leadership("e"))
    assert await other_store.memberships.leadership() == beaten
