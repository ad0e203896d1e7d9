"""How a person can be reached, the profile type, the age."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.reach import Channel, Choice, ProfileType, age_on, profile_type, reachable_by
from app.domain.user import User, recorded
from tests.builders import LIMITS, NOON, device, event, push, user

OUT = Choice(subscribed=False, changed_at=NOON)
FULL: dict[str, Any] = {"email": "a@x.org", "phone": "+41446681800", "has_push_token": True}
NOTHING: dict[str, Any] = {"email": None, "phone": None, "has_push_token": False}


@pytest.mark.parametrize(
    ("known", "channels"),
    [
        ({}, []),
        ({"email": "a@x.org"}, [Channel.EMAIL]),
        ({"phone": "+41446681800"}, [Channel.SMS, Channel.WHATSAPP]),
        ({"has_push_token": True}, [Channel.PUSH]),
    ],
)
def test_an_address_or_a_token_reaches(known, channels):
    assert reachable_by(**NOTHING | known, chosen={}) == channels


@pytest.mark.parametrize("channel", Channel)
def test_an_opt_out_closes_its_channel_alone(channel):
    reached = reachable_by(**FULL, chosen={channel: False})

    assert set(reached) == set(Channel) - {channel}


@pytest.mark.parametrize("channel", Channel)
def test_an_opt_in_alone_reaches_nobody(channel):
    assert reachable_by(**NOTHING, chosen={channel: True}) == []


def test_an_opt_in_leaves_a_channel_open():
    assert set(reachable_by(**FULL, chosen=dict.fromkeys(Channel, True))) == set(Channel)


@pytest.mark.parametrize(
    ("was_charged", "reachable", "type"),
    [
        (False, [], ProfileType.ANONYMOUS),
        (False, [Channel.SMS, Channel.WHATSAPP], ProfileType.ANONYMOUS),
        (False, [Channel.EMAIL], ProfileType.ADDRESSABLE),
        (False, [Channel.PUSH], ProfileType.ADDRESSABLE),
        (True, [], ProfileType.CUSTOMER),
        (True, list(Channel), ProfileType.CUSTOMER),
    ],
)
def test_the_type_follows_from_charges_then_from_reach(was_charged, reachable, type):
    assert profile_type(was_charged=was_charged, reachable=reachable) == type


@pytest.mark.parametrize(
    ("person", "type"),
    [
        (user(), ProfileType.ANONYMOUS),
        (user(phone="+41446681800"), ProfileType.ANONYMOUS),
        (user(email="a@x.org"), ProfileType.ADDRESSABLE),
        (user(email="a@x.org", choices={Channel.EMAIL: OUT}), ProfileType.ANONYMOUS),
        (user(devices=[device()]), ProfileType.ANONYMOUS),
        (user(devices=[device(), device(id="d2", push=push())]), ProfileType.ADDRESSABLE),
        (user(devices=[device(push=push())], choices={Channel.PUSH: OUT}), ProfileType.ANONYMOUS),
    ],
)
def test_a_user_has_the_type_of_what_is_known(person: User, type):
    assert person.type == type


@pytest.mark.parametrize("name", ["Charged", "charged", "CHARGED", " c h a r g e d "])
def test_a_charge_in_any_spelling_makes_a_customer(name):
    charged = recorded(user(), [event(name=name)], set(), NOON, LIMITS)

    assert charged.user.type == ProfileType.CUSTOMER


def test_a_charge_in_the_archive_makes_a_customer_still():
    charge = event(id="old", name="Charged", at=NOON - timedelta(days=9))
    later = [event(id=str(number)) for number in range(100)]

    after = recorded(user(), [charge, *later], set(), NOON, LIMITS)

    assert charge in after.spilled
    assert after.user.type == ProfileType.CUSTOMER


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2000, 2, 29), 0),
        (date(2001, 2, 28), 0),
        (date(2001, 3, 1), 1),
        (date(2024, 2, 28), 23),
        (date(2024, 2, 29), 24),
        (date(2025, 2, 28), 24),
        (date(2025, 3, 1), 25),
    ],
)
def test_born_on_29_february_one_turns_older_on_1_march_of_common_years(day, age):
    assert age_on(day, birthday=date(2000, 2, 29)) == age


def birthdays_until(day: date, born: date) -> int:
    """Count the days on which somebody turned a year older, one by one."""
    days = (born + timedelta(n) for n in range(1, (day - born).days + 1))
    leapling = (born.month, born.day) == (2, 29)
    return sum(
        (day.month, day.day) == (born.month, born.day)
        or (leapling and (day.month, day.day) == (3, 1) and (day - timedelta(1)).day == 28)
        for day in days
    )


@given(st.dates(date(1896, 1, 1), date(2004, 12, 31)), st.integers(0, 9_000))
@example(date(1896, 2, 29), 3_000)
@example(date(2000, 2, 29), 366)
@example(date(1999, 12, 31), 1)
def test_the_age_is_the_number_of_birthdays_since(born, days):
    day = born + timedelta(days)

    assert age_on(day, born) == birthdays_until(day, born)


@pytest.mark.parametrize("born", [date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1)])
def test_the_age_is_right_on_every_day_around_the_leap_day(born):
    days = [date(2000, 3, 1) + timedelta(n) for n in range(1_500)]

    assert [age_on(day, born) for day in days] == [birthdays_until(day, born) for day in days]
