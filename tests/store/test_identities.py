"""Identities that come to somebody and go: one owner each, at every moment."""

import asyncio

import pytest

from app.domain.errors import IdentityTaken
from app.domain.listing import UserOrder
from app.store import Store
from tests.builders import identity
from tests.store.steps import both, incrementing, linking, newcomer, setting, unlinking


async def test_a_linked_identity_finds_its_person(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user

    ada = (await store.change(ada.id, linking("email:ada@example.org"))).user

    assert await store.find(identity("email:ada@example.org")) == ada
    assert await store.find(identity("custom:ada")) == ada
    assert ada.version == 2


async def test_an_unlinked_identity_finds_nobody(store: Store):
    ada = (await store.create(newcomer("custom:ada", "custom:countess"))).user

    ada = (await store.change(ada.id, unlinking("custom:ada"))).user

    assert await store.find(identity("custom:ada")) is None
    assert await store.find(identity("custom:countess")) == ada


async def test_an_unlinked_identity_can_be_taken_by_another(store: Store, other_store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    bob = (await store.create(newcomer("custom:bob"))).user
    await store.change(ada.id, unlinking("custom:ada"))

    bob = (await other_store.change(bob.id, linking("custom:ada"))).user

    assert await store.find(identity("custom:ada")) == bob


async def test_an_unlinked_identity_can_be_created_anew(store: Store, other_store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    await store.change(ada.id, unlinking("custom:ada"))

    new = (await other_store.create(newcomer("custom:ada"))).user

    assert await store.find(identity("custom:ada")) == new
    assert await store.find(ada.id) is not None


async def test_an_identity_can_leave_and_come_back(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user

    for _ in range(5):
        await store.change(ada.id, unlinking("custom:ada"))
        ada = (await store.change(ada.id, linking("custom:ada"))).user

    assert await store.find(identity("custom:ada")) == ada


async def test_identities_come_and_go_in_one_step(store: Store):
    ada = (await store.create(newcomer("custom:old", "device:old"))).user

    step = both(linking("custom:new", "device:new"), unlinking("custom:old", "device:old"))
    ada = (await store.change(ada.id, step)).user

    assert {linked.key for linked in ada.identities} == {"custom:new", "device:new"}
    names = ["custom:old", "device:old", "custom:new", "device:new"]
    assert await store.find_many([identity(name) for name in names]) == [None, None, ada, ada]
    await store.create(newcomer("custom:old", "device:old"))


async def test_if_one_of_several_identities_is_taken_none_joins(store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    bob = (await store.create(newcomer("custom:bob"))).user

    step = both(linking("custom:a", "custom:bob", "custom:z"), setting(plan="pro"))
    with pytest.raises(IdentityTaken) as refusal:
        await store.change(ada.id, step)

    assert (refusal.value.identity, refusal.value.user_id) == (identity("custom:bob"), bob.id)
    names = ["custom:ada", "custom:a", "custom:bob", "custom:z"]
    assert await store.find_many([identity(name) for name in names]) == [ada, None, bob, None]
    assert (await store.catalog()).properties == ()
    await store.create(newcomer("custom:a", "custom:z"))


async def test_of_many_who_link_one_identity_at_once_one_gets_it(store: Store, other_store: Store):
    people = [(await store.create(newcomer(f"custom:{number}"))).user for number in range(24)]

    outcomes = await asyncio.gather(
        *(
            each.change(user.id, linking("email:ada@example.org", f"device:{user.id}"))
            for user, each in zip(people, [store, other_store] * 12, strict=True)
        ),
        return_exceptions=True,
    )

    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert sum(isinstance(outcome, IdentityTaken) for outcome in outcomes) == 23
    assert await store.find(identity("email:ada@example.org")) == winner.user
    for user in people:
        if user.id != winner.user.id:
            assert await store.find(user.id) == user
            await other_store.create(newcomer(f"device:{user.id}"))


async def test_people_who_swap_identities_at_once_end(store: Store, other_store: Store):
    ada = (await store.create(newcomer("custom:1"))).user
    bob = (await store.create(newcomer("custom:2"))).user

    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(
            store.change(ada.id, both(linking("custom:2", "custom:3"), unlinking("custom:1"))),
            other_store.change(
                bob.id, both(linking("custom:1", "custom:3"), unlinking("custom:2"))
            ),
            store.create(newcomer("custom:3", "custom:4")),
            other_store.create(newcomer("custom:4", "custom:1")),
            return_exceptions=True,
        )

    assert {type(o) for o in outcomes if isinstance(o, BaseException)} <= {IdentityTaken}
    await assert_each_identity_has_one_owner(store, range(1, 5))


async def test_under_a_storm_of_links_and_unlinks_each_identity_has_one_owner(
    store: Store, other_store: Store
):
    people = [(await store.create(newcomer(f"device:{n}"))).user for n in range(4)]

    async def link_and_unlink(user_id: str, each: Store, turn: int) -> None:
        for round_number in range(4):
            names = [f"custom:{(turn + round_number + step) % 5}" for step in range(3)]
            try:
                await each.change(user_id, both(linking(*names[:2]), incrementing()))
            except IdentityTaken:
                await each.change(user_id, both(unlinking(*names), incrementing()))

    async with asyncio.timeout(20):
        await asyncio.gather(
            *(
                link_and_unlink(user.id, each, turn)
                for turn, user in enumerate(people)
                for each in (store, other_store)
            )
        )

    await assert_each_identity_has_one_owner(store, range(5))
    for user in people:
        found = await store.find(user.id)
        assert found is not None
        assert found.properties == {"n": 8.0}


async def assert_each_identity_has_one_owner(store: Store, numbers: range) -> None:
    """Check that finders and owners agree, and that what is nobody's can be taken."""
    people = await store.page(UserOrder.OLDEST, 100, None)
    for number in numbers:
        name = f"custom:{number}"
        owners = [user for user in people if user.has(identity(name))]
        assert len(owners) <= 1
        assert await store.find(identity(name)) == (owners[0] if owners else None)
        if not owners:
            await store.create(newcomer(name))
