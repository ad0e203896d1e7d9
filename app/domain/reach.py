"""What follows from a profile: how to reach the person, the profile type, the age."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

CHARGED: Final = "charged"
"""The key of the event that makes a customer."""


class Channel(StrEnum):
    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class ProfileType(StrEnum):
    ANONYMOUS = "anonymous"
    ADDRESSABLE = "addressable"
    CUSTOMER = "customer"


class Choice(BaseModel):
    """What a person chose for a channel, and when."""

    model_config = ConfigDict(frozen=True)

    subscribed: bool
    changed_at: datetime


Choices = Mapping[Channel, Choice]
"""Only of the channels for which something was chosen."""


def reachable_by(
    *, email: str | None, phone: str | None, has_push_token: bool, chosen: Mapping[str, bool]
) -> list[Channel]:
    """Return the channels with an address or token, and no opt-out.

    Args:
        email: Where to write to.
        phone: Where to call.
        has_push_token: Whether some device takes push messages.
        chosen: By channel, whether the person subscribed or opted out; whoever never chose is open.
    """
    known = {
        Channel.EMAIL: email is not None,
        Channel.PUSH: has_push_token,
        Channel.SMS: phone is not None,
        Channel.WHATSAPP: phone is not None,
    }
    return [
        channel for channel, is_known in known.items() if is_known and chosen.get(channel, True)
    ]


def profile_type(*, was_charged: bool, reachable: list[Channel]) -> ProfileType:
    """Return what the person is to the business."""
    if was_charged:
        return ProfileType.CUSTOMER
    if Channel.EMAIL in reachable or Channel.PUSH in reachable:
        return ProfileType.ADDRESSABLE
    return ProfileType.ANONYMOUS


def age_on(day: date, birthday: date) -> int:
    """Return the age in whole years on `day`.

    Born on 29 February, a person turns a year older on 1 March of a common year.
    """
    had_birthday = (day.month, day.day) >= (birthday.month, birthday.day)
    return day.year - birthday.year - (not had_birthday)
