"""Changing somebody: every step counts once, whoever else writes."""

import asyncio

import pytest

from app.domain.errors import Busy, UserNotFound
from app.domain.user import Edit, User
from app.store import Store
from tests.builders import NOON, event
from tests.store.databases import Database
from tests.store.steps import incrementing, newcomer, number, recording, resting, setting


async def test_what_a_step_makes_of_a_person_is_kept(store: Store):
    ada = (await store.create(newcomer())).user

    edit = await store.change(ada.id, setting(plan="pro"))

    assert edit.user.version == 2
    assert edit.user.properties == {"plan": "pro"}
    assert await store.find(ada.id) == edit.user


async def test_nobody_cannot_be_changed(store: Store):
    with pytest.raises(UserNotFound):
        await store.change("01KG9C2D00", setting(plan="pro"))


async def test_a_step_that_refuses_changes_nothing(store: Store):
    ada = (await store.create(newcomer())).user

    def refuse(user: User, _: frozenset[str]) -> Edit:
        raise Busy

    with pytest.raises(Busy):
        await store.change(ada.id, refuse)

    assert await store.find(ada.id) == ada


async def test_a_bug_in_a_step_reaches_its_caller_alone(store: Store):
    ada = (await store.create(newcomer())).user

    def stumble(user: User, _: frozenset[str]) -> Edit:
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        *(store.change(ada.id, step) for step in [incrementing(), stumble, incrementing()]),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], ZeroDivisionError)
    found = await store.find(ada.id)
    assert found is not None
    assert found.properties == {"n": 2.0}


async def test_racing_increments_all_count(store: Store, other_store: Store):
    ada = (await store.create(newcomer())).user

    edits = await asyncio.gather(
        *(each.change(ada.id, incrementing()) for each in [store, other_store] * 50)
    )

    assert sorted(edit.user.properties["n"] for edit in edits) == list(range(1, 101))
    assert sorted(edit.user.version for edit in edits) == list(range(2, 102))


async def test_a_step_that_lost_runs_again_on_the_newer_person(store: Store, other_store: Store):
    ada = (await store.create(newcomer())).user
    met: list[int] = []

    def note(user: User, known: frozenset[str]) -> Edit:
        met.append(user.version)
        return setting(noted=True)(user, known)

    await asyncio.gather(
        *(other_store.change(ada.id, incrementing()) for _ in range(10)),
        store.change(ada.id, note),
    )

    found = await store.find(ada.id)
    assert found is not None
    assert found.properties == {"n": 10.0, "noted": True}
    assert met == sorted(set(met))


async def test_a_step_that_changes_nothing_writes_nothing(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user

    edit = await store.change(ada.id, resting)

    assert edit.user == ada
    assert await store.find(ada.id) == ada


async def test_a_step_that_changes_nothing_hides_no_name_from_the_catalog(store: Store):
    ada = (await store.create(newcomer())).user
    sighted = recording(event(properties={"page": 1.0}))(ada, frozenset()).sightings
    await store.change(ada.id, lambda user, _: Edit(user, sightings=sighted))

    edit = await store.change(ada.id, recording(event(properties={"page": 1.0})))

    assert edit.recorded == (event(properties={"page": 1.0}),)
    assert [each.name for each in (await store.catalog()).events] == ["Viewed"]


async def test_bookkeeping_is_kept_without_a_new_version(store: Store):
    ada = (await store.create(newcomer())).user

    edit = await store.change(
        ada.id, lambda user, _: Edit(user.model_copy(update={"last_seen_at": NOON}))
    )

    assert edit.user.version == ada.version
    assert await store.find(ada.id) == ada.model_copy(update={"last_seen_at": NOON})


async def test_whoever_never_wins_is_told_busy_and_wrote_nothing(database: Database):
    async with database.opened(busy_s=0.2) as store:
        ada = (await store.create(newcomer())).user

        async with database.outrunning(ada.id) as outrun:

            def late(user: User, known: frozenset[str]) -> Edit:
                outrun()
                return incrementing()(user, known)

            with pytest.raises(Busy):
                await store.change(ada.id, late)

        assert await store.find(ada.id) == ada
        edit = await store.change(ada.id, incrementing())
        assert edit.user.properties == {"n": 1.0}


async def test_a_caller_who_left_harms_nobody(store: Store):
    ada = (await store.create(newcomer())).user
    leaving = [asyncio.create_task(store.change(ada.id, incrementing("gone"))) for _ in range(20)]
    await asyncio.sleep(0)

    for place, task in enumerate(leaving):
        await asyncio.sleep(0)
        if place % 2:
            task.cancel()
    staying = await asyncio.gather(
        *(store.change(ada.id, incrementing()) for _ in range(20)), *leaving, return_exceptions=True
    )

    found = await store.find(ada.id)
    assert number(found) == 20
    acknowledged = sum(isinstance(outcome, Edit) for outcome in staying[20:])
    assert acknowledged <= number(found, "gone") <= 20
