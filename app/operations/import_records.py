"""Take in many records, each whole or not at all."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from app.domain.errors import DomainError, InvalidInput, LimitExceeded, Path
from app.domain.joining import joining
from app.domain.records import MAX_RECORDS, Record, parse_record, taken_in
from app.domain.user import Edit, User
from app.operations.new_ids import new_ids
from app.operations.terms import Terms
from app.store import Entry, Outcome, Store

READ_AT_ONCE: Final = 50


@dataclass(frozen=True)
class Rejected:
    """A record that was not taken in.

    Attributes:
        index: Where it stood in the call.
        error: Why; a path in it starts at the call's argument.
    """

    index: int
    error: DomainError


def check_count(records: Sequence[object]) -> None:
    """Refuse a call with no record, or too many."""
    if not records:
        raise InvalidInput("There is no record to import.", ("records",))
    if len(records) > MAX_RECORDS:
        raise LimitExceeded(
            f"A call brings at most {MAX_RECORDS} records.", ("records",), MAX_RECORDS
        )


async def read_records(
    raw: Sequence[Mapping[str, Any]], today: date, terms: Terms
) -> list[Record | DomainError]:
    """Return each record that plain values stand for, or why it cannot be one.

    Others have their turn in between: a thousand records take thirty milliseconds.
    """
    records: list[Record | DomainError] = []
    ids = new_ids(terms.now)
    for position, one in enumerate(raw):
        if position % READ_AT_ONCE == 0:
            await asyncio.sleep(0)
        records.append(_read(one, today, terms, ids))
    return records


def _read(
    raw: Mapping[str, Any], today: date, terms: Terms, ids: Iterator[str]
) -> Record | DomainError:
    """Return the record that plain values stand for, or why it cannot be one."""
    event_ids = [next(ids) for _ in raw.get("events") or ()]
    try:
        return parse_record(raw, terms.now, today, event_ids, terms.limits)
    except DomainError as fault:
        return fault


async def import_records(
    store: Store, records: Sequence[Record | DomainError], terms: Terms, *, dry_run: bool = False
) -> list[Rejected]:
    """Take records in, those of one person in order, and return those that were rejected.

    Args:
        store: Where to.
        records: Each as it was read, or why it could not be.
        terms: When, and within which limits.
        dry_run: Write nothing, return what would be rejected.
    """
    outcomes = await outcomes_of(store, records, terms, dry_run=dry_run)
    return [
        Rejected(index, located(fault, ("records", str(index))))
        for index, fault in enumerate(outcomes)
        if fault
    ]


async def outcomes_of(
    store: Store,
    records: Sequence[Record | DomainError],
    terms: Terms,
    *,
    dry_run: bool = False,
    most_per_user: int | None = None,
) -> list[Outcome]:
    """Take records in, and return what became of each: why it was rejected, or None.

    With `most_per_user`, it may stop early, and return fewer.
    """
    outcomes: list[Outcome] = [None if isinstance(r, Record) else r for r in records]
    read = [index for index, record in enumerate(records) if isinstance(record, Record)]
    ids = new_ids(terms.now)
    entries = [_entry(r, terms, ids) for r in records if isinstance(r, Record)]
    done = await store.take_in(entries, dry_run=dry_run, most_per_user=most_per_user)
    for index, outcome in zip(read, done, strict=False):
        outcomes[index] = outcome
    return outcomes if len(done) == len(read) else outcomes[: read[len(done)]]


def _entry(record: Record, terms: Terms, ids: Iterator[str]) -> Entry:
    who, now, limits = record.user, terms.now, terms.limits
    return Entry(
        ref=who,
        step=partial(_take_in, record=record, terms=terms),
        newcomer=None
        if isinstance(who, str)
        else partial(joining, who, record, next(ids), now, limits),
        brings=record.identities,
        event_ids=frozenset([event.id for event in record.events]),
    )


def _take_in(user: User, known: frozenset[str], record: Record, terms: Terms) -> Edit:
    return taken_in(user, record, known, terms.now, terms.limits)


def located(fault: DomainError, path: Path) -> DomainError:
    """Return the error as one of something that stands at `path`."""
    match fault:
        case InvalidInput():
            return InvalidInput(str(fault), (*path, *fault.path))
        case LimitExceeded():
            return LimitExceeded(str(fault), (*path, *fault.path), fault.limit)
        case _:
            return fault
