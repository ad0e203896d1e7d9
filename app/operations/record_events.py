"""Record what a person did, and read the log back."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from app.domain.access import Guard, anybody
from app.domain.events import Event
from app.domain.listing import EventQuery, is_settled, listed
from app.domain.user import Edit, User, recorded
from app.operations.find import WhoeverRef, change_existing, change_or_create
from app.operations.terms import Terms
from app.store import Store


async def record_events(
    store: Store,
    ref: WhoeverRef,
    events: Sequence[Event],
    terms: Terms,
    *,
    create_if_missing: bool = False,
    guard: Guard = anybody,
) -> Edit:
    """Record every event whose id is new, all at once.

    Raises:
        UserNotFound: nobody is there, and nobody was created.
        LimitExceeded: the service knows too many names already.
        Forbidden: the guard says so.
    """
    step = partial(_record, events=events, terms=terms, guard=guard)
    ids = {event.id for event in events}
    if create_if_missing:
        return await change_or_create(store, ref, step, terms, ids)
    return await change_existing(store, ref, step, ids)


def _record(
    user: User, known: frozenset[str], events: Sequence[Event], terms: Terms, guard: Guard
) -> Edit:
    guard(user)
    edit = recorded(user, events, known, terms.now, terms.limits)
    return replace(edit, coiner=terms.coiner)


async def read_events(store: Store, user: User, query: EventQuery) -> tuple[list[Event], bool]:
    """Return a page of the user's whole log, newest first, and whether more follow.

    The user was read before the archive is, so an event on its way from one to the other shows.
    """
    recent, more = listed(query, user.events)
    oldest_at = recent[-1].at if recent else None
    if not user.archived or is_settled(oldest_at, user.archived_until, more=more):
        return recent, more
    # What a merge would do is shown before both archives were cleared of each other's copies.
    embedded = sum(bool(user.absorbed) or query.takes(event) for event in user.events)
    archived = await store.archived_events(user, query, query.first + 1 + embedded)
    return listed(query, user.events, archived)
