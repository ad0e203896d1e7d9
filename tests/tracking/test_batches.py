"""Which messages of a batch depend on one another, and which can be one write."""

from hypothesis import given
from hypothesis import strategies as st

from app.tracking.batches import Task, as_one, per_person, writes
from app.tracking.deeds import Observe
from app.tracking.messages import Kind, read_message
from app.tracking.translation import Reading, translated
from tests.builders import LIMITS, NOON, TODAY, identity

IDS = st.sampled_from(["a", "b", "c", "d"])


def task(index, kind, **body):
    known = {"event": "E", "groupId": "g", "messageId": f"m{index}"}
    message = read_message(kind, known | body, {}, NOON)
    return Task(index, message, translated(message, Reading(NOON, TODAY, LIMITS, "new")))


@st.composite
def batches(draw):
    ids = st.fixed_dictionaries(
        {"userId": IDS, "previousId": IDS}, optional={"anonymousId": st.sampled_from(["x", "y"])}
    )
    return [
        task(index, draw(st.sampled_from(Kind)), **draw(ids))
        for index in range(draw(st.integers(0, 8)))
    ]


def names(one):
    """Return the people whom a message names, as far as it brings them together."""
    body = one.message.body
    named = {f"custom:{body['userId']}"}
    if one.message.kind is Kind.IDENTIFY and "anonymousId" in body:
        named.add(f"device:{body['anonymousId']}")
    if one.message.kind is Kind.ALIAS:
        named |= {f"custom:{body['previousId']}", f"device:{body['previousId']}"}
    return named


@given(batches())
def test_messages_that_share_a_name_stay_in_order(tasks):
    runs = per_person(tasks)

    assert sorted(one.index for run in runs for one in run) == [one.index for one in tasks]
    assert all([one.index for one in run] == sorted(one.index for one in run) for run in runs)
    owners = [{name for one in run for name in names(one)} for run in runs]
    assert sum(map(len, owners)) == len(set().union(*owners))


@given(batches())
def test_nothing_is_lost_or_reordered_in_writes(tasks):
    for run in per_person(tasks):
        assert [one for part in writes(run) for one in part] == run


def test_events_of_one_person_that_follow_one_another_are_one_write():
    locales = [{"locale": "de-CH"}, {"locale": "de-AT"}]
    run = [
        task(index, Kind.TRACK, userId="a", context=context)
        for index, context in enumerate(locales)
    ]

    (part,) = writes(run)

    deed = as_one(part)
    assert isinstance(deed, Observe)
    assert deed.person == identity("custom:a")
    assert [event.id for event in deed.observation.events] == ["m0", "m1"]
    assert deed.observation.hints == {"language": "de-CH"}


def test_what_changes_a_person_is_a_write_of_its_own():
    traits = {"traits": {"plan": "pro"}}
    run = [
        task(0, Kind.TRACK, userId="a"),
        task(1, Kind.TRACK, userId="a", context=traits),
        task(2, Kind.GROUP, userId="a"),
        task(3, Kind.PAGE, userId="a"),
        task(4, Kind.TRACK, userId="a"),
        task(5, Kind.IDENTIFY, userId="a"),
        task(6, Kind.TRACK, anonymousId="b"),
    ]

    assert [[one.index for one in part] for part in writes(run)] == [
        [0], [1], [2], [3, 4], [5], [6]
    ]  # fmt: skip
