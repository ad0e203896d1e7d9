"""Erase a person."""

from app.domain.errors import UserNotFound
from app.operations.find import WhoeverRef, find
from app.operations.terms import Terms
from app.store import Store


async def delete(store: Store, ref: WhoeverRef, terms: Terms) -> str:
    """Erase everything known about the person, for good, and return the id that was theirs.

    Raises:
        UserNotFound: nobody is there.
    """
    user = await find(store, ref)
    if user is None:
        raise UserNotFound
    return await store.delete(user.id, terms.now)
