"""The log of two people who became one: every event once, none lost, wherever it was kept."""

from collections.abc import AsyncIterator

import pytest

from app.store import Store
from tests.builders import LIMITS, NOON, event, query
from tests.store.databases import Database
from tests.store.steps import newcomer_with, recording
from tests.store.test_events import at, in_order, paged

ROOMY = LIMITS.model_copy(update={"embedded_events": 20})
ADAS = [event(id=f"e{number:02}", at=at(number)) for number in range(20)]
SHARED = [each.model_copy(update={"name": "Other"}) for each in ADAS[:10]]
BOBS = [event(id=f"b{number:02}", at=at(100 + number)) for number in range(10)]


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """A store on an empty database, of which documents hold twenty events."""
    async with database.opened(ROOMY) as store:
        yield store


async def merge_two(store: Store) -> str:
    """Merge two people who share events, and return the id of who is left."""
    ada = (await store.create(newcomer_with(recording(*ADAS, limits=ROOMY), "custom:ada"))).user
    bob = newcomer_with(recording(*SHARED, *BOBS, limits=ROOMY), "custom:bob")
    merged = await store.merge(ada.id, (await store.create(bob)).user.id, NOON)
    assert merged is not None
    return merged.user.id


@pytest.mark.parametrize("first", [1, 3, 7, 100])
@pytest.mark.parametrize("question", [{}, {"until": at(9)}, {"key": "viewed"}], ids=str)
async def test_the_history_of_two_who_share_events_has_no_seam(
    store: Store, first: int, question: dict[str, object]
):
    user_id = await merge_two(store)

    log = await paged(store, user_id, first, **question)

    assert log == in_order([e for e in [*ADAS, *BOBS] if query(**question).takes(e)])


async def test_what_two_share_is_counted_once(store: Store):
    user = await store.find(await merge_two(store))

    assert user is not None
    assert {total.name: total.count for total in user.activity.values()} == {"Viewed": 30}
    assert user.archived + len(user.events) == 30


async def test_what_either_recorded_is_a_duplicate_afterwards(store: Store):
    user_id = await merge_two(store)

    everything = [*ADAS, *SHARED, *BOBS]
    edit = await store.change(
        user_id, recording(*everything, limits=ROOMY), [each.id for each in everything]
    )

    assert edit.recorded == ()
    assert edit.duplicates == 40
