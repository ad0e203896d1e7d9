"""Registering a device: whose it is, what is known about it, and its push token."""

from datetime import timedelta

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    COUNT,
    EVA,
    LINK,
    REGISTER,
    USER,
    error,
    exceeded,
    fault,
    invalid,
    known,
)

LATER = NOON + timedelta(hours=1)
SHOWN_NOON = "2026-01-31T12:00:00.000Z"
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
PUSH = {"service": "FCM", "token": "t1"}
FULL = {
    "id": "phone", "platform": "IOS", "model": "iPhone", "osVersion": "26", "appVersion": "1",
    "push": {"service": "APNS", "token": "t1"},
}  # fmt: skip
SELF = {"device": "d1"}


async def registered(api, user=SELF, **known_of_it):
    """Return the person after the device registered."""
    device = {"id": "d1", "platform": "WEB"} | known_of_it
    answer = await api(REGISTER, user=user, device=device)
    assert answer["__typename"] == "DeviceRegisterPayload", answer
    return answer["user"]


# ---------------------------------------------------------------- whose


async def test_a_device_that_names_itself_makes_an_anonymous_person(api):
    answer = await api(REGISTER, user={"device": " d1 "}, device={"id": "d1", "platform": "WEB"})

    user = answer["user"]
    assert answer["device"] == {
        "id": "d1",
        "platform": "WEB",
        "model": None,
        "osVersion": None,
        "appVersion": None,
        "push": None,
        "pushEnabled": False,
        "lastSeenAt": SHOWN_NOON,
    }
    assert user["devices"] == [answer["device"]]
    assert user["identities"] == [{"kind": "DEVICE", "value": "d1", "linkedAt": SHOWN_NOON}]
    assert (user["type"], user["version"], user["lastSeenAt"]) == ("ANONYMOUS", 1, SHOWN_NOON)
    assert await api(USER, by=SELF) == user


async def test_a_device_is_given_to_the_user(api, clock):
    before = await known(api)
    clock.now = LATER

    user = await registered(api, ADA)

    assert user == before | {
        "identities": [
            *before["identities"],
            {"kind": "DEVICE", "value": "d1", "linkedAt": SHOWN_LATER},
        ],
        "devices": user["devices"],
        "lastSeenAt": SHOWN_LATER,
        "updatedAt": SHOWN_LATER,
        "version": 2,
    }


@pytest.mark.parametrize("user", [EVA, {"id": "x"}, {"device": "other"}, {"email": "impossible"}])
async def test_no_other_name_makes_a_person(api, user):
    answer = await fault(api, REGISTER, user=user, device={"id": "d1", "platform": "WEB"})

    assert answer == {"__typename": "UserNotFoundError"}
    assert await api(COUNT) == 0


async def test_a_device_that_another_holds_is_taken(api):
    holder = await registered(api, push=PUSH)
    eva = await known(api, EVA)

    answer = await fault(
        api, REGISTER, user=EVA, device={"id": "d1", "platform": "IOS", "push": None}
    )

    assert answer == {
        "__typename": "IdentityTakenError",
        "kind": "DEVICE",
        "value": "d1",
        "userId": holder["id"],
    }
    assert [await api(USER, by=SELF), await api(USER, by=EVA)] == [holder, eva]


async def test_a_linked_device_is_no_registered_one_until_it_registers(api):
    await known(api)

    linked = (await api(LINK, user=ADA, identity=SELF))["user"]
    registered_now = await registered(api)

    assert linked["devices"] == []
    assert [device["id"] for device in registered_now["devices"]] == ["d1"]
    assert registered_now["id"] == linked["id"]


# ---------------------------------------------------------------- what is known about it


