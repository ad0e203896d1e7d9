"""What a device says of itself."""

from datetime import timedelta

import pytest

from app.domain.devices import Device, Platform, parse_registration, registered
from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.user import SEEN_STEP, with_device
from tests.builders import LIMITS, NOON, device, identity, push, registration, user

DETAILS = ["model", "os_version", "app_version"]
LATER = NOON + timedelta(hours=1)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"model": "x" * 512, "os_version": "é" * 256, "app_version": ""},
        {"model": None, "push": None},
        {"push": push("t" * 4_096)},
    ],
)
def test_details_within_their_bounds_are_taken(details):
    read = parse_registration(identity("device:d1"), Platform.IOS, details, LIMITS)

    assert read == registration("d1", **details)


@pytest.mark.parametrize(
    ("details", "path", "limit"),
    [
        ({"model": "x" * 513}, ("device", "model"), 512),
        ({"os_version": "x" * 513}, ("device", "osVersion"), 512),
        ({"app_version": "x" * 513}, ("device", "appVersion"), 512),
        ({"push": push("t" * 4_097)}, ("device", "push", "token"), 4_096),
    ],
)
def test_longer_details_are_refused(details, path, limit):
    with pytest.raises(LimitExceeded, match=f"{limit} bytes") as refused:
        parse_registration(identity("device:d1"), Platform.IOS, details, LIMITS)

    assert (refused.value.path, refused.value.limit) == (path, limit)


@pytest.mark.parametrize("token", ["", " "])
def test_an_empty_token_is_refused(token):
    with pytest.raises(InvalidInput, match="token is empty") as refused:
        parse_registration(identity("device:d1"), Platform.IOS, {"push": push(token)}, LIMITS)

    assert refused.value.path == ("device", "push", "token")


@pytest.mark.parametrize(
    ("details", "path"),
    [
        ({"model": "a\0"}, ("device", "model")),
        ({"push": push("\ud800")}, ("device", "push", "token")),
    ],
)
def test_what_no_store_can_keep_is_refused(details, path):
    with pytest.raises(InvalidInput) as refused:
        parse_registration(identity("device:d1"), Platform.IOS, details, LIMITS)

    assert refused.value.path == path


def test_a_new_device_is_what_it_says():
    told = registration("d1", Platform.WEB, model="Firefox", push=push())

    assert registered(None, told, NOON) == Device(
        id="d1", platform=Platform.WEB, model="Firefox", push=push(), last_seen_at=NOON
    )


def test_what_a_known_device_does_not_say_stays():
    known = device(model="Pixel", os_version="16", app_version="1", push=push())

    again = registered(known, registration("d1", Platform.ANDROID), LATER)

    assert again == known.model_copy(update={"platform": Platform.ANDROID, "last_seen_at": LATER})


@pytest.mark.parametrize("detail", [*DETAILS, "push"])
def test_null_clears_what_is_known(detail):
    known = device(model="Pixel", os_version="16", app_version="1", push=push())

    again = registered(known, registration("d1", Platform.IOS, **{detail: None}), NOON)

    assert again == known.model_copy(update={detail: None})


def test_a_new_token_replaces_the_old():
    again = registered(device(push=push("old")), registration("d1", push=push("new")), NOON)

    assert again == device(push=push("new"))


def test_a_registered_device_joins_the_others():
    after = with_device(user(devices=(device(id="d1"),)), registration("d2"), LATER)

    assert after == user(
        devices=(device(id="d1"), device(id="d2", last_seen_at=LATER)), last_seen_at=LATER
    )


@pytest.mark.parametrize(
    ("passed", "seen_at"),
    [
        (SEEN_STEP - MS, NOON),
        (SEEN_STEP, NOON + SEEN_STEP),
        (timedelta(0), NOON),
        (-SEEN_STEP, NOON),
    ],
)
def test_last_seen_moves_once_a_minute_and_never_back(passed, seen_at):
    before = user(devices=(device(last_seen_at=NOON),), last_seen_at=NOON)

    after = with_device(before, registration(), NOON + passed)

    assert after == user(devices=(device(last_seen_at=seen_at),), last_seen_at=seen_at)


def test_a_later_event_stays_the_last_that_was_seen():
    after = with_device(user(last_seen_at=LATER), registration(), NOON)

    assert after.last_seen_at == LATER


def test_what_a_device_says_counts_within_the_minute_too():
    before = user(devices=(device(push=push("old")),), last_seen_at=NOON)

    after = with_device(before, registration(push=push("new")), NOON + MS)

    assert after.devices == (device(push=push("new")),)
