"""Who belongs to a segment over time, judged now and then."""

import random
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.change import MembershipKind
from app.domain.criteria import EVERYONE, Criterion, HasGender, matches
from app.domain.criteria_input import parse_criteria
from app.domain.events import Event
from app.domain.membership import OUTSIDE, Judge, Membership, Step, meanings
from app.domain.segment import Segment
from app.domain.user import User, recorded
from app.domain.windows import Moment
from tests.builders import HERE, LIMITS, NOON, event, user
from tests.finding import ROOM, SEGMENTS, TICK, ZONES, criteria, deeds, somebody

UTC = ZoneInfo("UTC")
ENTERED, LEFT = MembershipKind.ENTERED, MembershipKind.LEFT


def judged(
    criterion: Criterion,
    person: User,
    moment: Moment,
    before: Membership = OUTSIDE,
    history: list[Event] | None = None,
) -> tuple[Membership, list[Step]]:
    """Return the membership of the segment `s` afterwards, and what was to be done."""
    judge, standing = Judge({"s": criterion}, moment), {"s": before}
    keys = judge.needs(person, standing)
    needed = [one for one in history or [] if one.key in keys]
    steps = judge.judged(person, standing, needed)
    return (steps[-1].after if steps else before), steps


def crossings(steps: list[Step]) -> list[tuple[MembershipKind, Any]]:
    return [(step.kind, step.at) for step in steps if step.kind]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(criteria, st.sampled_from(ZONES), st.integers(0, 10_000), st.integers(0, 90 * 24))
def test_who_looks_seldom_tells_the_same_as_who_looks_whenever_something_is_due(
    raw, zone, seed, hours
):
    rng = random.Random(seed)
    edit = recorded(
        somebody(rng, rng.randrange(50)), deeds(rng, 12), frozenset(), NOON - TICK, ROOM
    )
    person = edit.user.model_copy(update={"updated_at": NOON - TICK})
    history = list(edit.spilled)
    criterion = parse_criteria(raw, HERE, ROOM, SEGMENTS)
    start, end = Moment(NOON, zone), Moment(NOON + timedelta(hours=hours), zone)
    first, told = judged(criterion, person, start, OUTSIDE, history)

    often, membership = crossings(told), first
    while membership.due is not None and membership.due <= end.now:
        moment = Moment(membership.due, zone)
        membership, told_then = judged(criterion, person, moment, membership, history)
        often += crossings(told_then)
    last, told_later = judged(criterion, person, end, first, history)

    assert crossings(told) + crossings(told_later) == often
    assert last.member is matches(criterion, person, end, history)
    assert last.due is None or last.due > end.now
    kinds = [kind for kind, _ in often]
    assert all(one is not other for one, other in pairwise(kinds))


def pinged(minutes_ago: float) -> Any:
    ping = event(name="Pinged", at=NOON - timedelta(minutes=minutes_ago))
    before = user(updated_at=ping.at)
    edit = recorded(before, [ping], frozenset(), ping.at, LIMITS)
    return edit.user.model_copy(update={"updated_at": ping.at})


LATELY = parse_criteria({"did": {"name": "Pinged", "during": {"last": "PT1H"}}}, HERE, LIMITS, {})
PASSES = NOON + timedelta(hours=1) + TICK


def test_who_enters_is_told_and_when_they_may_leave_is_noted():
    membership, steps = judged(LATELY, pinged(0), Moment(NOON, UTC))

    assert steps == [Step("s", Membership(member=True, due=PASSES), ENTERED, NOON)]
    assert membership == steps[-1].after


def test_who_leaves_by_time_alone_left_when_it_passed_however_late_that_is_seen():
    member = Membership(member=True, due=PASSES)

    _, steps = judged(LATELY, pinged(0), Moment(NOON + timedelta(days=3), UTC), member)

    assert steps == [Step("s", OUTSIDE, LEFT, PASSES)]


def test_who_changed_after_it_fell_due_is_judged_as_they_are_now():
    later = NOON + timedelta(days=3)
    changed = pinged(0).model_copy(update={"updated_at": NOON + timedelta(days=2)})

    _, steps = judged(LATELY, changed, Moment(later, UTC), Membership(member=True, due=PASSES))

    assert steps == [Step("s", OUTSIDE, LEFT, later)]


def test_a_due_instant_that_is_too_early_is_left_as_it_is():
    early = Membership(member=True, due=NOON + timedelta(minutes=5))

    assert judged(LATELY, pinged(0), Moment(NOON, UTC), early) == (early, [])


def test_a_due_instant_that_is_too_late_is_put_right():
    late = Membership(member=True, due=PASSES + timedelta(days=1))

    _, steps = judged(LATELY, pinged(0), Moment(NOON, UTC), late)

    assert steps == [Step("s", Membership(member=True, due=PASSES), None, NOON)]


def test_two_birthdays_that_nobody_saw_are_both_told():
    person = user(birthday=date(2000, 5, 17))
    of_26 = parse_criteria({"age": {"min": 26, "max": 26}}, HERE, LIMITS, {})
    membership, _ = judged(of_26, person, Moment(NOON, UTC))

    last, steps = judged(of_26, person, Moment(NOON.replace(year=2028), UTC), membership)

    assert crossings(steps) == [
        (ENTERED, NOON.replace(month=5, day=17, hour=0)),
        (LEFT, NOON.replace(year=2027, month=5, day=17, hour=0)),
    ]
    assert last == OUTSIDE


def test_who_is_gone_leaves_what_they_belonged_to():
    judge = Judge({}, Moment(NOON, UTC))
    before = {"in": Membership(member=True, due=None), "out": Membership(member=False, due=PASSES)}

    assert judge.gone(before) == [
        Step("in", OUTSIDE, LEFT, NOON),
        Step("out", OUTSIDE, None, NOON),
    ]


def segment(id: str, raw: dict[str, Any]) -> Segment:
    return Segment(id=id, name=id, description=None, criteria=raw, created_at=NOON, updated_at=NOON)


@pytest.mark.parametrize("changed", ["a", "b", "c"])
def test_a_segments_meaning_changes_with_any_that_it_refers_to(changed):
    women, men = {"gender": ["FEMALE"]}, {"gender": ["MALE"]}
    raws: dict[str, Any] = {
        "a": women,
        "b": {"not": {"segment": "a"}},
        "c": {"all": [{"segment": "b"}]},
    }
    before = meanings({id: segment(id, raw) for id, raw in raws.items()}, UTC)
    raws[changed] = {"any": [raws[changed], men]}
    after = meanings({id: segment(id, raw) for id, raw in raws.items()}, UTC)

    assert {id for id in raws if before[id] != after[id]} == {id for id in raws if id >= changed}


def test_a_segments_meaning_changes_with_the_zone_whose_midnight_counts():
    segments = {"a": segment("a", {"createdAt": {"lastDays": 1}})}

    assert meanings(segments, UTC) != meanings(segments, ZoneInfo("Europe/Zurich"))


def test_everybody_belongs_to_a_segment_that_asks_for_nothing():
    assert judged(EVERYONE, user(), Moment(NOON, UTC))[0] == Membership(member=True, due=None)
    assert judged(HasGender(frozenset()), user(), Moment(NOON, UTC)) == (OUTSIDE, [])
