"""Records: what an import brings of one person at a time, each applied whole or not at all."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from app.domain.catalog import names_in_changes
from app.domain.changes import NO_CHANGES, UserChanges, parse_changes
from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.events import Event, parse_events
from app.domain.identity import Identity, IdentityKind, normalised
from app.domain.limits import MAX_RECORD_ID_CHARACTERS, MAX_RECORD_IDS, Limits
from app.domain.text import size_bytes
from app.domain.user import Edit, User, linked, new_user, revised, updated, with_events

MAX_RECORDS: Final = 1_000
"""How many records one call brings."""


@dataclass(frozen=True)
class Record:
    """What is to become of one person.

    Attributes:
        id: Makes a repeat of the whole record harmless, as long as the person remembers it.
        user: Whose record it is: an id of ours, or any identity, which nobody may have yet.
        identities: What else the person is called.
        changes: What is to change.
        events: What the person did.
    """

    id: str | None
    user: str | Identity
    identities: tuple[Identity, ...] = ()
    changes: UserChanges = NO_CHANGES
    events: tuple[Event, ...] = ()


def parse_record(
    raw: Mapping[str, Any], now: datetime, today: date, new_ids: Sequence[str], limits: Limits
) -> Record:
    """Return the record that plain values stand for, in the shape of the input `RecordInput`.

    Args:
        raw: By name as in the API.
        now: When an event without `at` happened.
        today: The day against which a birthday is judged.
        new_ids: An id for each event, for those without one.
        limits: What a person may hold.

    Raises:
        InvalidInput, LimitExceeded: with a path that starts inside the record.
    """
    changes, events = raw.get("changes"), raw.get("events")
    return Record(
        id=_parse_id(raw.get("id")),
        user=_parse_user(raw["user"], limits),
        identities=_parse_identities(raw.get("identities"), limits),
        changes=NO_CHANGES if changes is None else parse_changes(changes, today, limits),
        events=() if events is None else parse_events(events, now, new_ids, limits),
    )


def _parse_id(raw: str | int | None) -> str | None:
    if raw is None:
        return None
    id = str(raw)
    if not id:
        raise InvalidInput("The record's id is empty.", ("id",))
    size_bytes(id, ("id",))
    if len(id) > MAX_RECORD_ID_CHARACTERS:
        raise LimitExceeded(
            f"The record's id is longer than {MAX_RECORD_ID_CHARACTERS} characters.",
            ("id",),
            MAX_RECORD_ID_CHARACTERS,
        )
    return id


def _parse_user(raw: Mapping[str, str], limits: Limits) -> str | Identity:
    return str(raw["id"]) if "id" in raw else _parse_identity(raw, ("user",), limits)


def _parse_identities(
    raw: Sequence[Mapping[str, str]] | None, limits: Limits
) -> tuple[Identity, ...]:
    if raw is None:
        return ()
    if not raw:
        raise InvalidInput("There is no identity to join the person.", ("identities",))
    return tuple(
        _parse_identity(one, ("identities", str(position)), limits)
        for position, one in enumerate(raw)
    )


def _parse_identity(raw: Mapping[str, str], path: Path, limits: Limits) -> Identity:
    ((kind, text),) = raw.items()
    return normalised(_KINDS[kind], text, (*path, kind), test_mail_domains=limits.test_mail_domains)


_KINDS: Final = {kind.value: kind for kind in IdentityKind}


def newcomer(identity: Identity, new_id: str, now: datetime, limits: Limits) -> User:
    """Return whom a record is of whose identity is nobody's."""
    return linked(new_user(new_id, now), [identity], now, limits, ("user",))


def taken_in(user: User, record: Record, known: Set[str], now: datetime, limits: Limits) -> Edit:
    """Return the edit that makes of a user what the record says; all of it is one version.

    Args:
        user: Whose record it is; of version 0 if nobody has created them yet.
        record: What to do.
        known: Which of the record's events are in the user's archive.
        now: When this happens.
        limits: What a user may hold.

    Raises:
        InvalidInput, LimitExceeded: the user cannot become so.
    """
    if record.id is not None and record.id in user.record_ids:
        return Edit(user)
    named = linked(user, record.identities, now, limits, ("identities",))
    changed = updated(named, record.changes, now, limits)
    sightings = names_in_changes(record.changes.operations, changed.properties)
    edit = with_events(changed, record.events, known, limits) if record.events else Edit(changed)
    after = _remembering(edit.user, record.id)
    return replace(
        edit,
        user=revised(user, after, now) if user.version else _first(after, now),
        sightings={**sightings, **edit.sightings},
    )


def _first(user: User, now: datetime) -> User:
    """Return the first version of somebody new."""
    return user.model_copy(update={"version": 1, "updated_at": now})


def _remembering(user: User, record_id: str | None) -> User:
    if record_id is None:
        return user
    return user.model_copy(update={"record_ids": (*user.record_ids, record_id)[-MAX_RECORD_IDS:]})
