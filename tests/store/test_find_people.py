"""Find People: what every store answers is exactly what the domain says of each person."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain.criteria import Criterion, Question, matches, missing_events
from app.domain.criteria_input import parse_criteria
from app.domain.events import Event
from app.domain.listing import UserOrder, UserPosition, position_of
from app.domain.user import Edit, User
from app.domain.windows import Moment
from app.store import Store
from app.store.mongo import criteria as mongo_criteria
from app.store.reading import Reading
from app.store.sqlite import criteria as sqlite_criteria
from app.store.sqlite import search, ways
from app.store.sqlite.connection import connect, path_of
from app.store.sqlite.criteria import Rows, Sql
from app.store.sqlite.pages import Page
from app.store.sqlite.ways import Quickest, Try
from tests.builders import HERE, LIMITS, NOON, query, user
from tests.finding import ROOM, SEGMENTS, ZONES, criteria, deeds, moments, somebody
from tests.store.databases import mongodb_database, mongomock_database, sqlite_database
from tests.store.steps import recording
from tests.stores import NewDatabase

PEOPLE: Final = 48
UTC_NOON: Final = Moment(NOON, ZoneInfo("UTC"))


async def settle(store: Store) -> None:
    """Fill a store with the same people as every other; some are of two, most have an archive."""
    rng = random.Random(7)
    people = [somebody(rng, number) for number in range(PEOPLE)]
    people = [(await store.create(Edit(one))).user for one in people]
    for one in people:
        for _ in range(rng.randint(0, 3)):
            done = deeds(rng, 5)
            await store.change(one.id, recording(*done, limits=ROOM), [deed.id for deed in done])
    for number in range(0, 12, 2):
        await store.merge(people[number].id, people[number + 1].id, NOON)
    await store.delete(people[-1].id, NOON)


Filled = dict[str, tuple[Store, list[tuple[User, list[Event]]]]]
"""Each store, and its people with all that they ever did, by the store's kind."""


@pytest.fixture(scope="module")
async def filled(
    tmp_path_factory: pytest.TempPathFactory,
    new_mongodb: NewDatabase,
) -> AsyncIterator[Filled]:
    async with AsyncExitStack() as stack:
        databases = [
            sqlite_database(f"sqlite:///{tmp_path_factory.mktemp('find')}/people.db"),
            mongomock_database(),
            mongodb_database(stack.enter_context(new_mongodb())),
        ]
        stores: Filled = {}
        for database in databases:
            store = await stack.enter_async_context(database.opened(ROOM))
            await settle(store)
            people = await store.page(UserOrder.OLDEST, 1_000, None)
            stores[database.kind] = (store, [(p, await past(store, p)) for p in people])
        yield stores


async def past(store: Store, person: User) -> list[Event]:
    return await store.archived_events(person, query(first=1_000), 1_000)


# ---------------------------------------------------------------- who is found


def expected(
    people: list[tuple[User, list[Event]]], question: Question, order: UserOrder
) -> list[str]:
    """Return the ids of those of whom the question is true, as the domain decides it."""
    found = [
        person
        for person, history in people
        if matches(question.criterion, person, question.moment, history)
    ]
    long_ago = datetime.min.replace(tzinfo=UTC)
    match order:
        case UserOrder.OLDEST:
            found.sort(key=lambda person: person.id)
        case UserOrder.NEWEST:
            found.sort(key=lambda person: person.id, reverse=True)
        case UserOrder.LAST_SEEN:
            found.sort(key=lambda p: (p.last_seen_at or long_ago, p.id), reverse=True)
    return [person.id for person in found]


async def listed(store: Store, question: Question, order: UserOrder, first: int) -> list[str]:
    """Return the ids that the pages of a store have, in their order."""
    ids: list[str] = []
    after: UserPosition | None = None
    while page := await store.page(order, first, after, question):
        ids += [person.id for person in page]
        after = position_of(page[-1], order)
        if len(page) < first:
            break
    return ids


IDS: Final = Reading(frozenset({"_id", "lastSeenAt"}), dict, lambda _: 1)


