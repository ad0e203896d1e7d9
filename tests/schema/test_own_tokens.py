"""People with a token of their own: oneself, and nobody else."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from tests.api import Api, Clock, serving
from tests.credentials import HOUR, SERVICE, keyed, token
from tests.schema.documents import (
    IDENTIFY,
    RECORD,
    REGISTER,
    UPDATE,
    USER,
    error,
)

ADA: Final = {"custom": "ada"}
BOB: Final = {"custom": "bob"}
VIEWER: Final = "{ viewer { name identities { value } } }"
LOG_IN: Final = """
mutation($identities: [IdentityInput!]!, $device: String) {
  userIdentify(identities: $identities, device: $device) {
    __typename
    ... on UserIdentifyPayload { outcome user { identities { kind value } } }
    ... on Error { message }
    ... on IdentityTakenError { kind userId }
    ... on InvalidInputError { path }
  }
}
"""
LOG_OUT: Final = "mutation($device: String!) { deviceLogOut(device: $device) { __typename } }"
USERS_BY: Final = "query($by: [UserBy!]!) { usersBy(by: $by) { name } }"

EMAIL: Final[dict[str, Any]] = {"email": "ada@example.org", "email_verified": True}
PHONE: Final[dict[str, Any]] = {"phone_number": "+41446681800", "phone_number_verified": True}


@pytest.fixture
async def keyed_api(store_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API to whoever has no credential yet."""
    async with serving(keyed(store_url), clock) as api:
        yield api


@pytest.fixture
async def service(keyed_api: Api) -> Api:
    """The API to a service, which knows Bob and his phone."""
    service = keyed_api.by(SERVICE)
    await service(IDENTIFY, identities=[BOB, {"email": "bob@example.org"}])
    await service(REGISTER, user=BOB, device={"id": "bob-phone", "platform": "IOS"})
    return service


@pytest.fixture
async def ada(keyed_api: Api, service: Api) -> Api:
    """The API to Ada, who is known and has a phone."""
    await service(IDENTIFY, identities=[ADA], changes={"name": "Ada"})
    await service(REGISTER, user=ADA, device={"id": "ada-phone", "platform": "IOS"})
    return keyed_api.by(token("ada", **EMAIL))


async def code(api: Api, document: str, **variables: Any) -> Any:
    return (await error(api, document, **variables))["extensions"]["code"]


# ---------------------------------------------------------------- oneself


async def test_the_viewer_is_the_person_of_the_token(ada: Api):
    assert (await ada(VIEWER))["name"] == "Ada"


async def test_until_the_first_login_the_viewer_is_null(keyed_api: Api):
    carl = keyed_api.by(token("carl"))
    before = await carl(VIEWER)

    await carl(LOG_IN, identities=[{"custom": "carl"}])

    assert before is None
    assert (await carl(VIEWER))["identities"] == [{"value": "carl"}]


async def test_one_reads_changes_and_records_for_oneself_by_any_of_ones_names(
    ada: Api, service: Api
):
    id = (await service(USER, by=ADA))["id"]

    for by in (ADA, {"custom": " ada "}, {"id": id}, {"device": "ada-phone"}):
        assert (await ada(USER, by=by))["id"] == id
        updated = await ada(UPDATE, user=by, changes={"name": "Ada King"})
        recorded = await ada(RECORD, user=by, events=[{"name": "Viewed"}])
        registered = await ada(REGISTER, user=by, device={"id": "watch", "platform": "OTHER"})
        assert {answer["user"]["id"] for answer in (updated, recorded, registered)} == {id}


async def test_one_can_begin_by_telling_of_oneself(keyed_api: Api):
    carl = keyed_api.by(token("carl"))

    made = await carl(UPDATE, user={"custom": "carl"}, changes={}, createIfMissing=True)

    assert made["user"]["identities"][0]["value"] == "carl"


async def test_one_logs_out_on_a_device_of_ones_own(ada: Api, service: Api):
    assert await ada(LOG_OUT, device="ada-phone") == {"__typename": "DeviceLogOutPayload"}
    assert (await service(USER, by=ADA))["devices"] == []


# ---------------------------------------------------------------- others

OTHERS: Final = [
    BOB,
    {"email": "bob@example.org"},
    {"device": "bob-phone"},
    {"custom": "nobody"},
    {"email": "nobody@example.org"},
    {"email": "no address"},
    {"device": "nobodys-phone"},
    {"id": "01KG9C2D00"},
]


@pytest.mark.parametrize("by", OTHERS)
async def test_others_are_refused_in_the_same_way_whether_they_are_there_or_not(
    ada: Api, service: Api, by: dict[str, str]
):
    before = await service(USER, by=BOB)
    watch = {"id": "watch", "platform": "OTHER"}

    faults = [
        await error(ada, USER, by=by),
        await error(ada, USERS_BY, by=[ADA, by]),
        await error(ada, UPDATE, user=by, changes={"name": "Eve"}, createIfMissing=True),
        await error(ada, RECORD, user=by, events=[{"name": "Viewed"}], createIfMissing=True),
        await error(ada, REGISTER, user=by, device=watch),
    ]

    told = {(fault["message"], fault["extensions"]["code"]) for fault in faults}
    assert told == {("A person's own token is for oneself only.", "FORBIDDEN")}
    assert await service(USER, by=BOB) == before
    assert await service("{ userCount }") == 2


