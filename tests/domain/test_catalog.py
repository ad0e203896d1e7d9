"""Which names exist in a service."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog import (
    EVENTS,
    PROPERTIES,
    Catalog,
    Entry,
    EventDefinition,
    Name,
    PropertyDefinition,
    assembled,
    event_subject,
    extended,
    names_in_changes,
    names_in_events,
)
from app.domain.errors import LimitExceeded
from app.domain.properties import AnyOperation, PropertyKind, Set, Unset
from tests.builders import HERE, LIMITS, event
from tests.domain.strategies import few_events

TEXT, NUMBER, LIST = PropertyKind.TEXT, PropertyKind.NUMBER, PropertyKind.TEXT_LIST


def seen(*names, subject=PROPERTIES, kind=TEXT):
    return {Name(subject, name, kind): (name, (*HERE, name)) for name in names}


def test_names_that_changes_leave_behind_are_sighted_with_their_kind():
    operations: list[AnyOperation] = [Set("a", ("at a",), 1.0), Unset("b", ("at b",))]

    assert names_in_changes(operations, {"a": 1.0, "c": ""}) == {
        Name(PROPERTIES, "a", NUMBER): ("a", ("at a",))
    }


def test_names_in_events_are_sighted_where_they_are_first():
    first = event(name="Added To Cart", properties={"sku": "a"})
    second = event(name="addedtocart", properties={"sku": "b", "total": 1.0})

    cart = event_subject("addedtocart")
    assert names_in_events([(3, first), (5, second)]) == {
        Name(EVENTS, "addedtocart", None): ("Added To Cart", ("events", "3", "name")),
        Name(cart, "sku", TEXT): ("sku", ("events", "3", "properties", "sku")),
        Name(cart, "total", NUMBER): ("total", ("events", "5", "properties", "total")),
    }


def test_a_new_name_joins_and_a_known_one_gains_a_kind():
    entries = {"a": Entry("a", frozenset({TEXT}))}
    sightings = seen("a", kind=NUMBER) | seen("b") | seen("c", subject=EVENTS, kind=None)

    assert extended(PROPERTIES, entries, sightings, LIMITS) == {
        "a": Entry("a", frozenset({TEXT, NUMBER})),
        "b": Entry("b", frozenset({TEXT})),
    }


def test_the_spelling_first_seen_stays():
    entries = {"viewed": Entry("Viewed")}
    sightings = {Name(EVENTS, "viewed", None): ("VIEWED", HERE)}

    assert extended(EVENTS, entries, sightings, LIMITS) is entries


def test_known_names_leave_the_entries_as_they_are():
    entries = {"a": Entry("a", frozenset({TEXT, NUMBER}))}

    assert extended(PROPERTIES, entries, seen("a"), LIMITS) is entries
    assert extended(PROPERTIES, entries, seen("b", subject=EVENTS), LIMITS) is entries


@pytest.mark.parametrize(("subject", "limit"), [(PROPERTIES, 2_000), (EVENTS, 512)])
def test_a_service_knows_up_to_so_many_names(subject, limit):
    names = [f"n{n}" for n in range(limit)]

    full = extended(subject, {}, seen(*names, subject=subject), LIMITS)

    assert list(full) == names
    assert extended(subject, full, seen(*names, subject=subject), LIMITS) is full


@pytest.mark.parametrize(("subject", "limit"), [(PROPERTIES, 2_000), (EVENTS, 512)])
def test_one_name_more_is_refused_with_its_path(subject, limit):
    full = {f"n{n}": Entry(f"n{n}", frozenset({TEXT})) for n in range(limit)}

    with pytest.raises(LimitExceeded, match=str(limit)) as refused:
        extended(subject, full, seen("n0", "more", subject=subject), LIMITS)

    assert (refused.value.path, refused.value.limit) == ((*HERE, "more"), limit)


def test_a_known_name_gains_a_kind_however_full_the_service_is():
    one = LIMITS.model_copy(update={"property_names": 1})

    after = extended(PROPERTIES, {"a": Entry("a", frozenset({TEXT}))}, seen("a", kind=LIST), one)

    assert after == {"a": Entry("a", frozenset({TEXT, LIST}))}


@given(st.lists(few_events), st.lists(few_events))
def test_extending_twice_is_extending_once(first, second):
    known = extended(EVENTS, {}, names_in_events(enumerate(first)), LIMITS)
    copy = deepcopy(known)

    once = extended(EVENTS, known, names_in_events(enumerate(second)), LIMITS)

    assert extended(EVENTS, once, names_in_events(enumerate(second)), LIMITS) is once
    assert known == copy
    assert set(once) == {event.key for event in (*first, *second)}


def test_the_catalog_is_sorted_by_name():
    catalog = assembled(
        {
            PROPERTIES: {"b": Entry("b", frozenset({LIST, TEXT})), "a": Entry("a")},
            EVENTS: {"z": Entry("A z"), "b": Entry("B"), "a": Entry("a")},
            event_subject("z"): {"sku": Entry("sku", frozenset({TEXT}))},
        }
    )

    assert catalog == Catalog(
        properties=(PropertyDefinition("a", ()), PropertyDefinition("b", (TEXT, LIST))),
        events=(
            EventDefinition("A z", (PropertyDefinition("sku", (TEXT,)),)),
            EventDefinition("B", ()),
            EventDefinition("a", ()),
        ),
    )


def test_nothing_is_an_empty_catalog():
    assert assembled({}) == Catalog((), ())
