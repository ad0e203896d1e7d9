"""What one message tells of a person, taken in at once: changes, hints, a device, events."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.domain.catalog import names_in_changes
from app.domain.changes import NO_CHANGES, UserChanges
from app.domain.devices import Registration
from app.domain.events import Event
from app.domain.fields import FieldValue
from app.domain.limits import Limits
from app.domain.recent import Recent
from app.domain.user import ATTRIBUTES, Edit, User, revised, updated, with_device, with_events


@dataclass(frozen=True)
class Observation:
    """What is to be taken in, all or none of it.

    Attributes:
        changes: What was said of the person.
        hints: Standard fields that are taken on only where nothing is known.
        registration: What a device says of itself; it counts only if the device is the person's.
        events: What the person did.
    """

    changes: UserChanges = NO_CHANGES
    hints: Mapping[str, FieldValue] = field(default_factory=dict)
    registration: Registration | None = None
    events: tuple[Event, ...] = ()


def observed(
    user: User, observation: Observation, known: Set[str], now: datetime, limits: Limits
) -> Edit:
    """Return the edit that takes an observation in.

    One whose events are all recorded already was taken in before, and changes nothing.

    Args:
        user: Who was observed.
        observation: What was.
        known: Which of the events' ids are in the user's archive.
        now: When this is taken in.
        limits: What the user may hold.

    Raises:
        InvalidInput, LimitExceeded: the user cannot be changed so.
    """
    events = observation.events
    ids = {event.id for event in events}
    if events and ids <= Recent.of(user.events).among(ids) | known:
        return Edit(user, duplicates=len(events))
    changes = _with_hints(user, observation)
    after = updated(user, changes, now, limits)
    registration = observation.registration
    if registration and after.has(registration.identity):
        after = with_device(after, registration, now)
    edit = with_events(after, events, known, limits)
    return replace(
        edit,
        user=revised(user, edit.user, now),
        sightings={**names_in_changes(changes.operations, after.properties), **edit.sightings},
    )


def _with_hints(user: User, observation: Observation) -> UserChanges:
    changes = observation.changes
    hints = {
        name: value
        for name, value in observation.hints.items()
        if getattr(user, ATTRIBUTES.get(name, name)) is None
    }
    return replace(changes, fields={**hints, **changes.fields})
