"""Laws of reading messages, whatever they hold."""

import json
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import parse_changes
from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.identity import IdentityKind
from app.tracking.deeds import LogIn, Observe, Unite
from app.tracking.messages import Kind, occurred_at, read_message
from app.tracking.paths import as_sent
from app.tracking.traits import raw_changes
from app.tracking.translation import Reading, translated
from app.tracking.values import flattened
from tests.builders import LIMITS, NOON, TODAY

READING = Reading(NOON, TODAY, LIMITS, "new")
PATH = ("traits",)

instants = st.timedeltas(timedelta(days=-9_999), timedelta(days=9_999)).map(NOON.__add__)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
lists = st.lists(scalars, max_size=3)
objects = st.recursive(
    st.dictionaries(st.text(max_size=9), scalars | lists, max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=9), scalars | inner, max_size=3),
    max_leaves=4,
)
json_values = scalars | lists | objects
FIELDS = (
    "userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name", "category",
    "traits", "properties", "context", "timestamp", "originalTimestamp", "sentAt", "type",
)  # fmt: skip
TRAITS = (
    "name", "firstName", "last_name", "email", "phone", "birthday", "gender", "avatar", "address",
    "createdAt", "age", "id", "language", "timezone", "location", "plan",
)  # fmt: skip
traits = st.dictionaries(st.sampled_from(TRAITS), scalars | objects, max_size=3)
messages = st.dictionaries(
    st.sampled_from(FIELDS), json_values | traits | st.just("ada"), max_size=6
)


def understood(kind: Kind, body: dict[str, Any], batch: dict[str, Any]):
    """Return what a message asks for, or why it is refused."""
    try:
        return translated(read_message(kind, body, batch, NOON), READING)
    except (InvalidInput, LimitExceeded) as fault:
        return fault


@given(st.sampled_from(Kind), messages, messages)
def test_a_message_is_understood_or_refused_with_a_reason(kind, body, batch):
    match understood(kind, body, batch):
        case InvalidInput() | LimitExceeded() as fault:
            assert str(fault).endswith(".")
            assert as_sent(fault.path, PATH)[:1] in [(field,) for field in FIELDS]
        case Unite():
            assert kind is Kind.ALIAS
        case LogIn():
            assert kind is Kind.IDENTIFY
        case deed:
            assert isinstance(deed, Observe)


@given(traits | objects)
def test_a_trait_is_a_value_or_refused(traits):
    with suppress(InvalidInput, LimitExceeded):
        parse_changes(raw_changes(traits, PATH), TODAY, LIMITS)


# ---------------------------------------------------------------- who is meant


@given(st.sampled_from([Kind.TRACK, Kind.PAGE, Kind.SCREEN, Kind.GROUP]), st.booleans())
def test_only_an_identify_brings_the_two_ids_together(kind, known):
    body = {"anonymousId": "browser", "event": "E", "groupId": "g"} | (
        {"userId": "ada"} if known else {}
    )

    deed = translated(read_message(kind, body, {}, NOON), READING)

    assert isinstance(deed, Observe)
    assert deed.person.kind is (IdentityKind.CUSTOM if known else IdentityKind.DEVICE)
    assert len(deed.observation.events) == 1


# ---------------------------------------------------------------- when it happened


@given(instants, st.timedeltas(timedelta(0), timedelta(days=30)), st.timedeltas())
def test_a_wrong_clock_of_the_sender_does_not_matter(original, ago, shift):
    received_at = NOON
    sent_at = original + ago
    try:
        shifted = (original + shift, sent_at + shift)
    except OverflowError:
        return

    assert occurred_at(original, sent_at, received_at) == received_at - ago
    assert occurred_at(*shifted, received_at) == received_at - ago


@given(instants)
def test_without_a_sending_time_the_senders_clock_is_believed(original):
    assert occurred_at(original, None, NOON) == original
    assert occurred_at(None, original, NOON) == NOON


# ---------------------------------------------------------------- values


@given(objects)
def test_nothing_but_objects_is_lost_in_flattening(raw):
    try:
        flat = flattened(raw, PATH)
    except InvalidInput:
        return

    assert sum(1 for _ in leaves(raw)) == len(flat)
    assert not any(isinstance(value, dict) and not times(value) for value in flat.values())


