"""Two users who are one person: whose value stays, what adds up, what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import LimitExceeded
from app.domain.events import Activity, Event, counted
from app.domain.fields import Gender, Location
from app.domain.limits import (
    MAX_LIST_BYTES,
    MAX_LIST_TEXTS,
    MAX_PROPERTIES_BYTES,
    Limits,
)
from app.domain.merge import Lost, Overlap, merged
from app.domain.reach import Channel, Choice
from app.domain.user import Edit, User, recorded
from tests.builders import LIMITS, NOON, device, event, linked_identity, push, user
from tests.domain.strategies import few_events, few_properties, users

LATER = NOON + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SMALL = Limits(embedded_events=4)
NO_OVERLAP = Overlap()
OLD, YOUNG = "01KG9C2D00", "01KG9C2D01"


def joined(into: User, other: User, limits: Limits = LIMITS) -> User:
    """Return the user that two who did nothing alike become."""
    return merged(into, other, NO_OVERLAP, LATER, limits).user


def one_of(**known: Any) -> User:
    return user(id=OLD, **known)


def other_of(**known: Any) -> User:
    return user(id=YOUNG, **known)


# ---------------------------------------------------------------- values

ADA = {
    "name": "Ada",
    "email": "ada@example.org",
    "phone": "+41446681800",
    "birthday": date(1990, 5, 17),
    "gender": Gender.FEMALE,
    "language": "de-CH",
    "timezone": "Europe/Zurich",
    "photo_url": "https://example.org/ada.png",
    "location": Location(country="CH", city="Zürich"),
}
EVA = {
    "name": "Eva",
    "email": "eva@example.org",
    "phone": "+41446681801",
    "birthday": date(1991, 6, 18),
    "gender": Gender.OTHER,
    "language": "fr",
    "timezone": "Europe/Paris",
    "photo_url": "https://example.org/eva.png",
    "location": Location(country="FR", region="Île-de-France"),
}


def standard(person: User) -> dict[str, Any]:
    return {name: getattr(person, name) for name in ADA}


@pytest.mark.parametrize("ids", [(OLD, YOUNG), (YOUNG, OLD)])
def test_of_two_standard_values_the_one_of_into_stays(ids):
    into, other = user(id=ids[0], **ADA), user(id=ids[1], **EVA)

    assert standard(joined(into, other)) == ADA


@pytest.mark.parametrize("ids", [(OLD, YOUNG), (YOUNG, OLD)])
def test_standard_values_that_into_lacks_are_filled(ids):
    into, other = user(id=ids[0]), user(id=ids[1], **EVA)

    assert standard(joined(into, other)) == EVA


@pytest.mark.parametrize("name", ADA)
def test_each_standard_value_is_filled_for_itself(name):
    into = one_of(**{known: value for known, value in ADA.items() if known != name})

    assert standard(joined(into, other_of(**EVA))) == ADA | {name: EVA[name]}


def test_a_location_is_one_value():
    into = one_of(location=Location(country="CH"))

    after = joined(into, other_of(location=Location(country="CH", city="Bern")))

    assert after.location == Location(country="CH")


@pytest.mark.parametrize(
    ("value", "other", "kept"),
    [
        ("pro", "free", "pro"),
        ("", "free", ""),
        (0.0, 7.0, 0.0),
        (False, True, False),
        (True, 1.0, True),
        ("x", ("a", "b"), "x"),
        (("a",), "b", ("a",)),
        (NOON, NOON.date(), NOON),
        (("b", "a"), ("c", "a", "d"), ("b", "a", "c", "d")),
        ((), ("a",), ("a",)),
        (("a",), (), ("a",)),
    ],
)
def test_of_two_custom_values_the_one_of_into_stays_and_lists_are_joined(value, other, kept):
    after = joined(one_of(properties={"p": value}), other_of(properties={"p": other}))

    assert after.properties == {"p": kept}
    assert type(after.properties["p"]) is type(kept)


def test_custom_values_that_one_lacks_are_filled_and_sorted_by_name():
    after = joined(
        one_of(properties={"b": "x", "d": 1.0}), other_of(properties={"a": (), "c": True})
    )

    assert list(after.properties.items()) == [("a", ()), ("b", "x"), ("c", True), ("d", 1.0)]


@given(few_properties, few_properties)
def test_no_property_is_lost_and_none_of_into_but_a_list_changes(into, other):
    after = joined(one_of(properties=into), other_of(properties=other)).properties

    assert after.keys() == into.keys() | other.keys()
    assert list(after) == sorted(after)
    assert all(after[name] == value for name, value in into.items() if not isinstance(value, tuple))
    assert all(after[name] == value for name, value in other.items() if name not in into)


few_texts = st.lists(st.sampled_from("uvwxyz"), unique=True, max_size=6).map(tuple)


@given(few_texts, few_texts)
def test_a_joined_list_begins_with_intos_and_repeats_nothing(into, other):
    after = joined(one_of(properties={"p": into}), other_of(properties={"p": other}))

    texts = after.properties["p"]
    assert isinstance(texts, tuple)
    assert texts[: len(into)] == into
    assert texts[len(into) :] == tuple(text for text in other if text not in into)


# ---------------------------------------------------------------- channels


def choice(subscribed: bool, at=NOON) -> Choice:
    return Choice(subscribed=subscribed, changed_at=at)


@pytest.mark.parametrize(
    ("into", "other", "kept"),
    [
        (None, None, None),
        (choice(True), None, choice(True)),
        (None, choice(True, LATER), choice(True, LATER)),
        (None, choice(False, LATER), choice(False, LATER)),
        (choice(False), None, choice(False)),
        (choice(True), choice(False, LATER), choice(False, LATER)),
        (choice(False), choice(True, LATER), choice(False)),
        (choice(True), choice(True, LATER), choice(True)),
        (choice(False), choice(False, LATER), choice(False)),
    ],
)
def test_an_opt_out_wins_over_an_opt_in_whoever_chose_it(into, other, kept):
    def choosing(one: Choice | None) -> dict[Channel, Choice]:
        return {} if one is None else {Channel.SMS: one}

    after = joined(one_of(choices=choosing(into)), other_of(choices=choosing(other)))

    assert after.choices == choosing(kept)


choices = st.dictionaries(
    st.sampled_from(Channel), st.builds(choice, st.booleans(), st.sampled_from([NOON, LATER]))
)


@given(choices, choices)
def test_nobody_is_reached_by_what_either_opted_out_of(into, other):
    after = joined(one_of(choices=into), other_of(choices=other)).choices

    assert after.keys() == into.keys() | other.keys()
    assert all(
        kept.subscribed == all(one[channel].subscribed for one in (into, other) if channel in one)
        for channel, kept in after.items()
    )
    assert all(kept in (into.get(channel), other.get(channel)) for channel, kept in after.items())


# ---------------------------------------------------------------- who it is


@pytest.mark.parametrize("swapped", [False, True])
def test_the_older_id_survives_and_finds_with_all_that_either_absorbed(swapped):
    old = one_of(absorbed=("a", "b"))
    young = other_of(absorbed=("c",))

    after = joined(young, old) if swapped else joined(old, young)

    assert (after.id, sorted(after.absorbed)) == (OLD, sorted(["a", "b", YOUNG, "c"]))


def test_identities_of_both_stay_oldest_first():
    into = one_of(
        identities=(linked_identity("custom:1", NOON), linked_identity("email:a@x.org", LATER))
    )
    other = other_of(
        identities=(
            linked_identity("device:d", NOON - MINUTE),
            linked_identity("google:1", NOON + MINUTE),
        )
    )

    after = joined(into, other)

    assert [held.key for held in after.identities] == [
        "device:d", "custom:1", "google:1", "email:a@x.org",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("into", "other", "after"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_one_who_was_identified_makes_both_so(into, other, after):
    assert joined(one_of(identified=into), other_of(identified=other)).identified is after


def test_devices_of_both_stay_with_their_tokens():
    phone, tablet = device(id="phone", push=push("t1")), device(id="tablet", push=push("t2"))
    into = one_of(identities=(linked_identity("device:phone"),), devices=(phone,))
    other = other_of(identities=(linked_identity("device:tablet"),), devices=(tablet,))

    after = joined(into, other)

    assert set(after.devices) == {phone, tablet}


def owning(id: str, first: int, count: int, **known: Any) -> User:
    """Return the owner of devices, each seen a minute after the one before."""
    numbers = range(first, first + count)
    return user(
        id=id,
        identities=tuple(linked_identity(f"device:{n}", NOON) for n in numbers),
        devices=tuple(device(id=str(n), last_seen_at=NOON + n * MINUTE) for n in numbers),
        **known,
    )


@pytest.mark.parametrize("into_has_the_older", [True, False])
def test_devices_past_the_limit_are_released_those_seen_longest_ago(into_has_the_older):
    early, late = (OLD, YOUNG) if into_has_the_older else (YOUNG, OLD)
    one, other = owning(early, 0, 30), owning(late, 30, 30)

    after = joined(one, other) if into_has_the_older else joined(other, one)

    assert {held.value for held in after.identities} == {str(n) for n in range(10, 60)}
    assert {held.id for held in after.devices} == {str(n) for n in range(10, 60)}


def test_a_device_that_never_registered_was_seen_when_it_was_linked():
    two = LIMITS.model_copy(update={"devices": 2})
    unregistered = linked_identity("device:quiet", NOON - MINUTE)

    after = joined(one_of(identities=(unregistered,)), owning(YOUNG, 0, 2), two)

    assert {held.value for held in after.identities} == {"0", "1"}


def test_strong_identities_are_never_released():
    one = LIMITS.model_copy(update={"devices": 1})
    into = one_of(identities=(linked_identity("custom:1", NOON - MINUTE),), identified=True)

    after = joined(into, owning(YOUNG, 0, 3), one)

    assert [held.key for held in after.identities] == ["custom:1", "device:2"]


# ---------------------------------------------------------------- times, versions, keys


@settings(max_examples=20)
@given(users, users)
def test_times_and_versions_are_those_of_both_together(into, other):
    after = joined(into, other)

    assert after.created_at == min(into.created_at, other.created_at)
    assert after.last_seen_at == max(
        filter(None, (into.last_seen_at, other.last_seen_at)), default=None
    )
    assert after.updated_at == LATER
    assert after.version > max(into.version, other.version)


@settings(max_examples=20)
@given(users, users)
def test_which_id_is_older_matters_to_the_ids_alone(into, other):
    here = joined(into.model_copy(update={"id": OLD}), other.model_copy(update={"id": YOUNG}))
    there = joined(into.model_copy(update={"id": YOUNG}), other.model_copy(update={"id": OLD}))

    assert {here.id, there.id} == {OLD}
    assert {*here.absorbed} == {*there.absorbed} == {YOUNG, *into.absorbed, *other.absorbed}
    assert here.model_copy(update={"absorbed": ()}) == there.model_copy(update={"absorbed": ()})


@settings(max_examples=20)
@given(users, users)
def test_merging_leaves_the_two_as_they_were(into, other):
    copies = into.model_copy(deep=True), other.model_copy(deep=True)

    joined(into, other)

    assert (into, other) == copies


keys = st.lists(st.integers(0, 150).map(str), unique=True, max_size=64).map(tuple)


@given(keys, keys)
def test_the_newest_64_idempotency_keys_of_both_are_kept(into, other):
    after = joined(one_of(request_ids=into), other_of(request_ids=other)).request_ids

    both = {*into, *other}
    assert len(after) == len(set(after)) == min(64, len(both))
    assert set(after) <= both
    assert {*into[-32:], *other[-32:]} <= set(after)


@given(keys, keys)
def test_no_key_is_forgotten_before_an_older_one_of_the_same_person(into, other):
    kept = joined(one_of(request_ids=into), other_of(request_ids=other)).request_ids

    for own, others in ((into, other), (other, into)):
        alone = [key in kept for key in own if key not in others]
        assert alone == sorted(alone)


# ---------------------------------------------------------------- histories


@dataclass(frozen=True)
class Life:
    """A user, and what the store keeps of the user's events elsewhere."""

    user: User
    archive: tuple[Event, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self.user.events, *self.archive)


