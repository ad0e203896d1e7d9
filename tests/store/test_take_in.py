"""Many changes at once: each whole or not at all, and each meets what those before it did."""

import asyncio

import pytest

from app.domain.change import ChangeKind
from app.domain.errors import IdentityTaken, InvalidInput, LimitExceeded, UserNotFound
from app.domain.listing import UserOrder
from app.domain.user import Edit, User, linked
from app.store import Entry, Store
from tests.builders import HERE, LIMITS, NOON, event, identity
from tests.store.databases import Database
from tests.store.steps import (
    both,
    incrementing,
    newcomer,
    number,
    recording,
    resting,
    setting,
    unlinking,
)


def entry(key: str, step=resting, *brings: str, event_ids=frozenset()) -> Entry:
    """Return the entry of whoever has an identity, or will have it."""

    def made(user: User, known: frozenset[str]) -> Edit:
        named = linked(user, [identity(other) for other in brings], NOON, LIMITS, HERE)
        edit = step(named, known)
        version = max(user.version, 0) + 1
        after = edit.user.model_copy(update={"version": version})
        return Edit(after, edit.recorded, edit.spilled, edit.sightings, edit.duplicates)

    nobody = newcomer(key).user.model_copy(update={"version": 0})
    others = tuple(identity(other) for other in brings)
    return Entry(identity(key), made, lambda: made(nobody, frozenset()), others, event_ids)


async def test_each_meets_what_those_before_it_did(store: Store):
    outcomes = await store.take_in(
        [
            entry("custom:ada", incrementing(), "email:ada@example.org"),
            entry("custom:eve", incrementing()),
            entry("email:ada@example.org", incrementing(), "device:phone"),
            entry("device:phone", incrementing()),
        ]
    )

    assert outcomes == [None] * 4
    ada = await store.find(identity("custom:ada"))
    assert ada
    assert (number(ada), ada.version) == (3, 3)
    assert await store.find(identity("device:phone")) == ada
    assert number(await store.find(identity("custom:eve"))) == 1
    assert await store.count() == 2


async def test_what_is_refused_leaves_the_others(store: Store):
    eve = (await store.create(newcomer("custom:eve"))).user

    nobody = Entry("01KG9C2D000000000000000000", incrementing())
    outcomes = await store.take_in(
        [
            entry("custom:ada", incrementing(), "custom:eve", "custom:x"),
            nobody,
            entry("custom:ada", setting(n="text")),
            entry("custom:ada", incrementing()),
            entry("custom:x", resting, "custom:ada"),
            entry("custom:ada", resting, "custom:x"),
        ]
    )

    taken, missing, _, wrong, other, free = outcomes
    assert isinstance(taken, IdentityTaken)
    assert (taken.identity, taken.user_id) == (identity("custom:eve"), eve.id)
    assert isinstance(missing, UserNotFound)
    assert isinstance(wrong, InvalidInput)
    assert isinstance(other, IdentityTaken)
    assert free is None
    ada = await store.find(identity("custom:x"))
    assert ada
    assert (other.user_id, ada.properties) == (ada.id, {"n": "text"})
    assert await store.find(eve.id) == eve


async def test_a_dry_run_writes_nothing_and_says_what_the_real_one_does(database: Database):
    async with database.opened(property_names=2, event_names=1) as store:
        ada = (await store.create(newcomer("custom:ada"))).user
        before = await store.catalog()
        entries = [
            entry("custom:ada", setting(a=1), "custom:x"),
            entry("custom:x", setting(b=1)),
            entry("custom:eve", setting(c=1)),
            entry("custom:eve", recording(event(id="1", name="One"))),
            entry("custom:bob", recording(event(id="1", name="Two"))),
            entry("custom:bob", recording(event(id="1", name="one"))),
        ]

        expected = await store.take_in(entries, dry_run=True)
        assert await store.count() == 1
        assert await store.find(ada.id) == ada
        assert await store.find(identity("custom:x")) is None
        assert await store.catalog() == before

        assert [type(o) for o in await store.take_in(entries)] == [type(o) for o in expected]
        assert [isinstance(o, LimitExceeded) for o in expected] == [
            False, False, True, False, True, False,
        ]  # fmt: skip
        bob = await store.find(identity("custom:bob"))
        assert bob
        assert [kept.name for kept in bob.events] == ["One"]


