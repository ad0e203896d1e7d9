"""Segments: criteria under a name, so that they can be used again."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from app.domain.criteria import Criterion
from app.domain.criteria_input import Raw, parse_criteria, to_json
from app.domain.errors import InvalidInput, LimitExceeded, SegmentNotFound
from app.domain.limits import Limits
from app.domain.text import bounded, name

MAX_NAME_BYTES: Final = 512
MAX_DESCRIPTION_BYTES: Final = 4_096
MAX_CRITERIA_BYTES: Final = 24 * 1024


class Segment(BaseModel):
    """Criteria under a name.

    Attributes:
        criteria: In the JSON form of the API's `Criteria`, as they were saved.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    description: str | None
    criteria: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


Segments = Mapping[str, Segment]
"""All segments of a service, by id, oldest first."""


def saved(
    segments: Segments,
    new_id: str,
    id: str | None,
    segment_name: str,
    description: str | None,
    criteria: Raw,
    now: datetime,
    limits: Limits,
) -> tuple[Segments, Segment]:
    """Return the segments with one added or replaced, and that one.

    Args:
        segments: As they are.
        new_id: The id of a new one.
        id: Which to replace; None for a new one.
        segment_name: What it is called.
        description: What it is for.
        criteria: In plain values.
        now: When this is done.
        limits: How many there may be, and how large criteria.

    Raises:
        SegmentNotFound: there is none with this id.
        InvalidInput, LimitExceeded: the criteria are wrong, reach the segment itself, or a bound.
    """
    old = None
    if id is not None and (old := segments.get(id)) is None:
        raise SegmentNotFound(id)
    if old is None and len(segments) >= limits.segments:
        limit = limits.segments
        raise LimitExceeded(f"There are {limit} segments already.", (), limit)
    segment = Segment(
        id=old.id if old else new_id,
        name=name(segment_name, ("name",), MAX_NAME_BYTES),
        description=description and bounded(description, ("description",), MAX_DESCRIPTION_BYTES),
        criteria=to_json(criteria),
        created_at=old.created_at if old else now,
        updated_at=now,
    )
    if len(json.dumps(segment.criteria)) > MAX_CRITERIA_BYTES:  # in ASCII, a byte each
        raise LimitExceeded(
            f"The criteria take over {MAX_CRITERIA_BYTES} bytes.", ("criteria",), MAX_CRITERIA_BYTES
        )
    after = {**segments, segment.id: segment}
    for other in after.values():
        path = ("criteria",) if other.id == segment.id else ("criteria", other.id)
        criterion_of(other, after, limits, path)
    return after, segment


def removed(segments: Segments, id: str) -> Segments:
    """Return the segments without one.

    Raises:
        SegmentNotFound: there is none with this id.
        InvalidInput: others refer to it.
    """
    if id not in segments:
        raise SegmentNotFound(id)
    users = [s.name for s in segments.values() if s.id != id and _refers_to(s.criteria, id)]
    if users:
        names = ", ".join(repr(user) for user in users)
        raise InvalidInput(f"The segment is used by {names}.", ("id",))
    return {key: segment for key, segment in segments.items() if key != id}


def _refers_to(criteria: Any, id: str) -> bool:
    if isinstance(criteria, Mapping):
        return any(
            (kind == "segment" and value == id) or (kind in _NESTED and _refers_to(value, id))
            for kind, value in criteria.items()
        )
    return isinstance(criteria, list) and any(_refers_to(part, id) for part in criteria)


_NESTED: Final = ("all", "any", "not")


def criterion_of(
    segment: Segment, segments: Segments, limits: Limits, path: tuple[str, ...] = ("criteria",)
) -> Criterion:
    """Return what a segment asks for."""
    documents = {other.id: other.criteria for other in segments.values()}
    return parse_criteria(segment.criteria, path, limits, documents, (segment.id,))


def criteria_of_all(segments: Segments, limits: Limits) -> Mapping[str, Criterion]:
    """Return what each segment asks for, by id."""
    return {id: criterion_of(segment, segments, limits) for id, segment in segments.items()}
