"""The log of events: complete, in order, each id once, wherever the events are kept."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.domain.events import Event
from app.domain.limits import Limits
from app.domain.listing import EventPosition, EventQuery
from app.domain.user import User
from app.operations.record_events import read_events
from app.store import Store
from tests.builders import LIMITS, NOON, event, query
from tests.store.databases import Database
from tests.store.steps import incrementing, newcomer, newcomer_with, recording

TIGHT = LIMITS.model_copy(update={"embedded_events": 4})
NAMES = ["Viewed", "Added To Cart", "Charged"]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def many(count: int, start: int = 0) -> list[Event]:
    """Return events of several names, of which some share their instant."""
    return [
        event(
            id=f"e{number:04}",
            name=NAMES[number % 3],
            at=at(number // 2),
            properties={"number": float(number), "list": ("a", "b")},
        )
        for number in range(start, start + count)
    ]


def in_order(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda each: each.order, reverse=True)


async def paged(store: Store, user_id: str, first: int, **known: object) -> list[Event]:
    """Return the user's log, read page by page."""
    log: list[Event] = []
    question: EventQuery = query(first=first, **known)
    while True:
        user = await store.find(user_id)
        assert user is not None
        page, more = await read_events(store, user, question)
        log += page
        if not more:
            return log
        assert len(page) == first
        question = query(**known | {"after": EventPosition(page[-1].at, page[-1].id)}, first=first)


async def record(store: Store, user: User, *events: Event, limits: Limits = TIGHT) -> list[str]:
    """Record events, and return the ids of those that were new."""
    ids = [each.id for each in events]
    edit = await store.change(user.id, recording(*events, limits=limits), ids)
    assert edit.duplicates == len(events) - len(edit.recorded)
    return [each.id for each in edit.recorded]


@pytest.mark.parametrize("first", [1, 3, 7, 100])
async def test_the_log_has_no_seam(store: Store, first: int):
    user = (await store.create(newcomer())).user
    events = many(30)
    for start in range(0, 30, 3):
        await record(store, user, *events[start : start + 3])

    log = await paged(store, user.id, first)

    assert log == in_order(events)
    kept = await store.find(user.id)
    assert kept is not None
    assert len(kept.events) <= TIGHT.embedded_events
    assert kept.archived == 30 - len(kept.events)


