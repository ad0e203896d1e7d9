"""Ada Lovelace, whom the documentation asks about."""

import random
from datetime import date, datetime, timedelta
from typing import Final

from app.demo.gadgets import Gadget
from app.demo.people import Person, joined_before
from app.demo.places import PLACES
from app.demo.profiles import RawChanges, counted
from app.demo.shop import Outcome, Visit, subscribed, visit
from app.domain.devices import Platform, Push, PushService
from app.domain.fields import Gender
from app.domain.identity import IdentityKind
from app.domain.times import show_instant

_LONDON: Final = PLACES[0]
_PHONE: Final = Gadget(
    "ada-phone",
    Platform.IOS,
    {
        "model": "iPhone",
        "os_version": "26.0",
        "app_version": "6.0.0",
        "push": Push(service=PushService.APNS, token="sample-token-ada"),  # noqa: S106  # opens nothing
    },
)


def ada_lovelace(now: datetime) -> Person:
    """Return Ada, who joined less than a day ago and was here some minutes ago."""
    rng = random.Random(49)  # noqa: S311  # nothing is kept secret by it, and it can be repeated
    life = _visits(rng, now)
    return Person(
        identities=[
            (IdentityKind.CUSTOM, "ada"),
            (IdentityKind.EMAIL, "ada@example.org"),
            (IdentityKind.PHONE, "+44 7400 123450"),
        ],
        profile=_profile(joined_before(life)),
        gadgets=[_PHONE],
        visits=life,
        later={"properties": counted(life), "channels": {"email": True}},
    )


def _visits(rng: random.Random, now: datetime) -> list[Visit]:
    ago = (timedelta(hours=20), timedelta(hours=5), timedelta(minutes=4))
    joining, ordering, returning = (now - span for span in ago)
    return [
        visit(rng, joining, _PHONE.platform, Outcome.ADDED_TO_CART, subscribed("pro")),
        visit(rng, ordering, _PHONE.platform, Outcome.CHARGED),
        visit(rng, returning, _PHONE.platform, Outcome.ADDED_TO_CART),
    ]


def _profile(joined: datetime) -> RawChanges:
    return {
        "name": "Ada Lovelace",
        "birthday": date(2000, 2, 29),
        "gender": Gender.FEMALE,
        "language": "en-GB",
        "timezone": _LONDON.timezone,
        "photoUrl": "https://photos.example.org/ada.jpg",
        "location": _LONDON.location(),
        "properties": {
            "set": {
                "plan": "pro",
                "visits": 1,
                "newsletterTopics": ["tents", "light"],
                "termsAcceptedAt": {"dateTime": show_instant(joined)},
                "renewsOn": {"date": (joined + timedelta(days=365)).date().isoformat()},
            }
        },
    }
