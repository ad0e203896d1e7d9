"""Ingest keys: they tell of people, and are told nothing of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from app.domain.keys import KeyRole
from tests.api import Api, Clock, serving
from tests.credentials import INGEST, SERVICE, keyed, stored_key
from tests.schema.documents import error

UPDATE: Final = """
mutation($user: UserBy!, $changes: UserChanges!, $createIfMissing: Boolean! = false) {
  userUpdate(user: $user, changes: $changes, createIfMissing: $createIfMissing) {
    __typename
    ... on UserUpdatePayload { user { id version } }
    ... on Error { message }
    ... on InvalidInputError { path }
  }
}
"""
RECORD: Final = """
mutation($user: UserBy!, $events: [EventInput!]!) {
  userRecordEvents(user: $user, events: $events) {
    __typename
    ... on UserRecordEventsPayload { recorded duplicates user { id version } }
    ... on Error { message }
  }
}
"""
REGISTER: Final = """
mutation($user: UserBy!, $device: DeviceInput!) {
  deviceRegister(user: $user, device: $device) {
    __typename
    ... on DeviceRegisterPayload { user { id version } device { id } }
    ... on Error { message }
    ... on IdentityTakenError { kind value userId }
  }
}
"""
LOG_OUT: Final = """
mutation($device: String!) {
  deviceLogOut(device: $device) { __typename ... on DeviceLogOutPayload { deviceId } }
}
"""
IDENTIFY: Final = """
mutation($identities: [IdentityInput!]!, $device: String) {
  userIdentify(identities: $identities, device: $device) {
    __typename
    ... on UserIdentifyPayload { outcome user { id version } }
    ... on Error { message }
    ... on IdentityTakenError { kind value userId }
  }
}
"""
READ: Final = """
query($by: UserBy!) {
  user(by: $by) {
    id version name email devices { id push } identities { kind value } activity { name count }
  }
}
"""

TABLET: Final = {"device": "tablet"}
PHONE: Final = {"device": "phone"}
ADA: Final = {"custom": "ada"}
VIEWED: Final = [{"id": "e1", "name": "Viewed"}]


@dataclass(frozen=True)
class Apis:
    """The API, to keys of each kind."""

    service: Api
    ingest: Api
    trusting: Api


@pytest.fixture
async def apis(store_url: str, clock: Clock) -> AsyncIterator[Apis]:
    """The API, where Ada has logged in on her phone, and nobody on the tablet that is known."""
    trusting, _ = await stored_key(store_url, KeyRole.INGEST, trusting=True)
    async with serving(keyed(store_url), clock) as api:
        apis = Apis(api.by(SERVICE), api.by(INGEST), api.by(trusting))
        await apis.service(IDENTIFY, identities=[ADA, {"email": "ada@example.org"}], device="phone")
        push = {"service": "FCM", "token": "t1"}
        phone = {"id": "phone", "platform": "IOS", "push": push}
        await apis.service(REGISTER, user=ADA, device=phone)
        await apis.service(REGISTER, user=TABLET, device={"id": "tablet", "platform": "WEB"})
        yield apis


async def code(api: Api, document: str, **variables: Any) -> Any:
    return (await error(api, document, **variables))["extensions"]["code"]


# ---------------------------------------------------------------- devices


async def test_a_device_that_is_nobodys_makes_an_anonymous_person(apis: Apis):
    answer = await apis.ingest(RECORD, user={"device": "new"}, events=VIEWED)

    found = await apis.service(READ, by={"device": "new"})
    user = {"id": found["id"], "version": 1}
    assert answer == {
        "__typename": "UserRecordEventsPayload", "recorded": 1, "duplicates": 0, "user": user,
    }  # fmt: skip
    assert found["identities"] == [{"kind": "DEVICE", "value": "new"}]


@pytest.mark.parametrize("device", ["new", "tablet"])
async def test_telling_of_a_device_does_not_tell_whether_it_was_known(apis: Apis, device: str):
    by = {"device": device}
    new = {"id": device, "platform": "WEB", "model": "T1"}

    answers = [
        await apis.ingest(UPDATE, user=by, changes={"name": "Anonymous"}),
        await apis.ingest(RECORD, user=by, events=VIEWED),
        await apis.ingest(REGISTER, user=by, device=new),
        await apis.ingest(LOG_OUT, device=device),
    ]

    assert [answer["__typename"] for answer in answers] == [
        "UserUpdatePayload", "UserRecordEventsPayload", "DeviceRegisterPayload",
        "DeviceLogOutPayload",
    ]  # fmt: skip
    assert (await apis.service(READ, by=by))["name"] == "Anonymous"


async def test_what_is_done_on_the_device_of_somebody_known_is_theirs(apis: Apis):
    answer = await apis.ingest(RECORD, user=PHONE, events=VIEWED)

    ada = await apis.service(READ, by=ADA)
    assert answer["user"] == {"id": ada["id"], "version": ada["version"]}
    assert ada["activity"] == [{"name": "Viewed", "count": 1}]


async def test_who_is_known_is_not_changed_by_a_key_that_anybody_can_read(apis: Apis):
    before = await apis.service(READ, by=ADA)
    push = {"service": "FCM", "token": "mine"}
    phone = {"id": "phone", "platform": "IOS", "push": push}

    codes = [
        await code(apis.ingest, UPDATE, user=PHONE, changes={"email": "me@example.com"}),
        await code(apis.ingest, REGISTER, user=PHONE, device=phone),
    ]

    assert codes == ["FORBIDDEN", "FORBIDDEN"]
    assert await apis.service(READ, by=ADA) == before


async def test_a_device_is_logged_out_without_the_persons_token(apis: Apis):
    answers = [await apis.ingest(LOG_OUT, device="phone") for _ in range(2)]

    assert answers == [{"__typename": "DeviceLogOutPayload", "deviceId": "phone"}] * 2
    assert (await apis.service(READ, by=ADA))["devices"] == []


# ---------------------------------------------------------------- names


STRONG: Final = [
    {"custom": "ada"},
    {"email": "ada@example.org"},
    {"email": "nobody@example.org"},
    {"phone": "+41446681800"},
    {"facebook": "f"},
    {"google": "g"},
    {"id": "01KG9C2D00"},
]


@pytest.mark.parametrize("by", STRONG)
async def test_only_devices_are_named(apis: Apis, by: dict[str, str]):
    phone = {"id": "phone", "platform": "IOS"}
    before = await apis.service(READ, by=ADA)

    codes = [
        await code(apis.ingest, UPDATE, user=by, changes={"name": "Eve"}, createIfMissing=True),
        await code(apis.ingest, RECORD, user=by, events=VIEWED),
        await code(apis.ingest, REGISTER, user=by, device=phone),
    ]

    assert codes == ["FORBIDDEN"] * 3
    assert await apis.service(READ, by=ADA) == before
    assert await apis.service("{ userCount }") == 2


async def test_a_device_is_registered_for_itself_only(apis: Apis):
    mine = {"id": "mine", "platform": "IOS", "push": {"service": "FCM", "token": "mine"}}

    assert await code(apis.ingest, REGISTER, user=TABLET, device=mine) == "FORBIDDEN"
    assert len((await apis.service(READ, by=TABLET))["devices"]) == 1


async def test_nobody_is_logged_in(apis: Apis):
    assert await code(apis.ingest, IDENTIFY, identities=[ADA], device="tablet") == "FORBIDDEN"


HIDDEN: Final = [
    """mutation { a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) { __typename }
       b: userUpdate(user: {email: "ada@example.org"}, changes: {}) { __typename } }""",
    """mutation { ...A ...B }
       fragment A on Mutation { userUpdate(user: {device: "tablet"}, changes: {name: "x"}) {
         __typename } }
       fragment B on Mutation { b: userUpdate(user: {custom: "ada"}, changes: {}) {
         __typename } }""",
    """mutation($by: UserBy! = {custom: "ada"}) {
       a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) { __typename }
       ... { ... on Mutation { b: userUpdate(user: $by, changes: {}) { __typename } } } }""",
    """mutation($email: String! = "ada@example.org") {
       a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) { __typename }
       b: userUpdate(user: {email: $email}, changes: {}) { __typename } }""",
    """mutation { a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) {
         ... on UserUpdatePayload { user { ...Sly } } } }
       fragment Sly on User { id version: name }""",
    """mutation($yes: Boolean! = true) {
       a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) {
         ... on UserUpdatePayload { user { id name @include(if: $yes) } } } }""",
    """mutation { a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) { __typename }
       b: userDelete(user: {device: "phone"}) { __typename } }""",
    """mutation { a: userUpdate(user: {device: "tablet"}, changes: {name: "x"}) { __typename }
       b: deviceRegister(user: {device: "tablet"}, device: {id: "tablet", platform: WEB}) {
         ... on DeviceRegisterPayload { device { model } } } }""",
]


@pytest.mark.parametrize("document", HIDDEN)
async def test_what_may_not_be_asked_is_found_wherever_it_hides_before_anything_is_written(
    apis: Apis, document: str
):
    answer = await apis.ingest.raw(document)

    assert "data" not in answer
    assert {fault["extensions"]["code"] for fault in answer["errors"]} == {"FORBIDDEN"}
    assert (await apis.service(READ, by=TABLET))["name"] is None


async def test_what_is_wrong_with_an_argument_is_still_said(apis: Apis):
    answer = await apis.ingest(UPDATE, user={"device": "null"}, changes={})

    assert answer["__typename"] == "InvalidInputError"
    assert answer["path"] == ["user", "device"]


# ---------------------------------------------------------------- trusting keys


async def test_a_trusting_key_logs_in_and_is_not_told_whom_it_found(apis: Apis):
    known = await apis.trusting(IDENTIFY, identities=[ADA], device="tablet")
    new = await apis.trusting(IDENTIFY, identities=[{"custom": "bob"}])

    assert [answer["outcome"] for answer in (known, new)] == [None, None]
    assert [set(answer["user"]) for answer in (known, new)] == [{"id", "version"}] * 2
    assert (await apis.service(READ, by=TABLET))["identities"][0]["value"] == "ada"


@pytest.mark.parametrize("by", [ADA, {"custom": "new"}, {"email": "new@example.org"}, PHONE])
async def test_a_trusting_key_tells_of_anybody_known_or_not(apis: Apis, by: dict[str, str]):
    answers = [
        await apis.trusting(UPDATE, user=by, changes={"name": "Eve"}),
        await apis.trusting(RECORD, user=by, events=VIEWED),
        await apis.trusting(REGISTER, user=by, device={"id": "watch", "platform": "OTHER"}),
    ]

    assert all(answer["user"]["version"] for answer in answers)
    assert (await apis.service(READ, by=by))["name"] == "Eve"


async def test_a_trusting_key_is_not_told_whose_an_identity_is(apis: Apis):
    await apis.service(IDENTIFY, identities=[{"custom": "bob"}])

    taken = await apis.trusting(IDENTIFY, identities=[ADA, {"custom": "bob"}])
    held = await apis.trusting(
        REGISTER, user={"custom": "carl"}, device={"id": "phone", "platform": "IOS"}
    )

    of_device = {"kind": "DEVICE", "value": "phone", "userId": None}
    assert taken["__typename"] == held["__typename"] == "IdentityTakenError"
    assert (taken["value"], taken["userId"]) == ("bob", None)
    assert held.items() >= of_device.items()


async def test_no_ingest_key_names_an_id_since_nobody_can_be_made_by_one(apis: Apis):
    id = (await apis.service(READ, by=ADA))["id"]

    for by in ({"id": id}, {"id": "01KG9C2D00"}):
        assert await code(apis.trusting, UPDATE, user=by, changes={}) == "FORBIDDEN"


async def test_a_service_key_is_told_whose_an_identity_is(apis: Apis):
    bob = await apis.service(IDENTIFY, identities=[{"custom": "bob"}])

    taken = await apis.service(IDENTIFY, identities=[ADA, {"custom": "bob"}])

    assert (bob["outcome"], taken["userId"]) == ("CREATED", bob["user"]["id"])
