"""Identify: a login, and what is known of a person."""

import pytest

from tests.builders import NOON
from tests.tracking.conftest import Sender


def identities(user):
    return [(identity["kind"], identity["value"]) for identity in user["identities"]]


async def test_a_new_user_id_makes_a_person_with_what_is_known_of_them(send: Sender):
    await send("identify", userId="ada", traits={"email": "Ada@example.org", "plan": "pro"})

    ada = await send.user("custom", "ada")
    assert identities(ada) == [("CUSTOM", "ada")]
    assert (ada["email"], ada["properties"]) == ("Ada@example.org", {"plan": "pro"})
    assert ada["version"] == 1


async def test_an_anonymous_history_becomes_that_of_whoever_logs_in(send: Sender):
    await send("track", anonymousId="browser", event="Viewed", messageId="m1")
    anonymous = await send.user("device", "browser")

    await send("identify", anonymousId="browser", userId="ada")

    ada = await send.user("custom", "ada")
    assert ada["id"] == anonymous["id"]
    assert identities(ada) == [("DEVICE", "browser"), ("CUSTOM", "ada")]
    assert [event["id"] for event in ada["events"]["nodes"]] == ["m1"]


async def test_an_anonymous_history_is_merged_into_whoever_is_known(send: Sender):
    await send("track", userId="ada", event="Bought", messageId="m1")
    await send("track", anonymousId="browser", event="Viewed", messageId="m2")

    await send("identify", anonymousId="browser", userId="ada")

    ada = await send.user("device", "browser")
    assert {event["id"] for event in ada["events"]["nodes"]} == {"m1", "m2"}
    assert ada["id"] == (await send.user("custom", "ada"))["id"]


async def test_a_browser_that_somebody_else_used_changes_hands(send: Sender):
    await send("identify", anonymousId="browser", userId="ada", traits={"plan": "pro"})

    await send("identify", anonymousId="browser", userId="eva")

    eva = await send.user("device", "browser")
    assert identities(eva) == [("CUSTOM", "eva"), ("DEVICE", "browser")]
    assert eva["properties"] == {}
    assert identities(await send.user("custom", "ada")) == [("CUSTOM", "ada")]


async def test_traits_without_a_user_id_are_those_of_the_anonymous_person(send: Sender):
    await send("identify", anonymousId="browser", traits={"plan": "free"})

    assert (await send.user("device", "browser"))["properties"] == {"plan": "free"}


async def test_a_repeat_changes_nothing(send: Sender):
    message = {"anonymousId": "browser", "userId": "ada", "traits": {"plan": "pro"}}
    await send("identify", **message)

    await send("identify", **message)

    assert (await send.user("custom", "ada"))["version"] == 1


async def test_a_shared_contact_address_leaves_two_people_apart(send: Sender):
    await send("identify", userId="ada", traits={"email": "family@example.org"})
    await send("identify", userId="eva", traits={"email": "family@example.org"})

    ada, eva = await send.user("custom", "ada"), await send.user("custom", "eva")
    assert ada["id"] != eva["id"]
    assert ada["email"] == eva["email"] == "family@example.org"


async def test_an_identify_is_no_event(sender: Sender):
    await sender("identify", userId="ada", messageId="m1")

    assert (await sender.user("custom", "ada"))["events"]["nodes"] == []


async def test_what_the_sender_runs_in_is_taken_on_where_nothing_is_known(send: Sender):
    context = {"locale": "de_CH", "timezone": "Europe/Zurich"}
    await send("identify", userId="ada", traits={"language": "fr"}, context=context)

    ada = await send.user("custom", "ada")
    assert (ada["language"], ada["timezone"]) == ("fr", "Europe/Zurich")


@pytest.mark.parametrize("context", [{"locale": "C.UTF-8"}, {"timezone": "Mars/Olympus"}])
async def test_what_is_no_language_or_time_zone_is_no_hint(sender: Sender, context):
    await sender("identify", userId="ada", context=context)

    ada = await sender.user("custom", "ada")
    assert (ada["language"], ada["timezone"]) == (None, None)


PHONE = {
    "device": {"id": "vendor-id", "type": "ios", "model": "iPhone", "token": "t1"},
    "os": {"name": "iOS", "version": "26"},
    "app": {"version": "1.2"},
}


