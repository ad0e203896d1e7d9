"""Events: what a person did, and the exact totals per name."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.frozen import made
from app.domain.limits import (
    MAX_EVENT_AGE_YEARS,
    MAX_EVENT_BYTES,
    MAX_EVENT_ID_CHARACTERS,
    MAX_EVENT_NAME_BYTES,
    MAX_EVENTS_PER_CALL,
    MAX_ITEMS,
    Limits,
)
from app.domain.properties import (
    Properties,
    parse_properties,
    properties_bytes,
)
from app.domain.text import name as parse_text_name
from app.domain.text import size_bytes
from app.domain.times import parse_instant, to_utc_ms, years_before

_STORED_OVERHEAD: Final = 48
"""What a store adds to each value, in bytes, at the most."""


class Event(BaseModel):
    """Something a person did; `id` is unique among the person's events."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    at: datetime
    properties: Properties
    items: tuple[Properties, ...] = ()

    @property
    def key(self) -> str:
        return event_key(self.name)

    @property
    def order(self) -> tuple[datetime, str]:
        """Where the event stands in the log: by time, ties by id."""
        return (self.at, self.id)


class Activity(BaseModel):
    """The exact total of one event name over the whole life of a person."""

    model_config = ConfigDict(frozen=True)

    name: str
    count: int
    first_at: datetime
    last_at: datetime


Activities = Mapping[str, Activity]
"""By event key."""


@lru_cache(10_000)
def event_key(name: str) -> str:
    """Return what two spellings of an event's name share: case and spaces do not count."""
    return "".join(name.split()).casefold()


def parse_events(
    raw: Sequence[Any], now: datetime, new_ids: Sequence[str], limits: Limits
) -> tuple[Event, ...]:
    """Return the events of one call.

    Args:
        raw: Objects with `name` and perhaps `id`, `at`, `properties`, `items`, as JSON has them.
        now: When an event without `at` happened.
        new_ids: An id for each event, for those without one.
        limits: What an event may hold.
    """
    if not raw:
        raise InvalidInput("There is no event to record.", ("events",))
    if len(raw) > MAX_EVENTS_PER_CALL:
        raise LimitExceeded(
            f"A call records at most {MAX_EVENTS_PER_CALL} events.",
            ("events",),
            MAX_EVENTS_PER_CALL,
        )
    return tuple(
        _parse_event(event, now, new_id, ("events", str(position)), limits)
        for position, (event, new_id) in enumerate(zip(raw, new_ids, strict=True))
    )


def _parse_event(raw: Any, now: datetime, new_id: str, path: Path, limits: Limits) -> Event:
    items = _parse_items(raw.get("items"), (*path, "items"), limits)
    fields = {
        "id": _parse_id(raw.get("id"), new_id, (*path, "id")),
        "name": parse_text_name(raw["name"], (*path, "name"), MAX_EVENT_NAME_BYTES),
        "at": _parse_at(raw.get("at"), now, (*path, "at"), limits),
        "properties": _parse_event_properties(raw.get("properties"), (*path, "properties"), limits),
        "items": items,
    }
    return _bounded(made(Event, fields), path)


def parse_stored_event(raw: Mapping[str, Any], path: Path, limits: Limits) -> Event:
    """Return an event that was recorded before, elsewhere: it may be as old as it likes."""
    return _bounded(
        Event(
            id=_parse_id(raw["id"], "", (*path, "id")),
            name=parse_text_name(raw["name"], (*path, "name"), MAX_EVENT_NAME_BYTES),
            at=parse_instant(raw["at"], (*path, "at")),
            properties=_parse_event_properties(raw["properties"], (*path, "properties"), limits),
            items=_parse_items(raw["items"], (*path, "items"), limits),
        ),
        path,
    )


def _bounded(event: Event, path: Path) -> Event:
    if event_bytes(event) > MAX_EVENT_BYTES:
        raise LimitExceeded(f"The event takes over {MAX_EVENT_BYTES} bytes.", path, MAX_EVENT_BYTES)
    return event


def _parse_id(raw: str | None, new_id: str, path: Path) -> str:
    if raw is None:
        return new_id
    if not raw:
        raise InvalidInput("The event's id is empty.", path)
    size_bytes(raw, path)
    if len(raw) > MAX_EVENT_ID_CHARACTERS:
        raise LimitExceeded(
            f"The event's id is longer than {MAX_EVENT_ID_CHARACTERS} characters.",
            path,
            MAX_EVENT_ID_CHARACTERS,
        )
    return raw


def _parse_at(raw: datetime | str | None, now: datetime, path: Path, limits: Limits) -> datetime:
    if raw is None:
        return now
    at = parse_instant(raw, path) if isinstance(raw, str) else to_utc_ms(raw)
    oldest = datetime.combine(years_before(now.date(), MAX_EVENT_AGE_YEARS), now.timetz())
    if at < oldest:
        raise InvalidInput(f"The event is over {MAX_EVENT_AGE_YEARS} years old.", path)
    if at > now + timedelta(hours=limits.event_future_hours):
        raise InvalidInput(
            f"The event lies over {limits.event_future_hours} hours in the future.", path
        )
    return at


def _parse_items(raw: Any, path: Path, limits: Limits) -> tuple[Properties, ...]:
    if raw is None:
        return ()
    if len(raw) > MAX_ITEMS:
        raise LimitExceeded(f"An event has at most {MAX_ITEMS} items.", path, MAX_ITEMS)
    return tuple(
        _parse_event_properties(item, (*path, str(position)), limits)
        for position, item in enumerate(raw)
    )


def _parse_event_properties(raw: Any, path: Path, limits: Limits) -> Properties:
    if raw is None:
        return {}
    if isinstance(raw, Mapping) and len(raw) > limits.event_properties:
        raise LimitExceeded(
            f"An event has at most {limits.event_properties} properties.",
            path,
            limits.event_properties,
        )
    return parse_properties(raw, path, limits)


def event_bytes(event: Event) -> int:
    """Return what an event weighs: names and texts their UTF-8 bytes, other values 8."""
    size = len(event.name.encode()) + properties_bytes(event.properties)
    return size + sum(map(properties_bytes, event.items)) if event.items else size


def stored_bytes(event: Event) -> int:
    """Return at least the bytes that an event takes in a stored document."""
    values = 2
    for properties in (event.properties, *event.items):
        values += 1 + len(properties)
        values += sum([len(value) for value in properties.values() if isinstance(value, tuple)])
    names = 3 * MAX_EVENT_NAME_BYTES
    return event_bytes(event) + values * _STORED_OVERHEAD + names + len(event.id.encode())


def counted(activity: Activities, events: Sequence[Event]) -> Activities:
    """Return the totals after `events`, none of which may have been counted before."""
    times: dict[str, tuple[str, list[datetime]]] = {}
    for event in events:
        times.setdefault(event.key, (event.name, []))[1].append(event.at)
    totals = dict(activity)
    for key, (name, instants) in times.items():
        old = totals.get(key)
        if old:
            instants += (old.first_at, old.last_at)
        fields = {
            "name": old.name if old else name,
            "count": len(instants) - 2 + old.count if old else len(instants),
            "first_at": min(instants),
            "last_at": max(instants),
        }
        totals[key] = made(Activity, fields)
    return totals
