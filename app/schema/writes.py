"""What the commonest mutations do, from plain values: arguments in the form that `given` returns.

Resolvers call these, and so do compiled plans.
"""

from collections.abc import Sequence
from typing import Any

from ulid import ULID

from app.domain.changes import NO_CHANGES, parse_changes
from app.domain.events import parse_events
from app.operations.identify import identify
from app.operations.import_records import check_count, import_records, read_records
from app.operations.record_events import record_events
from app.operations.update import update
from app.schema.context import Context
from app.schema.errors import error_of
from app.schema.inputs import check_number, device_identity, identity, whoever
from app.schema.results import (
    RecordsImportPayload,
    RejectedRecord,
    UserIdentifyPayload,
    UserRecordEventsPayload,
    UserUpdatePayload,
)

Raw = dict[str, Any]


async def user_identify(
    context: Context,
    identities: Sequence[Raw],
    device: str | None = None,
    changes: Raw | None = None,
) -> UserIdentifyPayload:
    check_number(len(identities), "identities")
    names = [
        identity(raw, ("identities", str(position)), context.limits)
        for position, raw in enumerate(identities)
    ]
    parsed = parse_changes(changes, context.today, context.limits) if changes else NO_CHANGES
    on = None if device is None else device_identity(device, ("device",), context.limits)
    if names and context.me:
        names.append(context.me)  # so that what is verified of a person leads to oneself
    identified = await identify(
        context.store, names, on, parsed, context.terms, takes_over=context.me is None
    )
    outcome = None if context.is_ingest else identified.outcome
    return UserIdentifyPayload(user=identified.user, outcome=outcome)


async def user_update(
    context: Context,
    user: Raw,
    changes: Raw,
    create_if_missing: bool = False,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
) -> UserUpdatePayload:
    updated = await update(
        context.store,
        await context.reached(whoever(user, context.limits, ("user",))),
        parse_changes(changes, context.today, context.limits),
        context.terms,
        create_if_missing=create_if_missing or context.is_ingest,
        expected_version=expected_version,
        idempotency_key=idempotency_key,
        guard=context.may_change,
    )
    return UserUpdatePayload(user=updated)


async def user_record_events(
    context: Context, user: Raw, events: Sequence[Raw], create_if_missing: bool = False
) -> UserRecordEventsPayload:
    terms = context.terms
    new_ids = [str(ULID.from_datetime(terms.now)) for _ in events]
    edit = await record_events(
        context.store,
        await context.reached(whoever(user, context.limits, ("user",))),
        parse_events(events, terms.now, new_ids, context.limits),
        terms,
        create_if_missing=create_if_missing or context.is_ingest,
        guard=context.may_act_for,
    )
    return UserRecordEventsPayload(
        user=edit.user, recorded=len(edit.recorded), duplicates=edit.duplicates
    )


async def records_import(
    context: Context, records: Sequence[Raw], dry_run: bool = False
) -> RecordsImportPayload:
    check_count(records)
    terms = context.terms
    read = await read_records(records, context.today, terms)
    rejected = await import_records(context.store, read, terms, dry_run=dry_run)
    return RecordsImportPayload(
        accepted=len(records) - len(rejected),
        rejected=[RejectedRecord(index=one.index, error=error_of(one.error)) for one in rejected],
    )
