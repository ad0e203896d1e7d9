"""What the embedded store keeps in memory is what the file holds, whoever wrote it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import orjson
import pytest

from app.domain.listing import UserOrder
from app.store import Store, UserRef, open_store
from app.store.reading import Document, Reading
from app.store.sqlite.connection import connect, path_of
from app.store.sqlite.memory import MAX_READINGS, Memory
from tests.builders import LIMITS, NOON, identity
from tests.store.steps import incrementing, newcomer

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


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with open_store(sqlite_url, LIMITS) as store:
        yield store


@pytest.fixture
async def other(sqlite_url: str, store: Store) -> AsyncIterator[Store]:
    async with open_store(sqlite_url, LIMITS) as other:
        yield other


async def shown(store: Store, ref, reading=NUMBER):
    (found,) = await store.read([ref], reading)
    return found


async def test_who_wrote_reads_it_at_once(store: Store):
    ada = (await store.create(newcomer())).user

    for number in range(1, 50):
        await store.change(ada.id, incrementing("n"))
        assert await shown(store, ada.id) == {"n": number}


async def test_many_who_write_and_read_at_once_each_read_what_they_wrote(
    store: Store, other: Store
):
    ada = (await store.create(newcomer())).user

    async def write_and_read(own: Store, reader: Store) -> None:
        for _ in range(30):
            edit = await own.change(ada.id, incrementing("n"))
            assert (await shown(reader, ada.id))["n"] >= edit.user.properties["n"]

    await asyncio.gather(
        *(write_and_read(own, reader) for own in (store, other) for reader in (store, other))
    )

    assert await shown(store, ada.id) == {"n": 120}


async def test_what_another_process_was_told_is_written_is_read_here(sqlite_url: str, store: Store):
    ada = (await store.create(newcomer())).user
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, sqlite_url, ada.id, stdout=subprocess.PIPE
    )
    assert writer.stdout

    async for line in writer.stdout:
        assert (await shown(store, ada.id))["n"] >= int(line)

    assert await writer.wait() == 0
    assert await shown(store, ada.id) == {"n": 300}


async def test_a_name_finds_its_new_owner_and_nobody_once_it_is_free(store: Store, other: Store):
    tablet = identity("device:tablet")
    ada = (await store.create(newcomer("device:tablet", "custom:ada"))).user
    eva = (await store.create(newcomer("custom:eva"))).user
    whose = Reading(frozenset({"_id"}), lambda document: document["_id"], lambda _: 1)
    assert await shown(store, tablet, whose) == ada.id

    await other.transfer(tablet, ada.id, eva.id, NOON)
    assert await shown(store, tablet, whose) == eva.id

    await other.delete(eva.id, NOON)
    assert await shown(store, tablet, whose) is None
    assert await shown(store, eva.id, whose) is None


async def test_who_was_merged_is_found_as_the_survivor(store: Store, other: Store):
    ada, eva = [(await store.create(newcomer(f"custom:{n}"))).user for n in "ae"]
    whose = Reading(frozenset({"_id"}), lambda document: document["_id"], lambda _: 1)
    assert [await shown(store, each.id, whose) for each in (ada, eva)] == [ada.id, eva.id]

    await other.merge(ada.id, eva.id, NOON)

    survivor = min(ada.id, eva.id)
    names: list[UserRef] = [ada.id, eva.id, identity("custom:a"), identity("custom:e")]
    assert await store.read(names, whose) == [survivor] * 4


async def test_a_page_shows_what_was_written_elsewhere(store: Store, other: Store):
    people = [(await store.create(newcomer())).user for _ in range(3)]
    page = (UserOrder.OLDEST, 10, None, None, NUMBER)
    assert await store.read_page(*page) == [{}, {}, {}]

    await other.change(people[1].id, incrementing("n"))
    await other.delete(people[2].id, NOON)

    assert await store.read_page(*page) == [{}, {"n": 1}]


async def test_what_is_kept_stays_within_its_bounds(store: Store, sqlite_url: str):
    people = [(await store.create(newcomer())).user for _ in range(20)]
    memory = Memory(connect(path_of(sqlite_url), 1), max_bytes=10_000)
    memory.refresh()
    readings = [Reading(None, dict, lambda _: 500) for _ in range(3 * MAX_READINGS)]

    for user in people:
        for reading in readings:
            memory.keep(user.id, user.id, reading, {"of": user.id})
            assert memory.shown(user.id, reading) == {"of": user.id}
            assert memory.size_bytes <= 10_000


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
