"""A device comes, goes, and is seen."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.handover import arrived, departed, device_of, logged_out, seen
from app.domain.user import Edit
from tests.builders import LIMITS, NOON, device, identity, linked_identity, push, user

D1 = identity("device:d1")
LATER = NOON + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MS = timedelta(milliseconds=1)
PHONE = device(id="d1", push=push("t1"), model="iPhone")
TABLET = device(id="d2", push=push("t2"))
NAMED = (
    linked_identity("custom:d1"),
    linked_identity("device:d1"),
    linked_identity("device:d2"),
)
OWNER = user(version=4, identified=True, identities=NAMED, devices=(PHONE, TABLET))
ANONYMOUS = user(version=4, identities=NAMED[1:], devices=(PHONE, TABLET))


def test_a_device_is_told_by_its_id():
    assert device_of(OWNER, D1) == PHONE


def test_a_device_that_never_registered_is_none():
    assert device_of(user(identities=NAMED, devices=(TABLET,)), D1) is None


# ---------------------------------------------------------------- leaving


def test_with_a_device_go_its_identity_and_its_token():
    edit = departed(OWNER, D1, LATER)

    assert edit == Edit(
        user(
            version=5,
            updated_at=LATER,
            identified=True,
            identities=(NAMED[0], NAMED[2]),
            devices=(TABLET,),
        )
    )


def test_a_device_that_is_not_theirs_cannot_leave_them():
    assert departed(OWNER, identity("device:other"), LATER) == Edit(OWNER)


def test_logging_out_takes_the_device_from_whoever_is_identified():
    assert logged_out(OWNER, D1, LATER) == departed(OWNER, D1, LATER)


def test_who_was_identified_once_loses_the_device_too():
    once = user(version=4, identified=True, identities=NAMED[1:], devices=(PHONE,))

    after = logged_out(once, D1, LATER).user

    assert (after.identities, after.devices, after.version) == (NAMED[2:], (), 5)


def test_who_was_never_identified_keeps_the_device_and_loses_its_token():
    edit = logged_out(ANONYMOUS, D1, LATER)

    assert edit == Edit(
        user(
            version=5,
            updated_at=LATER,
            identities=NAMED[1:],
            devices=(device(id="d1", model="iPhone"), TABLET),
        )
    )


@pytest.mark.parametrize("devices", [(), (TABLET,), (device(id="d1"),)])
def test_logging_out_where_no_token_is_known_changes_nobody_anonymous(devices):
    anonymous = user(identities=NAMED[1:], devices=devices)

    assert logged_out(anonymous, D1, LATER) == Edit(anonymous)


# ---------------------------------------------------------------- arriving


def test_a_device_arrives_with_its_token():
    edit = arrived(user(version=4), D1, PHONE, LATER, LIMITS)

    assert edit == Edit(
        user(
            version=5,
            updated_at=LATER,
            identities=(linked_identity("device:d1", LATER),),
            devices=(PHONE,),
        )
    )


def test_a_device_that_never_registered_arrives_as_an_identity_alone():
    after = arrived(user(), D1, None, LATER, LIMITS).user

    assert (after.identities, after.devices) == ((linked_identity("device:d1", LATER),), ())


def test_a_device_that_arrives_identifies_nobody():
    assert not arrived(user(), D1, PHONE, LATER, LIMITS).user.identified


def test_a_device_past_the_limit_releases_the_one_seen_longest_ago_and_not_itself():
    two = LIMITS.model_copy(update={"devices": 2})
    long_ago = device(id="d3", push=push("t3"), last_seen_at=NOON - MINUTE)
    before = user(
        identities=(*NAMED, linked_identity("device:d3")),
        devices=(PHONE, TABLET, long_ago),
    )
    arriving = device(id="d4", last_seen_at=NOON - 2 * MINUTE)

    after = arrived(departed(before, D1, NOON).user, identity("device:d4"), arriving, LATER, two)

    assert [held.key for held in after.user.identities] == ["custom:d1", "device:d2", "device:d4"]
    assert after.user.devices == (TABLET, arriving)


def test_who_passes_a_device_on_and_gets_it_back_has_what_they_had():
    gone = departed(OWNER, D1, LATER).user

    back = arrived(gone, D1, PHONE, LATER, LIMITS).user

    assert set(back.devices) == set(OWNER.devices)
    assert {held.key for held in back.identities} == {held.key for held in OWNER.identities}


# ---------------------------------------------------------------- being seen


def test_a_person_is_seen_on_a_device_and_nothing_else_changes():
    before = user(version=4, last_seen_at=NOON, devices=(PHONE, TABLET))

    after = seen(before, D1, LATER)

    assert after == user(
        version=4,
        last_seen_at=LATER,
        devices=(PHONE.model_copy(update={"last_seen_at": LATER}), TABLET),
    )


@pytest.mark.parametrize("passed", [timedelta(0), MINUTE - MS, -MINUTE, -timedelta(days=1)])
def test_within_a_minute_nobody_is_seen_again(passed):
    before = user(last_seen_at=NOON, devices=(PHONE,))

    assert seen(before, D1, NOON + passed) == before


def test_after_a_minute_they_are():
    before = user(last_seen_at=NOON, devices=(PHONE,))

    after = seen(before, D1, NOON + MINUTE)

    assert (after.last_seen_at, after.devices[0].last_seen_at) == (NOON + MINUTE, NOON + MINUTE)


def test_who_was_never_seen_is_seen_now():
    assert seen(user(), D1, NOON) == user(last_seen_at=NOON)


def test_a_device_seen_longer_ago_than_its_person_moves_alone():
    before = user(last_seen_at=LATER, devices=(PHONE,))

    after = seen(before, D1, LATER)

    assert (after.last_seen_at, after.devices[0].last_seen_at) == (LATER, LATER)


@given(st.lists(st.integers(-5, 10**6), max_size=20))
def test_times_only_grow_however_often_somebody_is_seen(milliseconds):
    person = user(last_seen_at=NOON, devices=(PHONE,))
    times = [NOON]

    for passed in milliseconds:
        person = seen(person, D1, NOON + passed * MS)
        times += [at for at in [person.last_seen_at] if at and at != times[-1]]

    assert all(later - earlier >= MINUTE for earlier, later in pairwise(times))
    assert person.devices[0].last_seen_at == times[-1]
