"""Whole people, out of one store and into another."""

import asyncio
from datetime import timedelta

import pytest

from app.domain.catalog import Catalog
from app.domain.errors import IdentityTaken, InvalidInput, LimitExceeded
from app.domain.profile import names_in
from app.domain.user import User
from app.store import Progress, Store
from tests.builders import NOON, device, event, identity, linked_identity, push, user
from tests.store.databases import Database
from tests.store.steps import incrementing, linking, newcomer, number

ID = "01KG9C2D000000000000000000"
OTHER_ID = "01KG9C2D000000000000000001"
THIRD_ID = "01KG9C2D000000000000000002"


def ada(**known) -> User:
    """Return somebody of whom everything is known, with all events."""
    events = tuple(
        event(id=f"e{n:03}", at=NOON - timedelta(minutes=n), properties={"n": float(n)})
        for n in range(130)
    )
    whole = {
        "id": ID,
        "version": 7,
        "identified": True,
        "name": "Ada",
        "email": "ada@example.org",
        "properties": {"plan": "pro"},
        "identities": (linked_identity("custom:ada"), linked_identity("device:phone")),
        "devices": (device(id="phone", push=push()),),
        "absorbed": (OTHER_ID,),
        "request_ids": ("k1",),
        "record_ids": ("r1",),
        "activity": {},
        "events": events,
    }
    return user(**whole | known)


async def restored(store: Store, person: User) -> bool:
    return await store.restore(person, names_in(person))


async def test_whoever_is_restored_is_found_by_every_id_and_identity(store: Store):
    assert await restored(store, ada()) is True

    found = await store.find(ID)
    assert found
    assert (
        await store.find_many([OTHER_ID, identity("custom:ada"), identity("device:phone")])
        == [found] * 3
    )
    assert (found.archived, len(found.events), found.version) == (80, 50, 7)
    assert await store.whole(OTHER_ID) == ada()
    assert (await store.catalog()).events[0].name == "Viewed"
    assert await store.repair() == {}


async def test_the_same_again_changes_nothing(store: Store):
    await restored(store, ada())
    before = await store.changes.cursor()

    assert await restored(store, ada()) is False
    assert await store.whole(ID) == ada()
    if before.isdecimal():
        assert await store.changes.cursor() == before


async def test_somebody_restored_can_be_changed_merged_and_deleted(store: Store):
    await restored(store, ada())
    eve = (await store.create(newcomer("custom:eve"))).user

    await store.change(OTHER_ID, incrementing())
    await store.change(ID, linking("email:ada@example.org"))
    merged = await store.merge(ID, eve.id, NOON)
    assert merged
    assert number(await store.find(eve.id)) == 1
    assert merged.user.absorbed == (OTHER_ID, eve.id)

    await store.delete(eve.id, NOON)
    assert await store.find_many([ID, OTHER_ID, eve.id]) == [None] * 3
    assert await store.deleted_ids(10) == [ID, OTHER_ID, eve.id]
    assert await store.repair() == {}


@pytest.mark.parametrize(
    ("known", "path"),
    [
        ({"name": "Eve"}, ("id",)),
        ({"events": ()}, ("id",)),
        ({"id": OTHER_ID, "absorbed": ()}, ("id",)),
        ({"id": THIRD_ID, "absorbed": (ID,), "identities": ()}, ("mergedIds", "0")),
        ({"id": THIRD_ID, "absorbed": (OTHER_ID,), "identities": ()}, ("mergedIds", "0")),
    ],
)
async def test_an_id_that_is_somebody_elses_is_refused(store: Store, known, path):
    await restored(store, ada())

    with pytest.raises(InvalidInput) as refusal:
        await restored(store, ada(**known))

    assert refusal.value.path == path
    assert await store.whole(ID) == ada()
    assert await store.count() == 1


async def test_a_taken_identity_is_refused_and_nothing_is_kept(store: Store):
    eve = (await store.create(newcomer("device:phone"))).user

    with pytest.raises(IdentityTaken) as refusal:
        await restored(store, ada())

    assert (refusal.value.identity, refusal.value.user_id) == (identity("device:phone"), eve.id)
    assert await store.find_many([ID, OTHER_ID, identity("custom:ada")]) == [None] * 3
    await store.delete(eve.id, NOON)
    assert await restored(store, ada()) is True


async def test_too_many_names_are_refused(database: Database):
    async with database.opened(event_names=1) as store:
        other = ada(events=(event(), event(id="e2", name="Bought")), absorbed=(), identities=())

        with pytest.raises(LimitExceeded):
            await restored(store, other)

        assert await store.find(ID) is None
        assert await store.catalog() == Catalog(properties=(), events=())


async def test_the_same_person_restored_by_many_at_once_is_there_once(
    store: Store, other_store: Store
):
    outcomes = await asyncio.gather(
        *(restored(one, ada()) for one in [store, other_store] * 4), return_exceptions=True
    )

    assert True in outcomes
    assert await restored(store, ada()) is False
    assert await store.whole(ID) == ada()
    assert await store.repair() == {}


# ---------------------------------------------------------------- deleted ids


async def test_a_deleted_id_never_comes_back(store: Store):
    await restored(store, ada())
    await store.delete(ID, NOON)

    for known in ({}, {"id": THIRD_ID}):
        with pytest.raises(InvalidInput):
            await restored(store, ada(**known))
    assert await store.deleted_ids(1) == [ID]
    assert await store.deleted_ids(5, after=ID) == [OTHER_ID]


async def test_an_id_that_was_deleted_elsewhere_finds_nobody_for_ever(store: Store):
    await store.bury(ID)
    await store.bury(ID)

    assert await store.find(ID) is None
    assert await store.deleted_ids(10) == [ID]
    with pytest.raises(InvalidInput):
        await restored(store, ada())
    assert await store.repair() == {}


async def test_whoever_is_here_cannot_be_buried(store: Store):
    await restored(store, ada())

    for id in (ID, OTHER_ID):
        with pytest.raises(InvalidInput):
            await store.bury(id)
    assert await store.find(OTHER_ID) is not None


# ---------------------------------------------------------------- progress


async def test_progress_is_kept_by_source(store: Store, other_store: Store):
    assert await store.progress("a") == Progress()

    await store.note_progress("a", Progress(line=3, rejected=1))
    await store.note_progress("a", Progress(line=9, rejected=2, finished=True))
    await store.note_progress("b", Progress(line=1))

    assert await other_store.progress("a") == Progress(9, 2, finished=True)
    assert await other_store.progress("b") == Progress(1)
