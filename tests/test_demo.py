"""The sample people: who they are, and that they obey every rule."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import phonenumbers
import pytest

from app.demo import fill
from app.domain.devices import Device, Platform, Push, PushService, parse_registration
from app.domain.events import Event
from app.domain.identity import Identity, IdentityKind
from app.domain.limits import Limits
from app.domain.listing import EventQuery, UserOrder
from app.domain.properties import PropertyKind
from app.domain.reach import Channel, ProfileType, age_on
from app.domain.user import User
from app.operations.devices import register_device
from app.operations.record_events import read_events
from app.operations.terms import Terms
from app.store import Store, open_store

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TERMS = Terms(NOW, Limits())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path}/demo.db", Limits()) as opened:
        yield opened


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """A store with the sample people, which a test may read only."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    async with open_store(f"sqlite:///{path}", Limits()) as opened:
        await fill(opened, TERMS)
        yield opened


@pytest.fixture
async def people(demo: Store) -> list[User]:
    return await everyone(demo)


async def everyone(store: Store) -> list[User]:
    """Return all users, newest first."""
    return await store.page(UserOrder.NEWEST, 1_000, None)


async def whole_log(store: Store, user: User) -> list[Event]:
    query = EventQuery(key=None, since=None, until=None, after=None, first=1_000)
    events, _ = await read_events(store, user, query)
    return events


# ---------------------------------------------------------------- filling


async def test_two_hundred_people_fill_an_empty_store(store):
    assert await fill(store, TERMS) == 200
    assert await store.count() == 200


async def test_a_store_that_knows_anybody_is_left_alone(store):
    device = Identity(kind=IdentityKind.DEVICE, value="first-1")
    registration = parse_registration(device, Platform.WEB, {}, TERMS.limits)
    await register_device(store, device, registration, TERMS)
    before = await everyone(store)

    assert await fill(store, TERMS) == 0

    assert await everyone(store) == before


def without_ids(user: User) -> User:
    """Return the user without what chance alone decides."""
    events = tuple(event.model_copy(update={"id": ""}) for event in user.events)
    return user.model_copy(update={"id": "", "events": events})


async def test_the_same_people_come_every_time(store, people):
    await fill(store, TERMS)

    again = await everyone(store)

    assert [without_ids(user) for user in again] == [without_ids(user) for user in people]


def unchanging(user: User) -> tuple[object, ...]:
    identities = [identity.key for identity in user.identities]
    return user.name, identities, user.gender, user.location, user.properties.get("plan"), user.type


@pytest.mark.slow
async def test_later_the_same_people_come_with_later_times(store, people):
    later = timedelta(days=500, hours=7)

    await fill(store, Terms(NOW + later, Limits()))

    shifted = await everyone(store)
    assert [unchanging(user) for user in shifted] == [unchanging(user) for user in people]
    assert [user.last_seen_at for user in shifted] == [user.last_seen_at + later for user in people]


# ---------------------------------------------------------------- variety


def test_all_profile_types_are_common(people):
    types = Counter(user.type for user in people)

    assert set(types) == set(ProfileType)
    assert min(types.values()) >= 40


async def test_every_kind_of_property_is_used(demo):
    catalog = await demo.catalog()

    assert {kind for known in catalog.properties for kind in known.kinds} == set(PropertyKind)


def test_every_kind_of_identity_is_used(people):
    kinds = {identity.kind for user in people for identity in user.identities}

    assert kinds == set(IdentityKind)


def test_devices_of_several_platforms_come_with_and_without_push(people):
    devices = [device for user in people for device in user.devices]

    assert {device.platform for device in devices} == set(Platform) - {Platform.SERVER}
    assert {device.push.service for device in devices if device.push} == (
        set(PushService) - {PushService.OTHER}
    )
    assert any(device.push is None for device in devices)


def test_some_people_opted_out_of_each_channel_but_whatsapp(people):
    out = {channel for user in people for channel, c in user.choices.items() if not c.subscribed}

    assert out == {Channel.EMAIL, Channel.PUSH, Channel.SMS}


