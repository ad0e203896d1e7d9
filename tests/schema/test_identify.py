"""Logging in without a device: who is found, who is created, what is refused."""

from datetime import timedelta
from typing import Any, Final

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    CATALOG,
    COUNT,
    EVA,
    IDENTIFY,
    USER,
    exceeded,
    fault,
    invalid,
    known,
)

LATER = NOON + timedelta(hours=1)
SHOWN_NOON = "2026-01-31T12:00:00.000Z"
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
MAIL = {"email": "ada@example.org"}
NOTHING: Final[dict[str, list[Any]]] = {"properties": [], "events": []}
LONG_MAIL = f"{'a' * 64}@{'b' * 62}.{'c' * 62}.{'d' * 60}.org"  # 255 characters


def customs(count, first=0):
    return [{"custom": f"c{number}"} for number in range(first, first + count)]


async def test_nobodys_identities_create_one_person_with_all_of_them(api):
    answer = await api(IDENTIFY, identities=[ADA, MAIL, {"phone": "+41 44 668 18 00"}])

    assert answer["outcome"] == "CREATED"
    assert answer["user"] == await api(USER, by=MAIL)
    assert answer["user"]["version"] == 1
    assert answer["user"]["identities"] == [
        {"kind": "CUSTOM", "value": "ada", "linkedAt": SHOWN_NOON},
        {"kind": "EMAIL", "value": "ada@example.org", "linkedAt": SHOWN_NOON},
        {"kind": "PHONE", "value": "+41446681800", "linkedAt": SHOWN_NOON},
    ]


async def test_repeating_a_login_finds_the_person_and_changes_nothing(api, clock):
    first = await api(IDENTIFY, identities=[ADA, MAIL])
    clock.now = LATER

    again = await api(IDENTIFY, identities=[MAIL, ADA])

    assert again == first | {"outcome": "FOUND"}


async def test_nobodys_identity_joins_the_person_whom_the_others_name(api, clock):
    before = await known(api)
    clock.now = LATER

    answer = await api(IDENTIFY, identities=[MAIL, ADA])

    joined = {"kind": "EMAIL", "value": "ada@example.org", "linkedAt": SHOWN_LATER}
    assert answer == {
        "__typename": "UserIdentifyPayload",
        "outcome": "FOUND",
        "user": before
        | {
            "type": "ADDRESSABLE",
            "email": "ada@example.org",
            "identities": [*before["identities"], joined],
            "reachableBy": ["EMAIL"],
            "updatedAt": SHOWN_LATER,
            "version": 2,
        },
    }


@pytest.mark.parametrize("absent", [{}, {"changes": None}, {"changes": {}}])
async def test_a_login_may_change_nothing(api, absent):
    answer = await api(IDENTIFY, identities=[ADA], **absent)

    assert (answer["outcome"], answer["user"]["version"]) == ("CREATED", 1)


@pytest.mark.parametrize("outcome", ["CREATED", "FOUND"])
async def test_a_login_changes_the_person_at_once(api, outcome):
    if outcome == "FOUND":
        await known(api)
    changes = {"name": "Ada", "properties": {"set": {"plan": "pro"}}}

    answer = await api(IDENTIFY, identities=[ADA], changes=changes)

    assert answer["outcome"] == outcome
    assert (answer["user"]["name"], answer["user"]["properties"]) == ("Ada", {"plan": "pro"})
    assert answer["user"]["version"] == (1 if outcome == "CREATED" else 2)


async def test_the_same_changes_again_change_nothing(api, clock):
    changes = {"name": "Ada", "channels": {"push": False}}
    first = await api(IDENTIFY, identities=[ADA], changes=changes)
    clock.now = LATER

    again = await api(IDENTIFY, identities=[ADA], changes=changes)

    assert again["user"] == first["user"]


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({}, "ada@example.org"),
        ({"name": "Ada"}, "ada@example.org"),
        ({"email": "work@example.org"}, "work@example.org"),
        ({"email": None}, None),
    ],
)
async def test_a_new_address_is_where_to_write_unless_the_changes_say_otherwise(
    api, changes, email
):
    answer = await api(IDENTIFY, identities=[MAIL], changes=changes)

    assert answer["user"]["email"] == email


