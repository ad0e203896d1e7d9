"""What stores keep in memory is what the database holds, whoever wrote it."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from app.domain.criteria import Question
from app.domain.criteria_input import parse_criteria
from app.domain.listing import UserOrder
from app.domain.windows import Moment
from app.store import Store, UserRef, open_store
from app.store.kept import MAX_READINGS, Kept
from app.store.mongo import MongoStore
from app.store.mongo.search import SMALLEST_PORTION, Search
from app.store.mongo.users import Users
from app.store.reading import Document, Reading
from app.store.sqlite import SqliteStore
from tests.builders import HERE, LIMITS, NOON, event, identity
from tests.store.databases import Database
from tests.store.steps import incrementing, newcomer, newcomer_with, recording

NUMBER = Reading(
    frozenset({"properties"}),
    lambda document: {each["k"]: each["v"] for each in document["properties"]},
    lambda _: 1,
)
WRITER = """
import asyncio, sys
from app.store import open_store
from tests.builders import LIMITS
from tests.store.steps import incrementing

async def main(url, user_id):
    async with open_store(url, LIMITS) as store:
        for number in range(1, 301):
            await store.change(user_id, incrementing("n"))
            print(number, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def shown(store: Store, ref, reading=NUMBER):
    (found,) = await store.read([ref], reading)
    return found


async def test_who_wrote_reads_it_at_once(store: Store):
    ada = (await store.create(newcomer())).user

    for number in range(1, 50):
        await store.change(ada.id, incrementing("n"))
        assert await shown(store, ada.id) == {"n": number}


async def test_many_who_write_and_read_at_once_each_read_what_they_wrote(
    store: Store, other_store: Store
):
    ada = (await store.create(newcomer())).user

    stores = (store, other_store)

    async def write_and_read(own: Store, reader: Store) -> None:
        for _ in range(30):
            edit = await own.change(ada.id, incrementing("n"))
            assert (await shown(reader, ada.id))["n"] >= edit.user.properties["n"]

    await asyncio.gather(*(write_and_read(own, reader) for own in stores for reader in stores))

    assert await shown(store, ada.id) == {"n": 120}


async def test_what_another_process_was_told_is_written_is_read_here(store_url: str):
    async with open_store(store_url, LIMITS) as store:
        await _read_what_another_process_writes(store, store_url)


async def _read_what_another_process_writes(store: Store, url: str) -> None:
    ada = (await store.create(newcomer())).user
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, ada.id, stdout=subprocess.PIPE
    )
    assert writer.stdout

    async for line in writer.stdout:
        assert (await shown(store, ada.id))["n"] >= int(line)

    assert await writer.wait() == 0
    assert await shown(store, ada.id) == {"n": 300}


async def test_a_name_finds_its_new_owner_and_nobody_once_it_is_free(
    store: Store, other_store: Store
):
    tablet = identity("device:tablet")
    ada = (await store.create(newcomer("device:tablet", "custom:ada"))).user
    eva = (await store.create(newcomer("custom:eva"))).user
    whose = Reading(frozenset({"_id"}), lambda document: document["_id"], lambda _: 1)
    assert await shown(store, tablet, whose) == ada.id

    await other_store.transfer(tablet, ada.id, eva.id, NOON)
    assert await shown(store, tablet, whose) == eva.id

    await other_store.delete(eva.id, NOON)
    assert await shown(store, tablet, whose) is None
    assert await shown(store, eva.id, whose) is None


async def test_who_was_merged_is_found_as_the_survivor(store: Store, other_store: Store):
    ada, eva = [(await store.create(newcomer(f"custom:{n}"))).user for n in "ae"]
    whose = Reading(frozenset({"_id"}), lambda document: document["_id"], lambda _: 1)
    assert [await shown(store, each.id, whose) for each in (ada, eva)] == [ada.id, eva.id]

    await other_store.merge(ada.id, eva.id, NOON)

    survivor = min(ada.id, eva.id)
    names: list[UserRef] = [ada.id, eva.id, identity("custom:a"), identity("custom:e")]
    assert await store.read(names, whose) == [survivor] * 4


async def test_a_page_shows_what_was_written_elsewhere(store: Store, other_store: Store):
    ids = sorted([(await store.create(newcomer())).user.id for _ in range(3)])
    page = (UserOrder.OLDEST, 10, None, None, NUMBER)
    assert await store.read_page(*page) == [{}, {}, {}]

    await other_store.change(ids[1], incrementing("n"))
    await other_store.delete(ids[2], NOON)

    assert await store.read_page(*page) == [{}, {"n": 1}]


async def test_what_is_kept_stays_within_its_bounds():
    kept = Kept(max_bytes=10_000)
    readings = [Reading(None, dict, lambda _: 500) for _ in range(3 * MAX_READINGS)]

    for id in map(str, range(20)):
        for reading in readings:
            kept.keep(id, id, 1, reading, {"of": id})
            assert kept.shown(id, id, 1, reading) == {"of": id}
            assert kept.size_bytes <= 10_000


def test_what_was_shown_holds_for_one_revision_and_for_names_that_found_it_then():
    kept, whole = Kept(), Reading(None, dict, lambda _: 1)
    kept.keep("custom:ada", "1", 7, whole, {"revision": 7})
    kept.keep("1", "1", 8, whole, {"revision": 8})

    assert kept.shown("1", "1", 8, whole) == {"revision": 8}
    assert kept.shown("1", "1", 7, whole) is None
    assert kept.shown("custom:ada", "1", 8, whole) is None
    assert kept.shown("1", "1", None, whole) is None
    assert (kept.owner("custom:ada", whole), kept.owner("1", whole)) == (None, "1")