@pytest.mark.parametrize("device", ["bob-phone", "nobodys-phone"])
async def test_nobody_elses_device_is_logged_out(ada: Api, service: Api, device: str):
    assert await code(ada, LOG_OUT, device=device) == "FORBIDDEN"
    assert len((await service(USER, by=BOB))["devices"]) == 1


async def test_a_device_of_somebody_else_is_not_taken_by_registering_it(ada: Api):
    answer = await ada(REGISTER, user=ADA, device={"id": "bob-phone", "platform": "IOS"})

    assert (answer["__typename"], answer["userId"]) == ("IdentityTakenError", None)


# ---------------------------------------------------------------- logging in


async def test_one_logs_in_by_what_is_verified_and_stays_the_person_of_the_token(
    keyed_api: Api,
):
    carl = keyed_api.by(token("carl", **EMAIL, **PHONE))

    answer = await carl(
        LOG_IN, identities=[{"email": "Ada@Example.org"}, {"phone": "+41446681800"}]
    )

    values = {identity["value"] for identity in answer["user"]["identities"]}
    assert (answer["outcome"], values) == (
        "CREATED",
        {"ada@example.org", "+41446681800", "carl"},
    )


async def test_a_verified_address_leads_to_the_profile_that_has_it(keyed_api: Api, service: Api):
    await service(IDENTIFY, identities=[{"email": "ada@example.org"}], changes={"name": "Ada"})
    newcomer = keyed_api.by(token("a-7", **EMAIL))

    answer = await newcomer(LOG_IN, identities=[{"custom": "a-7"}, {"email": "ada@example.org"}])

    assert answer["outcome"] == "FOUND"
    assert (await newcomer(VIEWER))["name"] == "Ada"


@pytest.mark.parametrize(
    "identity",
    [
        BOB,
        {"email": "bob@example.org"},
        {"email": "nobody@example.org"},
        {"phone": "+41446681800"},
        {"facebook": "ada"},
        {"google": "ada"},
    ],
)
async def test_one_logs_in_as_nobody_else(ada: Api, service: Api, identity: dict[str, str]):
    before = await service(USER, by=ADA)

    for identities in ([identity], [ADA, identity]):
        assert await code(ada, LOG_IN, identities=identities) == "FORBIDDEN"

    assert await service(USER, by=ADA) == before
    assert await service("{ userCount }") == 2


async def test_an_address_that_is_not_verified_is_not_ones_own(keyed_api: Api):
    carl = keyed_api.by(token("carl", email="carl@example.org", email_verified=False))

    assert await code(carl, LOG_IN, identities=[{"email": "carl@example.org"}]) == "FORBIDDEN"


async def test_a_verified_address_of_two_is_told_without_saying_whose_it_is(ada: Api, service: Api):
    await service(IDENTIFY, identities=[{"email": "ada@example.org"}])

    answer = await ada(LOG_IN, identities=[ADA, {"email": "ada@example.org"}])

    assert (answer["__typename"], answer["userId"]) == ("IdentityTakenError", None)


@pytest.mark.parametrize(
    ("identities", "path"),
    [
        ([], ["identities"]),
        ([{"device": "ada-phone"}], ["identities", "0", "device"]),
        ([{"email": "no address"}], ["identities", "0", "email"]),
    ],
)
async def test_what_is_no_login_is_invalid(ada: Api, identities: Any, path: list[str]):
    assert (await ada(LOG_IN, identities=identities))["path"] == path


@pytest.mark.parametrize("device", ["new-phone", "tablet", "ada-phone"])
async def test_one_logs_in_on_a_new_device_an_anonymous_one_and_ones_own(
    ada: Api, service: Api, device: str
):
    tablet = {"id": "tablet", "platform": "WEB"}
    await service(REGISTER, user={"device": "tablet"}, device=tablet)

    await ada(LOG_IN, identities=[ADA], device=device)

    assert (await service(USER, by={"device": device}))["name"] == "Ada"


async def test_one_does_not_log_in_on_the_device_of_somebody_who_is_known(ada: Api, service: Api):
    before = await service(USER, by=BOB)

    assert await code(ada, LOG_IN, identities=[ADA], device="bob-phone") == "FORBIDDEN"
    assert await service(USER, by=BOB) == before


# ---------------------------------------------------------------- the token


async def test_a_token_opens_nothing_once_it_has_expired(ada: Api, clock: Clock):
    clock.now += HOUR

    answer = await ada.raw(VIEWER)

    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("sub", ["", " ", "null", "0", "x" * 121, "a\x00b", "[object Object]"])
async def test_a_subject_that_names_nobody_opens_nothing(keyed_api: Api, sub: str):
    answer = await keyed_api.by(token(sub)).raw(VIEWER)

    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


# ---------------------------------------------------------------- in vain


async def test_very_many_names_are_refused_before_any_is_looked_at(service, ada):
    names = [{"phone": f"+41791{number}"} for number in range(1_001)]

    assert await code(ada, LOG_IN, identities=names) == "FORBIDDEN"
    answer = await service(LOG_IN, identities=names)
    assert answer["__typename"] == "LimitExceededError"


async def test_nobody_has_a_long_document_looked_at(keyed_api):
    document = "{ viewer { " + 'a: events(name: "a") { __typename } ' * 200 + "} }"

    assert await code(keyed_api, document) == "UNAUTHENTICATED"
