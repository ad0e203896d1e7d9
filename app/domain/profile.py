"""A profile: everything kept about one person, as one JSON object that can be read back."""

from datetime import date
from typing import Any, Final

from pydantic import BaseModel

from app.domain.catalog import PROPERTIES, Name, Sightings, names_in_events
from app.domain.devices import Device
from app.domain.errors import InvalidInput
from app.domain.events import Event
from app.domain.fields import STANDARD_FIELDS
from app.domain.properties import kind_of, show_properties
from app.domain.times import show_instant
from app.domain.user import ATTRIBUTES, User

VERSION: Final = 1
"""Of the form of a profile; one with another is refused."""


def show_profile(user: User) -> dict[str, Any]:
    """Return the profile of a user who was given with all events.

    What is unknown is left out; `type`, `age` and `activity` follow from the rest, of which the
    totals are shown since people ask for them.
    """
    fields = {name: getattr(user, ATTRIBUTES.get(name, name)) for name in STANDARD_FIELDS}
    return {
        "id": user.id,
        "version": user.version,
        "identified": user.identified,
        **{name: _show_field(value) for name, value in fields.items() if value is not None},
        "identities": [
            {
                "kind": identity.kind.name,
                "value": identity.value,
                "linkedAt": show_instant(identity.linked_at),
            }
            for identity in user.identities
        ],
        "properties": show_properties(user.properties),
        "devices": [_show_device(device) for device in user.devices],
        "channels": {
            channel.value: {
                "subscribed": choice.subscribed,
                "changedAt": show_instant(choice.changed_at),
            }
            for channel, choice in user.choices.items()
        },
        "activity": [
            {
                "name": total.name,
                "count": total.count,
                "firstAt": show_instant(total.first_at),
                "lastAt": show_instant(total.last_at),
            }
            for _, total in sorted(user.activity.items())
        ],
        "events": [show_event(event) for event in user.events],
        "mergedIds": list(user.absorbed),
        "idempotencyKeys": list(user.request_ids),
        "recordIds": list(user.record_ids),
        "createdAt": show_instant(user.created_at),
        "updatedAt": show_instant(user.updated_at),
        "lastSeenAt": None if user.last_seen_at is None else show_instant(user.last_seen_at),
    }


def _show_field(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(exclude_none=True)
        case date():
            return value.isoformat()
        case str():
            return getattr(value, "name", value)  # of an enumeration, its name
        case _:
            return value


def _show_device(device: Device) -> dict[str, Any]:
    known = {
        "model": device.model,
        "osVersion": device.os_version,
        "appVersion": device.app_version,
        "push": device.push and {"service": device.push.service.name, "token": device.push.token},
    }
    return {
        "id": device.id,
        "platform": device.platform.name,
        **{name: value for name, value in known.items() if value is not None},
        "lastSeenAt": show_instant(device.last_seen_at),
    }


def show_event(event: Event) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": event.id,
        "name": event.name,
        "at": show_instant(event.at),
    }
    if event.properties:
        shown |= {"properties": show_properties(event.properties)}
    if event.items:
        shown |= {"items": [show_properties(item) for item in event.items]}
    return shown


def names_in(user: User) -> Sightings:
    """Return the names that a user, given with all events, uses."""
    properties: Sightings = {
        Name(PROPERTIES, name, kind_of(value)): (name, ("properties", name))
        for name, value in user.properties.items()
    }
    return {**properties, **names_in_events(enumerate(user.events))}


def check_same(there: User, user: User) -> None:
    """Refuse a user who is there already, unless it is the same; both with all events."""
    if there.id != user.id:
        raise InvalidInput("Whoever had this id was merged into another person here.", ("id",))
    if not are_equal(there, user):
        raise InvalidInput("A person with this id is here, and differs.", ("id",))


def are_equal(one: User, other: User) -> bool:
    """Return whether two users, given with all events, are one; spellings of events differ."""
    return _spelled_alike(one) == _spelled_alike(other)


def _spelled_alike(user: User) -> dict[str, Any]:
    shown = show_profile(user)
    return shown | {
        "activity": [],
        "events": [
            event | {"name": stored.key}
            for event, stored in zip(shown["events"], user.events, strict=True)
        ],
    }
