"""How the sample people come and go: kinds of customers and visitors, and their visits."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.demo.shop import Outcome, RawEvent, Visit, visit
from app.domain.devices import Platform

_SHORTEST_AGO: Final = timedelta(minutes=11)
_ABSENCE_DAYS: Final = 45


Ages = tuple[int, int, int]
"""The least, the most, the most frequent."""


@dataclass(frozen=True)
class Habit:
    """How some of the sample people behave.

    Attributes:
        people: How many do, besides the newest.
        joined_days: Between which numbers of days ago they joined.
        visits: The least and the most of their visits.
        outcomes: How often they leave, add to the cart, are charged; who can be is, at least once.
        ages: How old they are; None for people without a name.
        lapsed: Whether they stayed away for long, came back lately, and left a full cart behind.
    """

    people: int
    joined_days: tuple[float, float]
    visits: tuple[int, int]
    outcomes: tuple[int, int, int]
    ages: Ages | None
    lapsed: bool = False

    @property
    def charged(self) -> bool:
        return self.outcomes[-1] > 0


_PASSING: Final = Habit(51, (4, 330), (1, 3), (85, 15, 0), None)
_READING: Final = Habit(66, (4, 340), (2, 6), (70, 30, 0), (16, 91, 24))
_BUYING: Final = Habit(48, (4, 355), (3, 9), (35, 30, 35), (17, 88, 38))
_LAPSED: Final = Habit(24, (70, 350), (2, 5), (40, 25, 35), (22, 36, 27), lapsed=True)
_DEVOTED: Final = Habit(6, (350, 364.5), (34, 48), (45, 25, 30), (24, 67, 41))

HABITS: Final = (_PASSING, _READING, _BUYING, _LAPSED, _DEVOTED)
NEWEST: Final = ((_PASSING, 1.1), (_BUYING, 1.7), (_READING, 2.2), (_PASSING, 3.4))
"""Who joined after all others, and how many days ago."""


def visits(
    rng: random.Random,
    now: datetime,
    habit: Habit,
    joined_days: float,
    platform: Platform,
    joining: Sequence[RawEvent] = (),
) -> list[Visit]:
    """Return the visits of somebody who joined some days before `now`, oldest first.

    The events of joining stand in the first one.
    """
    ended = _ends(rng, now, habit, joined_days)
    outcomes = rng.choices(list(Outcome), habit.outcomes, k=len(ended))
    if habit.charged:
        outcomes[len(ended) // 2] = Outcome.CHARGED
    if habit.lapsed:
        ended.append(now - _days(rng.uniform(0.5, 28)))
        outcomes.append(Outcome.ADDED_TO_CART)
    asides = [joining, *[()] * (len(ended) - 1)]
    return [
        visit(rng, end, platform, outcome, aside)
        for end, outcome, aside in zip(ended, outcomes, asides, strict=True)
    ]


def _ends(rng: random.Random, now: datetime, habit: Habit, joined_days: float) -> list[datetime]:
    """Return when visits end: the first after joining, most of the others lately."""
    stayed_until = _ABSENCE_DAYS if habit.lapsed else 0
    span = joined_days - stayed_until
    further = rng.randint(*habit.visits) - 1
    ago = [joined_days, *(stayed_until + span * rng.random() ** 2 for _ in range(further))]
    return sorted(now - max(_days(days), _SHORTEST_AGO) for days in ago)


def _days(number: float) -> timedelta:
    """Return so many days, cut to the millisecond."""
    return timedelta(milliseconds=int(number * 86_400_000))