async def test_it_stops_before_a_user_has_too_many(store: Store):
    entries = [
        entry("custom:ada", incrementing(), "custom:x"),
        entry("custom:eve", incrementing()),
        entry("custom:x", incrementing()),
        entry("custom:ada", incrementing()),
        entry("custom:eve", incrementing()),
    ]

    assert await store.take_in(entries, most_per_user=2) == [None] * 3
    assert number(await store.find(identity("custom:ada"))) == 2


async def test_archived_events_are_known(database: Database):
    async with database.opened(embedded_events=4) as store:
        limits = LIMITS.model_copy(update={"embedded_events": 4})
        events = [event(id=f"e{n}") for n in range(30)]
        ids = frozenset(one.id for one in events)

        def record(*some) -> Entry:
            return entry("custom:ada", recording(*some, limits=limits), event_ids=ids)

        await store.take_in([record(*events[:10]), record(*events[5:20])])
        await store.take_in([record(*events), record(*events)])

        ada = await store.find(identity("custom:ada"))
        assert ada
        assert ada.activity["viewed"].count == 30
        whole = await store.whole(ada.id)
        assert whole
        assert {one.id for one in whole.events} == ids
        assert len(whole.events) == 30


async def test_identities_pass_from_one_to_another(store: Store):
    await store.take_in([entry("custom:ada", resting, "custom:x"), entry("custom:eve")])

    moved = [
        entry("custom:ada", unlinking("custom:x")),
        entry("custom:eve", resting, "custom:x"),
    ]

    assert await store.take_in(moved) == [None, None]
    eve = await store.find(identity("custom:x"))
    assert eve
    assert eve == await store.find(identity("custom:eve"))


async def test_many_people_and_one(store: Store):
    entries = [
        entry(f"custom:{n % 200}", both(incrementing(), incrementing("m")), f"email:e{n}@x.org")
        for n in range(600)
    ]

    assert await store.take_in(entries) == [None] * 600
    people = await store.page(UserOrder.OLDEST, 300, None)
    assert {number(user) for user in people} == {3}
    assert {len(user.identities) for user in people} == {4}
    assert len(people) == 200


@pytest.mark.parametrize("most", [None, 3])
async def test_two_at_once_and_others_lose_nothing(
    store: Store, other_store: Store, database: Database, most: int | None
):
    names = [f"custom:{n}" for n in range(12)]
    batch = [entry(name, incrementing()) for name in names for _ in range(3)]

    outcomes = await asyncio.gather(
        *(one.take_in(batch, most_per_user=most) for one in [store, other_store] * 3)
    )

    assert outcomes == [[None] * 36] * 6
    for name in names:
        assert number(await store.find(identity(name))) == 18
    assert await store.count() == 12
    assert await store.repair() == {}


async def test_two_who_bring_the_same_identity_at_once(store: Store, other_store: Store):
    shared = [f"email:e{n}@example.org" for n in range(20)]

    def batch(who: str) -> list[Entry]:
        return [entry(f"custom:{who}{n}", incrementing(), mail) for n, mail in enumerate(shared)]

    ours, theirs = await asyncio.gather(store.take_in(batch("a")), other_store.take_in(batch("b")))

    for n, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        refused = [fault for fault in (our, their) if fault]
        assert [type(fault) for fault in refused] == [IdentityTaken]
        winner, loser = ("b", "a") if our else ("a", "b")
        owner = await store.find(identity(shared[n]))
        assert owner == await store.find(identity(f"custom:{winner}{n}"))
        assert await store.find(identity(f"custom:{loser}{n}")) is None
    assert await store.repair() == {}


async def test_who_watches_is_told_of_each_person_once(logged_database: Database):
    async with logged_database.opened() as store:
        eve = (await store.create(newcomer("custom:eve"))).user
        cursor = await store.changes.cursor()
        events = [event(id=f"e{n}") for n in range(3)]

        await store.take_in(
            [
                entry("custom:ada", recording(events[0])),
                entry("custom:eve", incrementing()),
                entry("custom:ada", recording(*events[1:])),
                entry("custom:eve", incrementing()),
                entry("custom:bob", resting, "custom:eve"),
            ]
        )

        ada = await store.find(identity("custom:ada"))
        assert ada
        told = []
        async with asyncio.timeout(10):
            async for change in store.changes.follow(cursor):
                if change.is_news and (change.user_id != eve.id or change.version > 1):
                    told.append((change.kind, change.user_id, change.version, change.event_ids))
                if len(told) == 2:
                    break
        assert sorted(told) == [
            (ChangeKind.CREATED, ada.id, 2, ("e0", "e1", "e2")),
            (ChangeKind.UPDATED, eve.id, 3, ()),
        ]
