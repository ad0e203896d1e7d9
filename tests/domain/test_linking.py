"""Which identities and devices a user has, and what linking one does."""

from datetime import timedelta

import pytest

from app.domain.errors import LimitExceeded
from app.domain.identity import IdentityKind
from app.domain.user import (
    linked,
    unlinked,
)
from tests.builders import (
    HERE,
    LIMITS,
    NOON,
    device,
    identity,
    linked_identity,
    push,
    user,
)

LATER = NOON + timedelta(hours=1)
MS = timedelta(milliseconds=1)


def test_a_strong_identity_identifies():
    after = linked(user(), [identity("custom:7")], NOON, LIMITS, HERE)

    assert after == user(identified=True, identities=(linked_identity("custom:7"),))


def test_a_device_identifies_nobody():
    after = linked(user(), [identity("device:d1")], NOON, LIMITS, HERE)

    assert after == user(identities=(linked_identity("device:d1"),))


def test_who_was_identified_once_stays_so():
    before = user(identified=True, identities=(linked_identity("custom:7"),))

    assert unlinked(before, identity("custom:7")) == user(identified=True)


@pytest.mark.parametrize(
    ("key", "filled"),
    [
        ("email:a@x.org", {"email": "a@x.org"}),
        ("phone:+41446681800", {"phone": "+41446681800"}),
        ("custom:7", {}),
        ("device:d1", {}),
    ],
)
def test_a_newly_linked_address_fills_an_empty_contact_field(key, filled):
    after = linked(user(), [identity(key)], NOON, LIMITS, HERE)

    assert after.model_dump(include={"email", "phone"}, exclude_none=True) == filled


@pytest.mark.parametrize("key", ["email:a@x.org", "phone:+41446681800"])
def test_a_contact_field_that_is_filled_stays(key):
    before = user(email="b@x.org", phone="+41446681801")

    after = linked(before, [identity(key)], NOON, LIMITS, HERE)

    assert (after.email, after.phone) == (before.email, before.phone)


def test_an_address_that_was_linked_before_fills_nothing():
    before = user(identified=True, identities=(linked_identity("email:a@x.org"),))

    assert linked(before, [identity("email:a@x.org")], LATER, LIMITS, HERE) == before


def test_of_two_new_addresses_the_first_fills_the_field():
    keys = ["email:a@x.org", "email:b@x.org", "email:a@x.org"]

    after = linked(user(), [identity(key) for key in keys], NOON, LIMITS, HERE)

    assert after.email == "a@x.org"
    assert [held.key for held in after.identities] == ["email:a@x.org", "email:b@x.org"]


def test_one_value_of_two_kinds_is_two_identities():
    after = linked(user(), [identity("custom:7"), identity("google:7")], NOON, LIMITS, HERE)

    assert after.has(identity("custom:7"))
    assert after.has(identity("google:7"))
    assert not after.has(identity("facebook:7"))


FIFTY = tuple(linked_identity(f"custom:{n}") for n in range(50))


def test_a_user_has_up_to_50_strong_identities_beside_devices():
    new = [*(held.identity for held in FIFTY), identity("device:d1")]

    after = linked(user(), new, NOON, LIMITS, HERE)

    assert len(after.identities) == 51


def test_one_strong_identity_more_is_refused():
    with pytest.raises(LimitExceeded, match="50 identities") as refused:
        linked(user(identities=FIFTY), [identity("custom:more")], NOON, LIMITS, ("identities",))

    assert (refused.value.path, refused.value.limit) == (("identities",), 50)


def test_who_has_too_many_since_the_limit_was_lowered_may_log_in_still():
    lowered = LIMITS.model_copy(update={"identities": 1})
    before = user(identified=True, identities=FIFTY)

    assert linked(before, [FIFTY[7].identity], NOON, lowered, HERE) == before


def test_unlinking_what_is_not_theirs_changes_nothing():
    before = user(identities=FIFTY, devices=(device(),))

    assert unlinked(before, identity("google:1")) == before


def test_unlinking_leaves_the_contact_field():
    before = user(email="a@x.org", identities=(linked_identity("email:a@x.org"),))

    assert unlinked(before, identity("email:a@x.org")) == user(email="a@x.org")


def test_with_a_device_identity_goes_the_device_and_its_token():
    keys = ("device:d1", "device:d2", "custom:d1")
    before = user(
        identities=tuple(map(linked_identity, keys)),
        devices=(device(id="d1", push=push()), device(id="d2")),
    )

    assert unlinked(before, identity("device:d1")) == user(
        identities=tuple(map(linked_identity, keys[1:])), devices=(device(id="d2"),)
    )


FIFTY_DEVICES = tuple(linked_identity(f"device:{n}", NOON + n * MS) for n in range(50))


def test_one_device_more_releases_the_one_seen_longest_ago():
    before = user(
        identities=FIFTY_DEVICES,
        devices=(device(id="0", last_seen_at=LATER), device(id="7", last_seen_at=NOON - MS)),
    )

    after = linked(before, [identity("device:more")], LATER, LIMITS, HERE)

    assert len(after.identities) == 50
    assert after.has(identity("device:more"))
    assert not after.has(identity("device:7"))
    assert [held.id for held in after.devices] == ["0"]


def test_a_device_never_registered_was_seen_when_it_was_linked():
    after = linked(user(identities=FIFTY_DEVICES), [identity("device:more")], LATER, LIMITS, HERE)

    assert not after.has(identity("device:0"))
    assert after.has(identity("device:1"))


def test_the_device_that_is_linked_is_never_the_one_released():
    seen_later = tuple(device(id=str(n), last_seen_at=LATER) for n in range(50))
    before = user(identities=FIFTY_DEVICES, devices=seen_later)

    after = linked(before, [identity("device:more")], NOON, LIMITS, HERE)

    assert after.has(identity("device:more"))
    assert len(after.identities) == 50


def test_how_many_devices_a_user_has_is_a_setting():
    one = LIMITS.model_copy(update={"devices": 1})

    after = linked(user(identities=FIFTY_DEVICES), [identity("device:more")], LATER, one, HERE)

    assert [held.key for held in after.identities] == ["device:more"]


def test_strong_identities_are_never_released():
    one = LIMITS.model_copy(update={"devices": 1})
    new = [identity("device:a"), identity("custom:7"), identity("device:b")]

    after = linked(user(), new, NOON, one, HERE)

    assert {held.kind for held in after.identities} == {IdentityKind.CUSTOM, IdentityKind.DEVICE}
