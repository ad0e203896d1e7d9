"""Bring back what was exported, here or elsewhere: people, deleted ids, names, segments."""

from collections.abc import Mapping, Sequence

from app.domain.catalog import Catalog, Sightings, names_in_catalog
from app.domain.errors import IdentityTaken, InvalidInput, LimitExceeded
from app.domain.identity import Identity
from app.domain.profile import check_same, names_in
from app.domain.segment import Segment, Segments, criterion_of
from app.domain.user import User
from app.operations.terms import Terms
from app.store import Store, UserRef


async def restore_user(store: Store, user: User) -> bool:
    """Keep a user, given with all events; return whether the same was not here already.

    Raises:
        InvalidInput: somebody else, or the same otherwise, has or had one of the ids.
        IdentityTaken: somebody has one of the identities.
        LimitExceeded: the service knows too many names.
    """
    return await store.restore(user, names_in(user))


async def check_user(store: Store, user: User) -> bool:
    """Return what `restore_user` would, or raise what it would but for names; keep nothing."""
    there = await store.whole(user.id)
    if there is not None:
        check_same(there, user)
        return False
    others: list[UserRef] = [*user.absorbed, *(identity.identity for identity in user.identities)]
    for ref, found in zip(others, await store.find_many(others), strict=True):
        if found and isinstance(ref, Identity):
            raise IdentityTaken(ref, found.id)
        if found:
            raise InvalidInput("One of these ids is another person's here.", ("mergedIds",))
    return True


async def restore_names(store: Store, catalog: Catalog) -> None:
    """Enter the names of a catalog, also those that nobody uses any more.

    Raises:
        LimitExceeded: there would be too many.
    """
    names: Sightings = names_in_catalog(catalog)
    await store.coin(names)


async def restore_segments(store: Store, segments: Sequence[Segment], terms: Terms) -> None:
    """Keep segments, all or none: they may be made of each other.

    Raises:
        InvalidInput, LimitExceeded: one is here already, and differs, or cannot be kept.
    """

    def step(before: Segments) -> tuple[Segments, None]:
        after = _joined(before, segments)
        if len(after) > terms.limits.segments:
            limit = terms.limits.segments
            raise LimitExceeded(f"There are at most {limit} segments.", ("segments",), limit)
        for segment in segments:
            criterion_of(segment, after, terms.limits, ("segments", segment.id, "criteria"))
        return after, None

    await store.change_segments(step)


def _joined(before: Segments, segments: Sequence[Segment]) -> Mapping[str, Segment]:
    for segment in segments:
        there = before.get(segment.id)
        if there is not None and there != segment:
            raise InvalidInput("A segment with this id is here, and differs.", ("segments",))
    both = {**before, **{segment.id: segment for segment in segments}}
    return dict(sorted(both.items()))
