"""The lines that `export` writes and `import` reads back.

Each is an object with the version of the form under `profilegraph`, and one more member:

    {"profilegraph": 1, "names": {...}}       which names exist, spelled as they were first seen
    {"profilegraph": 1, "segments": [...]}    all segments
    {"profilegraph": 1, "profile": {...}}     a person
    {"profilegraph": 1, "deleted": "..."}     an id that finds nobody, for ever
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from app.domain.catalog import Catalog, EventDefinition, PropertyDefinition
from app.domain.errors import InvalidInput, Path
from app.domain.limits import Limits
from app.domain.profile import VERSION, show_profile
from app.domain.profile_input import parse_id, parse_profile
from app.domain.properties import PropertyKind
from app.domain.segment import MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES, Segment
from app.domain.text import bounded
from app.domain.text import name as parse_name
from app.domain.times import parse_instant, show_instant
from app.domain.user import User
from app.schema.plain import checked_criteria

MARK: Final = "profilegraph"


@dataclass(frozen=True)
class Names:
    catalog: Catalog


@dataclass(frozen=True)
class Segments:
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Profile:
    """A person, with all events."""

    user: User


@dataclass(frozen=True)
class Deleted:
    user_id: str


Exported = Names | Segments | Profile | Deleted


# ---------------------------------------------------------------- writing


def show_line(what: Exported) -> bytes:
    """Return a line, its end included."""
    match what:
        case Names(catalog):
            member: dict[str, Any] = {"names": _show_names(catalog)}
        case Segments(segments):
            member = {"segments": [_show_segment(segment) for segment in segments]}
        case Profile(user):
            member = {"profile": show_profile(user)}
        case Deleted(user_id):
            member = {"deleted": user_id}
    return orjson.dumps({MARK: VERSION, **member}, option=orjson.OPT_APPEND_NEWLINE)


def _show_names(catalog: Catalog) -> dict[str, Any]:
    return {
        "properties": [_show_definition(one) for one in catalog.properties],
        "events": [
            {"name": one.name, "properties": [_show_definition(p) for p in one.properties]}
            for one in catalog.events
        ],
    }


def _show_definition(definition: PropertyDefinition) -> dict[str, Any]:
    return {"name": definition.name, "kinds": [kind.value for kind in definition.kinds]}


def _show_segment(segment: Segment) -> dict[str, Any]:
    return {
        "id": segment.id,
        "name": segment.name,
        "description": segment.description,
        "criteria": segment.criteria,
        "createdAt": show_instant(segment.created_at),
        "updatedAt": show_instant(segment.updated_at),
    }


# ---------------------------------------------------------------- reading


def parse_exported(raw: Mapping[str, Any], today: date, limits: Limits) -> Exported:
    """Return what a line of an export holds.

    Raises:
        InvalidInput, LimitExceeded: it is none, of another version, or cannot be kept here.
    """
    if raw[MARK] != VERSION:
        raise InvalidInput(f"This reads version {VERSION} of exported lines only.", (MARK,))
    match {name: value for name, value in raw.items() if name != MARK}:
        case {"names": value, **rest} if not rest:
            return Names(_parse_names(value))
        case {"segments": list(value), **rest} if not rest:
            parsed = (_parse_segment(s, ("segments", str(i))) for i, s in enumerate(value))
            return Segments(tuple(parsed))
        case {"profile": value, **rest} if not rest:
            return Profile(parse_profile(value, today, limits))
        case {"deleted": value, **rest} if not rest:
            return Deleted(parse_id(value, ("deleted",)))
        case _:
            raise InvalidInput("This is no line of an export.")


def _parse_names(raw: Any) -> Catalog:
    try:
        return Catalog(
            properties=_parse_definitions(raw["properties"]),
            events=tuple(
                EventDefinition(str(one["name"]), _parse_definitions(one["properties"]))
                for one in raw["events"]
            ),
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidInput("This is no list of names.", ("names",)) from None


def _parse_definitions(raw: Any) -> tuple[PropertyDefinition, ...]:
    return tuple(
        PropertyDefinition(str(one["name"]), tuple(map(PropertyKind, one["kinds"]))) for one in raw
    )


def _parse_segment(raw: Any, path: Path) -> Segment:
    try:
        texts = {name: raw[name] for name in ("id", "name", "createdAt", "updatedAt")}
        description = raw.get("description")
        criteria = raw["criteria"]
    except (KeyError, TypeError, AttributeError):
        raise InvalidInput("This is no segment.", path) from None
    if not all(isinstance(text, str) for text in (*texts.values(), description or "")):
        raise InvalidInput("This is no segment.", path)
    return Segment(
        id=parse_id(texts["id"], (*path, "id")),
        name=parse_name(texts["name"], (*path, "name"), MAX_NAME_BYTES),
        description=description
        and bounded(description, (*path, "description"), MAX_DESCRIPTION_BYTES),
        criteria=checked_criteria(criteria, (*path, "criteria")),
        created_at=parse_instant(texts["createdAt"], (*path, "createdAt")),
        updated_at=parse_instant(texts["updatedAt"], (*path, "updatedAt")),
    )
