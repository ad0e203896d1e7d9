"""Which names exist in a service: of properties, of events, and of the properties of each event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from app.domain.errors import LimitExceeded, Path
from app.domain.events import Event, event_key
from app.domain.limits import Limits
from app.domain.properties import AnyOperation, Properties, PropertyKind, kind_of

PROPERTIES: Final = "properties"
EVENTS: Final = "events"


def event_subject(key: str) -> str:
    """Return the subject under which the properties of one event are kept."""
    return f"event:{key}"


class Name(NamedTuple):
    """A name as it is written somewhere.

    Attributes:
        subject: `PROPERTIES`, `EVENTS`, or the `event_subject` whose property it names.
        key: What all spellings share; of a property, the name itself.
        kind: Of the value; None for an event.
    """

    subject: str
    key: str
    kind: PropertyKind | None


@dataclass(frozen=True)
class Coiner:
    """Somebody who may bring only so many new names in an hour of the clock.

    Attributes:
        id: Who it is: a key's id.
        per_hour: How many names.
        at: When the hour begins in which this happens.
    """

    id: str
    per_hour: int
    at: datetime

    @property
    def hour(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H")


Sightings = Mapping[Name, tuple[str, Path]]
"""The names that a call uses, each with its spelling and where the caller wrote it."""


@dataclass(frozen=True)
class PropertyDefinition:
    name: str
    kinds: tuple[PropertyKind, ...]


@dataclass(frozen=True)
class EventDefinition:
    name: str
    properties: tuple[PropertyDefinition, ...]


@dataclass(frozen=True)
class Catalog:
    properties: tuple[PropertyDefinition, ...]
    events: tuple[EventDefinition, ...]


@dataclass(frozen=True)
class Entry:
    """A name as the service keeps it: the spelling first seen, and the kinds of its values."""

    name: str
    kinds: frozenset[PropertyKind] = frozenset()


Entries = Mapping[str, Entry]
"""Of one subject, by key."""


def names_in_changes(operations: Iterable[AnyOperation], after: Properties) -> Sightings:
    """Return the properties that operations leave behind."""
    return {
        Name(PROPERTIES, operation.name, kind_of(after[operation.name])): (
            operation.name,
            operation.path,
        )
        for operation in operations
        if operation.name in after
    }


def names_in_events(events: Iterable[tuple[int, Event]]) -> Sightings:
    """Return the names in events; each comes with its position in the call."""
    sightings: dict[Name, tuple[str, Path]] = {}
    for position, event in events:
        path = ("events", str(position))
        key = event_key(event.name)
        subject = event_subject(key)
        sightings.setdefault(Name(EVENTS, key, None), (event.name, (*path, "name")))
        for name, value in event.properties.items():
            sightings.setdefault(
                Name(subject, name, kind_of(value)), (name, (*path, "properties", name))
            )
    return sightings


def names_in_catalog(catalog: Catalog) -> Sightings:
    """Return all names of a catalog, as if each had been used with each kind of value."""
    sightings = _defined(PROPERTIES, catalog.properties)
    for event in catalog.events:
        key = event_key(event.name)
        sightings[Name(EVENTS, key, None)] = (event.name, ("events",))
        sightings |= _defined(event_subject(key), event.properties)
    return sightings


def _defined(
    subject: str, properties: Iterable[PropertyDefinition]
) -> dict[Name, tuple[str, Path]]:
    return {
        Name(subject, definition.name, kind): (definition.name, ("properties", definition.name))
        for definition in properties
        for kind in definition.kinds
    }


def extended(subject: str, entries: Entries, sightings: Sightings, limits: Limits) -> Entries:
    """Return a subject's entries with the names that were sighted; `entries` itself if none is new.

    Raises:
        LimitExceeded: a new name would be one too many, with the path of that name.
    """
    limit = limits.event_names if subject == EVENTS else limits.property_names
    after = dict(entries)
    for name, (spelling, path) in sightings.items():
        if name.subject != subject:
            continue
        old = after.get(name.key)
        if old is None and len(after) >= limit:
            raise LimitExceeded(f"There are {limit} different names already.", path, limit)
        kinds = {name.kind} if name.kind else set()
        if old is None or not kinds <= old.kinds:
            after[name.key] = Entry(
                old.name if old else spelling, (old.kinds if old else frozenset()) | kinds
            )
    return entries if after == entries else after


def new_names(subjects: Mapping[str, Entries], sightings: Sightings) -> list[Path]:
    """Return where the names stand that are not known yet, each once."""
    places: dict[tuple[str, str], Path] = {}
    for name, (_, path) in sightings.items():
        if name.key not in subjects.get(name.subject, {}):
            places.setdefault((name.subject, name.key), path)
    return list(places.values())


def check_coined(coiner: Coiner, coined: int, places: list[Path]) -> None:
    """Do nothing if somebody who coined so many names this hour may coin these, too.

    Raises:
        LimitExceeded: they may not, with the path of the first that is too many.
    """
    if coined + len(places) > coiner.per_hour:
        raise LimitExceeded(
            f"With this key, {coiner.per_hour} new names may come in an hour.",
            places[max(0, coiner.per_hour - coined)],
            coiner.per_hour,
        )


def assembled(subjects: Mapping[str, Entries]) -> Catalog:
    """Return the catalog, everything sorted by name."""
    return Catalog(
        properties=_definitions(subjects.get(PROPERTIES, {})),
        events=tuple(
            EventDefinition(entry.name, _definitions(subjects.get(event_subject(key), {})))
            for key, entry in sorted(subjects.get(EVENTS, {}).items(), key=lambda e: e[1].name)
        ),
    )


def _definitions(entries: Entries) -> tuple[PropertyDefinition, ...]:
    in_order = list(PropertyKind)
    return tuple(
        PropertyDefinition(entry.name, tuple(sorted(entry.kinds, key=in_order.index)))
        for _, entry in sorted(entries.items())
    )