def lived(id: str, events: Sequence[Event]) -> Life:
    edit = recorded(user(id=id), events, set(), NOON, SMALL)
    return Life(edit.user, edit.spilled)


def overlap(into: Life, other: Life) -> Overlap:
    """Return what a store finds that two histories have in common."""
    had = {e.id for e in into.events}
    lost = [e for e in other.events if e.id in had]
    left = [e for e in other.events if e.id not in had]
    return Overlap(
        tuple(Lost(e.id, e.key, archived=e in other.archive) for e in lost),
        {key: span([e for e in left if e.key == key]) for key in {e.key for e in lost}},
    )


def span(events: Sequence[Event]) -> tuple[datetime, datetime] | None:
    times = [e.at for e in events]
    return (min(times), max(times)) if times else None


def union(into: Life, other: Life) -> list[Event]:
    """Return every event of two histories once, the copy of `into` where both have one."""
    return list(({e.id: e for e in (*other.events, *into.events)}).values())


def archive_after(lives: tuple[Life, Life], edit: Edit) -> list[Event]:
    """Return what the store keeps elsewhere once it did as the edit says."""
    into, other = lives
    dropped = {lost.id for lost in overlap(into, other).lost if lost.archived}
    kept = [e for e in other.archive if e.id not in dropped]
    return [*into.archive, *kept, *edit.spilled]


