"""The log of events: what stays with the user, what leaves for the archive, what is told."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.catalog import EVENTS, Coiner, Name
from app.domain.events import Event
from app.domain.limits import Limits
from app.domain.listing import EventPosition, listed
from app.domain.properties import PropertyKind
from app.domain.user import Edit, User, followed, recorded, respelled
from tests.builders import LIMITS, NOON, event, query, user
from tests.domain.strategies import few_events

MINUTE = timedelta(minutes=1)
SMALL = Limits(embedded_events=4)


@dataclass
class Log:
    """What a store keeps of one person's events."""

    user: User
    archive: tuple[Event, ...] = ()
    recorded: tuple[Event, ...] = ()
    duplicates: int = 0

    def record(self, batch: list[Event], limits: Limits) -> None:
        known = {event.id for event in self.archive} & {event.id for event in batch}
        edit = recorded(self.user, batch, known, NOON, limits)
        self.user = edit.user
        self.archive = (*self.archive, *edit.spilled)
        self.recorded = (*self.recorded, *edit.recorded)
        self.duplicates += edit.duplicates


def logged(batches: list[list[Event]], limits: Limits = SMALL) -> Log:
    log = Log(user())
    for batch in batches:
        log.record(batch, limits)
    return log


def newest_first(events) -> list[Event]:
    return sorted(events, key=lambda event: (event.at, event.id), reverse=True)


def first_copies(batches: list[list[Event]]) -> list[Event]:
    by_id: dict[str, Event] = {}
    for batch in batches:
        for drawn in batch:
            by_id.setdefault(drawn.id, drawn)
    return list(by_id.values())


batches = st.lists(st.lists(few_events, min_size=1, max_size=6), max_size=6)


@given(batches)
def test_no_event_is_lost_or_doubled(drawn):
    log = logged(drawn)

    kept = [*log.user.events, *log.archive]
    assert newest_first(kept) == newest_first(first_copies(drawn))
    assert list(log.recorded) == first_copies(drawn)
    assert log.duplicates == sum(len(batch) for batch in drawn) - len(kept)


@given(batches)
def test_events_with_the_user_are_few_and_newest_first(drawn):
    log = logged(drawn)

    assert len(log.user.events) <= SMALL.embedded_events
    assert list(log.user.events) == newest_first(log.user.events)


@given(batches)
def test_what_leaves_is_older_than_what_stays(drawn):
    log = logged(drawn[:-1])
    before = log.archive

    log.record(drawn[-1] if drawn else [event()], SMALL)

    assert all(
        left.order < stays.order for left in log.archive[len(before) :] for stays in log.user.events
    )


@given(batches)
def test_the_user_knows_the_size_and_the_end_of_the_archive(drawn):
    log = logged(drawn)

    assert log.user.archived == len(log.archive)
    assert log.user.archived_until == max((e.at for e in log.archive), default=None)


@given(batches)
def test_totals_are_exact_over_the_whole_life(drawn):
    log = logged(drawn)

    distinct = first_copies(drawn)
    assert {key: total.count for key, total in log.user.activity.items()} == Counter(
        event.key for event in distinct
    )
    assert all(
        total.first_at == min(event.at for event in distinct if event.key == key)
        and total.last_at == max(event.at for event in distinct if event.key == key)
        for key, total in log.user.activity.items()
    )


@given(batches)
def test_the_user_was_last_seen_at_the_newest_event(drawn):
    assert logged(drawn).user.last_seen_at == max(
        (event.at for event in first_copies(drawn)), default=None
    )


@given(batches)
def test_how_much_is_kept_with_the_user_is_not_readable(drawn):
    small, large = logged(drawn).user, logged(drawn, LIMITS).user
    internal = {"events", "archived", "archived_until"}

    assert small.model_dump(exclude=internal) == large.model_dump(exclude=internal)


@given(batches, st.integers(1, 4))
def test_pages_run_through_user_and_archive_without_a_seam(drawn, size):
    log = logged(drawn)
    pages: list[Event] = []
    after, more = None, True

    while more:
        page, more = listed(query(after=after, first=size), log.user.events, log.archive)
        pages += page
        after = EventPosition(page[-1].at, page[-1].id) if page else None

    assert pages == newest_first(first_copies(drawn))


@given(batches)
@example([[event(id="a"), event(id="a", name="Other")]])
def test_recording_all_again_changes_nothing(drawn):
    log = logged(drawn)
    again = Log(log.user, log.archive)

    for batch in drawn:
        again.record(batch, SMALL)

    assert (again.user, again.archive, again.recorded) == (log.user, log.archive, ())


def test_a_repeated_id_counts_as_a_duplicate_even_with_other_contents():
    first = event(id="a", name="Viewed")

    edit = recorded(user(events=(first,)), [event(id="a", name="Other")], set(), NOON, LIMITS)

    assert (edit.user, edit.recorded, edit.duplicates) == (user(events=(first,)), (), 1)


def test_an_event_in_the_archive_is_a_duplicate():
    edit = recorded(user(), [event(id="a"), event(id="b")], {"a"}, NOON, LIMITS)

    assert (edit.recorded, edit.duplicates) == ((event(id="b"),), 1)


def test_ties_are_ordered_by_id_the_larger_first():
    edit = recorded(user(), [event(id="a"), event(id="c"), event(id="b")], set(), NOON, LIMITS)

    assert [e.id for e in edit.user.events] == ["c", "b", "a"]