async def test_whom_nobody_wrote_to_is_not_shown_again(store: Store):
    people = [(await store.create(newcomer(f"custom:{n}"))).user for n in range(3)]
    ids = sorted(person.id for person in people)
    times: list[str] = []

    def show(document: Document) -> str:
        times.append(document["_id"])
        return str(document["_id"])

    reading = Reading(frozenset({"_id"}), show, len)
    page = (UserOrder.OLDEST, 10, None, None, reading)

    assert await store.read_page(*page) == ids
    await store.change(ids[1], incrementing("n"))
    assert await store.read_page(*page) == ids
    assert times == [*ids, ids[1]]

    for _ in range(2):
        assert await shown(store, identity("custom:0"), reading) == people[0].id
    assert times[4:] == [people[0].id]


async def test_a_page_shows_no_two_times_where_somebody_writes_while_it_is_read(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
):
    if database.kind == "sqlite":
        pytest.skip("a page is read in one transaction")
    people = [(await store.create(newcomer())).user for _ in range(3)]
    for day, person in enumerate(people):
        await store.change(person.id, recording(event(at=NOON + timedelta(days=day))))
    as_of = Users.as_of

    async def written_meanwhile(users: Users, *arguments: Any) -> Any:
        monkeypatch.setattr(Users, "as_of", as_of)
        await store.change(people[1].id, recording(event(id="late", at=NOON + timedelta(days=9))))
        return await as_of(users, *arguments)

    monkeypatch.setattr(Users, "as_of", written_meanwhile)
    seen = Reading(frozenset({"lastSeenAt"}), lambda d: d["lastSeenAt"], lambda _: 1)

    instants = await store.read_page(UserOrder.LAST_SEEN, 2, None, None, seen)

    days = [(store.instants.read(at) - NOON).days for at in instants]
    assert days == [9, 2]


async def test_nothing_is_kept_of_who_was_deleted(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    await shown(store, ada.id)

    await store.delete(ada.id, NOON)

    assert await shown(store, ada.id) is None
    assert isinstance(store, MongoStore | SqliteStore)
    memory = store._readings if isinstance(store, MongoStore) else store._memory
    assert memory._kept.size_bytes == 0


async def test_what_is_never_to_be_kept_is_not(store: Store):
    ada = (await store.create(newcomer())).user
    times: list[Document] = []

    def show(document: Document) -> Document:
        times.append(document)
        return document

    fleeting = Reading(None, show, lambda _: None)

    await shown(store, ada.id, fleeting)
    await shown(store, ada.id, fleeting)

    assert len(times) == 2


async def test_documents_are_shown_as_they_are_stored(store: Store):
    ada = (await store.create(newcomer())).user
    whole = Reading(None, orjson.dumps, len)

    assert orjson.loads(await shown(store, ada.id, whole))["_id"] == ada.id


def did(**more: Any) -> Question:
    criterion = parse_criteria({"did": {"name": "Viewed", **more}}, HERE, LIMITS, {})
    return Question(criterion, Moment(NOON + timedelta(days=1), ZoneInfo("UTC")))


async def test_of_whom_a_question_is_certain_nobody_is_read_to_be_looked_at(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
):
    if database.kind == "sqlite":
        pytest.skip("certain and possible are told in one statement")
    people = [(await store.create(newcomer())).user for _ in range(3)]
    for person in people:
        await store.change(person.id, recording(event(name="Viewed", at=NOON)))
    monkeypatch.delattr(Search, "page")
    ids = Reading(frozenset({"_id"}), lambda document: document["_id"], len)

    page = await store.read_page(UserOrder.OLDEST, 5, None, did(during={"lastDays": 3}), ids)

    assert page == sorted(person.id for person in people)


async def test_no_more_people_are_read_to_be_looked_at_than_a_page_is_likely_to_need(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
):
    if database.kind == "sqlite":
        pytest.skip("rows are looked at as they come")
    for _ in range(2 * SMALLEST_PORTION):
        known = newcomer_with(recording(event(name="Viewed", at=NOON, properties={"n": 1})))
        await store.create(known)
    verified, looked_at = Search._verified, 0

    async def noted(search: Search, question: Question, documents: list[Document]) -> Any:
        nonlocal looked_at
        looked_at += len(documents)
        return await verified(search, question, documents)

    monkeypatch.setattr(Search, "_verified", noted)
    ids = Reading(frozenset({"_id"}), lambda document: document["_id"], len)
    question = did(where=[{"name": "n", "is": {"equals": 1}}])

    assert len(await store.read_page(UserOrder.OLDEST, 3, None, question, ids)) == 3
    assert looked_at == SMALLEST_PORTION


@pytest.mark.slow
async def test_what_was_shown_of_others_outlives_thousands_of_writes(sqlite_url: str):
    times: list[str] = []

    def show(document: Document) -> str:
        times.append(document["_id"])
        return str(document["_id"])

    reading = Reading(frozenset({"_id"}), show, len)
    async with open_store(sqlite_url, LIMITS) as store:
        ada, eva = [(await store.create(newcomer(f"custom:{n}"))).user for n in "ae"]
        await shown(store, ada.id, reading)
        for _ in range(12):
            await asyncio.gather(*(store.change(eva.id, incrementing("n")) for _ in range(500)))
        await shown(store, ada.id, reading)
        await shown(store, eva.id, reading)

    assert times == [ada.id, eva.id]
