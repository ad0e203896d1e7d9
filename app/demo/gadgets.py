"""What the sample people hold in their hands: phones, browsers, and their push tokens."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.devices import Platform, Push, PushService


@dataclass(frozen=True)
class Gadget:
    """A device, as it will register itself."""

    id: str
    platform: Platform
    details: Mapping[str, Any]


_MODELS: Final[tuple[tuple[Platform, PushService, str, tuple[str, ...]], ...]] = (
    (Platform.ANDROID, PushService.FCM, "Android phone", ("13", "14", "15", "16")),
    (Platform.IOS, PushService.APNS, "iPhone", ("17.6", "18.5", "26.0")),
    (Platform.WEB, PushService.WEB_PUSH, "Firefox on Linux", ("140", "143")),
    (Platform.WEB, PushService.WEB_PUSH, "Safari on macOS", ("17", "18")),
    (Platform.OTHER, PushService.WNS, "Windows tablet", ("10", "11")),
)
_APP_VERSIONS: Final = ("5.2.0", "5.3.1", "6.0.0")


def gadget(rng: random.Random, *, has_push: bool) -> Gadget:
    """Return some device, with a push token or without."""
    platform, service, model, versions = rng.choices(_MODELS, (40, 32, 14, 10, 4))[0]
    number = f"{rng.getrandbits(64):016x}"
    details: dict[str, Any] = {"model": model, "os_version": rng.choice(versions)}
    if platform is not Platform.WEB:
        details["app_version"] = rng.choice(_APP_VERSIONS)
    if has_push:
        details["push"] = Push(service=service, token=f"sample-token-{number}")
    return Gadget(f"{platform.value}-{number}", platform, details)
