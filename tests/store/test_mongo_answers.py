"""A MongoDB server whose answers are lost: what was asked is done once, or said to be unknown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from app.domain.errors import Busy, Unavailable
from app.domain.user import Edit
from app.store import Store, open_store
from tests.builders import LIMITS, NOON, event, identity, query
from tests.store.lossy import LoseAnswer, Wire, wire_to
from tests.store.steps import (
    both,
    incrementing,
    linking,
    newcomer,
    newcomer_with,
    number,
    recording,
    unlinking,
)

OPTIONS = "?serverSelectionTimeoutMS=300&connectTimeoutMS=300&socketTimeoutMS=300"


def losing_one(command: str, collection: str) -> LoseAnswer:
    """Return what loses the answer to the first such command to a collection."""
    name = collection.encode() + b"\0"
    message = command.encode() + b"\0" + len(name).to_bytes(4, "little") + name
    lost = False

    def lose(asked: bytes) -> bool:
        nonlocal lost
        lost, first = lost or message in asked, not lost and message in asked
        return first

    return lose


@asynccontextmanager
async def opened(wire: Wire) -> AsyncIterator[Store]:
    async with open_store(wire.url + OPTIONS, LIMITS) as store:
        yield store


@pytest.mark.parametrize("collection", ["users", "claims", "catalog"])
@pytest.mark.parametrize("command", ["insert", "update", "delete", "find"])
async def test_a_change_whose_answer_is_lost_is_made_once(
    mongodb_url: str, command: str, collection: str
):
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        ada = (await store.create(newcomer("custom:ada"))).user
        wire.lose_answer_to = losing_one(command, collection)
        outcomes = []

        for step in [incrementing(), linking("custom:b"), unlinking("custom:b"), incrementing()]:
            try:
                await store.change(ada.id, both(step, incrementing("all")))
                outcomes.append(1)
            except Unavailable:
                outcomes.append(0)

        async with open_store(mongodb_url, LIMITS) as other:
            edit = await other.change(ada.id, incrementing("last"))
            assert sum(outcomes) <= number(edit.user, "all") <= 4
            assert edit.user.properties["n"] in (1.0, 2.0)
            assert await other.find(identity("custom:ada")) == edit.user
            assert not edit.user.has(identity("custom:b")) or not all(outcomes)


async def test_under_a_storm_of_lost_answers_every_increment_counts_once(mongodb_url: str):
    random = Random(5)
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        ada = (await store.create(newcomer("custom:ada"))).user
        wire.lose_answer_to = lambda asked: b"update\0" in asked and random.random() < 0.1

        outcomes = await asyncio.gather(
            *(store.change(ada.id, incrementing()) for _ in range(12)), return_exceptions=True
        )

        made = sum(isinstance(outcome, Edit) for outcome in outcomes)
        unknown = sum(isinstance(outcome, Unavailable) for outcome in outcomes)
        busy = sum(isinstance(outcome, Busy) for outcome in outcomes)
        assert made + unknown + busy == 12
        async with open_store(mongodb_url, LIMITS) as other:
            assert made <= number(await other.find(ada.id)) <= made + unknown


async def test_a_creation_whose_answers_are_lost_happens_once(mongodb_url: str):
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        lost = [("insert", "users"), ("update", "users"), ("insert", "claims")]
        for number, (command, collection) in enumerate(lost):
            wire.lose_answer_to = losing_one(command, collection)
            created = newcomer_with(recording(event()), f"custom:{number}", f"device:{number}")

            ada = (await store.create(created)).user

            assert await store.find(identity(f"device:{number}")) == ada
        assert await store.count() == 3


CALLS: dict[str, Callable[[Store], object]] = {
    "find": lambda store: store.find("01KG9C2D00"),
    "find by identity": lambda store: store.find(identity("custom:ada")),
    "create": lambda store: store.create(newcomer("custom:ada")),
    "change": lambda store: store.change("01KG9C2D00", incrementing()),
    "count": lambda store: store.count(),
    "catalog": lambda store: store.catalog(),
    "cursor": lambda store: store.changes.cursor(),
    "ping": lambda store: store.ping(),
    "archived events": lambda store: store.archived_events(
        newcomer(archived=1).user, query(since=NOON), 1
    ),
    "changes": lambda store: anext(store.changes.follow("t1.1")),
    "delete": lambda store: store.delete("01KG9C2D00", NOON),
    "merge": lambda store: store.merge("01KG9C2D00", "01KG9C2D01", NOON),
    "repair": lambda store: store.repair(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_whoever_asks_a_server_that_went_away_is_told_so(mongodb_url: str, name: str):
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        await store.ping()
        await wire.cut()

        with pytest.raises(Unavailable):
            async with asyncio.timeout(10):
                await CALLS[name](store)  # type: ignore[misc]


async def test_changes_go_on_after_the_wire_was_cut(mongodb_url: str):
    async with wire_to(mongodb_url) as wire, opened(wire) as store:
        start = await store.changes.cursor()
        ada = (await store.create(newcomer())).user
        log = store.changes.follow(start)
        first = await anext(log)
        await log.aclose()  # type: ignore[attr-defined]
        await store.change(ada.id, incrementing())

        async with open_store(mongodb_url, LIMITS) as other:
            second = await anext(again := other.changes.follow(first.cursor))
            await again.aclose()  # type: ignore[attr-defined]

        assert (first.version, second.version) == (1, 2)
