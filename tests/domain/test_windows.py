"""Windows in time: which instants they hold, in which zone, and what is no window."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.domain.windows import Moment, parse_window, span_of
from tests.builders import HERE, NOON

TICK = timedelta(milliseconds=1)
AUCKLAND = "Pacific/Auckland"
ST_JOHNS = "America/St_Johns"


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def holds(window, instant, now=NOON, zone="UTC"):
    return span_of(parse_window(window, HERE), Moment(now, ZoneInfo(zone))).holds(instant)


@pytest.mark.parametrize(
    ("window", "zone", "first", "last"),
    [
        ({"lastDays": 0}, "UTC", "2026-01-31T00:00Z", "2026-01-31T12:00Z"),
        ({"lastDays": 1}, "UTC", "2026-01-30T00:00Z", "2026-01-31T12:00Z"),
        ({"lastDays": 0}, AUCKLAND, "2026-01-31T11:00Z", "2026-01-31T12:00Z"),
        ({"lastDays": 0}, ST_JOHNS, "2026-01-31T03:30Z", "2026-01-31T12:00Z"),
        ({"last": "PT24H"}, AUCKLAND, "2026-01-30T12:00Z", "2026-01-31T12:00Z"),
        ({"last": "PT0S"}, "UTC", "2026-01-31T12:00Z", "2026-01-31T12:00Z"),
        ({"on": "2026-02-01"}, "UTC", "2026-02-01T00:00Z", "2026-02-01T23:59:59.999Z"),
        # Days on which clocks are turned have 23 and 25 hours.
        ({"on": "2026-03-08"}, ST_JOHNS, "2026-03-08T03:30Z", "2026-03-09T02:29:59.999Z"),
        ({"on": "2026-04-05"}, AUCKLAND, "2026-04-04T11:00Z", "2026-04-05T11:59:59.999Z"),
        (
            {"between": {"from": "2026-01-30", "to": "2026-02-02"}},
            "UTC", "2026-01-30T00:00Z", "2026-02-02T23:59:59.999Z",
        ),
    ],
)  # fmt: skip
def test_both_ends_are_inside_and_nothing_beyond(window, zone, first, last):
    for inside, outside in ((at(first), at(first) - TICK), (at(last), at(last) + TICK)):
        assert holds(window, inside, zone=zone)
        assert not holds(window, outside, zone=zone)


def test_before_excludes_its_instant_and_since_includes_it():
    instant = {"before": "2026-01-31T12:00:00Z"}, {"since": "2026-01-31T12:00:00Z"}

    assert [[holds(w, NOON + d) for d in (-TICK, 0 * TICK, TICK)] for w in instant] == [
        [True, False, False],
        [False, True, True],
    ]


def test_a_window_of_days_may_lie_ahead():
    assert holds({"on": "2026-02-01"}, NOON + timedelta(days=1))
    assert holds({"since": "2026-01-31T12:00:00Z"}, NOON + timedelta(days=9))


@given(
    st.integers(0, 2**31).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(["UTC", AUCKLAND, ST_JOHNS, "Pacific/Apia", "Africa/Cairo"]),
)
def test_every_instant_is_in_exactly_one_day(instant, zone):
    day = Moment(instant, ZoneInfo(zone)).today
    around = [day + timedelta(days=step) for step in (-1, 0, 1)]

    assert sum(holds({"on": one.isoformat()}, instant, zone=zone) for one in around) == 1


@pytest.mark.parametrize("zone", ["UTC", AUCKLAND, ST_JOHNS])
def test_the_ends_of_the_calendar_are_days_too(zone):
    moment = Moment(NOON, ZoneInfo(zone))

    assert moment.midnight(date.min) < moment.midnight(date(1, 1, 2))
    assert moment.midnight(date(9999, 12, 30)) < moment.midnight(date.max)


@pytest.mark.parametrize("zone", ["UTC", AUCKLAND, ST_JOHNS])
@pytest.mark.parametrize(
    "window", [{"on": "9999-12-31"}, {"between": {"from": "2026-02-03", "to": "9999-12-31"}}]
)
def test_the_last_day_of_the_calendar_never_ends(window, zone):
    assert holds(window, datetime.max.replace(tzinfo=UTC), zone=zone)
    assert not holds(window, NOON, zone=zone)


@pytest.mark.parametrize(
    ("window", "path"),
    [
        ({"lastDays": -1}, ["lastDays"]),
        ({"lastDays": 36_526}, ["lastDays"]),
        ({"lastDays": True}, ["lastDays"]),
        ({"last": ""}, ["last"]),
        ({"last": "P"}, ["last"]),
        ({"last": "PT"}, ["last"]),
        ({"last": "-PT1H"}, ["last"]),
        ({"last": "P1M"}, ["last"]),
        ({"last": "P1DT"}, ["last"]),
        ({"last": "PT1H\n"}, ["last"]),
        ({"last": "P99999999999D"}, ["last"]),
        ({"on": "2026-02-30"}, ["on"]),
        ({"between": {"from": "2026-02-02", "to": "2026-02-01"}}, ["between"]),
        ({"between": {"from": "x", "to": "2026-02-01"}}, ["between", "from"]),
        ({"before": "2026-02-01T00:00:00"}, ["before"]),
        ({"since": "yesterday"}, ["since"]),
    ],
)
def test_what_is_no_window_is_refused(window, path):
    with pytest.raises(InvalidInput) as refused:
        parse_window(window, HERE)

    assert refused.value.path == (*HERE, *path)
