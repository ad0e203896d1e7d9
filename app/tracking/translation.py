"""From a message to what is to be done to whom: the rules of Segment's specification, in ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from app.domain.changes import parse_changes
from app.domain.errors import InvalidInput
from app.domain.identity import Identity, IdentityKind, normalised
from app.domain.limits import Limits
from app.domain.observation import Observation
from app.tracking.context import hints_of, named_device, registration_of
from app.tracking.deeds import Deed, LogIn, Observe, Unite
from app.tracking.events import events_of, group_id
from app.tracking.messages import Kind, Message
from app.tracking.traits import raw_changes
from app.tracking.values import members

GROUPS: Final = "groups"
"""The property that lists the groups somebody joined."""


@dataclass(frozen=True)
class Reading:
    """What a message is read with.

    Attributes:
        now: When it was received.
        today: The day against which a birthday is judged.
        limits: What a person may hold.
        new_id: The id of its event, should it have none.
    """

    now: datetime
    today: date
    limits: Limits
    new_id: str


def translated(message: Message, reading: Reading) -> Deed:
    """Return what a message asks for.

    An event belongs to whoever has its `userId`; only an identify message says that its
    `anonymousId` is theirs, since the id may be left over from whoever used the browser before.

    Raises:
        InvalidInput, LimitExceeded: it cannot be used, with a path into the message or, where
            a rule about people refused it, into what it was read as; see `paths`.
    """
    if message.kind is Kind.ALIAS:
        return _unite(message, reading.limits)
    person, device = _person(message, reading.limits), _device(message, reading.limits)
    whoever = person or device
    if whoever is None:
        raise InvalidInput("There is neither a userId nor an anonymousId.", ("userId",))
    observation = _observation(message, device, reading)
    if person and message.kind is Kind.IDENTIFY:
        return LogIn(person, device, observation)
    return Observe(whoever, observation)


# ---------------------------------------------------------------- who


def _person(message: Message, limits: Limits) -> Identity | None:
    return _identity(IdentityKind.CUSTOM, message.user_id, "userId", limits)


def _device(message: Message, limits: Limits) -> Identity | None:
    if message.anonymous_id is None and message.user_id is not None:
        named = named_device(message.context)
        return _identity(IdentityKind.DEVICE, named, "context", limits)
    return _identity(IdentityKind.DEVICE, message.anonymous_id, "anonymousId", limits)


def _identity(kind: IdentityKind, raw: str | None, name: str, limits: Limits) -> Identity | None:
    if raw is None:
        return None
    return normalised(kind, raw, (name,), test_mail_domains=limits.test_mail_domains)


def _unite(message: Message, limits: Limits) -> Unite:
    person = _person(message, limits)
    if person is None:
        raise InvalidInput("There is no userId.", ("userId",))
    previous_id = message.text("previousId")
    name, earlier = "previousId", previous_id
    if previous_id in (None, message.anonymous_id):
        name, earlier = "anonymousId", message.anonymous_id
    device = _identity(IdentityKind.DEVICE, earlier, name, limits)
    if device is None:
        raise InvalidInput("There is no previousId.", ("previousId",))
    previous = None
    if name == "previousId":
        previous = _identity(IdentityKind.CUSTOM, earlier, name, limits)
    return Unite(person, previous, device)


# ---------------------------------------------------------------- what


def _observation(message: Message, device: Identity | None, reading: Reading) -> Observation:
    raw = raw_changes(_traits(message), message.traits_path)
    if message.kind is Kind.GROUP:
        properties = raw.setdefault("properties", {})
        properties["append"] = {GROUPS: [group_id(message)]}
    context, limits = message.context, reading.limits
    return Observation(
        changes=parse_changes(raw, reading.today, limits),
        hints=hints_of(context, reading.today, limits),
        registration=registration_of(context, device, limits) if device else None,
        events=events_of(message, reading.now, reading.new_id, limits),
    )


def _traits(message: Message) -> Mapping[str, Any]:
    beside = members(message.context.get("traits"), ("context", "traits"))
    return {**beside, **message.object("traits")} if message.kind is Kind.IDENTIFY else beside