def test_people_of_all_ages_live_all_over_the_world(people):
    ages = [age_on(NOW.date(), user.birthday) for user in people if user.birthday]

    assert len({user.location.country for user in people if user.location}) >= 20
    assert len({user.timezone for user in people if user.timezone}) >= 20
    assert len({user.language for user in people if user.language}) >= 20
    assert min(ages) < 20
    assert max(ages) > 75


def test_no_address_reaches_anybody(people):
    domains = {user.email.partition("@")[2] for user in people if user.email}

    assert domains == {"example.org", "example.com", "example.net"}


def test_every_phone_number_is_valid_in_the_country_of_its_owner(people):
    owners = [user for user in people if user.phone and user.location]

    assert len(owners) >= 40
    assert [
        phonenumbers.is_valid_number_for_region(
            phonenumbers.parse(user.phone), user.location.country
        )
        for user in owners
    ] == [True] * len(owners)


def test_young_customers_who_added_to_cart_but_were_not_charged_are_several(people):
    since = NOW - timedelta(days=30)

    found = [
        user
        for user in people
        if user.type is ProfileType.CUSTOMER
        and user.birthday
        and 25 <= age_on(NOW.date(), user.birthday) <= 30
        and user.activity["addedtocart"].last_at >= since
        and user.activity["charged"].last_at < since
    ]

    assert 5 <= len(found) <= 30


# ---------------------------------------------------------------- time


def test_people_joined_over_the_year_and_changed_since(people):
    joined = [user.created_at for user in people]

    assert joined == sorted(joined, reverse=True)
    assert NOW - timedelta(days=366) < joined[-1] < NOW - timedelta(days=345)
    assert all(user.created_at < user.updated_at <= NOW for user in people)


async def test_events_reach_from_a_year_ago_to_today(demo, people):
    logs = [await whole_log(demo, user) for user in people]
    times = [event.at for log in logs for event in log]

    assert NOW - timedelta(days=366) < min(times) < NOW - timedelta(days=345)
    assert NOW - timedelta(hours=1) < max(times) < NOW
    assert sum(at > NOW - timedelta(hours=12) for at in times) > 30


async def test_nobody_did_anything_before_joining(demo, people):
    logs = [(user, await whole_log(demo, user)) for user in people]

    assert all(log[-1].at > user.created_at for user, log in logs)


async def test_a_few_people_have_long_logs_partly_archived(demo, people):
    busy = [user for user in people if user.archived]

    logs = [await whole_log(demo, user) for user in busy]

    assert 3 <= len(busy) <= 10
    assert min(len(log) for log in logs) > 150


def test_charges_have_lines_that_add_up(people):
    charges = [event for user in people for event in user.events if event.key == "charged"]

    assert len(charges) > 100
    assert all(
        charge.properties["amount"]
        == pytest.approx(sum(line["price"] * line["quantity"] for line in charge.items))
        for charge in charges
    )


# ---------------------------------------------------------------- Ada and the newest


async def test_ada_is_as_the_documentation_says(demo):
    ada = await demo.find(Identity(kind=IdentityKind.EMAIL, value="ada@example.org"))

    assert (ada.name, ada.type, ada.language) == ("Ada Lovelace", ProfileType.CUSTOMER, "en-GB")
    assert (ada.birthday, ada.location.country) == (date(2000, 2, 29), "GB")
    assert (ada.properties["plan"], ada.properties["visits"]) == ("pro", 3.0)
    assert ada == await demo.find(Identity(kind=IdentityKind.CUSTOM, value="ada"))
    assert ada.devices == (
        Device(
            id="ada-phone",
            platform=Platform.IOS,
            model="iPhone",
            os_version="26.0",
            app_version="6.0.0",
            push=Push(service=PushService.APNS, token="sample-token-ada"),
            last_seen_at=NOW - timedelta(minutes=4),
        ),
    )


def test_ada_was_here_a_few_minutes_ago(people):
    assert people[0].name == "Ada Lovelace"
    assert people[0].last_seen_at == people[0].events[0].at == NOW - timedelta(minutes=4)


def test_the_newest_five_are_a_mixture(people):
    assert [user.type for user in people[:5]] == [
        ProfileType.CUSTOMER,
        ProfileType.ANONYMOUS,
        ProfileType.CUSTOMER,
        ProfileType.ADDRESSABLE,
        ProfileType.ANONYMOUS,
    ]
