"""Channels: what was chosen, and by which the person can be reached."""

from datetime import timedelta

import pytest

from tests.builders import NOON
from tests.schema.documents import RECORD, REGISTER, known

LATER = NOON + timedelta(hours=1)
SHOWN_NOON = "2026-01-31T12:00:00.000Z"
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
ADA = {"device": "d1"}
CHANNELS = ["EMAIL", "PUSH", "SMS", "WHATSAPP"]


async def reachable_everywhere(api):
    """Return somebody with an address of every kind."""
    push = {"service": "FCM", "token": "t"}
    await api(REGISTER, user=ADA, device={"id": "d1", "platform": "WEB", "push": push})
    return await known(api, ADA, email="ada@example.org", phone="+41446681800")


def statuses(**chosen):
    """Return what `channels` shows: what was chosen and when, all else never."""
    return [
        {
            "channel": channel,
            "subscribed": chosen.get(channel.lower(), (True, None))[0],
            "changedAt": chosen.get(channel.lower(), (True, None))[1],
        }
        for channel in CHANNELS
    ]


@pytest.mark.parametrize("channel", ["email", "push", "sms", "whatsapp"])
async def test_who_opts_out_is_not_reached_by_that_channel_alone(api, channel):
    await reachable_everywhere(api)

    user = await known(api, ADA, channels={channel: False})

    assert user["reachableBy"] == [name for name in CHANNELS if name != channel.upper()]
    assert user["channels"] == statuses(**{channel: (False, SHOWN_NOON)})


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (True, True, (True, SHOWN_NOON)),
        (True, False, (False, SHOWN_LATER)),
        (False, False, (False, SHOWN_NOON)),
        (False, True, (True, SHOWN_LATER)),
        (False, None, (True, None)),
        (None, False, (False, SHOWN_LATER)),
        (None, None, (True, None)),
    ],
)
async def test_a_choice_is_dated_by_its_last_change(api, clock, first, second, shown):
    before = await known(api, ADA, channels={"sms": first})
    clock.now = LATER

    user = await known(api, ADA, channels={"sms": second})

    assert user["channels"] == statuses(sms=shown)
    assert user["version"] == before["version"] + (user["channels"] != before["channels"])


@pytest.mark.parametrize("absent", [{}, {"email": True}])
async def test_absent_channels_are_left_alone(api, absent):
    chosen = await known(api, ADA, channels={"email": True, "sms": False})

    user = await known(api, ADA, channels=absent)

    assert user == chosen


async def test_null_for_all_channels_returns_to_never_chosen(api):
    await known(api, ADA, channels={"email": False, "sms": True})

    user = await known(api, ADA, channels=None)

    assert user["channels"] == statuses()


@pytest.mark.parametrize(
    ("changes", "reachable_by", "type"),
    [
        ({}, [], "ANONYMOUS"),
        ({"email": "a@example.org"}, ["EMAIL"], "ADDRESSABLE"),
        ({"phone": "+41446681800"}, ["SMS", "WHATSAPP"], "ANONYMOUS"),
        ({"email": "a@example.org", "channels": {"email": False}}, [], "ANONYMOUS"),
        ({"email": "a@example.org", "channels": {"email": True}}, ["EMAIL"], "ADDRESSABLE"),
        ({"channels": {"email": True, "push": True, "sms": True}}, [], "ANONYMOUS"),
        ({"phone": "+41446681800", "channels": {"sms": False}}, ["WHATSAPP"], "ANONYMOUS"),
    ],
)
async def test_a_person_is_reached_by_what_is_known_and_not_opted_out(
    api, changes, reachable_by, type
):
    user = await known(api, ADA, **changes)

    assert (user["reachableBy"], user["type"]) == (reachable_by, type)


async def test_a_customer_stays_one_though_nothing_reaches_them(api):
    await reachable_everywhere(api)
    await api(RECORD, user=ADA, events=[{"name": "Charged"}])

    user = await known(api, ADA, channels={channel.lower(): False for channel in CHANNELS})

    assert (user["reachableBy"], user["type"]) == ([], "CUSTOMER")
