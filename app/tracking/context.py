"""The context of a message: what its sender noticed beside what it was told."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from app.domain.devices import Platform, Push, PushService, Registration, parse_registration
from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.fields import FieldValue, parse_field
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.tracking.values import members

_PLATFORMS: Final = {
    "ios": Platform.IOS,
    "ipados": Platform.IOS,
    "android": Platform.ANDROID,
    "web": Platform.WEB,
    "browser": Platform.WEB,
}
_PUSH_SERVICES: Final = {
    Platform.IOS: PushService.APNS,
    Platform.ANDROID: PushService.FCM,
    Platform.WEB: PushService.WEB_PUSH,
}
_TELLING: Final = ("type", "model", "token")


def hints_of(context: Mapping[str, Any], today: date, limits: Limits) -> dict[str, FieldValue]:
    """Return the language and the time zone that the sender runs in.

    It did not choose them for us: what is none that we know is no hint, and no fault either.
    """
    given = {"language": context.get("locale"), "timezone": context.get("timezone")}
    hints: dict[str, FieldValue] = {}
    for name, raw in given.items():
        if not isinstance(raw, str):
            continue
        text = raw.replace("_", "-") if name == "language" else raw
        try:
            hints[name] = parse_field(name, text, ("context", name), today, limits)
        except (InvalidInput, LimitExceeded):
            continue
    return hints


def named_device(context: Mapping[str, Any]) -> str | None:
    """Return the id of the device, if the context describes one that has an id of its own.

    Where a person forbids to be tracked, every device has the same id, all zeros.
    """
    device = members(context.get("device"), ("context", "device"))
    id = device.get("id")
    if not isinstance(id, str) or not id.strip("0- ") or not _is_described(device):
        return None
    return id


def registration_of(
    context: Mapping[str, Any], identity: Identity, limits: Limits
) -> Registration | None:
    """Return what the device says of itself, or None if it says nothing.

    Raises:
        InvalidInput, LimitExceeded: a text in it cannot be taken.
    """
    device = members(context.get("device"), ("context", "device"))
    if not _is_described(device):
        return None
    system = members(context.get("os"), ("context", "os"))
    app = members(context.get("app"), ("context", "app"))
    platform = _platform(device, system)
    texts = {
        "model": device.get("model"),
        "os_version": system.get("version"),
        "app_version": app.get("version"),
    }
    details: dict[str, Any] = {name: text for name, text in texts.items() if _is_filled(text)}
    if _is_filled(token := device.get("token")):
        service = _PUSH_SERVICES.get(platform, PushService.OTHER)
        details["push"] = Push(service=service, token=token)
    return parse_registration(identity, platform, details, limits)


def _is_described(device: Mapping[str, Any]) -> bool:
    return any(_is_filled(device.get(name)) for name in _TELLING)


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _platform(device: Mapping[str, Any], system: Mapping[str, Any]) -> Platform:
    for word in (device.get("type"), system.get("name")):
        if isinstance(word, str) and (known := _PLATFORMS.get(word.strip().casefold())):
            return known
    return Platform.OTHER
