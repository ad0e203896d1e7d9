"""The sample people: who they are, and how their life with the shop went."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from app.demo.gadgets import Gadget, gadget
from app.demo.habits import HABITS, NEWEST, Ages, Habit, visits
from app.demo.places import PLACES
from app.demo.profiles import RawChanges, RawIdentity, changes_later, identities, profile
from app.demo.shop import Visit, subscribed
from app.domain.devices import Platform

_SEED: Final = 1815
_KNOWN_BEFORE: Final = timedelta(seconds=7)


@dataclass(frozen=True)
class Person:
    """Somebody, in the raw values that callers of the service would send.

    Attributes:
        identities: Strong ones; without any, the first device makes an anonymous visitor.
        profile: What is known on joining.
        gadgets: The first is there from the start, the others come with the newest visit.
        visits: Oldest first; at least one.
        later: What changes with the newest visit.
    """

    identities: Sequence[RawIdentity]
    profile: RawChanges
    gadgets: Sequence[Gadget]
    visits: Sequence[Visit]
    later: RawChanges

    @property
    def joined(self) -> datetime:
        return joined_before(self.visits)


def joined_before(visits: Sequence[Visit]) -> datetime:
    """Return when somebody with these visits became known: just before the first event."""
    first: datetime = min(event["at"] for visit in visits for event in visit)
    return first - _KNOWN_BEFORE


def everyone_but_ada(now: datetime) -> Iterator[Person]:
    """Yield the same people at any `now`, their lives shifted with it."""
    rng = random.Random(_SEED)  # noqa: S311  # nothing is kept secret by it, and it can be repeated
    joining = [
        (habit, rng.uniform(*habit.joined_days)) for habit in HABITS for _ in range(habit.people)
    ]
    rng.shuffle(joining)
    for number, (habit, days) in enumerate([*NEWEST, *joining]):
        if habit.ages is None:
            yield _visitor(rng, now, habit, days)
        else:
            yield _member(rng, now, number, habit, habit.ages, days)


def _visitor(rng: random.Random, now: datetime, habit: Habit, days: float) -> Person:
    own = gadget(rng, has_push=False)
    return Person((), {}, (own,), visits(rng, now, habit, days, own.platform), {})


def _member(
    rng: random.Random, now: datetime, number: int, habit: Habit, ages: Ages, days: float
) -> Person:
    place = PLACES[number % len(PLACES)]
    who = place.resident((number + number // len(PLACES)) % 9)  # each once, women and men mixed
    plan = rng.choices(("free", "pro", "team"), (6, 3, 1))[0]
    own = [gadget(rng, has_push=rng.random() < 0.6) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
    platform = own[0].platform if own else Platform.WEB
    life = visits(rng, now, habit, days, platform, subscribed(plan))
    return Person(
        identities=identities(rng, number, who),
        profile=profile(rng, place, who, _birthday(rng, now, ages), plan, joined_before(life)),
        gadgets=own,
        visits=life,
        later=changes_later(rng, life),
    )


def _birthday(rng: random.Random, now: datetime, ages: Ages) -> date:
    """Return a birthday in the year that makes the age right; ages so hold at any `now`."""
    age = int(rng.triangular(*ages))
    return date(now.year - age, rng.randint(1, 12), rng.randint(1, 28))
