"""When a change makes a new version: exactly when something readable changed."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import assume, example, given, settings

from app.domain.catalog import PROPERTIES, Name
from app.domain.changes import NO_CHANGES, UserChanges
from app.domain.devices import Platform
from app.domain.errors import DomainError
from app.domain.events import Activity
from app.domain.fields import Gender, Location
from app.domain.properties import PropertyKind, Set, show_properties
from app.domain.reach import Channel, Choice
from app.domain.user import change_edit, revised, updated
from tests.builders import HERE, LIMITS, NOON, changes, device, event, linked_identity, push, user
from tests.domain.strategies import few_properties, user_changes, users

LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Ada"},
        {"email": "a@x.org"},
        {"phone": "+41446681800"},
        {"birthday": date(2000, 2, 29)},
        {"gender": Gender.FEMALE},
        {"language": "de"},
        {"timezone": "UTC"},
        {"photo_url": "https://x.org"},
        {"location": Location(country="CH")},
        {"identities": (linked_identity("custom:7"),)},
        {"properties": {"a": ""}},
        {"devices": (device(),)},
        {"choices": {Channel.SMS: Choice(subscribed=True, changed_at=NOON)}},
        {"activity": {"a": Activity(name="a", count=1, first_at=NOON, last_at=NOON)}},
        {"absorbed": ("u2",)},
        {"created_at": NOON - timedelta(days=1)},
    ],
)
def test_what_can_be_read_makes_the_next_version(change):
    after = user(version=7).model_copy(update=change)

    assert revised(user(version=7), after, LATER) == after.model_copy(
        update={"version": 8, "updated_at": LATER}
    )
    assert revised(after, user(version=7), LATER).version == 8


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"identified": True},
        {"last_seen_at": LATER},
        {"events": (event(),)},
        {"archived": 1, "archived_until": NOON},
        {"request_ids": ("k1",)},
    ],
)
def test_what_cannot_be_read_or_tells_of_activity_alone_makes_none(change):
    after = user(version=7).model_copy(update=change)

    assert revised(user(version=7), after, LATER) == after


@pytest.mark.parametrize(
    "change",
    [
        {"platform": Platform.ANDROID},
        {"model": "Pixel"},
        {"os_version": "16"},
        {"app_version": "2"},
        {"push": push("new")},
        {"push": None},
    ],
)
def test_what_a_device_says_makes_the_next_version(change):
    before = user(version=7, devices=(device(push=push("old")),))
    after = user(version=7, devices=(device(**{"push": push("old")} | change),))

    assert revised(before, after, LATER).version == 8


def test_when_a_device_was_seen_makes_none():
    before = user(version=7, devices=(device(last_seen_at=NOON),))
    after = user(version=7, devices=(device(last_seen_at=LATER),))

    assert revised(before, after, LATER) == after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (True, 1.0),
        (1.0, True),
        (False, 0.0),
        ("", ()),
        ("a", ("a",)),
        (("a", "b"), ("b", "a")),
        ("2026-01-31", date(2026, 1, 31)),
        (date(2026, 1, 31), NOON),
    ],
)
def test_another_kind_or_order_makes_the_next_version(old, new):
    before = user(version=7, properties={"a": old})
    edit = UserChanges(operations=(Set("a", HERE, new),))

    after = revised(before, updated(before, edit, LATER, LIMITS), LATER)

    assert after.version == 8
    assert show_properties(after.properties) == show_properties({"a": new})


@given(few_properties, user_changes)
@example({"a": True}, UserChanges(operations=(Set("a", HERE, 1.0),)))
@example({"a": 1.0}, UserChanges(operations=(Set("a", HERE, 1.0),)))
def test_properties_make_a_version_exactly_when_they_read_differently(properties, drawn):
    before = user(version=7, properties=properties)
    assume(is_taken(before, drawn))

    after = revised(before, updated(before, drawn, LATER, LIMITS), LATER)

    assert (after.version == 8) == (shown(after) != shown(before))
    assert (after.updated_at == LATER) == (after.version == 8)


@settings(max_examples=40)
@given(users)
def test_a_user_left_alone_stays_of_the_same_version(before):
    again = before.model_copy(deep=True)

    assert revised(before, again, LATER) is again


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "Ada"},
        {"phone": None},
        {"location": {"country": "ch"}},
        {"channels": {"sms": True, "email": None}},
        {"properties": {"set": {"a": 1}, "setOnce": {"b": "new"}, "unset": ["c"]}},
        {"properties": {"increment": {"a": 0}, "append": {"b": ["x"]}, "remove": {"c": ["x"]}}},
    ],
)
def test_a_change_that_changes_nothing_makes_none(raw):
    before = user(
        name="Ada",
        location=Location(country="CH"),
        choices={Channel.SMS: Choice(subscribed=True, changed_at=NOON)},
        properties={"a": 1.0, "b": ("x",)},
    )

    assert revised(before, updated(before, changes(**raw), LATER, LIMITS), LATER) == before


def test_an_edit_tells_the_names_that_changes_leave_behind():
    before = user(properties={"gone": "x", "n": 1.0})
    edit = changes(properties={"set": {"plan": "pro"}, "increment": {"n": 1}, "unset": ["gone"]})

    told = change_edit(before, updated(before, edit, LATER, LIMITS), edit, LATER)

    path = ("changes", "properties")
    assert told.user.version == before.version + 1
    assert told.sightings == {
        Name(PROPERTIES, "plan", PropertyKind.TEXT): ("plan", (*path, "set", "plan")),
        Name(PROPERTIES, "n", PropertyKind.NUMBER): ("n", (*path, "increment", "n")),
    }


def test_an_edit_without_changes_tells_nothing():
    told = change_edit(user(), user(), NO_CHANGES, LATER)

    assert (told.user, told.sightings, told.recorded) == (user(), {}, ())


def shown(person) -> str:
    return json.dumps(show_properties(person.properties))


def is_taken(person, edit) -> bool:
    try:
        updated(person, edit, LATER, LIMITS)
    except DomainError:
        return False
    return True
