"""A profile holds all that is kept about a person, and is read back as it was."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.domain.devices import Platform
from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.events import counted
from app.domain.fields import Gender, Location
from app.domain.limits import Limits
from app.domain.profile import are_equal, check_same, names_in, show_profile
from app.domain.profile_input import parse_profile
from app.domain.reach import Channel, Choice
from app.domain.user import User
from tests.builders import LIMITS, NOON, TODAY, device, event, linked_identity, push, user

ID = "01KG9C2D000000000000000000"
OTHER_ID = "01KG9C2D000000000000000001"

MEMBERS: dict[str, str | None] = {
    "photo_url": "photoUrl",
    "choices": "channels",
    "absorbed": "mergedIds",
    "request_ids": "idempotencyKeys",
    "record_ids": "recordIds",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "last_seen_at": "lastSeenAt",
    "archived": None,
    "archived_until": None,
}
"""Where a person's attributes stand in a profile, if not under their own names; how many events are
in the archive does not count, since a profile has all of them."""


def ada() -> User:
    """Return somebody of whom everything is known that can be."""
    events = (
        event(id="e2", name="Charged", properties={"a": 1.5, "l": ("x", "y")}, items=({"n": "z"},)),
        event(id="e1", at=NOON - timedelta(days=4_000), properties={"on": TODAY, "at": NOON}),
    )
    return user(
        id=ID,
        version=7,
        identified=True,
        name="Ada",
        email="Ada@example.org",
        phone="+41446681800",
        birthday=TODAY.replace(year=1990),
        gender=Gender.FEMALE,
        language="de-CH",
        timezone="Europe/Zurich",
        photo_url="https://example.org/ada.png",
        location=Location(country="CH", city="Zürich", latitude=47.0, longitude=8.5),
        identities=(linked_identity("custom:ada"), linked_identity("device:d1")),
        properties={"flag": True, "n": 3.0, "tags": ("a",), "when": NOON},
        devices=(device(platform=Platform.WEB, model="m", os_version="1", push=push()), ),
        choices={Channel.SMS: Choice(subscribed=False, changed_at=NOON)},
        activity=counted({}, events),
        events=events,
        absorbed=(OTHER_ID,),
        request_ids=("k1", "k2"),
        record_ids=("r1",),
        last_seen_at=NOON,
    )  # fmt: skip


def read(raw: Any, limits: Limits = LIMITS) -> User:
    return parse_profile(orjson.loads(orjson.dumps(raw)), TODAY, limits)


def test_whoever_is_shown_is_read_back():
    assert read(show_profile(ada())) == ada()
    assert show_profile(read(show_profile(ada()))) == show_profile(ada())


def test_somebody_of_whom_nothing_is_known_is_read_back():
    nobody = user(id=ID)

    assert read(show_profile(nobody)) == nobody


def test_every_attribute_of_a_person_is_in_the_profile():
    shown = show_profile(ada())
    members = {m for name in User.model_fields if (m := MEMBERS.get(name, name)) is not None}

    assert members == set(shown)
    assert all(shown[member] not in (None, [], {}) for member in members)


def test_spellings_of_events_do_not_make_two_people_differ():
    lower = tuple(e.model_copy(update={"name": e.name.lower()}) for e in ada().events)
    other = ada().model_copy(update={"events": lower, "activity": counted({}, lower)})

    assert are_equal(ada(), other)
    assert not are_equal(ada(), ada().model_copy(update={"name": "Eve"}))
    assert not are_equal(ada(), ada().model_copy(update={"properties": {"flag": 1.0}}))


def test_whoever_differs_is_refused():
    check_same(ada(), ada())

    with pytest.raises(InvalidInput, match="differs"):
        check_same(ada(), ada().model_copy(update={"version": 8}))


def test_the_names_in_a_profile_are_those_it_uses():
    names = {name.key for name in names_in(ada())}

    assert names == {
        "flag", "n", "tags", "when", "charged", "viewed", "a", "l", "on", "at",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "x"}, ("id",)),
        ({"version": 0}, ("version",)),
        ({"unknown": 1}, ("unknown",)),
        ({"createdAt": "yesterday"}, ("createdAt",)),
        ({"identified": False}, ("identified",)),
        ({"mergedIds": [ID]}, ("mergedIds",)),
        ({"mergedIds": ["x"]}, ("mergedIds", "0")),
        ({"identities": [{"kind": "NAME", "value": "x", "linkedAt": "x"}]},
         ("identities", "0", "kind")),
        ({"identities": [{"kind": "CUSTOM", "value": "null", "linkedAt": "x"}]},
         ("identities", "0", "value")),
        ({"identities": []}, ("devices",)),
        ({"properties": {"a": None}}, ("properties", "a")),
        ({"properties": {"a": "x" * 513}}, ("properties", "a")),
        ({"events": [{"id": "1", "name": " ", "at": "2026-01-31T12:00:00Z"}]},
         ("events", "0", "name")),
        ({"channels": {"fax": {"subscribed": True, "changedAt": "x"}}}, ("channels", "fax")),
        ({"gender": "X"}, ("gender",)),
        ({"timezone": "Mars/Olympus"}, ("timezone",)),
    ],
)  # fmt: skip
def test_what_cannot_be_a_profile_is_refused_with_its_path(change, path):
    with pytest.raises((InvalidInput, LimitExceeded)) as refusal:
        read(show_profile(ada()) | change)

    assert getattr(refusal.value, "path") == path  # noqa: B009 (of two kinds of error)


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"id": ID}])
def test_what_is_no_profile_at_all_is_refused(raw):
    with pytest.raises(InvalidInput):
        read(raw)


@pytest.mark.parametrize(
    "limits", [{"identities": 1}, {"devices": 1}, {"properties": 3}, {"absorbed": 1}]
)
def test_more_than_a_person_may_hold_here_is_refused(limits):
    raw = show_profile(ada())
    for name in ("a", "b"):
        raw["identities"].append(
            {"kind": "CUSTOM", "value": name, "linkedAt": "2026-01-31T12:00:00Z"}
        )
        raw["identities"].append(
            {"kind": "DEVICE", "value": name, "linkedAt": "2026-01-31T12:00:00Z"}
        )
    raw["mergedIds"].append("01KG9C2D000000000000000002")

    with pytest.raises(LimitExceeded):
        read(raw, LIMITS.model_copy(update=limits))
