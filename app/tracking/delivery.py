"""Do what a message asks for."""

from contextlib import suppress

from app.domain.changes import NO_CHANGES
from app.domain.errors import UserNotFound
from app.domain.observation import Observation
from app.operations.identify import identify
from app.operations.observe import observe
from app.operations.terms import Terms
from app.store import Store
from app.tracking.aliases import unite
from app.tracking.deeds import Deed, LogIn, Observe, Unite


async def deliver(store: Store, deed: Deed, terms: Terms) -> None:
    """Do it, whole or not at all.

    Raises:
        InvalidInput, LimitExceeded, IdentityTaken: it is refused; nothing was written.
        Busy, Unavailable: it has to be tried again.
    """
    match deed:
        case LogIn():
            await _log_in(store, deed, terms)
        case Observe(person, observation):
            await observe(store, person, observation, terms)
        case Unite():
            await unite(store, deed, terms)


async def _log_in(store: Store, login: LogIn, terms: Terms) -> None:
    """Log in with all that was said; what was only noticed follows, since nobody waits for it."""
    told = login.observation
    identified = await identify(store, [login.person], login.device, told.changes, terms)
    noticed = Observation(NO_CHANGES, told.hints, told.registration)
    if noticed != Observation():
        with suppress(UserNotFound):  # erased since
            await observe(store, identified.user.id, noticed, terms)
