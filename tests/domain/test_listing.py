"""In which order people and events are listed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.listing import (
    EventPosition,
    UserOrder,
    UserPosition,
    is_settled,
    listed,
    position_of,
)
from tests.builders import NOON, event, query, user
from tests.domain.strategies import few_events

MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("order", "position"),
    [
        (UserOrder.NEWEST, UserPosition(None, "u1")),
        (UserOrder.OLDEST, UserPosition(None, "u1")),
        (UserOrder.LAST_SEEN, UserPosition(NOON, "u1")),
    ],
)
def test_a_user_stands_by_id_or_by_when_they_were_seen(order, position):
    assert position_of(user(id="u1", last_seen_at=NOON), order) == position


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({}, True),
        ({"key": "viewed"}, True),
        ({"key": "charged"}, False),
        ({"since": NOON}, True),
        ({"since": NOON + MS}, False),
        ({"until": NOON}, False),
        ({"until": NOON + MS}, True),
        ({"since": NOON, "until": NOON}, False),
        ({"after": EventPosition(NOON, "e1")}, False),
        ({"after": EventPosition(NOON, "e2")}, True),
        ({"after": EventPosition(NOON, "e0")}, False),
        ({"after": EventPosition(NOON + MS, "e0")}, True),
    ],
)
def test_since_includes_its_instant_and_until_and_after_exclude_it(asked, taken):
    assert query(**asked).takes(event(id="e1", name="Viewed", at=NOON)) == taken


@pytest.mark.parametrize(("first", "more"), [(1, True), (2, True), (3, False), (4, False)])
def test_more_follow_exactly_when_some_were_left_out(first, more):
    events = [event(id=id) for id in "abc"]

    page, has_more = listed(query(first=first), events)

    assert ([e.id for e in page], has_more) == (["c", "b", "a"][:first], more)


def test_an_event_in_two_sources_counts_once_as_the_first_has_it():
    here, there = event(id="a", name="Here"), event(id="a", name="There")

    assert listed(query(first=1), [here], [there]) == ([here], False)


def test_nothing_is_listed_of_nothing():
    assert listed(query()) == ([], False)


@given(
    st.lists(few_events, unique_by=lambda event: event.id),
    st.sampled_from([None, "viewed", "strasse"]),
    st.integers(1, 4),
    st.integers(0, 16),
)
def test_pages_of_any_size_join_to_the_whole(events, key, size, cut):
    whole, _ = listed(query(key=key), events)
    joined, after, more = [], None, True

    while more:
        page, more = listed(
            query(key=key, after=after, first=size), events[:cut], events[cut:], events
        )
        joined += page
        after = EventPosition(page[-1].at, page[-1].id) if page else None

    assert joined == whole


@pytest.mark.parametrize(
    ("oldest_at", "archived_until", "more", "settled"),
    [
        (NOON + MS, NOON, True, True),
        (NOON + MS, NOON, False, False),
        (NOON, NOON, True, False),
        (NOON - MS, NOON, True, False),
        (None, NOON, False, False),
        (NOON, None, True, False),
    ],
)
def test_a_page_needs_no_archive_if_it_ends_after_it_and_more_follow(
    oldest_at, archived_until, more, settled
):
    assert is_settled(oldest_at, archived_until, more=more) is settled
