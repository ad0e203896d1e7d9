"""Somebody new, made at once, is who one change after the other makes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import UserChanges
from app.domain.errors import DomainError
from app.domain.fields import Gender, Location
from app.domain.identity import Identity
from app.domain.joining import joining
from app.domain.limits import Limits
from app.domain.reach import Channel
from app.domain.records import Record, newcomer, taken_in
from app.domain.user import Edit
from tests.builders import LIMITS, NOON, identity
from tests.domain.strategies import any_operation, calls, few_events

TIGHT = Limits(identities=2, devices=1, properties=1, embedded_events=2)

identities = st.sampled_from(
    [
        identity(key)
        for key in (
            "custom:ada", "custom:a", "email:ada@example.org", "email:a@example.org",
            "phone:+41446681800", "device:phone", "device:tablet",
        )
    ]
)  # fmt: skip
fields = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([None, "Ada"]),
        "email": st.sampled_from([None, "b@example.org"]),
        "phone": st.just(None),
        "gender": st.just(Gender.FEMALE),
        "photoUrl": st.just("https://example.org/a.jpg"),
        "location": st.just(Location(country="CH")),
    },
)
records = st.builds(
    Record,
    id=st.none() | st.just("r1"),
    user=identities,
    identities=st.lists(identities, max_size=4).map(tuple),
    changes=st.builds(
        UserChanges,
        fields=fields,
        operations=calls(any_operation).map(tuple),
        channels=st.dictionaries(st.sampled_from(Channel), st.none() | st.booleans()),
    ),
    events=st.lists(few_events, max_size=4).map(tuple),
)


@given(identities, records, st.sampled_from([LIMITS, TIGHT]))
def test_at_once_or_one_after_the_other_is_the_same(who: Identity, record: Record, limits: Limits):
    record = replace(record, user=who)

    assert _at_once(who, record, limits) == _one_after_the_other(who, record, limits)


def _at_once(who: Identity, record: Record, limits: Limits) -> Edit | tuple[str, object]:
    try:
        return joining(who, record, "u1", NOON, limits)
    except DomainError as fault:
        return str(fault), vars(fault)


def _one_after_the_other(
    who: Identity, record: Record, limits: Limits
) -> Edit | tuple[str, object]:
    try:
        return taken_in(newcomer(who, "u1", NOON, limits), record, frozenset(), NOON, limits)
    except DomainError as fault:
        return str(fault), vars(fault)
