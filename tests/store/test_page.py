"""Listing people: in each order, page by page, whatever happens meanwhile."""

from datetime import datetime, timedelta

import pytest

from app.domain.listing import UserOrder, position_of
from app.domain.user import Edit, User
from app.store import Store
from tests.builders import NOON
from tests.store.steps import newcomer, resting


async def make_people(store: Store, count: int = 9) -> list[User]:
    """Create people, each a minute after the other, of whom some were never seen."""
    people = []
    for number in range(count):
        seen = None if number % 4 == 3 else NOON + timedelta(minutes=number // 2)
        born = NOON + timedelta(minutes=number)
        edit = newcomer(created_at=born, last_seen_at=seen)
        people.append((await store.create(edit)).user)
    return people


async def paged(store: Store, order: UserOrder, first: int) -> list[User]:
    people: list[User] = []
    while page := await store.page(
        order, first, position_of(people[-1], order) if people else None
    ):
        assert len(page) <= first
        people += page
    return people


def sorted_by(order: UserOrder, people: list[User]) -> list[User]:
    match order:
        case UserOrder.OLDEST:
            return sorted(people, key=lambda user: user.id)
        case UserOrder.NEWEST:
            return sorted(people, key=lambda user: user.id, reverse=True)
        case UserOrder.LAST_SEEN:
            never = datetime.min.replace(tzinfo=NOON.tzinfo)
            return sorted(people, key=lambda u: (u.last_seen_at or never, u.id), reverse=True)


@pytest.mark.parametrize("order", UserOrder)
@pytest.mark.parametrize("first", [1, 2, 4, 100])
async def test_pages_make_up_the_whole_list(store: Store, order: UserOrder, first: int):
    people = await make_people(store)

    assert await paged(store, order, first) == sorted_by(order, people)


@pytest.mark.parametrize("order", UserOrder)
async def test_nobody_is_listed_where_nobody_is(store: Store, order: UserOrder):
    assert await store.page(order, 10, None) == []
    assert await store.count() == 0


@pytest.mark.parametrize("order", UserOrder)
async def test_nobody_present_throughout_is_skipped_or_repeated(
    store: Store, other_store: Store, order: UserOrder
):
    people = await make_people(store)
    listed = await store.page(order, 2, None)

    for _ in range(4):
        await make_people(other_store, 3)
        listed += await store.page(order, 2, position_of(listed[-1], order))
    listed += await store.page(order, 100, position_of(listed[-1], order))

    assert len(listed) == len({user.id for user in listed})
    assert [user for user in listed if user in people] == sorted_by(order, people)


async def test_last_seen_repeats_nobody_who_stays(store: Store):
    people = await make_people(store)
    first = await store.page(UserOrder.LAST_SEEN, 3, None)
    lately = NOON + timedelta(days=1)
    moved = people[0]
    assert moved not in first

    await store.change(
        moved.id, lambda user, _: Edit(user.model_copy(update={"last_seen_at": lately}))
    )

    (top,) = await store.page(UserOrder.LAST_SEEN, 1, None)
    assert top.id == moved.id
    rest = await store.page(UserOrder.LAST_SEEN, 100, position_of(first[-1], UserOrder.LAST_SEEN))
    others = [user for user in people if user not in first and user.id != moved.id]
    assert rest == sorted_by(UserOrder.LAST_SEEN, others)


async def test_everybody_is_counted_once(store: Store, other_store: Store):
    people = await make_people(store, 5)
    await store.change(people[0].id, resting)

    assert await store.count() == await other_store.count() == 5
