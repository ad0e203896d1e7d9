"""Profiles read back: whatever a file says is checked as if a stranger had written it."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from app.domain.devices import Device, Platform, Push, PushService, parse_registration
from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.events import Event, counted, parse_stored_event
from app.domain.fields import STANDARD_FIELDS, parse_field
from app.domain.identity import Identity, IdentityKind, LinkedIdentity, normalised
from app.domain.limits import MAX_IDEMPOTENCY_KEYS, MAX_PROPERTIES_BYTES, MAX_RECORD_IDS, Limits
from app.domain.properties import parse_properties, properties_bytes
from app.domain.reach import Channel, Choice
from app.domain.times import parse_instant
from app.domain.user import ATTRIBUTES, User

_ID: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Identity(_Shape):
    kind: str
    value: str
    linkedAt: str  # noqa: N815 (as it is written)


class _Push(_Shape):
    service: str
    token: str


class _Device(_Shape):
    id: str
    platform: str
    model: str | None = None
    osVersion: str | None = None  # noqa: N815
    appVersion: str | None = None  # noqa: N815
    push: _Push | None = None
    lastSeenAt: str  # noqa: N815


class _Choice(_Shape):
    subscribed: bool
    changedAt: str  # noqa: N815


class _Event(_Shape):
    id: str
    name: str
    at: str
    properties: dict[str, Any] = {}
    items: list[dict[str, Any]] = []


class _Profile(_Shape):
    id: str
    version: int
    identified: bool
    name: Any = None
    email: Any = None
    phone: Any = None
    birthday: Any = None
    gender: Any = None
    language: Any = None
    timezone: Any = None
    photoUrl: Any = None  # noqa: N815
    location: Any = None
    identities: list[_Identity] = []
    properties: dict[str, Any] = {}
    devices: list[_Device] = []
    channels: dict[str, _Choice] = {}
    activity: list[Any] = []
    events: list[_Event] = []
    mergedIds: list[str] = []  # noqa: N815
    idempotencyKeys: list[str] = []  # noqa: N815
    recordIds: list[str] = []  # noqa: N815
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    lastSeenAt: str | None = None  # noqa: N815


def parse_profile(raw: Any, today: date, limits: Limits) -> User:
    """Return the user, with all events, of whom `raw` is the profile.

    Raises:
        InvalidInput, LimitExceeded: it is none, or more than a person may hold here.
    """
    shape = _shaped(raw)
    fields = {
        ATTRIBUTES.get(name, name): parse_field(name, getattr(shape, name), (name,), today, limits)
        for name in STANDARD_FIELDS
    }
    events = _parse_events(shape.events, limits)
    user = User(
        id=parse_id(shape.id, ("id",)),
        version=_positive(shape.version),
        identified=shape.identified,
        identities=tuple(
            _parse_identity(one, ("identities", str(i)), limits)
            for i, one in enumerate(shape.identities)
        ),
        properties=parse_properties(shape.properties, ("properties",), limits),
        devices=tuple(
            _parse_device(one, ("devices", str(i)), limits) for i, one in enumerate(shape.devices)
        ),
        choices={
            _member(Channel, name.upper(), ("channels", name)): Choice(
                subscribed=one.subscribed,
                changed_at=parse_instant(one.changedAt, ("channels", name, "changedAt")),
            )
            for name, one in shape.channels.items()
        },
        activity=counted({}, events),
        events=events,
        absorbed=tuple(parse_id(id, ("mergedIds", str(i))) for i, id in enumerate(shape.mergedIds)),
        request_ids=tuple(shape.idempotencyKeys[-MAX_IDEMPOTENCY_KEYS:]),
        record_ids=tuple(shape.recordIds[-MAX_RECORD_IDS:]),
        created_at=parse_instant(shape.createdAt, ("createdAt",)),
        updated_at=parse_instant(shape.updatedAt, ("updatedAt",)),
        last_seen_at=None
        if shape.lastSeenAt is None
        else parse_instant(shape.lastSeenAt, ("lastSeenAt",)),
        **fields,
    )
    _refuse_contradictions(user)
    _refuse_excess(user, limits)
    return user


def _shaped(raw: Any) -> _Profile:
    try:
        return _Profile.model_validate(raw)
    except ValidationError as fault:
        error = fault.errors(include_input=False)[0]
        path = tuple(str(part) for part in error["loc"])
        raise InvalidInput(f"This is no profile: {error['msg']}.", path) from None


def parse_id(raw: Any, path: Path) -> str:
    """Return an id of a person, as this service makes them."""
    if not (isinstance(raw, str) and _ID.fullmatch(raw)):
        raise InvalidInput("This is no id of a person.", path)
    return raw


def _positive(version: int) -> int:
    if not 0 < version < 2**53:
        raise InvalidInput("This is no version.", ("version",))
    return version


def _member(enumeration: Any, name: str, path: Path) -> Any:
    try:
        return enumeration[name]
    except KeyError:
        names = ", ".join(member.name for member in enumeration)
        raise InvalidInput(f"This is none of {names}.", path) from None


def _parse_identity(raw: _Identity, path: Path, limits: Limits) -> LinkedIdentity:
    kind: IdentityKind = _member(IdentityKind, raw.kind, (*path, "kind"))
    identity = normalised(
        kind, raw.value, (*path, "value"), test_mail_domains=limits.test_mail_domains
    )
    return LinkedIdentity(
        kind=kind, value=identity.value, linked_at=parse_instant(raw.linkedAt, (*path, "linkedAt"))
    )


def _parse_device(raw: _Device, path: Path, limits: Limits) -> Device:
    push = raw.push and Push(
        service=_member(PushService, raw.push.service, (*path, "push", "service")),
        token=raw.push.token,
    )
    details = {
        "model": raw.model,
        "os_version": raw.osVersion,
        "app_version": raw.appVersion,
        "push": push,
    }
    platform: Platform = _member(Platform, raw.platform, (*path, "platform"))
    identity = Identity(kind=IdentityKind.DEVICE, value=raw.id)
    parse_registration(identity, platform, details, limits)
    last_seen_at = parse_instant(raw.lastSeenAt, (*path, "lastSeenAt"))
    return Device.model_validate(
        {**details, "id": raw.id, "platform": platform, "last_seen_at": last_seen_at}
    )


def _parse_events(raw: Sequence[_Event], limits: Limits) -> tuple[Event, ...]:
    """Return events, newest first."""
    events = {
        one.id: parse_stored_event(one.model_dump(), ("events", str(i)), limits)
        for i, one in enumerate(raw)
    }
    if len(events) < len(raw):
        raise InvalidInput("Two events have the same id.", ("events",))
    return tuple(sorted(events.values(), key=lambda event: event.order, reverse=True))


def _refuse_contradictions(user: User) -> None:
    keys = [identity.key for identity in user.identities]
    if len(set(keys)) < len(keys):
        raise InvalidInput("An identity is there twice.", ("identities",))
    devices = {f"{IdentityKind.DEVICE.value}:{device.id}" for device in user.devices}
    if len(devices) < len(user.devices) or not devices <= set(keys):
        raise InvalidInput("Each device is one of the identities, and there once.", ("devices",))
    if any(identity.is_strong for identity in user.identities) and not user.identified:
        raise InvalidInput("Whoever has a strong identity is identified.", ("identified",))
    if len({user.id, *user.absorbed}) < len(user.absorbed) + 1:
        raise InvalidInput("An id is there twice.", ("mergedIds",))


def _refuse_excess(user: User, limits: Limits) -> None:
    strong = sum(identity.is_strong for identity in user.identities)
    bounds: Mapping[str, tuple[int, int]] = {
        "identities": (strong, limits.identities),
        "devices": (len(user.identities) - strong, limits.devices),
        "properties": (len(user.properties), limits.properties),
        "mergedIds": (len(user.absorbed), limits.absorbed),
    }
    for name, (count, limit) in bounds.items():
        if count > limit:
            raise LimitExceeded(f"A user has at most {limit} {name}.", (name,), limit)
    if properties_bytes(user.properties) > MAX_PROPERTIES_BYTES:
        raise LimitExceeded(
            f"The properties of a user take over {MAX_PROPERTIES_BYTES} bytes.",
            ("properties",),
            MAX_PROPERTIES_BYTES,
        )
