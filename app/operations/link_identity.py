"""Give a person one more identity, or take one away."""

from app.domain.identity import Identity
from app.domain.user import Edit, User, linked, revised, unlinked
from app.operations.find import WhoeverRef, change_existing
from app.operations.terms import Terms
from app.store import Store


async def link_identity(store: Store, ref: WhoeverRef, identity: Identity, terms: Terms) -> User:
    """Link the identity, and return the user; what is already theirs changes nothing.

    Raises:
        UserNotFound: nobody is there.
        IdentityTaken: it belongs to another person; this never merges.
        LimitExceeded: the user has as many identities as allowed.
    """

    def step(user: User, _: frozenset[str]) -> Edit:
        after = linked(user, [identity], terms.now, terms.limits, ("identity",))
        return Edit(revised(user, after, terms.now))

    return (await change_existing(store, ref, step)).user


async def unlink_identity(store: Store, ref: WhoeverRef, identity: Identity, terms: Terms) -> User:
    """Unlink the identity, and return the user; what is not theirs changes nothing.

    Raises:
        UserNotFound: nobody is there.
    """

    def step(user: User, _: frozenset[str]) -> Edit:
        return Edit(revised(user, unlinked(user, identity), terms.now))

    return (await change_existing(store, ref, step)).user