async def test_an_address_that_was_linked_before_fills_nothing(api):
    await api(IDENTIFY, identities=[MAIL], changes={"email": None})

    answer = await api(IDENTIFY, identities=[MAIL])

    assert (answer["user"]["email"], answer["user"]["version"]) == (None, 1)


async def test_a_contact_address_names_nobody(api):
    await known(api, email="family@example.org")

    answer = await api(IDENTIFY, identities=[{"email": "family@example.org"}])

    assert answer["outcome"] == "CREATED"
    assert await api(COUNT) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"email": "Ada@Example.org"}, {"email": " ada@example.ORG "}),
        ({"email": "e\u0301va@example.org"}, {"email": "\u00e9va@example.org"}),
        ({"email": "ada@bücher.example.org"}, {"email": "ada@xn--bcher-kva.example.org"}),
        ({"phone": "+41 44 668 18 00"}, {"phone": "+41(44)668-18-00"}),
        ({"custom": " Ada "}, {"custom": "Ada"}),
        ({"google": "1 "}, {"google": "1"}),
        ({"facebook": "\tx"}, {"facebook": "x"}),
    ],
)
async def test_two_spellings_are_one_person(api, one, other):
    first = await api(IDENTIFY, identities=[one])

    second = await api(IDENTIFY, identities=[other])

    assert second == first | {"outcome": "FOUND"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"custom": "Ada"}, {"custom": "ada"}),
        ({"custom": "1"}, {"google": "1"}),
        ({"email": "straße@example.org"}, {"email": "strasse@example.org"}),
    ],
)
async def test_two_names_are_two_people(api, one, other):
    await api(IDENTIFY, identities=[one])

    answer = await api(IDENTIFY, identities=[other])

    assert answer["outcome"] == "CREATED"


async def test_an_identity_named_twice_in_a_call_is_one(api):
    answer = await api(IDENTIFY, identities=[MAIL, {"email": " ADA@example.org"}, MAIL])

    assert [identity["value"] for identity in answer["user"]["identities"]] == ["ada@example.org"]


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("identities", "foreign"),
    [([ADA, {"google": "g"}, EVA], "eva"), ([{"google": "g"}, EVA, ADA], "ada")],
)
async def test_identities_of_two_people_are_refused_for_the_first_foreign_one(
    api, identities, foreign
):
    people = {"ada": await known(api), "eva": await known(api, EVA)}

    answer = await fault(api, IDENTIFY, identities=identities, changes={"name": "Both"})

    assert answer == {
        "__typename": "IdentityTakenError",
        "kind": "CUSTOM",
        "value": foreign,
        "userId": people[foreign]["id"],
    }
    assert [await api(USER, by=ADA), await api(USER, by=EVA)] == list(people.values())
    assert await api(USER, by={"google": "g"}) is None


@pytest.mark.parametrize(
    ("identities", "path"),
    [
        ([], ["identities"]),
        ([{"device": "d1"}], ["identities", "0", "device"]),
        ([ADA, {"device": "d1"}], ["identities", "1", "device"]),
        ([ADA, {"email": "ada"}], ["identities", "1", "email"]),
        ([{"email": "ada@localhost"}], ["identities", "0", "email"]),
        ([{"email": "ada@shop.test"}], ["identities", "0", "email"]),
        ([{"email": LONG_MAIL}], ["identities", "0", "email"]),
        ([{"phone": "044 668 18 00"}], ["identities", "0", "phone"]),
        ([{"phone": "+41 44 668 18 00 ext. 3"}], ["identities", "0", "phone"]),
        ([{"phone": "+41 1"}], ["identities", "0", "phone"]),
        ([{"custom": " "}], ["identities", "0", "custom"]),
        ([{"custom": "a" * 121}], ["identities", "0", "custom"]),
        ([{"custom": "a\u0007b"}], ["identities", "0", "custom"]),
        ([{"google": ""}], ["identities", "0", "google"]),
        ([{"facebook": "a" * 121}], ["identities", "0", "facebook"]),
    ],
)  # fmt: skip
async def test_what_cannot_be_an_identity_is_refused_by_its_path(api, identities, path):
    answer = await fault(api, IDENTIFY, identities=identities)

    assert answer == invalid(*path)
    assert await api(COUNT) == 0