async def shown(store: Store, question: Question, order: UserOrder, first: int) -> list[str]:
    """Return the ids that the pages of a store have, as readings show them."""
    ids: list[str] = []
    after: UserPosition | None = None
    while page := await store.read_page(order, first, after, question, IDS):
        ids += [document["_id"] for document in page]
        by_seen = order is UserOrder.LAST_SEEN and page[-1]["lastSeenAt"]
        seen_at = store.instants.read(page[-1]["lastSeenAt"]) if by_seen else None
        after = UserPosition(seen_at, ids[-1])
        if len(page) < first:
            break
    return ids


@contextmanager
def going(rows: Rows) -> Iterator[None]:
    """Let the embedded store look up all parts of criteria in one way."""

    def tries(criterion: Criterion) -> Iterator[Try]:
        way = (rows,) * len(ways._parts(criterion))
        yield from [(way, 1), (way, None)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "patient", tries)
        patch.setattr(Quickest, "tries", lambda _, criterion: tries(criterion))
        yield


async def check(
    filled: Filled, raw: dict[str, Any], moment: Moment, order: UserOrder, first: int
) -> None:
    question = Question(parse_criteria(raw, HERE, ROOM, SEGMENTS), moment)
    found = {}
    for kind, (store, people) in filled.items():
        ids = expected(people, question, order)
        found[kind] = {person.photo_url for person, _ in people if person.id in ids}
        assert await listed(store, question, order, first) == ids, kind
        assert await shown(store, question, order, first) == ids, kind
        assert await store.count(question) == len(ids), kind
        for person, history in people:
            keys = missing_events(question.criterion, person, moment)
            needed = [done for done in history if done.key in keys]
            assert matches(question.criterion, person, moment, needed) is (person.id in ids)
    assert found["sqlite"] == found["mongomock"] == found["mongodb"]
    store, people = filled["sqlite"]
    for rows in Rows:
        with going(rows):
            ids = expected(people, question, order)
            assert await listed(store, question, order, first) == ids, rows
            assert await shown(store, question, order, first) == ids, rows


QUIET: Final[dict[str, Any]] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=15, derandomize=True, **QUIET)
@given(criteria, moments, st.sampled_from(UserOrder), st.sampled_from([1, 5, 40, 100]))
@example({"all": []}, Moment(NOON, ZONES[0]), UserOrder.NEWEST, 7)
@example({"any": []}, Moment(NOON, ZONES[0]), UserOrder.NEWEST, 7)
async def test_every_store_finds_exactly_those_who_match(filled, raw, moment, order, first):
    await check(filled, raw, moment, order, first)


@pytest.mark.slow
@settings(max_examples=800, print_blob=True, **QUIET)
@given(criteria, moments, st.sampled_from(UserOrder), st.sampled_from([1, 3, 5, 40, 100]))
async def test_every_store_finds_exactly_those_who_match_in_many_questions(
    filled, raw, moment, order, first
):
    await check(filled, raw, moment, order, first)


# ---------------------------------------------------------------- ways to a page


@pytest.fixture
async def crowd(sqlite_url: str) -> AsyncIterator[sqlite3.Connection]:
    """An embedded store of 900 people, each seen a second after the one before."""
    async with sqlite_database(sqlite_url).opened() as store:
        people = [
            user(
                id=f"01{n:05d}",
                properties={"plan": "pro", "n": n},
                last_seen_at=NOON + timedelta(seconds=n),
            )
            for n in range(900)
        ]
        await asyncio.gather(*(store.create(Edit(person)) for person in people))
    with closing(connect(path_of(sqlite_url), 1)) as lookups:
        yield lookups


def test_a_page_is_found_quickly_whether_few_have_what_is_asked_for_or_all(crowd):
    quickest = Quickest()

    def found(**is_equal: Any) -> list[str] | None:
        raw = {"all": [prop(name, equals=value) for name, value in is_equal.items()]}
        question = Question(parse_criteria(raw, HERE, LIMITS, {}), UTC_NOON)
        return search.found_quickly(crowd, question, UserOrder.OLDEST, 3, None, quickest)

    for _ in range(2):
        assert found(plan="pro") == ["0100000", "0100001", "0100002"]
        assert found(n=800) == found(n=800, plan="pro") == found(plan="pro", n=800)
        assert found(plan="pro", n=800) == ["0100800"]
        assert found(plan="team") == []


