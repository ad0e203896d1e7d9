"""Which names exist: each once, as first spelled, and never more than a service may have."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.domain.catalog import Catalog, Coiner, EventDefinition, PropertyDefinition
from app.domain.errors import LimitExceeded
from app.domain.properties import PropertyKind
from app.store import Step, Store
from tests.builders import NOON, event
from tests.store.databases import Database
from tests.store.steps import changing, newcomer, newcomer_with, recording, setting, unlinking


async def test_nothing_is_known_at_first(store: Store):
    assert await store.catalog() == Catalog(properties=(), events=())


async def test_names_are_known_with_all_their_kinds(store: Store, other_store: Store):
    ada = (await store.create(newcomer_with(setting(plan="pro", age_of_car=3)))).user
    await store.change(ada.id, setting(plan=True, since={"date": "2026-01-31"}))
    await other_store.change(ada.id, setting(plan=["a"]))
    await other_store.change(ada.id, changing(properties={"unset": ["plan", "never"]}))

    known = await store.catalog()

    kinds = PropertyKind
    assert known.properties == (
        PropertyDefinition("age_of_car", (kinds.NUMBER,)),
        PropertyDefinition("plan", (kinds.TEXT, kinds.BOOLEAN, kinds.TEXT_LIST)),
        PropertyDefinition("since", (kinds.DATE,)),
    )


async def test_an_event_is_known_with_its_properties(store: Store, other_store: Store):
    first = event(properties={"page": "a", "n": 1.0})
    ada = (await store.create(newcomer_with(recording(first)))).user
    others = [
        event(id="e2", name="Charged", properties={"day": date(2026, 1, 31)}),
        event(id="e3", properties={"page": NOON}),
    ]
    await other_store.change(ada.id, recording(*others))

    known = await store.catalog()

    kinds = PropertyKind
    assert known.events == (
        EventDefinition("Charged", (PropertyDefinition("day", (kinds.DATE,)),)),
        EventDefinition(
            "Viewed",
            (
                PropertyDefinition("n", (kinds.NUMBER,)),
                PropertyDefinition("page", (kinds.TEXT, kinds.DATE_TIME)),
            ),
        ),
    )
    assert known.properties == ()


async def test_the_first_spelling_of_an_event_is_everybodys(store: Store, other_store: Store):
    ada = (await store.create(newcomer())).user
    bob = (await store.create(newcomer())).user
    await store.change(ada.id, recording(event(name="Added To Cart")))

    edit = await other_store.change(bob.id, recording(event(name="addedtocart")))

    assert [each.name for each in edit.recorded] == ["Added To Cart"]
    assert [each.name for each in edit.user.events] == ["Added To Cart"]
    assert edit.user.activity["addedtocart"].name == "Added To Cart"
    assert await store.find(bob.id) == edit.user


async def test_of_racing_first_spellings_one_wins(store: Store, other_store: Store):
    spellings = ["Added To Cart", "added to cart", "AddedToCart", "ADDED TO CART"]
    steps = [recording(event(name=spelling)) for spelling in spellings] * 4

    edits = await asyncio.gather(
        *(
            each.create(newcomer_with(step))
            for step, each in zip(steps, [store, other_store] * 8, strict=True)
        )
    )

    (known,) = (await store.catalog()).events
    assert known.name in spellings
    for edit in edits:
        found = await other_store.find(edit.user.id)
        assert found == edit.user
        assert [each.name for each in edit.user.events] == [known.name]
        assert [total.name for total in edit.user.activity.values()] == [known.name]


async def test_racing_new_names_are_all_known(store: Store, other_store: Store):
    steps = [
        recording(event(name=f"Event {number % 20}", properties={f"p{number}": 1.0}))
        for number in range(40)
    ]

    await asyncio.gather(
        *(
            each.create(newcomer_with(step))
            for step, each in zip(steps, [store, other_store] * 20, strict=True)
        )
    )

    known = {
        each.name: {p.name for p in each.properties} for each in (await store.catalog()).events
    }
    assert known == {f"Event {n}": {f"p{n}", f"p{n + 20}"} for n in range(20)}


async def test_a_property_name_too_many_is_refused_and_nothing_written(database: Database):
    async with database.opened(property_names=2) as store:
        ada = (await store.create(newcomer_with(setting(a=1)))).user

        with pytest.raises(LimitExceeded) as refusal:
            await store.change(ada.id, setting(b=1, c=1))

        assert (refusal.value.limit, refusal.value.path[-1]) == (2, "c")
        assert await store.find(ada.id) == ada
        assert [each.name for each in (await store.catalog()).properties] == ["a"]
        await store.change(ada.id, setting(a="other kind", b=1))


async def test_an_event_name_too_many_is_refused_and_nothing_written(database: Database):
    async with database.opened(event_names=2) as store:
        ada = (await store.create(newcomer_with(recording(event()), "custom:ada"))).user
        both_new = [event(id="e2", name="Two"), event(id="e3", name="Three")]

        with pytest.raises(LimitExceeded) as refusal:
            await store.change(ada.id, recording(*both_new))
        with pytest.raises(LimitExceeded):
            await store.create(newcomer_with(recording(*both_new), "custom:bob"))

        assert (refusal.value.limit, refusal.value.path) == (2, ("events", "1", "name"))
        assert await store.find(ada.id) == ada
        assert await store.count() == 1
        assert [each.name for each in (await store.catalog()).events] == ["Viewed"]
        await store.create(newcomer_with(recording(both_new[0]), "custom:bob"))


@pytest.mark.parametrize("number", range(4))
async def test_an_event_with_too_many_properties_leaves_no_name_behind(
    database: Database, number: int
):
    async with database.opened(property_names=2) as store:
        ada = (await store.create(newcomer())).user
        laden = event(name=f"Laden {number}", properties={"a": 1.0, "b": 1.0, "c": 1.0})

        with pytest.raises(LimitExceeded):
            await store.change(ada.id, recording(laden))

        assert await store.find(ada.id) == ada
        assert await store.catalog() == Catalog(properties=(), events=())


async def test_names_outlive_what_they_named(store: Store):
    ada = (await store.create(newcomer_with(setting(plan="pro"), "custom:ada"))).user

    await store.change(ada.id, changing(properties={"unset": ["plan"]}))
    await store.change(ada.id, unlinking("custom:ada"))

    assert [each.name for each in (await store.catalog()).properties] == ["plan"]


async def test_a_limit_holds_for_racing_new_names(database: Database):
    async with database.opened(event_names=5) as store, database.opened(event_names=5) as other:
        outcomes = await asyncio.gather(
            *(
                each.create(newcomer_with(recording(event(name=f"Event {number}"))))
                for number, each in enumerate([store, other] * 8)
            ),
            return_exceptions=True,
        )

        assert sum(isinstance(outcome, LimitExceeded) for outcome in outcomes) == 11
        assert len((await store.catalog()).events) == await store.count() == 5


# ---------------------------------------------------------------- who brings new names


def by(coiner: Coiner, step: Step) -> Step:
    """Return a step whose new names are counted."""
    return lambda user, known: replace(step(user, known), coiner=coiner)


TWO = Coiner("key", 2, NOON)


async def test_a_coiner_brings_so_many_new_names_an_hour(store: Store, other_store: Store):
    ada = (await store.create(newcomer_with(setting(old=1)))).user
    await store.change(ada.id, by(TWO, setting(new=1, old=2)))
    await other_store.change(ada.id, by(TWO, recording(event(name="Newly seen"))))
    await store.change(ada.id, by(TWO, setting(new=3, old=4)))

    with pytest.raises(LimitExceeded) as refused:
        await other_store.change(ada.id, by(TWO, setting(another=1)))

    assert (refused.value.limit, refused.value.path[-1]) == (2, "another")
    assert [known.name for known in (await store.catalog()).properties] == ["new", "old"]
    kept = await store.find(ada.id)
    assert kept is not None
    assert "another" not in kept.properties


async def test_too_many_new_names_at_once_are_refused_together(store: Store):
    with pytest.raises(LimitExceeded):
        await store.create(newcomer_with(by(TWO, setting(a=1, b=2, c=3))))

    assert (await store.catalog()).properties == ()
    await store.create(newcomer_with(by(TWO, setting(a=1, b=2))))


async def test_properties_of_events_are_new_names_as_well(store: Store):
    ada = (await store.create(newcomer())).user
    seen = event(name="Seen", properties={"page": "a", "n": 1.0})

    with pytest.raises(LimitExceeded):
        await store.change(ada.id, by(TWO, recording(seen)))


async def test_the_next_hour_and_another_coiner_begin_anew(store: Store):
    ada = (await store.create(newcomer_with(by(TWO, setting(a=1, b=2))))).user

    await store.change(ada.id, by(replace(TWO, id="another"), setting(c=1)))
    await store.change(ada.id, by(replace(TWO, at=NOON + timedelta(hours=1)), setting(d=1, e=1)))

    assert len((await store.catalog()).properties) == 5


async def test_coiners_at_once_bring_no_more_together(store: Store, other_store: Store):
    people = [(await store.create(newcomer())).user for _ in range(10)]
    steps = [by(TWO, setting(**{f"p{number}": 1})) for number in range(10)]
    stores = [store, other_store] * 5

    answers = await asyncio.gather(
        *(s.change(u.id, step) for s, u, step in zip(stores, people, steps, strict=True)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, LimitExceeded) for answer in answers) == 8
    assert len((await store.catalog()).properties) == 2