@pytest.mark.parametrize("absent", [{}, {"model": "Pixel"}])
async def test_what_is_absent_is_left_alone(api, ada, clock, absent):
    clock.now = LATER
    device = {"id": "phone", "platform": "IOS"} | absent

    answer = await api(REGISTER, user=ADA, device=device)

    (before,) = ada["devices"]
    assert answer["device"] == before | absent | {"lastSeenAt": SHOWN_LATER}


@pytest.mark.parametrize("detail", ["model", "osVersion", "appVersion"])
async def test_null_clears_a_detail(api, ada, detail):
    answer = await api(REGISTER, user=ADA, device={"id": "phone", "platform": "IOS", detail: None})

    (before,) = ada["devices"]
    assert answer["device"] == before | {detail: None, "lastSeenAt": SHOWN_NOON}
    assert answer["user"]["version"] == ada["version"] + 1


@pytest.mark.parametrize("detail", ["model", "osVersion", "appVersion", "push"])
async def test_a_variable_that_is_absent_leaves_its_detail_alone(api, ada, detail):
    kind = "PushInput" if detail == "push" else "String"
    document = f"""mutation($value: {kind}) {{ deviceRegister(
      user: {{custom: "ada"}}, device: {{id: "phone", platform: IOS, {detail}: $value}}
    ) {{ __typename }} }}"""

    await api(document)

    later = [device | {"lastSeenAt": SHOWN_NOON} for device in ada["devices"]]
    assert await api(USER, by=ADA) == ada | {"devices": later, "lastSeenAt": SHOWN_NOON}


async def test_the_platform_may_change(api, ada):
    answer = await api(REGISTER, user=ADA, device={"id": "phone", "platform": "ANDROID"})

    assert answer["device"]["platform"] == "ANDROID"
    assert answer["user"]["version"] == ada["version"] + 1


@pytest.mark.parametrize(
    ("platform", "service"),
    [
        ("ANDROID", "FCM"),
        ("IOS", "APNS"),
        ("WEB", "WEB_PUSH"),
        ("SERVER", "WNS"),
        ("OTHER", "OTHER"),
    ],
)
async def test_every_platform_and_service_is_read_back(api, platform, service):
    user = await registered(api, platform=platform, push={"service": service, "token": "t"})

    (device,) = user["devices"]
    assert (device["platform"], device["push"], device["pushEnabled"]) == (platform, service, True)


async def test_registering_again_changes_nothing_but_the_time(api, ada, clock):
    clock.now = LATER

    answer = await api(REGISTER, user=ADA, device=FULL)

    later = [device | {"lastSeenAt": SHOWN_LATER} for device in ada["devices"]]
    assert answer["user"] == ada | {"devices": later, "lastSeenAt": SHOWN_LATER}
    assert await api(USER, by=ADA) == answer["user"]


@pytest.mark.parametrize(("after_s", "seen"), [(59.999, "12:00:00"), (60, "12:01:00")])
async def test_last_seen_moves_at_most_once_a_minute(api, clock, after_s, seen):
    before = await registered(api)
    clock.now = NOON + timedelta(seconds=after_s)

    after = await registered(api)

    assert after["devices"][0]["lastSeenAt"] == f"2026-01-31T{seen}.000Z"
    assert after["lastSeenAt"] == f"2026-01-31T{seen}.000Z"
    assert (after["version"], after["updatedAt"]) == (before["version"], before["updatedAt"])


# ---------------------------------------------------------------- push


async def test_a_device_with_only_a_push_token_is_addressable_until_opted_out(api):
    with_token = await registered(api, push=PUSH)
    opted_out = await known(api, SELF, channels={"push": False})
    undecided = await known(api, SELF, channels={"push": None})
    without = await registered(api, push=None)

    steps = [with_token, opted_out, undecided, without]
    assert [(user["type"], user["reachableBy"]) for user in steps] == [
        ("ADDRESSABLE", ["PUSH"]),
        ("ANONYMOUS", []),
        ("ADDRESSABLE", ["PUSH"]),
        ("ANONYMOUS", []),
    ]