def united(into: Life, other: Life) -> Edit:
    return merged(into.user, other.user, overlap(into, other), LATER, SMALL)


def newest_first(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.order, reverse=True)


def totals(activity) -> dict[str, tuple[int, Any, Any]]:
    return {key: (total.count, total.first_at, total.last_at) for key, total in activity.items()}


histories = st.lists(few_events, unique_by=lambda drawn: drawn.id, max_size=12)
pairs = st.builds(
    lambda into, other, ids: (lived(ids[0], into), lived(ids[1], other)),
    histories,
    histories,
    st.permutations([OLD, YOUNG]),
)


@given(pairs)
def test_totals_are_those_of_one_history_with_every_event_once(lives):
    edit = united(*lives)

    assert totals(edit.user.activity) == totals(counted({}, union(*lives)))


@given(pairs)
def test_no_event_is_lost_but_the_copies_that_lose(lives):
    edit = united(*lives)

    everything = [*edit.user.events, *archive_after(lives, edit)]
    assert newest_first(everything) == newest_first(union(*lives))
    assert edit.recorded == ()


@given(pairs)
def test_the_survivor_knows_the_size_and_the_end_of_the_archive(lives):
    edit = united(*lives)

    archive = archive_after(lives, edit)
    assert edit.user.archived == len(archive)
    assert edit.user.archived_until is None or all(
        event.at <= edit.user.archived_until for event in archive
    )