@pytest.mark.parametrize(
    "placeholder",
    [
        "null", "None", "NIL", "undefined", "NaN", "true", "False", "anonymous", "guest",
        "unknown", "user", "UserId", "user_id", "id", "distinct_id", "email", "not_authenticated",
        "[object Object]", "0", "000", "-1", "", "  ", '"null"', "'guest'", ' "undefined" ',
    ],
)  # fmt: skip
async def test_what_broken_clients_send_is_nobody(api, placeholder):
    answer = await fault(api, IDENTIFY, identities=[{"custom": placeholder}])

    assert answer == invalid("identities", "0", "custom")


@pytest.mark.parametrize("kind", ["facebook", "google", "email", "phone"])
async def test_what_broken_clients_send_is_nobody_of_any_kind(api, kind):
    answer = await fault(api, IDENTIFY, identities=[ADA, {kind: "00"}])

    assert answer == invalid("identities", "1", kind)


@pytest.mark.parametrize("identity", [{"custom": "é" * 120}, {"email": LONG_MAIL[1:]}])
async def test_an_identity_as_long_as_may_be_is_one(api, identity):
    answer = await api(IDENTIFY, identities=[identity])

    assert answer["outcome"] == "CREATED"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": "Eva", "birthday": "2026-02-01"}, ["changes", "birthday"]),
        ({"properties": {"set": {"a": 1, "b": None}}}, ["changes", "properties", "set", "b"]),
        (
            {"properties": {"increment": {"plan": 1}, "set": {"new": 1}}},
            ["changes", "properties", "increment", "plan"],
        ),
    ],
)
async def test_a_refused_change_refuses_the_whole_login(api, ada, changes, path):
    catalog = await api(CATALOG)

    answer = await fault(api, IDENTIFY, identities=[ADA, {"google": "g"}], changes=changes)

    assert answer == invalid(*path)
    assert await api(USER, by=ADA) == ada
    assert await api(USER, by={"google": "g"}) is None
    assert await api(CATALOG) == catalog


async def test_a_refused_change_creates_nobody(api):
    changes = {"properties": {"set": {"a": 1}, "append": {"b": [1]}}}

    answer = await fault(api, IDENTIFY, identities=[ADA], changes=changes)

    assert answer == invalid("changes", "properties", "append", "b", "0")
    assert await api(COUNT) == 0
    assert await api(CATALOG) == NOTHING


async def test_a_person_has_fifty_strong_identities_and_not_one_more(api):
    answer = await api(IDENTIFY, identities=customs(50))

    more = await fault(api, IDENTIFY, identities=customs(2, first=49))

    assert more == exceeded(50, "identities")
    assert await api(USER, by={"custom": "c0"}) == answer["user"]
    assert await api(USER, by={"custom": "c50"}) is None


async def test_a_login_with_too_many_identities_creates_nobody(api):
    answer = await fault(api, IDENTIFY, identities=customs(51))

    assert answer == exceeded(50, "identities")
    assert await api(COUNT) == 0


async def test_the_number_of_identities_is_a_setting(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(identities=1))
    async with serving(settings, clock) as api:
        answer = await fault(api, IDENTIFY, identities=customs(2))

        assert answer == exceeded(1, "identities")


async def test_addresses_under_test_are_taken_if_the_service_says_so(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(test_mail_domains=True))
    async with serving(settings, clock) as api:
        answer = await api(IDENTIFY, identities=[{"email": "ada@shop.test"}])

        assert answer["user"]["email"] == "ada@shop.test"