@pytest.mark.parametrize(
    "question",
    [
        {"key": "addedtocart"},
        {"key": "nothing"},
        {"since": at(4)},
        {"until": at(4)},
        {"since": at(3), "until": at(9)},
        {"key": "viewed", "since": at(3), "until": at(13)},
        {"since": at(9), "until": at(9)},
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [1, 4, 100])
async def test_a_question_is_answered_across_the_archive(
    store: Store, first: int, question: dict[str, object]
):
    events = many(30)
    user = (await store.create(newcomer_with(recording(*events, limits=TIGHT)))).user

    log = await paged(store, user.id, first, **question)

    assert log == in_order([each for each in events if query(**question).takes(each)])


async def test_a_new_person_can_come_with_a_thousand_events(store: Store):
    events = many(1_000)

    user = (await store.create(newcomer_with(recording(*events), "custom:ada"))).user

    assert await store.find(user.id) == user
    assert sum(total.count for total in user.activity.values()) == 1_000
    assert await paged(store, user.id, 300) == in_order(events)


async def test_a_known_person_can_do_a_thousand_things_at_once(store: Store):
    before = many(150)
    user = (await store.create(newcomer_with(recording(*before)))).user
    events = many(1_000, start=100)

    new = await record(store, user, *events, limits=LIMITS)

    assert len(new) == 950
    assert await paged(store, user.id, 400) == in_order([*before, *events[50:]])


async def test_a_duplicate_is_recognised_however_old(store: Store):
    user = (await store.create(newcomer())).user
    for number in range(20):
        await record(store, user, *many(1, start=number))

    again = [each.model_copy(update={"name": "Other", "at": at(99)}) for each in many(21)]

    assert await record(store, user, *again) == ["e0020"]
    log = await paged(store, user.id, 100)
    assert log[1:] == in_order(many(20))


async def test_an_event_named_twice_in_a_call_counts_once(store: Store):
    user = (await store.create(newcomer())).user

    assert await record(store, user, *many(10), *many(10)) == [each.id for each in many(10)]
    assert await paged(store, user.id, 3) == in_order(many(10))


async def test_late_events_take_their_place(store: Store):
    user = (await store.create(newcomer())).user
    events = many(24)

    for start in (18, 0, 12, 6):
        await record(store, user, *events[start : start + 6])

    assert await paged(store, user.id, 5) == in_order(events)


async def test_events_of_one_instant_are_told_apart_by_their_ids(store: Store):
    user = (await store.create(newcomer())).user
    events = [event(id=f"{number:02}", at=NOON) for number in range(20)]

    for number in (3, 1, 0, 2):
        await record(store, user, *events[number * 5 : number * 5 + 5])

    assert await paged(store, user.id, 3) == events[::-1]


async def test_people_do_not_share_event_ids(store: Store):
    ada = (await store.create(newcomer_with(recording(*many(20), limits=TIGHT)))).user
    bob = (await store.create(newcomer())).user

    assert len(await record(store, bob, *many(20))) == 20
    assert await paged(store, ada.id, 100) == await paged(store, bob.id, 100) == in_order(many(20))


async def test_racing_recorders_lose_and_double_nothing(store: Store, other_store: Store):
    user = (await store.create(newcomer())).user
    events = many(60)
    batches = [events[start : start + 8] for start in range(0, 56, 4)]

    new = await asyncio.gather(
        *(record(each, user, *batch) for batch in batches for each in (store, other_store)),
        *(other_store.change(user.id, incrementing()) for _ in range(5)),
    )

    counted = Counter(id for ids in new[:-5] if isinstance(ids, list) for id in ids)
    assert counted == Counter(each.id for each in events)
    assert await paged(store, user.id, 7) == in_order(events)
    found = await store.find(user.id)
    assert found is not None
    assert sum(total.count for total in found.activity.values()) == 60
    assert found.archived + len(found.events) == 60


async def test_a_reader_beside_a_writer_sees_every_event_once(store: Store, other_store: Store):
    user = (await store.create(newcomer_with(recording(*many(20), limits=TIGHT)))).user

    async def write() -> None:
        for start in range(20, 80, 6):
            await record(store, user, *many(6, start=start))

    writing = asyncio.create_task(write())
    while not writing.done():
        log = await paged(other_store, user.id, 100)
        assert len(log) == len({each.id for each in log})
        assert log[-20:] == in_order(many(20))
        assert log == in_order(log)
        await asyncio.sleep(0)
    await writing

    assert await paged(store, user.id, 100) == in_order(many(80))


@pytest.mark.parametrize("seed", range(6))
async def test_any_batches_of_events_make_the_log_of_a_naive_model(database: Database, seed: int):
    random = Random(seed)
    limits = LIMITS.model_copy(update={"embedded_events": random.choice([2, 3, 8])})
    model: dict[str, Event] = {}

    async with database.opened(limits) as store:
        user = (await store.create(newcomer())).user
        for _ in range(15):
            batch = [
                event(
                    id=f"{random.randrange(60)}",
                    name=random.choice(NAMES),
                    at=at(random.randrange(9)),
                )
                for _ in range(random.randrange(1, 9))
            ]
            new = {each.id: each for each in reversed(batch) if each.id not in model}
            assert set(await record(store, user, *batch, limits=limits)) == new.keys()
            model |= new
            key = random.choice([None, "viewed", "charged"])
            since = random.choice([None, at(random.randrange(9))])
            expected = [each for each in model.values() if query(key=key, since=since).takes(each)]
            log = await paged(store, user.id, random.randrange(1, 9), key=key, since=since)
            assert log == in_order(expected)

        found = await store.find(user.id)
        assert found is not None
        totals = {total.name: total.count for total in found.activity.values()}
        assert totals == Counter(each.name for each in model.values())


async def test_the_newest_page_looks_into_the_archive_only_if_something_there_may_be_on_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    ada = (await store.create(newcomer())).user
    await store.change(ada.id, recording(*many(12), limits=TIGHT))
    newest = await store.find(ada.id)
    assert newest is not None
    assert newest.archived
    archived_events, looks = store.archived_events, 0

    async def noted(*arguments: Any) -> list[Event]:
        nonlocal looks
        looks += 1
        return await archived_events(*arguments)

    monkeypatch.setattr(store, "archived_events", noted)

    page, more = await read_events(store, newest, query(first=1))
    assert ([each.id for each in page], more, looks) == (["e0011"], True, 0)
    page, more = await read_events(store, newest, query(first=10))
    assert ([each.id for each in page], looks) == ([f"e{n:04}" for n in range(11, 1, -1)], 1)
