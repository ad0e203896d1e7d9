"""Make one person of two profiles."""

from app.domain.errors import InvalidInput, UserNotFound
from app.operations.find import WhoeverRef, find
from app.operations.terms import Terms
from app.store import Merged, Store


async def merge(
    store: Store,
    other_ref: WhoeverRef,
    into_ref: WhoeverRef,
    terms: Terms,
    *,
    dry_run: bool = False,
) -> Merged:
    """Merge one user into another, and return the one that is left; the older id survives.

    Args:
        store: Where they are.
        other_ref: Who gives way where both have a value.
        into_ref: Whose values win.
        terms: When, and within which limits.
        dry_run: Whether only to return what would be.

    Raises:
        UserNotFound: one of them is not there.
        InvalidInput: they are the same user.
        LimitExceeded: together they would pass a limit; nothing was written.
    """
    other, into = await find(store, other_ref), await find(store, into_ref)
    if other is None or into is None:
        raise UserNotFound
    merged = None
    if other.id != into.id:
        merged = await store.merge(into.id, other.id, terms.now, dry_run=dry_run)
    if merged is None:
        raise InvalidInput("A user cannot be merged with itself.", ("from",))
    return merged
