"""Which messages of a batch depend on one another, and which can be one write."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.changes import NO_CHANGES
from app.domain.identity import Identity
from app.domain.limits import MAX_EVENTS_PER_CALL
from app.domain.observation import Observation
from app.tracking.deeds import Deed, LogIn, Observe, Unite
from app.tracking.messages import Message


@dataclass(frozen=True)
class Task:
    """A message of a call, and what it asks for."""

    index: int
    message: Message
    deed: Deed


Run = Sequence[Task]
"""Messages that follow one another."""


def per_person(tasks: Sequence[Task]) -> list[Run]:
    """Return the messages in runs, each in its order, of which no two name the same person."""
    roots: dict[Identity, Identity] = {}

    def root(name: Identity) -> Identity:
        while roots[name] is not name:
            roots[name] = name = roots[roots[name]]
        return name

    for task in tasks:
        names = [roots.setdefault(name, name) for name in _names(task.deed)]
        for name in names:
            roots[root(name)] = root(names[0])
    runs: dict[Identity, list[Task]] = {}
    for task in tasks:
        runs.setdefault(root(roots[_names(task.deed)[0]]), []).append(task)
    return list(runs.values())


def _names(deed: Deed) -> list[Identity]:
    match deed:
        case LogIn(person, device, _):
            names = [person, device]
        case Observe(person, observation):
            registration = observation.registration
            names = [person, registration.identity if registration else None]
        case Unite(person, previous, previous_device):
            names = [person, previous, previous_device]
    return [name for name in names if name]


def writes(run: Run) -> list[Run]:
    """Return a run in parts that are one write each: events of one person that follow one another.

    What changes a person stands alone, so that a message that comes again, in a batch with others,
    is known by its event and does not change them again.
    """
    parts: list[list[Task]] = []
    for task in run:
        if parts and len(parts[-1]) < MAX_EVENTS_PER_CALL and _follows(task, parts[-1][-1]):
            parts[-1].append(task)
        else:
            parts.append([task])
    return [*parts]


def _follows(task: Task, last: Task) -> bool:
    match task.deed, last.deed:
        case Observe(person, observation), Observe(before, earlier):
            return person == before and observation.changes == earlier.changes == NO_CHANGES
        case _:
            return False


def as_one(part: Run) -> Deed:
    """Return what a part asks for as a whole."""
    deeds = [task.deed for task in part if isinstance(task.deed, Observe)]
    if len(deeds) < 2:
        return part[0].deed
    observations = [deed.observation for deed in deeds]
    said = [one.registration for one in observations if one.registration]
    return Observe(
        deeds[0].person,
        Observation(
            hints={
                name: value for one in reversed(observations) for name, value in one.hints.items()
            },
            registration=said[-1] if said else None,
            events=tuple(event for one in observations for event in one.events),
        ),
    )
