"""Finding people by what names them, and what is remembered of them."""

import pytest

from app.domain.fields import Gender, Location
from app.domain.reach import Channel, Choice
from app.domain.user import Edit, User, revised, with_device
from app.store import Store, UserRef
from tests.builders import NOON, TODAY, device, identity, push, registration
from tests.builders import event as an_event
from tests.store.steps import linking, newcomer, recording, setting, unlinking

NAMES = (
    "email:ada@example.org",
    "phone:+41441234567",
    "custom:Ada-1",
    "facebook:f1",
    "google:g1",
    "device:d1",
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_person_is_found_by_every_identity(store: Store, name: str):
    ada = (await store.create(newcomer(*NAMES))).user

    assert await store.find(identity(name)) == ada


async def test_a_person_is_found_by_id(store: Store):
    ada = (await store.create(newcomer())).user

    assert await store.find(ada.id) == ada


async def test_all_that_is_known_is_remembered(store: Store):
    known = {
        "name": "Ada",
        "phone": "+41441234567",
        "birthday": TODAY,
        "gender": Gender.FEMALE,
        "language": "de-CH",
        "timezone": "Europe/Zurich",
        "photo_url": "https://example.org/ada.png",
        "location": Location(country="CH", city="Bern", latitude=46.9, longitude=7.4),
        "properties": {
            "day": TODAY,
            "list": ("a", "b"),
            "now": NOON,
            "n": 1.5,
            "t": "x",
            "y": True,
        },
        "devices": (device(push=push()),),
        "choices": {Channel.EMAIL: Choice(subscribed=False, changed_at=NOON)},
        "request_ids": ("r1", "r2"),
        "last_seen_at": NOON,
    }

    ada = (await store.create(newcomer("email:ada@example.org", "device:d1", **known))).user

    assert ada.model_copy(update=known) == ada
    assert repr(await store.find(ada.id)) == repr(ada)  # to ==, True is 1.0


@pytest.mark.parametrize(
    "name", ["custom:Ada", "custom:ad", "email:Ada-1", "custom:Ada-1 ", "device:Ada-1"]
)
async def test_an_identity_that_only_resembles_another_is_nobodys(store: Store, name: str):
    await store.create(newcomer("custom:Ada-1"))

    assert await store.find(identity(name)) is None


@pytest.mark.parametrize("id", ["", "01KG9C2D00", "0", "\N{LATIN SMALL LETTER SHARP S}" * 999])
async def test_an_unknown_id_is_nobodys(store: Store, id: str):
    await store.create(newcomer())

    assert await store.find(id) is None


async def test_many_are_found_in_the_order_asked_and_gaps_stay_gaps(store: Store):
    ada = (await store.create(newcomer("email:ada@example.org", "custom:ada"))).user
    bob = (await store.create(newcomer("custom:bob"))).user
    asked: list[UserRef] = [
        identity("custom:bob"),
        "nobody",
        ada.id,
        identity("custom:nobody"),
        identity("email:ada@example.org"),
        bob.id,
        identity("custom:ada"),
    ]

    assert await store.find_many(asked) == [bob, None, ada, None, ada, bob, ada]


async def test_nobody_asked_for_is_nobody_found(store: Store):
    assert await store.find_many([]) == []


async def test_what_one_store_wrote_another_reads_at_once(store: Store, other_store: Store):
    ada = (await store.create(newcomer("custom:ada"))).user
    assert await other_store.find(identity("custom:ada")) == ada

    ada = (await other_store.change(ada.id, setting(plan="pro"))).user
    assert await store.find(ada.id) == ada

    ada = (await store.change(ada.id, linking("custom:countess"))).user
    assert await other_store.find(identity("custom:countess")) == ada

    ada = (await other_store.change(ada.id, unlinking("custom:ada"))).user
    assert await store.find(identity("custom:ada")) is None


@pytest.mark.parametrize(
    "odd", ["$set", "a.b", "__proto__", "_id", "$where", "constructor", "%", "'; --", "ключ", "\\0"]
)
async def test_an_odd_name_is_only_a_name(store: Store, odd: str):
    ada = (await store.create(newcomer(f"custom:{odd}", f"device:{odd}"))).user
    bought = an_event(id=odd, name=odd, properties={odd: odd}, items=({odd: 1.0},))

    await store.change(ada.id, setting(**{odd: odd}))
    ada = (await store.change(ada.id, recording(bought))).user

    assert await store.find(identity(f"custom:{odd}")) == ada
    assert await store.find(identity(f"device:{odd}")) == ada
    assert ada.properties == {odd: odd}
    assert ada.events == (bought,)
    assert odd in {definition.name for definition in (await store.catalog()).properties}


async def test_a_registration_is_kept(store: Store):
    ada = (await store.create(newcomer("device:d1"))).user

    def register(user: User, _: frozenset[str]) -> Edit:
        return Edit(revised(user, with_device(user, registration(push=push()), NOON), NOON))

    ada = (await store.change(ada.id, register)).user

    assert await store.find(identity("device:d1")) == ada
    assert ada.devices == (device(push=push()),)