@given(pairs)
def test_few_events_stay_with_the_survivor_newest_first(lives):
    edit = united(*lives)

    assert len(edit.user.events) <= SMALL.embedded_events
    assert list(edit.user.events) == newest_first(edit.user.events)
    assert all(left.order < stays.order for left in edit.spilled for stays in edit.user.events)


@given(pairs)
def test_a_total_is_spelled_as_one_of_them_spelled_it(lives):
    into, other = (life.user.activity for life in lives)

    after = united(*lives).user.activity

    assert all(total.name == after[key].name for key, total in into.items())
    assert all(
        total.name == after[key].name for key, total in other.items() if key in after.keys() - into
    )


@given(pairs)
def test_two_of_one_history_are_that_history(lives):
    life, _ = lives
    twin = Life(life.user.model_copy(update={"id": "01KG9C2D02"}), life.archive)

    after = united(life, twin).user

    assert after.activity == life.user.activity
    assert after.events == life.user.events
    assert after.archived == life.user.archived


def test_of_one_id_the_copy_of_into_counts_by_its_own_name_and_time():
    into = lived(YOUNG, [event(id="e", name="Viewed", at=NOON)])
    other = lived(
        OLD,
        [event(id="e", name="Charged", at=LATER), event(id="f", name="Viewed", at=NOON - MINUTE)],
    )

    after = united(into, other).user

    assert [(e.id, e.name, e.at) for e in after.events] == [
        ("e", "Viewed", NOON),
        ("f", "Viewed", NOON - MINUTE),
    ]
    assert after.activity == {
        "viewed": Activity(name="Viewed", count=2, first_at=NOON - MINUTE, last_at=NOON)
    }


