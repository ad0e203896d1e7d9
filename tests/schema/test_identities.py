"""Linking and unlinking: one owner an identity, and no merging."""

from datetime import timedelta

import pytest

from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    COUNT,
    EVA,
    IDENTIFY,
    LINK,
    REGISTER,
    UNLINK,
    USER,
    exceeded,
    fault,
    invalid,
    known,
)

LATER = NOON + timedelta(hours=1)
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
NOT_FOUND = {"__typename": "UserNotFoundError"}


def taken(owner, kind, value):
    return {"__typename": "IdentityTakenError", "kind": kind, "value": value, "userId": owner["id"]}


# ---------------------------------------------------------------- linking


@pytest.mark.parametrize(
    ("identity", "kind", "value"),
    [
        ({"custom": " 7 "}, "CUSTOM", "7"),
        ({"email": "New@Example.org"}, "EMAIL", "new@example.org"),
        ({"phone": "+41 44 668 18 01"}, "PHONE", "+41446681801"),
        ({"facebook": "f"}, "FACEBOOK", "f"),
        ({"google": "g"}, "GOOGLE", "g"),
        ({"device": "tablet"}, "DEVICE", "tablet"),
    ],
)
async def test_an_identity_is_linked_last(api, ada, clock, identity, kind, value):
    clock.now = LATER

    answer = await api(LINK, user=ADA, identity=identity)

    new = {"kind": kind, "value": value, "linkedAt": SHOWN_LATER}
    assert answer["user"] == ada | {
        "identities": [*ada["identities"], new],
        "version": ada["version"] + 1,
        "updatedAt": SHOWN_LATER,
    }
    assert await api(USER, by=identity) == answer["user"]


@pytest.mark.parametrize("identity", [ADA, {"email": " ADA@example.org "}, {"device": "phone"}])
async def test_linking_what_is_theirs_changes_nothing(api, ada, clock, identity):
    clock.now = LATER

    answer = await api(LINK, user={"id": ada["id"]}, identity=identity)

    assert answer["user"] == ada


@pytest.mark.parametrize(
    ("identity", "filled"),
    [
        ({"email": "New@example.org"}, {"email": "new@example.org", "phone": None}),
        ({"phone": "+41 44 668 18 00"}, {"email": None, "phone": "+41446681800"}),
        ({"google": "g"}, {"email": None, "phone": None}),
    ],
)
async def test_a_new_address_fills_an_empty_contact_field(api, identity, filled):
    await known(api)

    user = (await api(LINK, user=ADA, identity=identity))["user"]

    assert {"email": user["email"], "phone": user["phone"]} == filled


@pytest.mark.parametrize(
    ("identity", "kind", "value"),
    [
        ({"custom": "eva"}, "CUSTOM", "eva"),
        ({"google": "g "}, "GOOGLE", "g"),
        ({"device": "evas"}, "DEVICE", "evas"),
    ],
)
async def test_what_another_has_is_taken_and_nobody_merges(api, ada, identity, kind, value):
    await known(api, EVA)
    await api(LINK, user=EVA, identity={"google": "g"})
    eva = (await api(LINK, user=EVA, identity={"device": "evas"}))["user"]

    answer = await fault(api, LINK, user=ADA, identity=identity)

    assert answer == taken(eva, kind, value)
    assert [await api(USER, by=ADA), await api(USER, by=EVA)] == [ada, eva]


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ({"email": "x"}, ["identity", "email"]),
        ({"phone": "1"}, ["identity", "phone"]),
        ({"custom": "null"}, ["identity", "custom"]),
        ({"device": "0"}, ["identity", "device"]),
    ],
)
@pytest.mark.parametrize("document", [LINK, UNLINK], ids=["link", "unlink"])
async def test_what_is_no_identity_is_refused(api, ada, document, identity, path):
    answer = await fault(api, document, user=ADA, identity=identity)

    assert answer == invalid(*path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize("document", [LINK, UNLINK], ids=["link", "unlink"])
@pytest.mark.parametrize("user", [{"id": "x"}, {"custom": "nobody"}, {"email": "impossible"}])
async def test_nobody_is_not_found_and_not_made(api, document, user):
    answer = await fault(api, document, user=user, identity={"custom": "x"})

    assert answer == NOT_FOUND
    assert await api(COUNT) == 0


async def test_one_strong_identity_too_many_is_refused(api):
    fifty = [{"custom": f"c{number}"} for number in range(50)]
    before = (await api(IDENTIFY, identities=fifty))["user"]
    user = {"custom": "c0"}

    answer = await fault(api, LINK, user=user, identity={"google": "g"})
    known_already = await api(LINK, user=user, identity={"custom": "c49"})
    device = await api(LINK, user=user, identity={"device": "d"})

    assert answer == exceeded(50, "identity")
    assert known_already["user"] == before
    assert len(device["user"]["identities"]) == 51


# ---------------------------------------------------------------- unlinking


async def test_an_unlinked_identity_is_nobodys(api, ada, clock):
    clock.now = LATER

    answer = await api(UNLINK, user=ADA, identity={"email": "Ada@example.org"})

    custom, _, device = ada["identities"]
    assert answer["user"] == ada | {
        "identities": [custom, device],
        "version": ada["version"] + 1,
        "updatedAt": SHOWN_LATER,
    }
    assert await api(USER, by={"email": "ada@example.org"}) is None
    assert (await api(LINK, user=ADA, identity={"email": "ada@example.org"}))["user"][
        "version"
    ] == 5


async def test_an_unlinked_identity_can_go_to_another(api, ada):
    await api(UNLINK, user=ADA, identity={"email": "ada@example.org"})

    eva = await known(api, EVA)
    answer = await api(LINK, user=EVA, identity={"email": "ada@example.org"})

    assert answer["user"]["id"] == eva["id"]


async def test_the_last_identity_can_be_unlinked_and_the_id_still_finds(api):
    before = await known(api, name="Ada")

    await api(UNLINK, user=ADA, identity=ADA)

    found = await api(USER, by={"id": before["id"]})
    assert (found["name"], found["identities"]) == ("Ada", [])
    assert await api(USER, by=ADA) is None


@pytest.mark.parametrize(
    "identity", [{"custom": "nobody"}, EVA, {"google": "ada"}, {"device": "x"}]
)
async def test_unlinking_what_is_not_theirs_changes_nothing(api, ada, clock, identity):
    eva = await known(api, EVA)
    clock.now = LATER

    answer = await api(UNLINK, user=ADA, identity=identity)

    assert answer["user"] == ada
    assert await api(USER, by=EVA) == eva


async def test_unlinking_a_device_takes_it_and_its_token_away(api):
    push = {"service": "FCM", "token": "t"}
    await api(REGISTER, user={"device": "d"}, device={"id": "d", "platform": "WEB", "push": push})
    await api(LINK, user={"device": "d"}, identity=ADA)

    user = (await api(UNLINK, user=ADA, identity={"device": "d"}))["user"]

    assert (user["devices"], user["reachableBy"], user["type"]) == ([], [], "ANONYMOUS")
    assert await api(USER, by={"device": "d"}) is None