async def test_the_device_that_a_message_comes_from_is_registered(send: Sender):
    await send("identify", anonymousId="phone", userId="ada", context=PHONE)

    ada = await send.user("custom", "ada")
    assert ada["devices"] == [
        {
            "id": "phone", "platform": "IOS", "model": "iPhone", "osVersion": "26",
            "appVersion": "1.2", "push": "APNS", "pushEnabled": True,
            "lastSeenAt": NOON.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
    ]  # fmt: skip
    assert ada["reachableBy"] == ["PUSH"]


async def test_a_device_that_somebody_else_holds_stays_theirs_until_a_login(send: Sender):
    await send("identify", anonymousId="phone", userId="ada", context=PHONE)

    await send("track", anonymousId="phone", userId="eva", event="Viewed", context=PHONE)

    assert [d["id"] for d in (await send.user("custom", "ada"))["devices"]] == ["phone"]
    assert (await send.user("custom", "eva"))["devices"] == []


async def test_a_server_may_name_the_device_in_the_context(send: Sender):
    await send("identify", userId="ada", context=PHONE)

    assert (await send.user("device", "vendor-id"))["reachableBy"] == ["PUSH"]


async def test_the_id_of_those_who_forbid_to_be_tracked_names_no_device(sender: Sender):
    zeros = "00000000-0000-0000-0000-000000000000"
    context = {"device": {"id": zeros, "type": "ios", "token": "t1"}}

    await sender("identify", userId="ada", context=context)

    assert identities(await sender.user("custom", "ada")) == [("CUSTOM", "ada")]
    assert await sender.user("device", zeros) is None


async def test_numbers_are_ids_as_well(sender: Sender):
    await sender("identify", userId=1815, anonymousId=10)

    assert identities(await sender.user("custom", "1815")) == [("CUSTOM", "1815"), ("DEVICE", "10")]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["userId"]),
        ({"userId": "", "anonymousId": None}, ["userId"]),
        ({"userId": "null"}, ["userId"]),
        ({"userId": "x" * 121}, ["userId"]),
        ({"userId": True}, ["userId"]),
        ({"userId": {}}, ["userId"]),
        ({"anonymousId": "undefined"}, ["anonymousId"]),
        ({"userId": "ada", "traits": []}, ["traits"]),
        ({"userId": "ada", "context": 1}, ["context"]),
        ({"userId": "ada", "context": {"traits": 1}}, ["context", "traits"]),
        ({"userId": "ada", "context": {"device": 1}}, ["context", "device"]),
        ({"userId": "ada", "timestamp": "yesterday"}, ["timestamp"]),
        ({"userId": "ada", "sentAt": "2026-01-31T12:00:00"}, ["sentAt"]),
        ({"userId": "ada", "traits": {"email": "nobody"}}, ["traits", "email"]),
        ({"userId": "ada", "traits": {"phone": "0446681800"}}, ["traits", "phone"]),
        ({"userId": "ada", "traits": {"avatar": "me.png"}}, ["traits", "avatar"]),
        ({"userId": "ada", "traits": {"type": "vip"}}, ["traits", "type"]),
        (
            {"userId": "ada", "traits": {"address": {"country": "Atlantis"}}},
            ["traits", "address", "country"],
        ),
        ({"userId": "ada", "traits": {"list": [{}]}}, ["traits", "list", "0"]),
        ({"userId": "ada", "traits": {"a.b": 1, "a": {"b": 2}}}, ["traits", "a", "b"]),
        ({"userId": "ada", "traits": {"name": "Ada", "Name": "Eva"}}, ["traits", "Name"]),
        ({"userId": "ada", "context": {"traits": {"x" * 121: 1}}, "event": "E"}, None),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(sender: Sender, body, path):
    fault = await sender.refused("identify", **body)

    assert fault["code"] in ("INVALID_INPUT", "LIMIT_EXCEEDED")
    assert path is None or fault["path"] == path
    assert await sender.api("{ userCount }") == 0


async def test_a_text_that_is_too_long_names_the_limit(sender: Sender):
    fault = await sender.refused("identify", userId="ada", traits={"bio": "x" * 513})

    assert fault == {"code": "LIMIT_EXCEEDED", "path": ["traits", "bio"], "limit": 512}
