"""Two users who are one person become one user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any, Final

from app.domain.errors import LimitExceeded, Path
from app.domain.events import Activities, Activity, Event
from app.domain.fields import STANDARD_FIELDS
from app.domain.identity import Identity, IdentityKind
from app.domain.limits import (
    MAX_IDEMPOTENCY_KEYS,
    MAX_LIST_BYTES,
    MAX_LIST_TEXTS,
    MAX_PROPERTIES_BYTES,
    MAX_RECORD_IDS,
    Limits,
)
from app.domain.properties import Properties, PropertyValue, properties_bytes, value_bytes
from app.domain.reach import Choice, Choices
from app.domain.recent import divided
from app.domain.user import ATTRIBUTES, Edit, User, within_device_limit

_PATH: Final[Path] = ("from",)


@dataclass(frozen=True)
class Lost:
    """The copy of an event that goes, since the user who wins has one of the same id."""

    id: str
    key: str
    archived: bool


@dataclass(frozen=True)
class Overlap:
    """What two histories have in common.

    Attributes:
        lost: Copies of the user who gives way, of events that both have.
        spans: Of each name among them, when the first and the last happened of those events which
            only the user who gives way has; None if there is none.
    """

    lost: tuple[Lost, ...] = ()
    spans: Mapping[str, tuple[datetime, datetime] | None] = field(default_factory=dict)


def merged(
    into: User,
    other: User,
    overlap: Overlap,
    now: datetime,
    limits: Limits,
    keep: Identity | None = None,
) -> Edit:
    """Return the edit of the older user that takes the younger in.

    Args:
        into: Whose values win where both have one.
        other: The other user; either may be the older, whose id survives.
        overlap: The events that both have.
        now: When they are merged.
        limits: What a user may hold.
        keep: A device that stays, should there be too many.

    Raises:
        LimitExceeded: the two together would pass a limit; the path is `from`.
    """
    survivor, absorbed = sorted((into, other), key=lambda user: user.id)
    lost = {event.id for event in overlap.lost}
    others = [event for event in other.events if event.id not in lost]
    kept, spilled = divided(into.events, others, limits)
    user = survivor.model_copy(
        update=_fields(into, other)
        | {
            "version": max(into.version, other.version) + 1,
            "identified": into.identified or other.identified,
            "identities": tuple(
                sorted((*into.identities, *other.identities), key=lambda held: held.linked_at)
            ),
            "properties": _properties(into.properties, other.properties),
            "devices": (*into.devices, *other.devices),
            "choices": _choices(into.choices, other.choices),
            "activity": _activity(into.activity, other.activity, overlap),
            "events": kept,
            "archived": into.archived
            + other.archived
            - sum(event.archived for event in overlap.lost)
            + len(spilled),
            "archived_until": _latest(
                into.archived_until, other.archived_until, *(event.at for event in spilled)
            ),
            "absorbed": (*survivor.absorbed, absorbed.id, *absorbed.absorbed),
            "request_ids": _newest(into.request_ids, other.request_ids, MAX_IDEMPOTENCY_KEYS),
            "record_ids": _newest(into.record_ids, other.record_ids, MAX_RECORD_IDS),
            "created_at": min(into.created_at, other.created_at),
            "updated_at": now,
            "last_seen_at": _latest(into.last_seen_at, other.last_seen_at),
        }
    )
    _refuse_growth(user, limits)
    kept_devices = frozenset([keep] if keep else [])
    return Edit(user=within_device_limit(user, kept_devices, limits), spilled=spilled)


def previewed(edit: Edit, copies: Sequence[Event]) -> User:
    """Return the user as a merge would leave them, but that the archive is as it is.

    Args:
        edit: What the merge would do.
        copies: Of the events that both have in their archives, the winner's.
    """
    return edit.user.model_copy(update={"events": (*edit.user.events, *edit.spilled, *copies)})


def _latest(*instants: datetime | None) -> datetime | None:
    return max(filter(None, instants), default=None)


def _fields(into: User, other: User) -> dict[str, Any]:
    names = [ATTRIBUTES.get(name, name) for name in STANDARD_FIELDS]
    return {
        name: getattr(into, name) if getattr(into, name) is not None else getattr(other, name)
        for name in names
    }


def _properties(into: Properties, other: Properties) -> Properties:
    both = {name: _joined(value, other.get(name)) for name, value in into.items()}
    return dict(sorted({**other, **both}.items()))


def _joined(value: PropertyValue, other: PropertyValue | None) -> PropertyValue:
    if not (isinstance(value, tuple) and isinstance(other, tuple)):
        return value
    texts = tuple(dict.fromkeys((*value, *other)))
    if len(texts) > MAX_LIST_TEXTS:
        raise LimitExceeded(f"A list holds at most {MAX_LIST_TEXTS} texts.", _PATH, MAX_LIST_TEXTS)
    if value_bytes(texts) > MAX_LIST_BYTES:
        raise LimitExceeded(f"A list holds at most {MAX_LIST_BYTES} bytes.", _PATH, MAX_LIST_BYTES)
    return texts


def _choices(into: Choices, other: Choices) -> Choices:
    def wins(one: Choice, another: Choice | None) -> Choice:
        return another if another and one.subscribed and not another.subscribed else one

    return {**other, **{channel: wins(c, other.get(channel)) for channel, c in into.items()}}


def _activity(into: Activities, other: Activities, overlap: Overlap) -> Activities:
    totals = dict(into)
    for key, total in other.items():
        rest = _without_lost(key, total, overlap)
        if rest is None:
            continue
        old = totals.get(key)
        totals[key] = (
            Activity(
                name=old.name,
                count=old.count + rest.count,
                first_at=min(old.first_at, rest.first_at),
                last_at=max(old.last_at, rest.last_at),
            )
            if old
            else rest
        )
    return totals


def _without_lost(key: str, total: Activity, overlap: Overlap) -> Activity | None:
    """Return the total of those events that only the user who gives way has."""
    lost = sum(event.key == key for event in overlap.lost)
    if not lost:
        return total
    span = overlap.spans[key]
    if span is None:
        return None
    first_at, last_at = span
    return total.model_copy(
        update={"count": total.count - lost, "first_at": first_at, "last_at": last_at}
    )


def _newest(into: tuple[str, ...], other: tuple[str, ...], kept: int) -> tuple[str, ...]:
    """Return the newest of both, newest last; nobody knows whose came when."""
    newest_first = chain.from_iterable(zip_longest(reversed(into), reversed(other)))
    distinct = dict.fromkeys(key for key in newest_first if key is not None)
    return tuple(reversed(list(distinct)[:kept]))


def _refuse_growth(user: User, limits: Limits) -> None:
    strong = sum(held.kind is not IdentityKind.DEVICE for held in user.identities)
    size = properties_bytes(user.properties)
    for count, limit, what in (
        (strong, limits.identities, "identities"),
        (len(user.properties), limits.properties, "properties"),
        (size, MAX_PROPERTIES_BYTES, "bytes of properties"),
        (len(user.absorbed), limits.absorbed, "users merged into one"),
    ):
        if count > limit:
            raise LimitExceeded(f"Together they have {count} {what}, over {limit}.", _PATH, limit)
