"""Read people out whole: all of one, or everybody in the order of their ids."""

from collections.abc import AsyncIterator
from typing import Final

from app.domain.criteria import Question
from app.domain.listing import UserOrder, UserPosition
from app.domain.user import User
from app.operations.find import WhoeverRef, find
from app.store import Store

PORTION: Final = 100
"""So many people are in memory at once."""

IDS_AT_ONCE: Final = 1_000


async def export_user(store: Store, ref: WhoeverRef) -> User | None:
    """Return a user with all events, or None for nobody."""
    user = await find(store, ref)
    return None if user is None else await _whole(store, user)


async def export_users(store: Store, question: Question | None = None) -> AsyncIterator[User]:
    """Yield users with all events, each as of one instant, oldest id first.

    Args:
        store: Where they are.
        question: Only those of whom this is true.
    """
    position: UserPosition | None = None
    while users := await store.page(UserOrder.OLDEST, PORTION, position, question):
        for user in users:
            whole = await _whole(store, user)
            if whole and whole.id == user.id:  # else merged since: the survivor is told of, or was
                yield whole
        position = UserPosition(None, users[-1].id)


async def _whole(store: Store, user: User) -> User | None:
    """Return the user with all events; None if the user was deleted since."""
    return await store.whole(user.id) if user.archived else user


async def export_deleted_ids(store: Store) -> AsyncIterator[str]:
    """Yield the ids that find nobody any more, in order."""
    after = ""
    while ids := await store.deleted_ids(IDS_AT_ONCE, after):
        for id in ids:
            yield id
        after = ids[-1]
