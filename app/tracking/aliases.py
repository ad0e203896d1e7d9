"""Make two names one person's, where that fuses no two people who were ever identified."""

import logging

from app.domain.changes import NO_CHANGES
from app.domain.errors import Busy, IdentityTaken, UserNotFound
from app.domain.user import User
from app.operations.identify import identify
from app.operations.link_identity import link_identity
from app.operations.terms import Terms
from app.store import Store
from app.tracking.deeds import Unite

log = logging.getLogger("profilegraph.tracking")


async def unite(store: Store, names: Unite, terms: Terms) -> None:
    """Give one person both names, and log what that was, by the ids of people alone.

    An earlier name that is a device's brings its anonymous history along. One that nobody has is
    kept as a name of the person's.

    Raises:
        IdentityTaken: the names belong to two people; only a merge makes one of them.
        LimitExceeded: the person has as many names as allowed.
        Busy: somebody was erased meanwhile.
    """
    try:
        what, user = await _united(store, names, terms)
    except UserNotFound:
        raise Busy from None
    except IdentityTaken as fault:
        log.warning("Alias refused: another user, %s, has one of the two names.", fault.user_id)
        raise
    log.info("Alias %s: user %s.", what, user.id)


async def _united(store: Store, names: Unite, terms: Terms) -> tuple[str, User]:
    known = await store.find(names.previous) if names.previous else None
    holder = None if known else await store.find(names.previous_device)
    if known is None and (holder or names.previous is None):
        return await _with_device(store, names, holder, terms)
    both = [name for name in (names.person, names.previous) if name]
    had_both = known is not None and known.has(names.person)
    identified = await identify(store, both, None, NO_CHANGES, terms)
    return "already known" if had_both else "linked", identified.user


async def _with_device(
    store: Store, names: Unite, holder: User | None, terms: Terms
) -> tuple[str, User]:
    """Unite a person with a device; one of an identified person is never taken from them."""
    if holder is None or not holder.identified:
        identified = await identify(store, [names.person], names.previous_device, NO_CHANGES, terms)
        return identified.outcome.value, identified.user
    if holder.has(names.person):
        return "already known", holder
    return "linked", await link_identity(store, holder.id, names.person, terms)
