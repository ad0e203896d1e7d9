"""What one message tells is taken in whole, once."""

from datetime import timedelta

import pytest

from app.domain.errors import InvalidInput
from app.domain.observation import Observation, observed
from tests.builders import (
    LIMITS,
    NOON,
    changes,
    device,
    event,
    linked_identity,
    push,
    registration,
    user,
)

LATER = NOON + timedelta(hours=1)


def after(person, known=frozenset(), **observation):
    return observed(person, Observation(**observation), known, LATER, LIMITS)


def test_changes_and_events_are_one_version():
    edit = after(user(), changes=changes(name="Ada"), events=(event(),))

    assert (edit.user.name, edit.user.events) == ("Ada", (event(),))
    assert (edit.user.version, edit.user.updated_at) == (2, LATER)


def test_changes_alone_are_a_version_and_nothing_is_none():
    assert after(user(), changes=changes(name="Ada")).user.version == 2
    assert after(user()).user == user()


def test_both_bring_their_names_to_the_catalog():
    edit = after(
        user(),
        changes=changes(properties={"set": {"plan": "pro"}}),
        events=(event(properties={"size": 1.0}),),
    )

    assert {name.key for name in edit.sightings} == {"plan", "viewed", "size"}


@pytest.mark.parametrize(
    ("person", "archived"),
    [(user(events=(event(),)), frozenset()), (user(), frozenset({"e1"}))],
)
def test_what_was_taken_in_before_changes_nothing(person, archived):
    edit = after(person, archived, changes=changes(name="Ada"), events=(event(),))

    assert (edit.user, edit.duplicates) == (person, 1)


def test_a_hint_counts_where_nothing_is_known():
    hints = {"language": "de", "timezone": "Europe/Zurich"}
    edit = after(user(language="fr"), hints=hints)

    assert (edit.user.language, edit.user.timezone) == ("fr", "Europe/Zurich")


def test_what_was_said_counts_before_a_hint():
    edit = after(user(), changes=changes(language="fr"), hints={"language": "de"})

    assert edit.user.language == "fr"


def test_a_device_registers_if_it_is_the_persons():
    held = user(identities=(linked_identity("device:d1"),))
    said = registration("d1", push=push())

    assert after(held, registration=said).user.devices == (device(push=push(), last_seen_at=LATER),)
    assert after(user(), registration=said).user == user()


def test_what_is_refused_is_refused_whole():
    listed = user(properties={"plan": "pro"})

    with pytest.raises(InvalidInput):
        after(listed, changes=changes(properties={"increment": {"plan": 1}}), events=(event(),))
