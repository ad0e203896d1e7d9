"""Changes of one user that are asked for at once: one write keeps them, as if each came alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog import Coiner
from app.domain.errors import Busy, DomainError, IdentityTaken, Unavailable, UserNotFound
from app.domain.user import Edit
from app.store import Step, Store, UserRef
from app.store.mongo import together as module
from app.store.mongo.together import Together, as_found_by
from tests.builders import LIMITS, NOON, event, identity, user
from tests.store.databases import mongomock_database, until
from tests.store.steps import (
    incrementing,
    linking,
    newcomer,
    recording,
    resting,
    setting,
    unlinking,
)


class People:
    """Ada, in memory.

    Attributes:
        writes: How many have begun.
        held: How many may, until somebody lets all go on.
        faults: What the next writes fail with.
    """

    def __init__(self) -> None:
        self.ada = user()
        self.writes = 0
        self.held = 1_000
        self.faults: list[Exception] = []

    async def change(self, user_id: str, step: Step, event_ids: Any) -> Edit:
        assert user_id == self.ada.id
        self.writes += 1
        number, fault = self.writes, self.faults.pop(0) if self.faults else None
        with suppress(UserNotFound):
            step(user(), frozenset())  # a step may be run in vain
        edit = step(self.ada, frozenset())
        await asyncio.sleep(0)
        await until(lambda: number <= self.held)
        if fault:
            raise fault
        self.ada = edit.user
        return edit

    def go_on(self) -> None:
        self.held = 1_000


@pytest.fixture
def people() -> People:
    return People()


class Changer:
    """Asks for changes of Ada."""

    def __init__(self, people: People, patience_s: float = 5) -> None:
        self._people = people
        self.together = Together(people.change, patience_s)

    async def __call__(
        self, step: Step, ref: UserRef | None = None, event_ids: Sequence[str] = ()
    ) -> Edit:
        ada = self._people.ada.id
        return await self.together.change(ada, as_found_by(ref or ada, step), event_ids)


@pytest.fixture
async def change(people: People) -> AsyncIterator[Changer]:
    change = Changer(people)
    yield change
    await asyncio.sleep(0)
    assert len(change.together) == 0


async def all_of(*asked: Awaitable[Edit]) -> list[Any]:
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_what_is_asked_for_meanwhile_is_kept_by_one_write(people, change):
    edits = await all_of(*(change(incrementing()) for _ in range(50)))

    assert [edit.user.version for edit in edits] == list(range(2, 52))
    assert people.ada.properties == {"n": 50}
    assert people.writes == 2


async def test_a_write_keeps_no_more_than_so_many_changes(people, change, monkeypatch):
    monkeypatch.setattr(module, "MOST_CHANGES", 10)

    await all_of(*(change(incrementing()) for _ in range(32)))

    assert people.ada.properties == {"n": 32}
    assert people.writes == 1 + 4


async def test_a_write_keeps_no_change_after_so_many_events(people, change, monkeypatch):
    monkeypatch.setattr(module, "MOST_EVENTS", 4)
    ids = [[f"{n}-{m}" for m in range(3)] for n in range(5)]

    edits = await all_of(
        *(change(recording(*(event(id=id) for id in some)), event_ids=some) for some in ids)
    )

    assert [len(edit.recorded) for edit in edits] == [3] * 5
    assert people.ada.activity["viewed"].count == 15
    assert people.writes == 1 + 2


async def test_what_is_refused_leaves_the_others_theirs(people, change):
    def refuse(*_: Any) -> Edit:
        raise IdentityTaken(identity("email:ada@example.org"), "other")

    steps = [incrementing(), incrementing(), refuse, resting, incrementing()]

    edits = await all_of(*map(change, steps))

    assert [edit if isinstance(edit, Exception) else edit.user.version for edit in edits] == [
        2, 3, edits[2], 3, 4,
    ]  # fmt: skip
    assert isinstance(edits[2], IdentityTaken)
    assert people.writes == 2


async def test_whoever_changes_who_the_user_is_writes_alone(people, change):
    steps = [resting, incrementing(), linking("custom:a"), incrementing(), unlinking("custom:a")]

    edits = await all_of(*map(change, steps))

    assert [edit.user.version for edit in edits] == [1, 2, 3, 4, 5]
    assert people.writes == 1 + 4


async def test_who_is_named_as_nobody_any_more_is_not_found(people, change):
    edits = await all_of(
        change(incrementing()),
        change(linking("custom:a")),
        change(incrementing(), identity("custom:a")),
        change(incrementing(), identity("custom:b")),
        change(unlinking("custom:a")),
        change(incrementing(), identity("custom:a")),
    )

    assert [type(edit) for edit in edits] == [Edit, Edit, Edit, UserNotFound, Edit, UserNotFound]


async def test_whose_new_names_are_counted_apart_are_kept_apart(people, change):
    def coined_by(key: str) -> Step:
        coiner = Coiner(key, 10, NOON)
        return lambda user, known: replace(incrementing()(user, known), coiner=coiner)

    coining = [change(coined_by(key)) for key in "aabb"]
    await all_of(change(resting), *coining[:2], change(resting), *coining[2:])

    assert people.ada.properties == {"n": 4}
    assert people.writes == 1 + 2


@pytest.mark.parametrize("fault", [Busy(), Unavailable("It does not answer.")])
async def test_a_write_that_fails_fails_for_all_whom_it_was_for(people, change, fault):
    people.faults = [fault, fault]

    assert await all_of(*(change(incrementing()) for _ in range(4))) == [fault] * 4
    assert people.ada.properties == {}


async def test_what_is_refused_for_one_of_them_is_tried_for_each(people, change):
    taken = IdentityTaken(identity("email:ada@example.org"), "other")
    first = asyncio.create_task(change(resting))
    await asyncio.sleep(0)
    people.faults = [taken, taken]

    edits = await all_of(*(change(incrementing()) for _ in range(4)))

    await first
    assert edits[0] is taken
    assert [edit.user.version for edit in edits[1:]] == [2, 3, 4]


async def test_who_leaves_while_waiting_changes_nothing(people, change):
    people.held = 0
    asked = [asyncio.create_task(change(incrementing())) for _ in range(4)]
    await asyncio.sleep(0)
    asked[2].cancel()
    await asyncio.sleep(0)
    people.go_on()

    edits = await all_of(*asked)

    assert isinstance(edits[2], asyncio.CancelledError)
    assert people.ada.properties == {"n": 3}


async def test_who_leaves_while_it_is_written_leaves_the_others_theirs(people, change):
    people.held = 1
    asked = [asyncio.create_task(change(incrementing())) for _ in range(3)]
    await until(lambda: people.writes == 2)
    asked[1].cancel()
    people.go_on()

    edits = await all_of(*asked)

    assert [type(edit) for edit in edits] == [Edit, asyncio.CancelledError, Edit]
    assert people.ada.properties == {"n": 3}
    assert people.writes == 2


async def test_what_has_not_begun_in_time_is_given_up(people):
    change = Changer(people, patience_s=0.05)
    people.held = 0
    asked = [asyncio.create_task(change(incrementing())) for _ in range(3)]

    assert [type(edit) for edit in await all_of(*asked[1:])] == [Busy, Busy]
    people.go_on()
    await asked[0]
    assert people.ada.properties == {"n": 1}


async def test_what_a_write_did_not_keep_has_not_begun(people):
    change = Changer(people, patience_s=0.05)
    people.held = 1
    steps = [resting, incrementing(), linking("custom:a"), linking("custom:b"), incrementing()]
    asked = [asyncio.create_task(change(step)) for step in steps]
    await until(lambda: people.writes == 2)
    asked[3].cancel()
    await asyncio.sleep(0.1)
    assert [each.done() for each in asked] == [True, False, False, True, False]

    people.go_on()
    edits = await all_of(*asked)
    assert [type(edit) for edit in edits] == [Edit, Edit, Busy, asyncio.CancelledError, Busy]
    assert people.ada.version == 2


async def test_what_has_begun_is_waited_for(people):
    change = Changer(people, patience_s=0.05)
    people.held = 1
    asked = [asyncio.create_task(change(incrementing())) for _ in range(3)]
    await asyncio.sleep(0.15)
    assert [each.done() for each in asked] == [True, False, False]

    people.go_on()
    assert [edit.user.version for edit in await all_of(*asked)] == [2, 3, 4]


async def test_what_a_step_fails_with_is_its_own(people, change):
    def fail(*_: Any) -> Edit:
        raise ZeroDivisionError

    edits = await all_of(*map(change, [resting, fail, incrementing(), fail]))

    assert [type(edit) for edit in edits] == [Edit, ZeroDivisionError, Edit, ZeroDivisionError]


# ---------------------------------------------------------------- on a store


async def test_a_hundred_who_write_to_one_user_at_once_all_have_written(store: Store):
    ada = (await store.create(newcomer())).user

    await asyncio.gather(*(store.change(ada.id, incrementing("n")) for _ in range(100)))

    after = await store.find(ada.id)
    assert after is not None
    assert after.properties == {"n": 100}


async def test_events_that_leave_the_document_meanwhile_are_known(store: Store):
    many = [event(id=f"e{n}", at=NOON) for n in range(400)]
    calls = [recording(*many[start : start + 150]) for start in range(0, 400, 50)]
    ids = [[e.id for e in many[start : start + 150]] for start in range(0, 400, 50)]
    ada = (await store.create(newcomer())).user

    edits = await asyncio.gather(
        *(store.change(ada.id, *call) for call in zip(calls, ids, strict=True))
    )

    assert [len(edit.recorded) for edit in edits] == [150, 50, 50, 50, 50, 50, 0, 0]
    after = await store.find(ada.id)
    assert after is not None
    assert after.activity["viewed"].count == 400


async def test_all_events_are_named_as_the_service_first_saw_them(store: Store):
    eva = (await store.create(newcomer())).user
    await store.change(eva.id, recording(event(name="viewed")))
    ada = (await store.create(newcomer())).user
    steps = [
        resting,
        recording(event(id="a", name="viewed")),
        recording(event(id="b", name="VIEWED")),
        incrementing(),
        incrementing(),
    ]

    edits = await asyncio.gather(*(store.change(ada.id, step) for step in steps))

    assert [{e.name for e in edit.user.events} for edit in edits] == [set(), *[{"viewed"}] * 4]
    assert [e.name for edit in edits for e in edit.recorded] == ["viewed", "viewed"]


FEW = LIMITS.model_copy(update={"embedded_events": 8})
STEPS = st.one_of(
    st.just((incrementing(), ())),
    st.just((resting, ())),
    st.builds(lambda value: (setting(plan=value), ()), st.text("abc", max_size=3)),
    st.builds(lambda n: (linking(f"custom:{n}"), ()), st.integers(0, 2)),
    st.just((linking("custom:taken"), ())),
    st.builds(lambda n: (unlinking(f"custom:{n}"), ()), st.integers(0, 2)),
    st.builds(
        lambda ids, name: (recording(*(event(id=id, name=name) for id in ids), limits=FEW), ids),
        st.lists(st.sampled_from([f"e{n}" for n in range(30)]), min_size=1, unique=True),
        st.sampled_from(["Viewed", "VIEWED", "viewed "]),
    ),
)
ASKED = st.lists(STEPS, max_size=12)


@given(ASKED)
async def test_together_they_come_to_what_they_come_to_one_after_the_other(asked):
    async with mongomock_database().opened(FEW) as one, mongomock_database().opened(FEW) as other:
        ada, same = await _start(one), await _start(other)
        apart = [await _outcome(one, ada, each) for each in asked]
        together = await asyncio.gather(*(_outcome(other, same, each) for each in asked))
        left, same_left = await one.find(ada), await other.find(same)

    assert together == apart
    assert left is not None
    assert same_left is not None
    assert _seen(Edit(left)) == _seen(Edit(same_left))


async def _start(store: Store) -> str:
    await store.create(newcomer("custom:taken"))
    return (await store.create(newcomer("custom:0"))).user.id


async def _outcome(store: Store, user_id: str, asked: tuple[Step, Sequence[str]]) -> Any:
    try:
        return _seen(await store.change(user_id, *asked))
    except DomainError as fault:
        return type(fault)


def _seen(edit: Edit) -> Any:
    left = edit.user
    return (
        left.version,
        left.properties,
        [linked.key for linked in left.identities],
        [(each.id, each.name) for each in left.events],
        left.archived,
        [each.id for each in edit.recorded],
        edit.duplicates,
    )
