"""Track, page, screen and group: what a person did."""

from datetime import timedelta

import pytest

from app.domain.times import show_instant
from tests.api import Clock
from tests.builders import NOON
from tests.tracking.conftest import Sender


async def only_event(send: Sender, kind: str = "custom", value: str = "ada"):
    (event,) = (await send.user(kind, value))["events"]["nodes"]
    return event


async def test_an_event_is_recorded_and_makes_whoever_did_it(send: Sender):
    properties = {"total": 20.5, "first": True, "cart": {"size": 2}, "note": None}

    await send("track", userId="ada", event="Bought", messageId="m1", properties=properties)

    assert await only_event(send) == {
        "id": "m1",
        "name": "Bought",
        "at": show_instant(NOON),
        "properties": {"cart.size": 2, "first": True, "total": 20.5},
        "items": [],
    }


async def test_a_message_sent_again_counts_once(send: Sender):
    message = {"userId": "ada", "event": "Bought", "messageId": "m1"}
    await send("track", **message)

    await send("track", **message, context={"traits": {"plan": "late"}})

    ada = await send.user("custom", "ada")
    assert ada["activity"][0]["count"] == 1
    assert (ada["version"], ada["properties"]) == (1, {})


async def test_without_a_message_id_every_message_is_an_event(sender: Sender):
    for _ in range(2):
        await sender("track", userId="ada", event="Bought")

    assert (await sender.user("custom", "ada"))["activity"][0]["count"] == 2


async def test_with_both_ids_the_event_is_the_users_and_no_device_changes_hands(send: Sender):
    await send("identify", anonymousId="browser", userId="ada")

    await send("track", anonymousId="browser", userId="eva", event="Bought", messageId="m1")

    assert (await only_event(send, value="eva"))["id"] == "m1"
    assert (await send.user("device", "browser"))["id"] == (await send.user("custom", "ada"))["id"]
    assert (await send.user("custom", "ada"))["events"]["nodes"] == []


async def test_what_is_said_of_the_person_beside_an_event_is_kept_with_it(send: Sender):
    context = {"traits": {"email": "ada@example.org", "plan": "pro"}, "ip": "10.0.0.1"}

    await send("track", userId="ada", event="Bought", context=context)

    ada = await send.user("custom", "ada")
    assert (ada["email"], ada["properties"]) == ("ada@example.org", {"plan": "pro"})
    assert ada["version"] == 1


async def test_an_event_beside_traits_that_are_refused_is_not_kept_either(send: Sender):
    await send("track", userId="ada", event="Viewed", context={"traits": {"plan": "pro"}})

    fault = await send.refused(
        "track", userId="ada", event="Bought", context={"traits": {"email": "nobody"}}
    )

    assert fault["path"] == ["context", "traits", "email"]
    assert (await only_event(send))["name"] == "Viewed"


async def test_the_products_of_an_order_are_its_items(send: Sender):
    products = [{"sku": "a", "price": 3}, {"sku": "b", "size": {"cm": 4}}]

    await send("track", userId="ada", event="Charged", properties={"products": products})

    ada = await send.user("custom", "ada")
    assert ada["type"] == "CUSTOMER"
    assert ada["events"]["nodes"][0]["items"] == [
        {"price": 3, "sku": "a"},
        {"size.cm": 4, "sku": "b"},
    ]
    assert ada["events"]["nodes"][0]["properties"] == {}


@pytest.mark.parametrize(
    ("kind", "name"), [("page", "Loaded a Page"), ("screen", "Loaded a Screen")]
)
async def test_what_was_loaded_is_an_event_with_its_name_as_a_property(sender: Sender, kind, name):
    properties = {"url": "https://example.org/docs"}
    await sender(kind, userId="ada", name="Docs", category="Help", properties=properties)

    event = await only_event(sender)
    assert event["name"] == name
    assert event["properties"] == {
        "category": "Help", "name": "Docs", "url": "https://example.org/docs",
    }  # fmt: skip


async def test_a_group_is_an_event_and_a_property_that_lists_them_all(send: Sender):
    await send("group", userId="ada", groupId="acme", traits={"name": "Acme", "seats": 5})
    await send("group", userId="ada", groupId="acme", traits={"name": "Acme", "seats": 6})
    await send("group", userId="ada", groupId=7)

    ada = await send.user("custom", "ada")
    assert ada["properties"] == {"groups": ["acme", "7"]}
    assert ada["name"] is None
    assert ada["activity"] == [
        {
            "name": "Joined a Group", "count": 3,
            "firstAt": show_instant(NOON), "lastAt": show_instant(NOON),
        }
    ]  # fmt: skip
    assert {"groupId": "acme", "name": "Acme", "seats": 5} in [
        event["properties"] for event in ada["events"]["nodes"]
    ]


@pytest.mark.parametrize("clock_is_off_by", [timedelta(0), timedelta(days=-400), timedelta(days=9)])
async def test_an_event_happened_as_long_ago_as_its_sender_says(
    sender: Sender, clock: Clock, clock_is_off_by
):
    sent_at = NOON + clock_is_off_by
    clock.now = NOON + timedelta(seconds=1)

    await sender(
        "track",
        userId="ada",
        event="Bought",
        timestamp=show_instant(sent_at - timedelta(hours=2)),
        sentAt=show_instant(sent_at),
    )

    assert (await only_event(sender))["at"] == show_instant(clock.now - timedelta(hours=2))


async def test_what_the_sender_measured_counts_before_what_was_made_of_it(sender: Sender):
    times = {"timestamp": NOON - timedelta(days=2), "originalTimestamp": NOON - timedelta(days=1)}

    await sender(
        "track", userId="ada", event="Bought", **{k: show_instant(v) for k, v in times.items()}
    )

    assert (await only_event(sender))["at"] == show_instant(NOON - timedelta(days=1))


@pytest.mark.parametrize(
    ("kind", "body", "path"),
    [
        ("track", {}, ["event"]),
        ("track", {"event": 1}, ["event"]),
        ("track", {"event": " "}, ["event"]),
        ("track", {"event": "E", "messageId": []}, ["messageId"]),
        ("track", {"event": "E", "messageId": "x" * 129}, ["messageId"]),
        ("track", {"event": "E", "properties": "all"}, ["properties"]),
        ("track", {"event": "E", "properties": {"a": "x" * 513}}, ["properties", "a"]),
        ("track", {"event": "E", "timestamp": "1999-01-01T00:00:00Z"}, ["timestamp"]),
        (
            "track",
            {"event": "E", "timestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-01-01T00:00:00Z"},
            ["timestamp"],
        ),
        (
            "track",
            {"event": "E", "properties": {"products": [{"a": {}}, 1]}},
            ["properties", "products", "1"],
        ),
        (
            "track",
            {"event": "E", "properties": {"products": [{"a": 1}] * 51}},
            ["properties", "products"],
        ),
        ("page", {"name": {}}, ["name"]),
        ("group", {}, ["groupId"]),
        ("group", {"groupId": "a", "traits": {"list": [None]}}, ["traits", "list", "0"]),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(sender: Sender, kind, body, path):
    assert (await sender.refused(kind, userId="ada", **body))["path"] == path
    assert await sender.api("{ userCount }") == 0


async def test_objects_that_nest_without_end_are_refused(sender: Sender):
    nested: dict[str, object] = {}
    for _ in range(500):
        nested = {"a": nested}

    fault = await sender.refused("track", userId="ada", event="E", properties=nested)

    assert fault["code"] == "INVALID_INPUT"