def leaves(raw: dict[str, Any]):
    for value in raw.values():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield value


def times(value: dict[str, Any]) -> bool:
    return len(value) == 1 and value.keys() <= {"date", "dateTime"}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-01-31", {"date": "2026-01-31"}),
        ("2026-01-31T12:00:00Z", {"dateTime": "2026-01-31T12:00:00Z"}),
        ("2026-01-31T12:00:00.123+02:00", {"dateTime": "2026-01-31T12:00:00.123+02:00"}),
        ("2026-02-30", "2026-02-30"),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00"),
        ("", ""),
        (["a", 1, 2.5, True], ["a", "1", "2.5", "true"]),
        (None, None),
        (False, False),
    ],
)
def test_a_value_is_read_as_what_it_is(raw, value):
    assert flattened({"a": {"b": raw}}, PATH) == {"a.b": value}
    assert json.loads(json.dumps(raw)) == raw


# ---------------------------------------------------------------- traits


@pytest.mark.parametrize(
    ("traits", "fields"),
    [
        ({"name": " Ada "}, {"name": "Ada"}),
        ({"firstName": "Ada", "lastName": "Lovelace"}, {"name": "Ada Lovelace"}),
        ({"first_name": "Ada", "last_name": "Lovelace"}, {"name": "Ada Lovelace"}),
        ({"firstName": "Ada", "lastName": "L", "name": "Countess"}, {"name": "Countess"}),
        ({"firstName": "Ada"}, {}),
        ({"firstName": "Ada", "lastName": None}, {}),
        ({"EMAIL": "ada@example.org"}, {"email": "ada@example.org"}),
        ({"email": None, "phone": ""}, {"email": None, "phone": None}),
        ({"birthday": "1815-12-10T00:00:00.000Z"}, {"birthday": "1815-12-10"}),
        ({"gender": "F"}, {"gender": "FEMALE"}),
        ({"gender": "unsaid"}, {"gender": "unsaid"}),
        ({"avatar": "https://example.org/a.png"}, {"photoUrl": "https://example.org/a.png"}),
        ({"address": None}, {"location": None}),
        ({"address": {"street": "High Street 1"}}, {}),
        ({"address": {"city": "B", "country": ""}}, {"location": {"city": "B", "country": None}}),
        (
            {"address": {"city": "Bern", "state": "BE", "country": "Switzerland"}},
            {"location": {"city": "Bern", "region": "BE", "country": "CH"}},
        ),
        ({"address": {"country": "uk"}}, {"location": {"country": "GB"}}),
        ({"address": "High Street 1"}, {}),
        ({"age": 36, "id": "ada"}, {}),
    ],
)  # fmt: skip
def test_reserved_traits_are_standard_fields(traits, fields):
    changes = raw_changes(traits, PATH)

    assert {name: value for name, value in changes.items() if name != "properties"} == fields


@pytest.mark.parametrize(
    ("traits", "set_", "unset"),
    [
        ({"plan": "pro", "seats": None}, {"plan": "pro"}, ["seats"]),
        ({"firstName": "Ada"}, {"firstName": "Ada"}, []),
        ({"createdAt": "2026-01-31"}, {"createdAt": {"date": "2026-01-31"}}, []),
        ({"company": {"name": "Acme", "id": 7}}, {"company.name": "Acme", "company.id": 7}, []),
        ({"address": {"street": "High St", "city": "Bern"}}, {"address.street": "High St"}, []),
        ({"address": "High Street 1"}, {"address": "High Street 1"}, []),
        ({"bio": ""}, {"bio": ""}, []),
    ],
)  # fmt: skip
def test_other_traits_are_properties(traits, set_, unset):
    assert raw_changes(traits, PATH)["properties"] == {"set": set_, "unset": unset}


def test_a_birthday_is_judged_by_the_day():
    changes = parse_changes(raw_changes({"birthday": "2026-01-31"}, PATH), TODAY, LIMITS)

    assert changes.fields == {"birthday": date(2026, 1, 31)}
