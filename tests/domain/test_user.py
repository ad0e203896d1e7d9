"""What a user is, and what changes make of one."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings

from app.domain.changes import NO_CHANGES
from app.domain.errors import DomainError
from app.domain.fields import Location
from app.domain.reach import Channel, Choice
from app.domain.user import (
    User,
    new_user,
    remembered,
    updated,
)
from tests.builders import (
    LIMITS,
    NOON,
    changes,
    linked_identity,
    user,
)
from tests.domain.strategies import users

LATER = NOON + timedelta(hours=1)
MS = timedelta(milliseconds=1)


def test_nobody_knows_anything_of_a_new_user():
    assert new_user("u1", NOON) == User(
        id="u1", version=0, identified=False, created_at=NOON, updated_at=NOON
    )


def test_every_field_is_replaced_or_cleared():
    before = user(name="Ada", email="a@x.org", location=Location(country="CH", city="Bern"))

    after = updated(
        before,
        changes(
            name="Eva",
            email=None,
            phone="+41446681800",
            birthday="2000-02-29",
            photoUrl="https://x.org/a.png",
            location={"country": "DE"},
        ),
        NOON,
        LIMITS,
    )

    assert after == user(
        name="Eva",
        phone="+41446681800",
        birthday=date(2000, 2, 29),
        photo_url="https://x.org/a.png",
        location=Location(country="DE"),
    )


@settings(max_examples=40)
@given(users)
def test_no_changes_change_nothing(before):
    assert updated(before, NO_CHANGES, LATER, LIMITS) == before


def test_changing_a_contact_field_leaves_identities_alone():
    before = user(email="a@x.org", identities=(linked_identity("email:a@x.org"),))

    after = updated(before, changes(email="b@x.org"), NOON, LIMITS)

    assert after == before.model_copy(update={"email": "b@x.org"})


def test_a_refused_operation_refuses_all_changes():
    before = user(name="Ada", properties={"city": "Bern"})

    with pytest.raises(DomainError):
        updated(before, changes(name="Eva", properties={"increment": {"city": 1}}), NOON, LIMITS)

    assert before == user(name="Ada", properties={"city": "Bern"})


@pytest.mark.parametrize(
    ("before", "choice", "after"),
    [
        (None, True, Choice(subscribed=True, changed_at=LATER)),
        (None, False, Choice(subscribed=False, changed_at=LATER)),
        (None, None, None),
        (True, True, Choice(subscribed=True, changed_at=NOON)),
        (True, False, Choice(subscribed=False, changed_at=LATER)),
        (False, None, None),
    ],
)
def test_a_choice_is_dated_by_its_last_change(before, choice, after):
    chosen = {} if before is None else {Channel.SMS: Choice(subscribed=before, changed_at=NOON)}

    result = updated(user(choices=chosen), changes(channels={"sms": choice}), LATER, LIMITS)

    assert result.choices.get(Channel.SMS) == after


def test_the_newest_64_keys_are_remembered():
    keys = tuple(f"k{n}" for n in range(64))

    assert remembered(user(request_ids=keys[:63]), "k63").request_ids == keys
    assert remembered(user(request_ids=keys), "k64").request_ids == (*keys[1:], "k64")


@pytest.mark.parametrize("key", [None, "k1"])
def test_no_key_and_a_known_key_change_nothing(key):
    assert remembered(user(request_ids=("k1",)), key) == user(request_ids=("k1",))