@pytest.mark.parametrize("order", UserOrder)
def test_a_page_from_the_middle_does_not_go_through_all_before_it(crowd, order):
    seen_at = NOON + timedelta(seconds=450) if order is UserOrder.LAST_SEEN else None
    page = Page.of(order, UserPosition(seen_at, "0100450"))

    found = search._within(500, crowd, page, Sql("id"), 2)

    following = ["0100451", "0100452"] if order is UserOrder.OLDEST else ["0100449", "0100448"]
    assert found == [(id,) for id in following]


# ---------------------------------------------------------------- corners


def prop(name: str, **value_filter: Any) -> dict[str, Any]:
    return {"property": {"name": name, "is": value_filter}}


async def found_ids(store: Store, raw: dict[str, Any], zone: str = "UTC", now: datetime = NOON):
    question = Question(parse_criteria(raw, HERE, LIMITS, {}), Moment(now, ZoneInfo(zone)))
    return [person.id for person in await store.page(UserOrder.OLDEST, 100, None, question)]


def truly(person: User, raw: dict[str, Any], zone: str = "UTC", now: datetime = NOON) -> bool:
    return matches(parse_criteria(raw, HERE, LIMITS, {}), person, Moment(now, ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("zone", "day", "window"),
    [
        # The clocks went back from 00:01 to 23:01, so that 7 November began twice.
        ("America/St_Johns", date(2010, 11, 7), {"since": "2010-11-07T03:00:00Z"}),
        ("America/St_Johns", date(2010, 11, 7), {"before": "2010-11-07T03:00:00Z"}),
        # 30 December was left out: its midnight is that of the 31st.
        (
            "Pacific/Apia",
            date(2011, 12, 30),
            {"between": {"from": "2011-12-30", "to": "2011-12-31"}},
        ),
    ],
)
async def test_a_day_is_its_midnight_also_where_clocks_turn_around_it(store, zone, day, window):
    person = (await store.create(Edit(user(properties={"day": day})))).user
    raw = {"property": {"name": "day", "is": {"within": window}}}

    found = await found_ids(store, raw, zone)

    assert found == ([person.id] if truly(person, raw, zone) else [])


@pytest.mark.parametrize(
    "ages", [{"min": -7_973}, {"min": -7_974}, {"max": -7_974}, {"max": -7_975}, {"max": -8_000}]
)
async def test_ages_that_nobody_can_have_are_compared_all_the_same(store, ages):
    person = (await store.create(Edit(user(birthday=date(2000, 1, 1))))).user

    found = await found_ids(store, {"age": ages})

    assert found == ([person.id] if truly(person, {"age": ages}) else [])


@pytest.mark.parametrize("count", [900, 1_100, 5_000])
@pytest.mark.parametrize("name", ["p", "name"])
async def test_one_of_very_many_values_can_be_asked_for(store, count, name):
    known = {"name": "7"} if name == "name" else {"properties": {"p": "7"}}
    person = (await store.create(Edit(user(**known)))).user
    raw = {"property": {"name": name, "is": {"in": [str(n) for n in range(count)]}}}

    assert await found_ids(store, raw) == [person.id]


# ---------------------------------------------------------------- what time does not alter


@settings(max_examples=200, **QUIET)
@given(criteria, moments)
def test_conditions_that_are_kept_are_those_of_every_moment(raw, moment):
    criterion = parse_criteria(raw, HERE, ROOM, SEGMENTS)

    afresh = mongo_criteria._compiled(criterion, moment)
    assert mongo_criteria.compiled(criterion, moment) == afresh
    for rows in Rows:
        afresh_in_sql = sqlite_criteria._compiled(criterion, moment, rows)
        assert sqlite_criteria.compiled(criterion, moment, rows) == afresh_in_sql
