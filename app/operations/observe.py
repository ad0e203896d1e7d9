"""Take in what one message tells of a person."""

from dataclasses import replace
from functools import partial

from app.domain.observation import Observation, observed
from app.domain.user import Edit, User
from app.operations.find import WhoeverRef, change_or_create
from app.operations.terms import Terms
from app.store import Store


async def observe(store: Store, ref: WhoeverRef, observation: Observation, terms: Terms) -> Edit:
    """Take in changes, hints, device and events at once; somebody unknown is created.

    Raises:
        UserNotFound: `ref` is an id that finds nobody.
        InvalidInput, LimitExceeded: the user cannot be changed so, or could not exist,
            or brings too many new names.
    """
    step = partial(_step, observation=observation, terms=terms)
    ids = {event.id for event in observation.events}
    return await change_or_create(store, ref, step, terms, ids)


def _step(user: User, known: frozenset[str], observation: Observation, terms: Terms) -> Edit:
    edit = observed(user, observation, known, terms.now, terms.limits)
    return replace(edit, coiner=terms.coiner)