@pytest.mark.parametrize(
    ("push", "shown"), [({}, "FCM"), ({"push": None}, None), ({"push": PUSH}, "FCM")]
)
async def test_an_absent_push_leaves_the_token_and_null_drops_it(api, push, shown):
    await registered(api, push=PUSH)

    user = await registered(api, **push)

    (device,) = user["devices"]
    assert (device["push"], device["pushEnabled"]) == (shown, shown is not None)


async def test_a_token_is_replaced_and_never_shown(api):
    before = await registered(api, push=PUSH)

    after = await registered(api, push={"service": "FCM", "token": "t2"})

    assert after["devices"] == before["devices"]
    assert "t2" not in str(after)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ({"id": ""}, ["id"]),
        ({"id": "null"}, ["id"]),
        ({"id": "0000"}, ["id"]),
        ({"id": "a" * 121}, ["id"]),
        ({"id": "a\u0007"}, ["id"]),
        ({"push": {"service": "FCM", "token": ""}}, ["push", "token"]),
        ({"push": {"service": "FCM", "token": " "}}, ["push", "token"]),
        ({"push": {"service": "FCM", "token": "a\u0000"}}, ["push", "token"]),
        ({"model": "a\u0000"}, ["model"]),
        ({"osVersion": "a\u0000"}, ["osVersion"]),
        ({"appVersion": "a\u0000"}, ["appVersion"]),
    ],
)
async def test_a_wrong_device_is_refused_by_its_path(api, ada, device, path):
    sent = {"id": "phone", "platform": "WEB"} | device

    answer = await fault(api, REGISTER, user=ADA, device=sent)

    assert answer == invalid("device", *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    ("device", "limit", "path"),
    [
        ({"model": "é" * 257}, 512, ["model"]),
        ({"osVersion": "a" * 513}, 512, ["osVersion"]),
        ({"appVersion": "a" * 513}, 512, ["appVersion"]),
        ({"push": {"service": "FCM", "token": "a" * 4097}}, 4096, ["push", "token"]),
    ],
)
async def test_a_text_that_is_too_long_names_its_limit(api, ada, device, limit, path):
    answer = await fault(api, REGISTER, user=ADA, device=FULL | {"platform": "WEB"} | device)

    assert answer == exceeded(limit, "device", *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    "device",
    [
        {"id": "d1"},
        {"platform": "WEB"},
        {"id": None, "platform": "WEB"},
        {"id": "d1", "platform": None},
        {"id": "d1", "platform": "web"},
        {"id": "d1", "platform": "WEB", "push": {"service": "FCM"}},
        {"id": "d1", "platform": "WEB", "push": {"service": None, "token": "t"}},
        {"id": 1, "platform": "WEB"},
        None,
    ],
)
async def test_what_the_schema_does_not_know_is_an_error(api, device):
    answer = await error(api, REGISTER, user=SELF, device=device)

    assert answer["extensions"] == {"code": "INVALID_INPUT"}
    assert await api(COUNT) == 0


# ---------------------------------------------------------------- how many


async def test_one_device_more_releases_the_one_seen_longest_ago(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(devices=2))
    async with serving(settings, clock) as api:
        await known(api)
        for minute, id in enumerate(["a", "b", "a", "c"]):
            clock.now = NOON + timedelta(minutes=2 * minute)
            user = await registered(api, ADA, id=id)

        assert [device["id"] for device in user["devices"]] == ["a", "c"]
        assert [identity["value"] for identity in user["identities"]] == ["ada", "a", "c"]
        assert await api(USER, by={"device": "b"}) is None


async def test_the_fifty_first_device_releases_the_first(api, clock):
    await known(api)
    for number in range(51):
        clock.now = NOON + timedelta(minutes=number)
        user = await registered(api, ADA, id=f"d{number}")

    assert [device["id"] for device in user["devices"]] == [f"d{n}" for n in range(1, 51)]
