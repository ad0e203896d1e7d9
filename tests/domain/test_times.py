"""Days and instants as text."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.domain.times import parse_day, parse_instant, show_instant, to_utc_ms, years_before
from tests.builders import HERE
from tests.domain.strategies import instants


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2024-02-29", date(2024, 2, 29)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
    ],
)
def test_a_day_is_read(text, day):
    assert parse_day(text, HERE) == day


@pytest.mark.parametrize(
    "text",
    ["", "2023-02-29", "2026-13-01", "0000-01-01", "10000-01-01", "20260131", "2026-W05-6",
     "2026-1-31", " 2026-01-31", "2026-01-31\n", "２０２６-01-31", "2026-01-31T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_day_is_refused(text):
    with pytest.raises(InvalidInput, match="no day") as refused:
        parse_day(text, HERE)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31 12:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00.1234567+02:00", "2026-01-31T10:00:00.123Z"),
        ("2026-01-31T12:00:00-0530", "2026-01-31T17:30:00.000Z"),
        ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00.9999Z", "2026-01-31T12:00:00.999Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_kept_in_utc_to_the_millisecond(text, shown):
    assert show_instant(parse_instant(text, HERE)) == shown


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31 12:00:00.5"]
)
def test_an_instant_without_an_offset_is_refused(text):
    with pytest.raises(InvalidInput, match="offset") as refused:
        parse_instant(text, HERE)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-31", "2026-01-31T12Z", "2026-01-31T12:00:00,5Z", "20260131T120000Z",
     "2026-01-31T12:00:00Z\n", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z",
     "2026-01-31T23:59:60Z", "2026-01-31T12:00:00+24:00", "0001-01-01T00:00:00+00:01",
     "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z", "2026-01-31T12:00:00 +02:00"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(InvalidInput, match=r"no.*instant") as refused:
        parse_instant(text, HERE)

    assert refused.value.path == HERE


@given(instants)
def test_a_shown_instant_is_read_as_itself(instant):
    assert parse_instant(show_instant(instant)) == instant


@given(instants, instants)
def test_shown_instants_sort_as_the_instants_do(one, other):
    assert (show_instant(one) < show_instant(other)) == (one < other)


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_an_instant_is_cut_by_less_than_a_millisecond(instant):
    cut = to_utc_ms(instant)

    assert timedelta() <= instant - cut < timedelta(milliseconds=1)
    assert (cut.tzinfo, cut.microsecond % 1000) == (UTC, 0)


@pytest.mark.parametrize(
    ("day", "years", "before"),
    [
        (date(2026, 1, 31), 10, date(2016, 1, 31)),
        (date(2024, 2, 29), 4, date(2020, 2, 29)),
        (date(2024, 2, 29), 10, date(2014, 2, 28)),
        (date(2024, 2, 29), 150, date(1874, 2, 28)),
    ],
)
def test_years_before_is_the_same_calendar_day(day, years, before):
    assert years_before(day, years) == before
