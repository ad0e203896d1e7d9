"""Builders: a test says what it is about, these fill in the rest."""

from datetime import UTC, datetime
from typing import Any, Final

from app.domain.changes import UserChanges, parse_changes
from app.domain.devices import Device, Platform, Push, PushService, Registration
from app.domain.errors import Path
from app.domain.events import Event
from app.domain.identity import Identity, IdentityKind, LinkedIdentity
from app.domain.limits import Limits
from app.domain.listing import EventQuery
from app.domain.user import User

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
TODAY: Final = NOON.date()
LIMITS: Final = Limits()
HERE: Final[Path] = ("here",)


def user(**known: Any) -> User:
    return User(
        **{"id": "01KG9C2D00", "version": 1, "created_at": NOON, "updated_at": NOON} | known
    )


def event(**known: Any) -> Event:
    return Event(**{"id": "e1", "name": "Viewed", "at": NOON, "properties": {}} | known)


def identity(key: str) -> Identity:
    """Return the identity of a key such as `email:ada@example.org`."""
    kind, _, value = key.partition(":")
    return Identity(kind=IdentityKind(kind), value=value)


def linked_identity(key: str, at: datetime = NOON) -> LinkedIdentity:
    return LinkedIdentity(**identity(key).model_dump(), linked_at=at)


def device(**known: Any) -> Device:
    return Device(**{"id": "d1", "platform": Platform.IOS, "last_seen_at": NOON} | known)


def push(token: str = "t1") -> Push:
    return Push(service=PushService.FCM, token=token)


def registration(id: str = "d1", platform: Platform = Platform.IOS, **details: Any) -> Registration:
    return Registration(identity(f"device:{id}"), platform, details)


def changes(**raw: Any) -> UserChanges:
    """Return the changes that the API's `changes` with these members makes."""
    return parse_changes(raw, TODAY, LIMITS)


def query(**known: Any) -> EventQuery:
    return EventQuery(
        **{"key": None, "since": None, "until": None, "after": None, "first": 100} | known
    )
