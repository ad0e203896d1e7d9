"""What an event is, read from plain values, and the totals per name."""

import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import DomainError, InvalidInput, LimitExceeded
from app.domain.events import (
    Activity,
    Event,
    counted,
    event_bytes,
    event_key,
    parse_events,
)
from tests.builders import LIMITS, NOON, event
from tests.domain.strategies import few_events, json, names

DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
TEXT = "a" * 512


def read(*raw, now=NOON, limits=LIMITS):
    return parse_events(raw, now, [f"new{position}" for position, _ in enumerate(raw)], limits)


def read_one(now=NOON, limits=LIMITS, **raw):
    (only,) = read({"name": "Viewed"} | raw, now=now, limits=limits)
    return only


def test_an_event_is_read():
    raw = {
        "id": " e1 ",
        "name": " Added To Cart ",
        "at": "2026-01-31T10:00:00.0009+01:00",
        "properties": {"total": 2},
        "items": [{"sku": "a"}, {}],
    }

    assert read(raw) == (
        Event(
            id=" e1 ",
            name="Added To Cart",
            at=datetime(2026, 1, 31, 9, tzinfo=UTC),
            properties={"total": 2.0},
            items=({"sku": "a"}, {}),
        ),
    )


@pytest.mark.parametrize(
    "raw", [{}, {"id": None, "at": None, "properties": None, "items": None}, {"items": []}]
)
def test_an_event_with_a_name_alone_gets_an_id_and_happens_now(raw):
    assert read_one(**raw) == event(id="new0", name="Viewed", at=NOON)


def test_every_event_without_an_id_gets_its_own():
    assert [e.id for e in read({"name": "a"}, {"name": "a", "id": "x"}, {"name": "a"})] == [
        "new0",
        "x",
        "new2",
    ]


def test_no_event_at_all_is_refused():
    with pytest.raises(InvalidInput, match="no event") as refused:
        read()

    assert refused.value.path == ("events",)


def test_a_call_records_up_to_1000_events():
    assert len(read(*[{"name": "Viewed"}] * 1_000)) == 1_000


def test_a_call_with_more_events_is_refused():
    with pytest.raises(LimitExceeded, match="1000 events") as refused:
        read(*[{"name": "Viewed"}] * 1_001)

    assert (refused.value.path, refused.value.limit) == (("events",), 1_000)


@pytest.mark.parametrize("raw", [{"name": "é" * 256}, {"id": "👩" * 128}, {"id": "0"}])
def test_a_name_takes_512_bytes_and_an_id_128_characters(raw):
    assert read_one(**raw)


