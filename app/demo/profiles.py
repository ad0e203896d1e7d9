"""What is known about the sample people: identities, standard fields, custom properties."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.demo.places import Place, Resident
from app.demo.shop import TOPICS, Visit
from app.domain.fields import Gender
from app.domain.identity import IdentityKind
from app.domain.reach import Channel
from app.domain.times import show_instant

RawIdentity = tuple[IdentityKind, str]
RawChanges = dict[str, Any]

_MAIL_DOMAINS: Final = ("example.org", "example.com", "example.net")
_TRIAL: Final = timedelta(days=14)
_VIP_SPENDS: Final = 1_500


def identities(rng: random.Random, number: int, who: Resident) -> list[RawIdentity]:
    """Return the strong identities of a person; an e-mail address or a phone is among them."""
    kinds = {
        IdentityKind.CUSTOM: (0.7, f"c-{1000 + number}"),
        IdentityKind.EMAIL: (0.85, f"{who.mailbox}@{rng.choice(_MAIL_DOMAINS)}"),
        IdentityKind.PHONE: (0.3, who.phone),
        IdentityKind.FACEBOOK: (0.12, f"1{rng.randrange(10**15):015}"),
        IdentityKind.GOOGLE: (0.2, f"1{rng.randrange(10**20):020}"),
    }
    chosen = {kind: value for kind, (share, value) in kinds.items() if rng.random() < share}
    if IdentityKind.EMAIL not in chosen:
        chosen[IdentityKind.PHONE] = who.phone
    return list(chosen.items())


def profile(
    rng: random.Random, place: Place, who: Resident, birthday: date, plan: str, joined: datetime
) -> RawChanges:
    """Return what a person told on joining; few tell everything."""
    optional = {
        "gender": (0.85, Gender.OTHER if rng.random() < 0.05 else who.gender),
        "birthday": (0.9, birthday),
        "timezone": (0.9, place.timezone),
        "location": (0.9, place.location()),
        "phone": (0.25, who.phone),
        "photoUrl": (0.3, f"https://photos.example.org/{who.mailbox}.jpg"),
    }
    told = {field: value for field, (share, value) in optional.items() if rng.random() < share}
    properties = {"set": _properties(rng, plan, joined)}
    return {"name": who.name, "language": place.language, **told, "properties": properties}


def _properties(rng: random.Random, plan: str, joined: datetime) -> RawChanges:
    chosen: RawChanges = {
        "plan": plan,
        "newsletterTopics": rng.sample(TOPICS, rng.randint(0, 3)),
        "termsAcceptedAt": {"dateTime": show_instant(joined)},
        "visits": 1,
    }
    if plan == "free":
        chosen["trialEndsOn"] = {"date": (joined + _TRIAL).date().isoformat()}
    if plan == "team":
        chosen["seats"] = rng.randint(2, 12)
    if rng.random() < 0.2:
        chosen["foundUsBy"] = rng.choice(("a friend", "a fair", "search", "podcast"))
    return chosen


def changes_later(rng: random.Random, visits: Sequence[Visit]) -> RawChanges:
    """Return what a person chose, and what the shop counted, by the end of the visits."""
    manner = "append" if rng.random() < 0.7 else "remove"
    topics = {manner: {"newsletterTopics": [rng.choice(TOPICS)]}}
    return {"properties": topics | counted(visits), "channels": _choices(rng)}


def counted(visits: Sequence[Visit]) -> RawChanges:
    """Return the operations on properties by which the shop keeps count of visits and orders."""
    charges = [event for visit in visits for event in visit if event["name"] == "Charged"]
    if not charges:
        return {"increment": {"visits": len(visits) - 1}}
    spent = sum(charge["properties"]["amount"] for charge in charges)
    last = {"dateTime": show_instant(charges[-1]["at"])}
    return {
        "increment": {"visits": len(visits) - 1, "loyaltyPoints": int(spent)},
        "set": {"vip": spent > _VIP_SPENDS, "lastOrderAt": last},
    }


def _choices(rng: random.Random) -> dict[str, bool]:
    choices = {
        Channel.EMAIL: (0.12, False),
        Channel.PUSH: (0.1, False),
        Channel.SMS: (0.15, False),
        Channel.WHATSAPP: (0.1, True),
    }
    return {
        channel.value: chosen
        for channel, (share, chosen) in choices.items()
        if rng.random() < share
    }
