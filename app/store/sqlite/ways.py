"""Ways to find those of whom a criterion is true: the same people, in very different times.

Which way is quick depends on how many people have each of the things that are asked for, and how
many have all of them. To try each for some steps is cheaper than to know, and what was quick once
will be so for the next page.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from app.domain.criteria import All, Criterion, InSegment, Question
from app.domain.repetition import KEPT_CHARACTERS
from app.store.bounds import Bounds
from app.store.sqlite.criteria import Rows, Sql, all_of, compiled

Way = tuple[Rows, ...]
"""How each part of a criterion is looked up, all of which have to be true."""

Try = tuple[Way, int | None]
"""A way, and the steps it is given; a thousand of SQLite's take some 50 µs."""

MOST_STARTS: Final = 8
"""So many parts are tried as what to start from."""

KEPT_WAYS: Final = 1_000


def quick(criterion: Criterion) -> Iterator[Try]:
    """Yield what may be tried where others wait meanwhile."""
    count = len(_parts(criterion))
    for way in _starts(count):
        yield way, 1_000
    yield (Rows.EACH,) * count, 10_000


def patient(criterion: Criterion) -> Iterator[Try]:
    """Yield what may be tried where nobody waits; the last is given all the time it takes."""
    count = len(_parts(criterion))
    for way in _starts(count):
        yield way, 20_000
    yield (Rows.EACH,) * count, 400_000
    yield (Rows.ALL,) * count, None


def bounds_by(way: Way, question: Question) -> Bounds[Sql]:
    """Return the conditions of a question, its parts looked up so."""
    parts = zip(_parts(question.criterion), way, strict=True)
    return all_of(compiled(part, question.moment, rows) for part, rows in parts)


def _starts(count: int) -> Iterator[Way]:
    """Yield the ways that begin with all who have one thing, and look among them for the others."""
    for start in range(min(count, MOST_STARTS)):
        yield tuple(Rows.ALL if place == start else Rows.EACH for place in range(count))


def _parts(criterion: Criterion) -> tuple[Criterion, ...]:
    match criterion:
        case InSegment(criterion=meant):
            return _parts(meant)
        case All(parts) if parts:
            return parts
        case _:
            return (criterion,)


class Quickest:
    """Which way was quick for those criteria that were asked last."""

    def __init__(self) -> None:
        self._ways: OrderedDict[str, Try] = OrderedDict()

    def tries(self, criterion: Criterion) -> Iterator[Try]:
        """Yield what may be tried quickly, what was quick first."""
        if known := self._ways.get(repr(criterion)):
            yield known
        yield from quick(criterion)

    def note(self, criterion: Criterion, tried: Try) -> None:
        text = repr(criterion)
        if len(text) > KEPT_CHARACTERS:
            return
        self._ways[text] = tried
        self._ways.move_to_end(text)
        if len(self._ways) > KEPT_WAYS:
            self._ways.popitem(last=False)