@pytest.mark.parametrize("lost", [0, 2])
def test_the_span_of_a_total_shrinks_with_the_copies_that_lose(lost):
    times = [NOON - MINUTE, NOON, LATER]
    other = lived(OLD, [event(id=str(n), name="Viewed", at=at) for n, at in enumerate(times)])
    into = lived(YOUNG, [event(id=str(lost), name="Charged", at=NOON)])

    after = united(into, other).user.activity["viewed"]

    left = [at for n, at in enumerate(times) if n != lost]
    assert (after.count, after.first_at, after.last_at) == (2, left[0], left[-1])


# ---------------------------------------------------------------- limits


def texts(letter: str, count: int, size: int) -> tuple[str, ...]:
    return tuple(f"{letter}{n:03}".ljust(size, "x") for n in range(count))


def identified_by(first: int, count: int) -> dict[str, Any]:
    numbers = range(first, first + count)
    return {
        "identified": True,
        "identities": tuple(linked_identity(f"custom:{n}") for n in numbers),
    }


def owning_properties(letter: str, count: int) -> dict[str, Any]:
    return {"properties": {f"{letter}{n}": True for n in range(count)}}


def heavy(letter: str, count: int) -> dict[str, Any]:
    return {"properties": {f"{letter}{n}": texts(letter, 32, 500) for n in range(count)}}


def listing(letter: str, count: int, size: int) -> dict[str, Any]:
    return {"properties": {"p": texts(letter, count, size)}}


PASSED = [
    pytest.param(identified_by(0, 26), identified_by(26, 25), 50, id="identities"),
    pytest.param(owning_properties("a", 156), owning_properties("b", 101), 256, id="properties"),
    pytest.param(heavy("a", 9), heavy("b", 8), MAX_PROPERTIES_BYTES, id="bytes of properties"),
    pytest.param(listing("a", 51, 4), listing("b", 50, 4), MAX_LIST_TEXTS, id="texts of a list"),
    pytest.param(listing("a", 17, 500), listing("b", 16, 500), MAX_LIST_BYTES, id="list bytes"),
    pytest.param(
        {"absorbed": tuple(f"a{n}" for n in range(500))},
        {"absorbed": tuple(f"b{n}" for n in range(500))},
        1_000,
        id="absorbed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("into", "other", "limit"), PASSED)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_limit_that_would_be_passed_refuses_the_merge(into, other, limit, swapped):
    one, two = (other, into) if swapped else (into, other)

    with pytest.raises(LimitExceeded) as refused:
        joined(one_of(**one), other_of(**two))

    assert (refused.value.path, refused.value.limit) == (("from",), limit)


@pytest.mark.parametrize(
    ("into", "other"),
    [
        (identified_by(0, 25), identified_by(25, 25)),
        (owning_properties("a", 156), owning_properties("b", 100)),
        (owning_properties("a", 156), owning_properties("a", 256)),
        (heavy("a", 8), heavy("b", 8)),
        (listing("a", 50, 4), listing("b", 50, 4)),
        (listing("a", 100, 4), listing("a", 100, 4)),
        (listing("a", 16, 500), listing("b", 16, 500)),
        (
            {"absorbed": tuple(f"a{n}" for n in range(500))},
            {"absorbed": tuple(f"b{n}" for n in range(499))},
        ),
    ],
    ids=["identities", "properties", "same properties", "bytes of properties", "texts of a list",
         "same texts", "bytes of a list", "absorbed"],
)  # fmt: skip
def test_a_limit_may_be_reached(into, other):
    assert joined(one_of(**into), other_of(**other)).id == OLD


def test_devices_count_as_no_strong_identities():
    into = identified_by(0, 50)

    after = joined(one_of(**into), owning(YOUNG, 0, 50))

    assert len(after.identities) == 100


@pytest.mark.parametrize("setting", ["identities", "properties", "absorbed"])
def test_the_limits_are_settings(setting):
    known = {
        "identities": (linked_identity("custom:1"), linked_identity("custom:2")),
        "properties": {"a": True, "b": True},
        "absorbed": ("a", "b"),
    }
    one = LIMITS.model_copy(update={setting: 1})

    with pytest.raises(LimitExceeded) as refused:
        joined(one_of(), other_of(**known), one)

    assert (refused.value.path, refused.value.limit) == (("from",), 1)
