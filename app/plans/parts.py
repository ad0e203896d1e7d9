"""What a plan is put together from: functions from a stored document to a piece of the answer.

Each `Part` is a closure over smaller ones, made once for an operation. Source code generated from
the selection, and compiled, was measured against them: see `app.plans`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from graphql.execution.values import VariableValues

from app.schema.context import Context
from app.store import Instants


class Surprise(Exception):
    """What is here, only the standard executor can answer."""


class Unplanned(Exception):
    """What is asked, no plan is made for."""


class Run(NamedTuple):
    """One execution of a plan.

    Attributes:
        context: The request's.
        variables: Those of the operation, coerced.
        day: The current one in the service's time zone.
        instants: How the store's documents hold instants.
    """

    context: Context
    variables: VariableValues
    day: date
    instants: Instants


@dataclass(frozen=True)
class Pending:
    """A piece of the answer that has to be waited for; nothing happens before `start`."""

    start: Callable[[], Awaitable[Any]]


Make = Callable[[Any, Run], Any]
"""From what a field is read off to a piece of the answer, or to a `Pending` one."""


@dataclass(frozen=True)
class Part:
    """How a piece of the answer is made.

    Attributes:
        make: What makes it.
        fields: Those of a person's document that it looks at; None for all.
        lasts: Whether it depends on the document, the day and nothing else.
        waits: Whether what it makes may be `Pending`.
    """

    make: Make
    fields: frozenset[str] | None = frozenset()
    lasts: bool = True
    waits: bool = False


NOTHING: Final[frozenset[str]] = frozenset()


def all_fields(parts: Iterable[Part]) -> frozenset[str] | None:
    """Return the fields that any of the parts looks at."""
    wanted = NOTHING
    for part in parts:
        if part.fields is None:
            return None
        wanted |= part.fields
    return wanted


def object_of(parts: dict[str, Part]) -> Part:
    """Return the part that makes an object, each key by its own part."""
    makers = [(key, part.make) for key, part in parts.items()]
    waits = any(part.waits for part in parts.values())

    def make(source: Any, run: Run) -> dict[str, Any]:
        return {key: make_one(source, run) for key, make_one in makers}

    def make_waiting(source: Any, run: Run) -> Any:
        made, keys = {}, []
        for key, make_one in makers:
            made[key] = value = make_one(source, run)
            if type(value) is Pending:
                keys.append(key)
        return Pending(lambda: _filled(made, keys)) if keys else made

    return Part(
        make=make_waiting if waits else make,
        fields=all_fields(parts.values()),
        lasts=all(part.lasts for part in parts.values()),
        waits=waits,
    )


def list_of(item: Part) -> Part:
    """Return the part that makes a list of what it is read off, which is a sequence."""
    make_one = item.make

    def make(source: Any, run: Run) -> list[Any]:
        return [make_one(each, run) for each in source]

    def make_waiting(source: Any, run: Run) -> Any:
        made = make(source, run)
        places = [i for i, value in enumerate(made) if type(value) is Pending]
        return Pending(lambda: _filled(made, places)) if places else made

    return Part(make_waiting if item.waits else make, item.fields, item.lasts, item.waits)


def after(first: Make, then: Make) -> Make:
    """Return what makes `then` of what `first` makes, once that is there."""

    def make(source: Any, run: Run) -> Any:
        value = first(source, run)
        if type(value) is Pending:
            return Pending(lambda: _then(value, then, run))
        return then(value, run)

    return make


async def _then(pending: Pending, then: Make, run: Run) -> Any:
    return await settled(then(await pending.start(), run))


async def settled(value: Any) -> Any:
    """Return a piece of the answer, waited for if it is pending."""
    while type(value) is Pending:
        value = await value.start()
    return value


async def _filled(made: Any, places: Sequence[Any]) -> Any:
    """Return an object or a list with what is pending in these places put there."""
    if len(places) == 1:
        made[places[0]] = await settled(made[places[0]])
    else:
        values = await asyncio.gather(*(settled(made[place]) for place in places))
        for place, value in zip(places, values, strict=True):
            made[place] = value
    return made