@pytest.mark.parametrize(
    ("raw", "path", "fault"),
    [
        ({"name": ""}, ("name",), "empty"),
        ({"name": " \t"}, ("name",), "empty"),
        ({"name": "a\nb"}, ("name",), "control"),
        ({"id": ""}, ("id",), "empty"),
        ({"id": "a\0"}, ("id",), r"U\+0000"),
        ({"id": "\ud800"}, ("id",), "surrogate"),
        ({"properties": []}, ("properties",), "not an object"),
        ({"properties": {"a": None}}, ("properties", "a"), "null"),
        ({"properties": {"a": {}}}, ("properties", "a"), "A value is"),
        ({"properties": {" ": 1}}, ("properties", " "), "empty"),
        ({"properties": {"a": 1, " a": 1}}, ("properties", " a"), "twice"),
        ({"items": [{}, {"a": [1]}]}, ("items", "1", "a", "0"), "texts only"),
        ({"items": ["a"]}, ("items", "0"), "not an object"),
    ],
)
def test_a_fault_has_the_path_of_its_event(raw, path, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read({"name": "Viewed"}, {"name": "Viewed"} | raw)

    assert refused.value.path == ("events", "1", *path)


@pytest.mark.parametrize(
    ("raw", "path", "limit"),
    [
        ({"name": "é" * 256 + "a"}, ("name",), 512),
        ({"id": "👩" * 129}, ("id",), 128),
        ({"properties": {"a": "a" * 513}}, ("properties", "a"), 512),
        ({"properties": {"a" * 121: 1}}, ("properties", "a" * 121), 120),
        ({"properties": {"a": [str(n) for n in range(101)]}}, ("properties", "a"), 100),
        ({"properties": {str(n): 1 for n in range(101)}}, ("properties",), 100),
        ({"items": [{}, {str(n): 1 for n in range(101)}]}, ("items", "1"), 100),
        ({"items": [{}] * 51}, ("items",), 50),
    ],
)
def test_a_limit_has_the_path_of_its_event(raw, path, limit):
    with pytest.raises(LimitExceeded, match=str(limit)) as refused:
        read({"name": "Viewed"}, {"name": "Viewed"} | raw)

    assert (refused.value.path, refused.value.limit) == (("events", "1", *path), limit)


def test_an_event_has_up_to_100_properties_and_50_items_of_as_many():
    most = {str(n): True for n in range(100)}

    assert read_one(properties=most).properties == most
    assert read_one(items=[{}] * 49 + [most]).items == ({},) * 49 + (most,)


def test_the_standard_names_are_free_in_events():
    assert read_one(properties={"name": "a", "type": "b", "id": "c"})


FULL = {f"{n:02}": TEXT for n in range(63)} | {"63": "a" * (32_768 - 63 * 514 - 2 - 6)}


@pytest.mark.parametrize("split", [0, 1, 63])
def test_an_event_takes_up_to_32_kib_in_all(split):
    parts = list(FULL.items())

    read = read_one(properties=dict(parts[:split]), items=[dict(parts[split:])])

    assert event_bytes(read) == 32 * 1024


@pytest.mark.parametrize("part", ["properties", "items"])
def test_an_event_of_one_byte_more_is_refused(part):
    more = FULL | {"63": FULL["63"] + "a"}

    with pytest.raises(LimitExceeded, match="32768 bytes") as refused:
        read_one(**{part: {"properties": more, "items": [more]}[part]})

    assert (refused.value.path, refused.value.limit) == (("events", "0"), 32_768)


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (NOON, NOON + DAY),
        (NOON, NOON.replace(year=2016)),
        (NOON, "2016-01-31T13:00:00+01:00"),
        (datetime(2024, 2, 29, tzinfo=UTC), datetime(2014, 2, 28, tzinfo=UTC)),
    ],
)
def test_an_event_is_at_most_10_calendar_years_old_and_a_day_ahead(now, at):
    assert read_one(now=now, at=at)


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        (NOON + DAY + MS, "24 hours"),
        (NOON.replace(year=2016) - MS, "10 years"),
        ("2016-01-31T11:59:59.999Z", "10 years"),
        ("0001-01-01T00:00:00Z", "10 years"),
        ("9999-12-31T23:59:59Z", "24 hours"),
        ("2026-01-31T12:00:00", "offset"),
        ("2026-01-31", "no instant"),
    ],
)
def test_an_event_at_another_time_is_refused(at, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read_one(at=at)

    assert refused.value.path == ("events", "0", "at")


@pytest.mark.parametrize(
    ("setting", "raw", "fault"),
    [
        ({"event_future_hours": 0}, {"at": NOON + MS}, "0 hours"),
        ({"event_properties": 1}, {"properties": {"a": 1, "b": 1}}, "1 properties"),
        ({"text_bytes": 1}, {"properties": {"a": "ab"}}, "1 bytes"),
    ],
)
def test_limits_are_settings(setting, raw, fault):
    with pytest.raises(DomainError, match=fault):
        read_one(limits=LIMITS.model_copy(update=setting), **raw)


@given(json, json)
def test_any_json_is_read_or_refused(properties, item):
    with contextlib.suppress(DomainError):
        read_one(properties=properties, items=[item])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Added To Cart", "addedtocart"),
        ("Added To Cart", "ADDED\u00a0TO  CART"),
        ("Straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
    ],
)
def test_names_that_differ_in_case_or_spaces_have_one_key(one, other):
    assert event_key(one) == event_key(other)


@pytest.mark.parametrize("other", ["Added-To-Cart", "Added_To_Cart", "Added To Carts"])
def test_names_that_differ_otherwise_have_another_key(other):
    assert event_key("Added To Cart") != event_key(other)


@given(names)
def test_the_key_of_a_key_is_itself(name):
    assert event_key(event_key(name)) == event_key(name)


def test_events_are_counted_under_the_first_spelling():
    early, late = event(name="Viewed", at=NOON - DAY), event(name="VIEWED", at=NOON)

    assert counted({}, [late, early]) == {
        "viewed": Activity(name="VIEWED", count=2, first_at=NOON - DAY, last_at=NOON)
    }


@given(st.lists(few_events), st.integers(0, 20), st.randoms())
def test_totals_are_a_count_whatever_the_order_and_the_batches(drawn, cut, random):
    shuffled = list(drawn)
    random.shuffle(shuffled)

    totals = counted(counted({}, shuffled[:cut]), shuffled[cut:])

    assert {key: total.count for key, total in totals.items()} == Counter(e.key for e in drawn)
    assert {key: (total.first_at, total.last_at) for key, total in totals.items()} == {
        key: (min(times), max(times))
        for key in totals
        if (times := [e.at for e in drawn if e.key == key])
    }


@given(st.lists(few_events), st.lists(few_events))
def test_counting_leaves_the_totals_before_as_they_were(first, second):
    before = counted({}, first)
    copy = dict(before)

    counted(before, second)

    assert before == copy
