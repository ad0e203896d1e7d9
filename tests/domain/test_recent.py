"""The newest events: kept in order and within bounds, read only when somebody looks at them."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import Event, stored_bytes
from app.domain.limits import Limits
from app.domain.recent import MAX_EMBEDDED_BYTES, Recent, divided, newest_first
from tests.builders import LIMITS, NOON, event
from tests.domain.strategies import few_events
from tests.domain.test_log import MINUTE


class Stored:
    """Events that nobody has read yet, and whether somebody has."""

    def __init__(self, *events: Event) -> None:
        self._events = events
        self.was_read = False

    def __len__(self) -> int:
        return len(self._events)

    def read(self) -> tuple[Event, ...]:
        self.was_read = True
        return self._events

    def newest(self) -> Event | None:
        return self._events[0] if self._events else None

    def among(self, ids: Collection[str]) -> set[str]:
        return {event.id for event in self._events}.intersection(ids)


def reckoned(stored: Stored) -> Recent:
    return Recent((), stored, 1_000)


some_events = st.lists(few_events, max_size=6, unique_by=lambda event: event.id)
FIRST, SECOND, THIRD = (event(id=f"e{n}", at=NOON + n * MINUTE) for n in range(3))


def test_a_newer_event_comes_in_front_of_others_that_stay_unread():
    stored = Stored(FIRST)

    joined = reckoned(stored).joined([SECOND, THIRD])

    assert len(joined) == 3
    assert joined.among(["e0", "e2", "e3"]) == {"e0", "e2"}
    assert joined.size_bytes == 1_000 + stored_bytes(SECOND) + stored_bytes(THIRD)
    assert not stored.was_read
    assert joined == (THIRD, SECOND, FIRST)


@pytest.mark.parametrize("late", [FIRST, SECOND])
def test_a_late_event_takes_its_place(late):
    stored = Stored(*(other for other in (THIRD, SECOND, FIRST) if other != late))

    assert reckoned(stored).joined([late]) == (THIRD, SECOND, FIRST)


def test_no_event_leaves_them_as_they_are():
    recent = reckoned(Stored(FIRST))

    assert recent.joined([]) is recent


def test_they_equal_a_sequence_of_the_same_events():
    assert reckoned(Stored(FIRST)) == (FIRST,)
    assert reckoned(Stored(FIRST)) == (FIRST,)
    assert reckoned(Stored(FIRST)) != (SECOND,)
    assert Recent([FIRST]) == Recent((), Stored(FIRST))


def test_what_nobody_reckoned_is_reckoned_from_the_events():
    assert Recent((), Stored(FIRST)).size_bytes == stored_bytes(FIRST)


@given(some_events, some_events, st.integers(2, 6))
def test_unread_or_not_the_same_events_stay(held, fresh, most):
    coming = [one for one in fresh if one.id not in {other.id for other in held}]
    events = newest_first(held)
    limits = Limits(embedded_events=most)

    unread = divided(Recent((), Stored(*events)), coming, limits)

    assert unread == divided(events, coming, limits)
    assert newest_first((*unread[0], *unread[1])) == (*unread[0], *unread[1])


def test_events_that_take_too_much_leave_though_nobody_read_them():
    large = tuple(
        event(id=f"{n:02}", at=NOON - n * MINUTE, properties={"text": "x" * 20_000})
        for n in range(50)
    )
    recent = Recent((), Stored(*large), sum(map(stored_bytes, large)))

    kept, spilled = divided(recent, [THIRD], LIMITS)

    assert (*kept, *spilled) == (THIRD, *large)
    assert sum(map(stored_bytes, kept)) <= MAX_EMBEDDED_BYTES // 2
