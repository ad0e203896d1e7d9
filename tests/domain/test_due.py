"""When time alone can next alter what is true of a person."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.criteria import matches, missing_events
from app.domain.criteria_input import parse_criteria
from app.domain.due import is_timeless, next_due, timed_events
from app.domain.user import recorded
from app.domain.windows import Moment
from tests.builders import HERE, LIMITS, NOON, event, user
from tests.finding import ROOM, SEGMENTS, TICK, criteria, deeds, moments, somebody

UTC_NOON = Moment(NOON, ZoneInfo("UTC"))


def due(raw: dict[str, Any], person: Any, moment: Moment = UTC_NOON) -> datetime | None:
    return next_due(parse_criteria(raw, HERE, LIMITS, {}), person, moment)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(criteria, moments, st.integers(0, 10_000), st.data())
def test_nothing_turns_before_it_is_due(raw, moment, seed, data):
    rng = random.Random(seed)
    person = somebody(rng, rng.randrange(50))
    edit = recorded(person, deeds(rng, 12), frozenset(), NOON, ROOM)
    history = list(edit.spilled)
    criterion = parse_criteria(raw, HERE, ROOM, SEGMENTS)
    keys = timed_events(criterion, edit.user, moment)
    needed = [one for one in history if one.key in keys]
    end = next_due(criterion, edit.user, moment, needed)
    latest = (end or moment.now + timedelta(days=5_000)) - TICK
    gap_ms = (latest - moment.now) // TICK
    steps = data.draw(
        st.lists(st.integers(0, gap_ms) | st.integers(max(0, gap_ms - 5), gap_ms), max_size=5)
    )

    assert end is None or end > moment.now
    now = matches(criterion, edit.user, moment, history)
    for step in (gap_ms, *steps):
        later = Moment(moment.now + step * TICK, moment.zone)
        assert matches(criterion, edit.user, later, history) is now


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(criteria, st.integers(0, 10_000), st.lists(moments, min_size=2, max_size=4))
def test_what_is_timeless_is_as_true_at_every_moment(raw, seed, at):
    rng = random.Random(seed)
    edit = recorded(somebody(rng, 1), deeds(rng, 12), frozenset(), NOON, ROOM)
    criterion = parse_criteria(raw, HERE, ROOM, SEGMENTS)
    truths = {matches(criterion, edit.user, moment, edit.spilled) for moment in at}

    assert len(truths) == 1 or not is_timeless(criterion)


@pytest.mark.parametrize(
    ("raw", "timeless"),
    [
        ({"gender": ["FEMALE"]}, True),
        ({"did": {"name": "V"}}, True),
        ({"did": {"name": "V", "during": {"lastDays": 3}}}, False),
        ({"all": [{"gender": ["FEMALE"]}, {"age": {"min": 3}}]}, False),
        ({"not": {"property": {"name": "p", "is": {"within": {"lastDays": 3}}}}}, False),
        ({"property": {"name": "p", "is": {"equals": 3}}}, True),
    ],
)
def test_criteria_without_a_clock_are_timeless(raw, timeless):
    assert is_timeless(parse_criteria(raw, HERE, LIMITS, {})) is timeless


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"age": {"min": 26}}, datetime(2026, 5, 17, tzinfo=UTC)),
        ({"age": {"max": 25}}, datetime(2026, 5, 17, tzinfo=UTC)),
        ({"age": {"min": 30, "max": 40}}, datetime(2030, 5, 17, tzinfo=UTC)),
        ({"age": {"min": 20}}, None),
        ({"age": {"min": 9_000}}, None),
        ({"createdAt": {"last": "PT1H"}}, NOON + timedelta(hours=1) + TICK),
        ({"createdAt": {"lastDays": 1}}, datetime(2026, 2, 2, tzinfo=UTC)),
        ({"createdAt": {"on": "2026-02-03"}}, None),
        ({"not": {"createdAt": {"last": "PT1H"}}}, NOON + timedelta(hours=1) + TICK),
        ({"lastSeenAt": {"last": "PT1H"}}, None),
        ({"gender": ["FEMALE"]}, None),
    ],
)
def test_facts_turn_when_their_window_passes_or_a_birthday_comes(raw, expected):
    person = user(birthday=date(2000, 5, 17))

    assert due(raw, person) == expected


def test_who_was_born_on_29_february_turns_older_on_1_march_of_a_common_year():
    person = user(birthday=date(2000, 2, 29))

    assert due({"age": {"min": 26}}, person) == datetime(2026, 3, 1, tzinfo=UTC)
    assert due({"age": {"min": 28}}, person) == datetime(2028, 2, 29, tzinfo=UTC)


def test_a_day_begins_at_midnight_of_the_services_zone():
    person = user(birthday=date(2000, 5, 17))

    turns = due({"age": {"min": 26}}, person, Moment(NOON, ZoneInfo("Pacific/Auckland")))

    assert turns == datetime(2026, 5, 16, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "person"),
    [
        ({"createdAt": {"lastDays": 0}}, user(created_at=datetime(2010, 11, 6, 20, tzinfo=UTC))),
        ({"age": {"min": 10}}, user(birthday=date(2000, 11, 7))),
    ],
)
def test_a_day_that_has_begun_already_begins_again_where_clocks_went_back_over_its_midnight(
    raw, person
):
    # At 02:31 UTC, one minute into 7 November, clocks were set to 23:01 of the 6th.
    between = Moment(datetime(2010, 11, 7, 3, tzinfo=UTC), ZoneInfo("America/St_Johns"))

    assert due(raw, person, between) == datetime(2010, 11, 7, 3, 30, tzinfo=UTC)


def did(minutes_ago: list[float]) -> Any:
    events = [
        event(id=f"e{number}", at=NOON - timedelta(minutes=minutes))
        for number, minutes in enumerate(minutes_ago)
    ]
    return recorded(user(), events, frozenset(), NOON, LIMITS).user


@pytest.mark.parametrize(
    ("count", "minutes_ago", "in_minutes"),
    [
        ({"min": 1}, [5, 20, 50], 55),  # until the newest has passed
        ({"min": 2}, [5, 20, 50], 40),
        ({"min": 3}, [5, 20, 50], 10),
        ({"max": 2}, [5, 20, 50], 10),  # until the oldest has
        ({"max": 0}, [5, 20, 50], 55),
        ({"min": 4}, [5, 20, 50], None),
        ({"min": 1}, [70, 80], None),
        ({"min": 1}, [-10], -10),  # one that lies ahead comes
        ({"min": 1}, [], None),
    ],
)
def test_a_count_in_a_rolling_window_is_due_when_it_passes_an_end_of_its_range(
    count, minutes_ago, in_minutes
):
    raw = {"did": {"name": "Viewed", "during": {"last": "PT1H"}, "count": count}}

    turns = due(raw, did(minutes_ago))

    if in_minutes is None:
        assert turns is None
    elif in_minutes < 0:
        assert turns == NOON - timedelta(minutes=in_minutes)
    else:
        assert turns == NOON + timedelta(minutes=in_minutes) + TICK


def test_what_depends_on_no_clock_needs_nothing_from_the_archive():
    person = recorded(user(), [event(id=str(n)) for n in range(20)], frozenset(), NOON, ROOM).user
    ever = parse_criteria({"did": {"name": "Viewed"}}, HERE, LIMITS, {})
    lately, twice = (
        parse_criteria(
            {"did": {"name": "Viewed", "during": {"last": "PT1H"}, "count": {"min": count}}},
            HERE, LIMITS, {},
        )
        for count in (1, 2)
    )  # fmt: skip

    assert person.archived
    assert not timed_events(ever, person, UTC_NOON)
    assert not missing_events(twice, person, UTC_NOON)  # totals tell the count
    assert timed_events(twice, person, UTC_NOON) == {"viewed"}  # but not when it falls
    assert not timed_events(lately, person, UTC_NOON)  # when the last one passes, they tell


@pytest.mark.parametrize("minutes_ago", [5, 70])
def test_no_event_is_read_where_the_newest_one_alone_decides(minutes_ago):
    person = did([minutes_ago, 80, 90])
    forgetful = person.model_copy(update={"events": ()})
    raw = {"did": {"name": "Viewed", "during": {"last": "PT1H"}}}

    assert due(raw, forgetful) == due(raw, person)


def test_whether_something_was_done_lately_totals_tell_without_the_archive():
    events = [event(id=str(n), at=NOON - timedelta(hours=n)) for n in range(20)]
    person = recorded(user(), events, frozenset(), NOON, ROOM).user
    once, twice = (
        parse_criteria(
            {"did": {"name": "Viewed", "during": {"last": "PT15H"}, "count": {"min": count}}},
            HERE, LIMITS, {},
        )
        for count in (1, 2)
    )  # fmt: skip

    assert not missing_events(once, person, UTC_NOON)
    assert matches(once, person.model_copy(update={"events": ()}), UTC_NOON)
    assert missing_events(twice, person, UTC_NOON) == {"viewed"}
