"""How a user is laid out as one document, and how large it can become."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.changes import parse_changes
from app.domain.devices import Platform, parse_registration
from app.domain.events import Event, parse_events, stored_bytes
from app.domain.identity import Identity, IdentityKind
from app.domain.limits import Limits
from app.domain.properties import show_properties
from app.domain.times import show_instant
from app.domain.user import User, linked, new_user, recorded, remembered, updated, with_device
from app.store.document import from_event, rewritten, to_document, to_event, to_user
from app.store.mongo import MongoStore
from app.store.sqlite import SqliteStore
from tests.builders import HERE, LIMITS, NOON, TODAY, event, linked_identity, push, user
from tests.domain.strategies import events, users
from tests.domain.strategies import instants as any_instants

FOUR_MB = 4_000_000
TRIPLES = "ΐ"
"""Two bytes that casefold to six."""


def as_is(instant: Any) -> Any:
    return instant


def as_text(instant: datetime) -> str:
    return instant.isoformat()


QUICK = settings(deadline=None, max_examples=30)


@QUICK
@given(users)
def test_a_user_is_read_as_it_was_kept(kept):
    assert to_user(to_document(kept, as_is), as_is) == kept
    assert to_user(to_document(kept, as_text), datetime.fromisoformat) == kept


@QUICK
@given(users)
def test_properties_keep_their_kinds_and_their_order(kept):
    read = to_user(to_document(kept, as_is), as_is)

    assert str(show_properties(read.properties)) == str(show_properties(kept.properties))


@QUICK
@given(events)
def test_an_event_is_read_as_it_was_kept(kept):
    assert to_event(from_event(kept, as_is), as_is) == kept


@QUICK
@given(users)
def test_a_document_is_bson(kept):
    assert bson.decode(bson.encode(to_document(kept, as_is)))["_id"] == kept.id


@QUICK
@given(users, users, st.sets(st.sampled_from(sorted(User.model_fields))))
def test_a_rewritten_document_is_that_of_the_user_after(before, other, changed):
    after = before.model_copy(update={name: getattr(other, name) for name in changed})

    written = rewritten(to_document(before, as_text), before, after, as_text)

    assert written == to_document(after, as_text)
    assert list(written) == list(to_document(after, as_text))


def test_what_did_not_change_is_not_written_again():
    before = user(events=(event(),), identities=(linked_identity("email:ada@example.org"),))
    document = to_document(before, as_is)
    after = before.model_copy(update={"name": "Ada"})

    written = rewritten(document, before, after, instant=unexpected)

    assert written == document | {"name": "Ada", "folded": document["folded"] | {"name": "ada"}}


def test_what_a_store_keeps_beside_a_person_is_not_written_as_theirs():
    before = user()
    document = to_document(before, as_is) | {"revision": 7}
    after = before.model_copy(update={"version": 2})

    written = rewritten(document, before, after, instant=unexpected)

    assert written == to_document(after, as_is)


def test_a_document_that_lacks_a_field_is_written_whole():
    before = user()
    document = to_document(before, as_is)
    del document["recordIds"]

    written = rewritten(document, before, before.model_copy(update={"version": 2}), as_is)

    assert list(written) == list(to_document(before, as_is))


def unexpected(_: datetime) -> Any:
    raise AssertionError("This instant is written already.")


def test_no_name_of_a_property_becomes_a_field():
    document = to_document(user(properties={"$set": "x", "a.b": "X"}), as_is)

    assert document["properties"] == [
        {"k": "$set", "v": "x", "t": "text", "f": "x"},
        {"k": "a.b", "v": "X", "t": "text", "f": "x"},
    ]


# ---------------------------------------------------------------- how large it can become


def many_texts(count: int, size: int) -> list[str]:
    """Return different texts of `size` bytes each, of what casefold lengthens most."""
    padding = TRIPLES * ((size - 10) // 2)
    letters = product(*["ΐΰ"] * 4, "ΐΰŉǰéèà")
    return [padding + "".join(five) for five in islice(letters, count)]


ONE_BYTE_TEXTS = [chr(code) for code in range(1, 101)]
LISTS_OF_ONE_BYTE = {chr(code): ONE_BYTE_TEXTS for code in range(33, 127)}


def large_events(properties: dict[str, Any], items: list[dict[str, Any]]) -> Iterator[Event]:
    raw = {"name": "x", "properties": properties, "items": items}
    for n in range(100):
        yield from parse_events([raw | {"id": f"{n:03}" + "👩" * 125}], NOON, [""], LIMITS)


LARGE_EVENTS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "long texts": ({f"{n:02}": "x" * 512 for n in range(63)}, []),
    "numbers": ({}, [{f"{n:02}": n for n in range(60)}] * 50),
    "lists of long texts": ({"a": many_texts(32, 512), "b": many_texts(31, 512)}, []),
    "lists of short texts": (LISTS_OF_ONE_BYTE, [LISTS_OF_ONE_BYTE] * 2),
    "empty lists": ({}, [{chr(code): [] for code in range(33, 127)}] * 50),
}


@pytest.mark.parametrize("kind", LARGE_EVENTS)
def test_an_event_takes_no_more_than_is_reckoned(kind):
    largest = next(large_events(*LARGE_EVENTS[kind]))

    assert len(bson.encode(from_event(largest, as_is))) <= stored_bytes(largest)


@QUICK
@given(events)
def test_no_event_takes_more_than_is_reckoned(drawn):
    assert len(bson.encode(from_event(drawn, as_is))) <= stored_bytes(drawn)


@pytest.mark.parametrize("kind", LARGE_EVENTS)
def test_the_largest_user_stays_under_4_mb(kind):
    largest = largest_user(large_events(*LARGE_EVENTS[kind]))

    assert len(bson.encode(to_document(largest, as_is))) < FOUR_MB


def largest_user(latest: Iterable[Event]) -> User:
    person = new_user("0" * 26, NOON)
    person = updated(person, parse_changes(LARGEST_CHANGES, TODAY, LIMITS), NOON, LIMITS)
    person = linked(person, largest_identities(), NOON, LIMITS, HERE)
    for held in largest_identities()[50:]:
        details = dict.fromkeys(("model", "os_version", "app_version"), "x" * 512)
        told = parse_registration(
            held, Platform.ANDROID, details | {"push": push("x" * 4_096)}, LIMITS
        )
        person = with_device(person, told, NOON)
    person = recorded(person, many_names(), set(), NOON, Limits(embedded_events=2)).user
    person = with_as_many_as_stay(person, latest)
    for n in range(64):
        person = remembered(person, f"{n:02}" + "👩" * 126)
    return person.model_copy(update={"absorbed": tuple(f"{n:026}" for n in range(1_000))})


def with_as_many_as_stay(person: User, latest: Iterable[Event]) -> User:
    for new in latest:
        edit = recorded(person, [new], set(), NOON, LIMITS)
        if edit.spilled:
            break
        person = edit.user
    return person


def largest_identities() -> list[Identity]:
    return [
        Identity(kind=kind, value=f"{n:02}" + "👩" * 118)
        for kind in (IdentityKind.FACEBOOK, IdentityKind.DEVICE)
        for n in range(50)
    ]


def many_names() -> list[Event]:
    return [
        event(id=f"name{n}", name=name, at=NOON - timedelta(days=1))
        for n, name in enumerate(f"{n:04}" + TRIPLES * 254 for n in range(512))
    ]


LARGEST_CHANGES = {
    "name": "x" * 512,
    "photoUrl": "https://x.org/" + "a" * 2_034,
    "location": {"country": "CH", "region": "x" * 512, "city": "x" * 512},
    "properties": {"set": {f"{n:03}": many_texts(100, 10) for n in range(256)}},
}


def test_the_largest_user_is_what_it_says():
    largest = largest_user(large_events({}, []))

    assert (
        len(largest.identities),
        len(largest.devices),
        len(largest.activity),
        len(largest.properties),
        len(largest.request_ids),
        len(largest.absorbed),
        len(largest.events),
    ) == (100, 50, 513, 256, 64, 1_000, 100)


@pytest.mark.parametrize("instants", [SqliteStore.instants, MongoStore.instants])
@given(instant=any_instants)
def test_an_instant_is_read_and_shown_as_the_one_that_was_kept(instants, instant):
    kept = instants.kept(instant)

    assert (instants.read(kept), instants.shown(kept)) == (instant, show_instant(instant))
