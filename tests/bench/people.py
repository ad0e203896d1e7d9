"""The people of the race: the same for every server, every time, each by their number."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

Person = dict[str, Any]
"""One person in the shape of the API's answers."""

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
PLANS: Final = ("free", "pro", "team", "enterprise")
EVENTS: Final = ("Added To Cart", "App Opened", "Charged", "Product Viewed", "Searched")
EVENTS_PER_PERSON: Final = 10

_GIVEN: Final = ("Ada", "Blaise", "Chiara", "Dorothea", "Émilie", "Farid", "Gudrun", "Hypatia")
_FAMILY: Final = ("Abel", "Bernoulli", "Castelli", "Dürer", "Euler", "Fourier", "Gauß", "Hilbert")
_PLACES: Final = (
    ("CH", "Bern", "de-CH", "Europe/Zurich"),
    ("FR", "Lyon", "fr", "Europe/Paris"),
    ("GB", "Leeds", "en-GB", "Europe/London"),
    ("IN", "Pune", "hi", "Asia/Kolkata"),
    ("US", "Austin", "en-US", "America/Chicago"),
)
_TAGS: Final = ("boots", "kitchen", "light", "packs", "tents")


def everyone(count: int) -> list[Person]:
    """Return the people, the one who joined first first."""
    return [person(number) for number in range(count)]


def email_of(number: int) -> str:
    return f"person-{number}@example.org"


def person(number: int) -> Person:
    """Return the person with this number: one second younger a member than the one before."""
    dice = Random(number)  # not shared, so that a person does not depend on how many there are
    joined = EPOCH + timedelta(seconds=number)
    country, city, language, timezone = dice.choice(_PLACES)
    email, phone = email_of(number), f"+4176{2000000 + number}"
    events = _events(number, joined, dice)
    return {
        "id": f"01BENCH{number:019d}",
        "version": 2,
        "name": f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}",
        "email": email,
        "phone": phone,
        "birthday": (date(1950, 1, 1) + timedelta(days=dice.randrange(20_000))).isoformat(),
        "gender": dice.choice(("FEMALE", "MALE", "OTHER")),
        "language": language,
        "timezone": timezone,
        "photoUrl": f"https://photos.example.org/{number}.jpg",
        "location": {"country": country, "city": city},
        "subscribedToEmail": dice.random() < 0.9,
        "identities": [
            {"kind": kind, "value": value, "linkedAt": shown(joined)}
            for kind, value in (
                ("CUSTOM", f"member-{number}"),
                ("EMAIL", email),
                ("PHONE", phone),
            )
        ],
        "properties": {
            "company": f"Company {dice.randrange(500)}",
            "newsletter": dice.random() < 0.5,
            "plan": dice.choice(PLANS),
            "score": dice.randrange(1_000) / 4,
            "tags": sorted(dice.sample(_TAGS, 2)),
            "visits": dice.randrange(100),
        },
        "activity": _activity(events),
        "events": events,
        "createdAt": shown(joined),
        "updatedAt": events[0]["at"],
        "lastSeenAt": events[0]["at"],
    }


def _events(number: int, joined: datetime, dice: Random) -> list[dict[str, Any]]:
    """Return what the person did, the latest first."""
    names = EVENTS if dice.random() < 0.5 else [name for name in EVENTS if name != "Charged"]
    return [
        {
            "id": f"{number}-{position}",
            "name": dice.choice(names),
            "at": shown(joined + timedelta(hours=1 + position)),
            "properties": {"currency": "CHF", "amount": dice.randrange(1, 400) / 2},
        }
        for position in reversed(range(EVENTS_PER_PERSON))
    ]


def _activity(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, dict[str, Any]] = {}
    for event in reversed(events):
        total = totals.setdefault(
            event["name"], {"name": event["name"], "count": 0, "firstAt": event["at"]}
        )
        total["count"] += 1
        total["lastAt"] = event["at"]
    return [totals[name] for name in sorted(totals)]


def shown(instant: datetime) -> str:
    """Return an instant as the API shows it."""
    return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
