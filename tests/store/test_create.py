"""New people: there whole, or not at all."""

import asyncio

import pytest

from app.domain.catalog import Catalog
from app.domain.errors import IdentityTaken
from app.store import Store
from tests.builders import event, identity
from tests.store.databases import Database
from tests.store.steps import newcomer, newcomer_with, recording, setting

MANY = 24


async def test_whoever_is_created_is_there(store: Store):
    edit = await store.create(newcomer("email:ada@example.org", "custom:ada"))

    assert await store.find(edit.user.id) == edit.user
    assert edit.user.version == 1
    assert await store.count() == 1


async def test_somebody_without_identities_can_be_created(store: Store):
    edit = await store.create(newcomer())

    assert await store.find(edit.user.id) == edit.user


async def test_a_taken_identity_refuses_the_whole_creation(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    step = recording(event(name="New", properties={"new": 1.0}))

    with pytest.raises(IdentityTaken) as refusal:
        await store.create(newcomer_with(step, "custom:a", "custom:ada", "custom:z"))

    assert (refusal.value.identity, refusal.value.user_id) == (identity("custom:ada"), ada.id)
    assert await store.count() == 1
    assert await store.find_many([identity("custom:a"), identity("custom:z")]) == [None, None]
    assert await store.find(ada.id) == ada
    assert (await store.catalog()) == Catalog(properties=(), events=())


async def test_after_a_refused_creation_its_other_identities_are_free(store: Store):
    await store.create(newcomer("custom:ada"))
    with pytest.raises(IdentityTaken):
        await store.create(newcomer("custom:a", "custom:ada", "custom:z"))

    free = (await store.create(newcomer("custom:a", "custom:z"))).user

    assert await store.find(identity("custom:z")) == free


async def test_of_many_who_create_one_identity_at_once_one_wins(store: Store, other_store: Store):
    outcomes = await asyncio.gather(
        *(
            each.create(newcomer("email:ada@example.org", f"custom:{number}", f"device:{number}"))
            for number, each in enumerate([store, other_store] * (MANY // 2))
        ),
        return_exceptions=True,
    )

    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(loser) for loser in losers] == [IdentityTaken] * (MANY - 1)
    assert {loser.user_id for loser in losers if isinstance(loser, IdentityTaken)} == {
        winner.user.id
    }
    assert await store.count() == 1
    assert await other_store.find(identity("email:ada@example.org")) == winner.user


async def test_racing_creators_leave_no_claim_behind(store: Store, other_store: Store):
    def names(number: int) -> list[str]:
        return [f"custom:{number % 5}", f"custom:{(number + 2) % 5}", f"device:{number}"]

    outcomes = await asyncio.gather(
        *(
            each.create(newcomer(*names(number)))
            for number, each in enumerate([store, other_store] * (MANY // 2))
        ),
        return_exceptions=True,
    )

    winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    losers = [number for number, o in enumerate(outcomes) if isinstance(o, IdentityTaken)]
    assert len(winners) + len(losers) == MANY
    assert await store.count() == len(winners)
    held = {linked.key for winner in winners for linked in winner.user.identities}
    free = {name for number in losers for name in names(number)} - held
    for name in free:
        await other_store.create(newcomer(name))


async def test_whoever_is_created_appears_with_all_identities_at_once(
    store: Store, other_store: Store
):
    names = [identity(f"custom:{number}") for number in range(6)]
    seen: set[int] = set()

    async def watch() -> None:
        while len(names) not in seen:
            seen.add(sum(user is not None for user in await other_store.find_many(names)))
            await asyncio.sleep(0)

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        await asyncio.sleep(0)
        tasks.create_task(store.create(newcomer(*(name.key for name in names))))

    assert seen <= {0, len(names)}


async def test_who_is_created_comes_with_content(store: Store):
    step = setting(plan="pro")

    edit = await store.create(newcomer_with(step, "custom:ada"))

    found = await store.find(identity("custom:ada"))
    assert found == edit.user
    assert found.properties == {"plan": "pro"}


async def test_stores_opened_at_the_same_time_agree(database: Database):
    async def create_one(number: int) -> None:
        async with database.opened() as store:
            await store.create(newcomer(f"custom:{number}"))

    await asyncio.gather(*(create_one(number) for number in range(12)))

    async with database.opened() as store:
        assert await store.count() == 12
