"""Somebody new, made at once of all that a record says.

Most records of an import are of people who were not here before. To make such a person of one
difference after the other, a whole copy each, took five times as long.
"""

from datetime import datetime

from app.domain.catalog import names_in_changes
from app.domain.frozen import made
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.records import Record, newcomer, taken_in
from app.domain.user import (
    NOBODY,
    Edit,
    User,
    difference_by_changes,
    difference_by_names,
    happening,
)


def joining(identity: Identity, record: Record, new_id: str, now: datetime, limits: Limits) -> Edit:
    """Return the edit that `taken_in` makes of the `newcomer` who has an identity.

    Args:
        identity: Whose record it is.
        record: What to do.
        new_id: The person's.
        now: When this happens.
        limits: What a user may hold.

    Raises:
        InvalidInput, LimitExceeded: there can be no such person.
    """
    identities = {one.key: one for one in (identity, *record.identities)}.values()
    if len(identities) > min(limits.identities, limits.devices):  # some may be one too many
        nobody = newcomer(identity, new_id, now, limits)
        return taken_in(nobody, record, frozenset(), now, limits)
    fields = {
        **vars(NOBODY),
        "id": new_id,
        "version": 1,
        "created_at": now,
        "updated_at": now,
        **difference_by_names(NOBODY, identities, now),
        **difference_by_changes(NOBODY, record.changes, now, limits),
    }
    if record.id is not None:
        fields["record_ids"] = (record.id,)
    sightings = names_in_changes(record.changes.operations, fields["properties"])
    if not record.events:
        return Edit(made(User, fields), sightings=sightings)
    done = happening(NOBODY, record.events, frozenset(), limits)
    fields |= done.difference
    user = made(User, fields)
    return Edit(user, done.recorded, done.spilled, {**sightings, **done.sightings}, done.duplicates)
