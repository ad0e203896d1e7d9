"""Criteria: true or false of everybody at every moment, and opposites exact."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.criteria import Range, matches
from app.domain.criteria_input import parse_criteria
from app.domain.reach import age_on
from app.domain.user import User, recorded
from app.domain.windows import Moment
from app.store import bounds
from tests.builders import HERE, LIMITS, NOON, event, user
from tests.domain.strategies import users, values

MOMENT = Moment(NOON, ZoneInfo("UTC"))


def holds(raw, person, moment=MOMENT):
    return matches(parse_criteria(raw, HERE, LIMITS, {}), person, moment)


def did_things(*events) -> User:
    return recorded(user(), events, frozenset(), NOON, LIMITS).user


filters = st.sampled_from(
    [
        {"equals": "x"}, {"in": ["", 1, True, ["a"]]}, {"contains": ""}, {"startsWith": "s"},
        {"exists": True}, {"gt": 0}, {"lte": "ß"}, {"between": [0, 9]},
        {"within": {"lastDays": 10_000}}, {"gte": {"date": "2000-01-01"}},
    ]
)  # fmt: skip
questions = st.recursive(
    st.one_of(
        filters.map(lambda f: {"property": {"name": "p", "is": f}}),
        filters.map(lambda f: {"property": {"name": "name", "is": f}}),
        st.sampled_from(
            [
                {"type": ["CUSTOMER"]}, {"age": {"max": 30}}, {"gender": ["OTHER"]},
                {"language": ["de"]}, {"location": {"country": ["CH"]}}, {"reachableBy": "SMS"},
                {"identity": {"kind": "EMAIL"}}, {"lastSeenAt": {"before": "2020-01-01T00:00:00Z"}},
                {"createdAt": {"lastDays": 9}}, {"did": {"name": "Viewed", "count": {"max": 2}}},
                {"location": {"near": {"latitude": 0, "longitude": 0, "radiusMetres": 1e6}}},
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)  # fmt: skip
people = st.builds(
    lambda person, value: person.model_copy(update={"properties": {"p": value}}), users, values
)


@settings(max_examples=60, deadline=None)
@given(questions, people | users)
def test_not_is_exact_negation(raw, person):
    assert holds({"not": raw}, person) is not holds(raw, person)


@settings(max_examples=60, deadline=None)
@given(st.lists(questions, max_size=3), people)
def test_all_and_any_are_each_others_mirror(raws, person):
    mirrored = {"not": {"any": [{"not": raw} for raw in raws]}}

    assert holds({"all": raws}, person) is holds(mirrored, person)
    assert holds({"all": raws}, person) is all(holds(raw, person) for raw in raws)


@settings(max_examples=60, deadline=None)
@given(people | users, values, st.sampled_from(["equals", "in", "contains"]))
def test_negative_filters_are_exact_opposites(person, value, kind):
    asked = {"equals": "x", "in": ["x", 1], "contains": "s"}[kind]
    opposite = f"not{kind.capitalize()}"

    for name in ("p", "name", "nowhere"):
        positive, negative = (
            holds({"property": {"name": name, "is": {k: asked}}}, person) for k in (kind, opposite)
        )
        assert positive is not negative


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"count": {"max": 0}}, {"count": {"min": 2}}, {"sum": {"property": "n", "min": 0}},
        {"during": {"lastDays": 0}}, {"where": [{"name": "n", "is": {"notEquals": 1}}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("times", [0, 1, 2])
def test_did_not_is_exactly_not_did(asked, times):
    person = did_things(*(event(id=str(n), properties={"n": 1.0}) for n in range(times)))
    raw = {"name": "V i e w e d", **asked}

    assert holds({"didNot": raw}, person) is not holds({"did": raw}, person)


def test_a_most_of_two_includes_never():
    assert holds({"did": {"name": "Viewed", "count": {"max": 2}}}, user())


def test_nobody_is_in_any_of_nothing_and_everybody_in_all_of_it():
    assert holds({"all": []}, user())
    assert not holds({"any": []}, user())


def test_what_has_no_number_counts_nothing_in_a_sum():
    events = [
        event(id=str(n), properties=p) for n, p in enumerate([{"n": 0.1}, {"n": True}, {"n": "5"}])
    ]

    asked = {"name": "viewed", "sum": {"property": "n", "min": 0.1, "max": 0.1}}
    assert holds({"did": asked}, did_things(*events, event(id="x")))


@pytest.mark.parametrize(
    ("value", "raw", "expected"),
    [
        ("STRASSE", {"contains": "ße"}, True),
        ("Straße", {"startsWith": "STRASS"}, True),
        ("Straße", {"equals": "STRASSE"}, False),
        ("a.b", {"contains": "a?b"}, False),
        (("STRASSE",), {"contains": "straße"}, True),
        (("STRASSE",), {"contains": "stra"}, False),
        (("a", "b"), {"equals": ["b", "a"]}, True),
        ((), {"equals": []}, True),
        (True, {"equals": 1}, False),
        (1.0, {"equals": True}, False),
        ("1", {"gte": 1}, False),
        ("", {"exists": True}, True),
        ("\uffff", {"lt": "\U0001f600"}, True),
    ],
)
def test_values_compare_within_their_kind(value, raw, expected):
    person = user(properties={"p": value})

    assert holds({"property": {"name": "p", "is": raw}}, person) is expected


BORN = [date(2000, 2, 27) + timedelta(days=n) for n in range(4)]
BORN += [date(1999, 2, 28), date(1999, 3, 1), date(2001, 2, 28), date(2001, 3, 1)]
DAYS = [
    date(year, 2, 26) + timedelta(days=n) for year in (2023, 2024, 2025, 2100) for n in range(6)
]


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/St_Johns"])
def test_the_age_asked_for_is_the_age_shown(today, zone):
    midnight = datetime.combine(today, time.min, ZoneInfo(zone)).astimezone(UTC)
    for now in (midnight, midnight + timedelta(hours=22)):
        moment = Moment(now, ZoneInfo(zone))
        for born in BORN:
            age = age_on(today, born)
            asked = [
                holds({"age": {"min": n, "max": n}}, user(birthday=born), moment)
                for n in (age - 1, age, age + 1)
            ]
            assert asked == [False, True, False]


@pytest.mark.parametrize("today", DAYS)
def test_birthdays_as_texts_compare_as_ages_do(today):
    for born in BORN:
        for low, high in ((a, b) for a in range(-2, 103) for b in (a, None)):
            ages = Range(low, high)
            after, until = bounds.birthdays(ages, today)
            found = (after is None or born.isoformat() > after) and born.isoformat() <= str(until)
            assert found is ages.holds(age_on(today, born))


def test_a_sum_beyond_the_range_of_a_float_is_still_compared():
    person = did_things(
        *(event(id=str(n), properties={"n": amount}) for n, amount in enumerate((1e308, 1e308)))
    )

    assert holds({"did": {"name": "viewed", "sum": {"property": "n", "min": 1e308}}}, person)
    assert not holds({"did": {"name": "viewed", "sum": {"property": "n", "max": 1e308}}}, person)
