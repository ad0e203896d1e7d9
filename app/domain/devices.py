"""Devices: installations and browsers, and the tokens that push messages go to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from app.domain.errors import InvalidInput, Path
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.text import bounded

MAX_TOKEN_BYTES: Final = 4_096


class Platform(StrEnum):
    ANDROID = "android"
    IOS = "ios"
    WEB = "web"
    SERVER = "server"
    OTHER = "other"


class PushService(StrEnum):
    FCM = "fcm"
    APNS = "apns"
    WEB_PUSH = "webPush"
    WNS = "wns"
    OTHER = "other"


class Push(BaseModel):
    """Where push messages to a device go."""

    model_config = ConfigDict(frozen=True)

    service: PushService
    token: str


class Device(BaseModel):
    """A device as it registered itself; `id` is the value of its DEVICE identity."""

    model_config = ConfigDict(frozen=True)

    id: str
    platform: Platform
    model: str | None = None
    os_version: str | None = None
    app_version: str | None = None
    push: Push | None = None
    last_seen_at: datetime


@dataclass(frozen=True)
class Registration:
    """What a device says of itself.

    Attributes:
        identity: Its DEVICE identity.
        platform: What it runs on.
        details: `model`, `os_version`, `app_version` and `push`, those that were given; None
            clears.
    """

    identity: Identity
    platform: Platform
    details: Mapping[str, Any]


def parse_registration(
    identity: Identity, platform: Platform, details: Mapping[str, Any], limits: Limits
) -> Registration:
    """Return the registration, its texts within their bounds."""
    for name, value in details.items():
        _check_detail(name, value, ("device",), limits)
    return Registration(identity, platform, details)


def _check_detail(name: str, value: Any, path: Path, limits: Limits) -> None:
    match value:
        case Push(token=token):
            if not token.strip():
                raise InvalidInput("The push token is empty.", (*path, "push", "token"))
            bounded(token, (*path, "push", "token"), MAX_TOKEN_BYTES)
        case str():
            bounded(value, (*path, _shown(name)), limits.text_bytes)
        case _:
            return


def _shown(name: str) -> str:
    return {"os_version": "osVersion", "app_version": "appVersion"}.get(name, name)


def registered(device: Device | None, registration: Registration, now: datetime) -> Device:
    """Return the device after it registered, for the first time or again."""
    fields: dict[str, Any] = {} if device is None else dict(device)
    fields |= dict(registration.details)
    return Device(
        **fields
        | {
            "id": registration.identity.value,
            "platform": registration.platform,
            "last_seen_at": now,
        }
    )