def test_a_late_event_takes_its_place_by_time():
    before = user(events=(event(id="3", at=NOON), event(id="1", at=NOON - 2 * MINUTE)))

    edit = recorded(before, [event(id="2", at=NOON - MINUTE)], set(), NOON, LIMITS)

    assert [e.id for e in edit.user.events] == ["3", "2", "1"]


def numbered(count: int, **known) -> list[Event]:
    return [event(id=f"{n:03}", at=NOON - n * MINUTE, **known) for n in range(count)]


def test_up_to_100_events_stay_with_the_user():
    edit = recorded(user(), numbered(100), set(), NOON, LIMITS)

    assert (list(edit.user.events), edit.spilled) == (numbered(100), ())


def test_of_more_events_the_newest_stay():
    edit = recorded(user(), numbered(101), set(), NOON, LIMITS)

    kept = len(edit.user.events)
    assert 0 < kept <= 100
    assert (list(edit.user.events), list(edit.spilled)) == (
        numbered(101)[:kept],
        numbered(101)[kept:],
    )


def test_of_large_events_fewer_stay_with_the_user():
    large = numbered(100, properties={str(n): "x" * 500 for n in range(60)})

    edit = recorded(user(), large, set(), NOON, LIMITS)

    kept = len(edit.user.events)
    assert 0 < kept < 34
    assert (list(edit.user.events), list(edit.spilled)) == (large[:kept], large[kept:])


def test_every_new_event_makes_a_version_and_a_duplicate_makes_none():
    later = NOON + MINUTE

    once = recorded(user(version=1), [event()], set(), later, LIMITS).user
    twice = recorded(once, [event()], set(), later + MINUTE, LIMITS).user

    assert (once.version, once.updated_at) == (2, later)
    assert twice == once


def test_a_user_seen_later_by_a_device_stays_seen_then():
    edit = recorded(user(last_seen_at=NOON), [event(at=NOON - MINUTE)], set(), NOON, LIMITS)

    assert edit.user.last_seen_at == NOON


def test_the_names_of_new_events_are_sighted_where_the_call_has_them():
    known = event(id="known", name="Known")
    new = event(id="new", name="Bought It", properties={"total": 1.0})

    edit = recorded(user(events=(known,)), [known, new], set(), NOON, LIMITS)

    assert edit.sightings == {
        Name(EVENTS, "boughtit", None): ("Bought It", ("events", "1", "name")),
        Name("event:boughtit", "total", PropertyKind.NUMBER): (
            "total",
            ("events", "1", "properties", "total"),
        ),
    }


def test_every_event_is_named_as_the_service_first_saw_it():
    edit = recorded(user(), [event(id="a", name="VIEWED"), event(id="b")], set(), NOON, LIMITS)

    shown = respelled(edit, {"viewed": "viewed", "other": "Other"})

    assert [e.name for e in (*shown.user.events, *shown.recorded)] == ["viewed"] * 4
    assert {key: total.name for key, total in shown.user.activity.items()} == {"viewed": "viewed"}


@given(batches, st.sampled_from([SMALL, LIMITS]))
def test_respelling_changes_names_alone(drawn, limits):
    all_at_once = [event for batch in drawn for event in batch]
    edit = recorded(user(), all_at_once, set(), NOON, limits)

    shown = respelled(edit, {"viewed": "Seen", "charged": "CHARGED"})

    assert {e.name for e in (*shown.user.events, *shown.spilled, *shown.recorded)} <= {
        "Seen",
        "CHARGED",
        "Straße",
        "STRASSE",
    }
    assert [e.id for e in shown.spilled] == [e.id for e in edit.spilled]
    assert {key: total.count for key, total in shown.user.activity.items()} == {
        key: total.count for key, total in edit.user.activity.items()
    }


def test_an_edit_spelled_right_stays_as_it_is():
    edit = recorded(user(), [event(name="Viewed")], set(), NOON, LIMITS)

    assert respelled(edit, {"viewed": "Viewed"}) is edit


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_how_many_stay_is_a_setting(count):
    edit = recorded(user(), numbered(count), set(), NOON, Limits(embedded_events=2))

    assert len(edit.user.events) <= 2
    assert [*edit.user.events, *edit.spilled] == numbered(count)


@given(batches)
def test_edits_that_follow_each_other_come_to_one(drawn):
    coiner = Coiner("key", 10, NOON)
    kept, log = Edit(user()), Log(user())
    for batch in drawn:
        log.record(batch, SMALL)
        spilled = {event.id for event in kept.spilled}
        edit = replace(recorded(kept.user, batch, spilled, NOON, SMALL), coiner=coiner)
        kept = followed(kept, edit)

    assert (kept.user, kept.recorded, kept.duplicates) == (log.user, log.recorded, log.duplicates)
    assert sorted(kept.spilled, key=by_id) == sorted(log.archive, key=by_id)
    assert kept.coiner == (coiner if drawn else None)


def test_of_what_left_the_document_the_newest_comes_first_and_names_stand_as_first_seen():
    first = recorded(user(), numbered(5), set(), NOON, SMALL)
    again = [event(id=f"later{n}", name="VIEWED", at=NOON + n * MINUTE) for n in range(90, 99)]

    kept = followed(first, recorded(first.user, again, set(), NOON, SMALL))

    assert list(kept.spilled) == newest_first(kept.spilled)
    assert len(kept.spilled) > len(first.spilled) > 0
    assert (
        kept.sightings[Name(EVENTS, "viewed", None)]
        == first.sightings[Name(EVENTS, "viewed", None)]
    )


def by_id(event: Event) -> str:
    return event.id
