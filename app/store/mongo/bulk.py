"""Many changes: decided in memory from what was read at once, then written person by person.

A person whom somebody else changed since the read has each of the entries done by itself, in
order, by the ways of all other changes.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from app.domain.catalog import Entries, Sightings
from app.domain.errors import (
    Busy,
    DomainError,
    IdentityTaken,
    LimitExceeded,
    Unavailable,
    UserNotFound,
)
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.user import Edit, User
from app.store import Entry, Outcome, Store
from app.store.drafts import Draft, Drafts, changed
from app.store.mongo.archive import Archive, history_ids
from app.store.mongo.catalog import Names

WRITERS: Final = 32
"""So many people are written at once."""

MAX_RACES: Final = 50


class _NotRead(Exception):
    """Something has to be read before an entry can be decided."""

    def __init__(self, what: str | Identity | tuple[User, frozenset[str]]) -> None:
        super().__init__()
        self.what = what


class _Outrun(Exception):
    """Somebody changed the person since the read."""


class _Reading:
    """What was read so far."""

    def __init__(self, subjects: dict[str, Entries]) -> None:
        self._users: dict[str, User | None] = {}
        self._owners: dict[str, str | None] = {}
        self._archived: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._subjects = subjects

    def user(self, user_id: str) -> User | None:
        if user_id not in self._users:
            raise _NotRead(user_id)
        return self._users[user_id]

    def owner_id(self, identity: Identity) -> str | None:
        if identity.key not in self._owners:
            raise _NotRead(identity)
        return self._owners[identity.key]

    def archived_among(self, user: User, event_ids: Collection[str]) -> frozenset[str]:
        asked, found = self._archived.get(user.id, (frozenset(), frozenset()))
        if not asked.issuperset(event_ids):
            raise _NotRead((user, asked.union(event_ids)))
        return found.intersection(event_ids)

    def entries(self, subject: str) -> Entries:
        return self._subjects.get(subject, {})

    def note(self, ref: str | Identity, user: User | None) -> None:
        if isinstance(ref, Identity):
            self._owners[ref.key] = user.id if user else None
        else:
            self._users[ref] = user
        if user:
            self._users[user.id] = user

    def note_archived(self, user: User, asked: frozenset[str], found: frozenset[str]) -> None:
        self._archived[user.id] = (asked, found)


class Bulk:
    """Makes many changes through a store."""

    def __init__(self, store: Store, archive: Archive, names: Names, limits: Limits) -> None:
        self._store = store
        self._archive = archive
        self._names = names
        self._limits = limits

    async def take_in(
        self, entries: Sequence[Entry], *, dry_run: bool, most_per_user: int | None
    ) -> list[Outcome]:
        """Do what the contract of the store says."""
        reading = _Reading(dict(await self._names.subjects()))
        await self._read_ahead(reading, entries)
        drafts = Drafts(reading, self._limits, Counter())
        outcomes: list[Outcome] = []
        for position, entry in enumerate(entries):
            outcome = await self._decided(drafts, reading, entry, position, most_per_user)
            if isinstance(outcome, _Full):
                break
            outcomes.append(outcome)
        if not dry_run:
            coined = await self._coin(drafts.sightings)
            await self._write_all(drafts, entries, outcomes, as_decided=coined)
        return outcomes

    async def _coin(self, sightings: Sightings) -> bool:
        """Enter the names that are new; return whether others left room for them meanwhile."""
        try:
            await self._names.coin(sightings)
        except LimitExceeded:
            return False
        return True

    # ------------------------------------------------------------ deciding

    async def _read_ahead(self, reading: _Reading, entries: Sequence[Entry]) -> None:
        refs = dict.fromkeys(ref for entry in entries for ref in (entry.ref, *entry.brings))
        for ref, user in zip(refs, await self._store.find_many(list(refs)), strict=True):
            reading.note(ref, user)

    async def _decided(
        self,
        drafts: Drafts,
        reading: _Reading,
        entry: Entry,
        position: int,
        most_per_user: int | None,
    ) -> "Outcome | _Full":
        while True:
            try:
                if drafts.is_full(entry, most_per_user):
                    return _Full()
                drafts.take(entry, position)
            except _NotRead as missing:
                await self._read(reading, missing)
            except DomainError as fault:
                return fault
            else:
                return None

    async def _read(self, reading: _Reading, missing: _NotRead) -> None:
        if isinstance(missing.what, tuple):
            user, asked = missing.what
            found = await self._archive.known(history_ids(user), asked)
            reading.note_archived(user, asked, found)
        else:
            reading.note(missing.what, await self._store.find(missing.what))

    # ------------------------------------------------------------ writing

    async def _write_all(
        self,
        drafts: Drafts,
        entries: Sequence[Entry],
        outcomes: list[Outcome],
        *,
        as_decided: bool,
    ) -> None:
        turn = asyncio.Semaphore(WRITERS)
        ids: dict[str, str] = {}

        async def write(draft: Draft) -> None:
            async with turn:
                try:
                    if not as_decided:
                        raise _Outrun
                    ids[draft.after.id] = await self._write(draft)
                except (_Outrun, DomainError) as fault:
                    if isinstance(fault, Unavailable):
                        raise
                    for position in draft.entries:
                        outcomes[position] = await self._alone(entries[position])

        # Whoever gives an identity up writes before whoever gets it.
        people = changed(drafts)
        givers, takers = _givers_first(people)
        for some in (givers, takers):
            written = await asyncio.gather(*map(write, some), return_exceptions=True)
            for fault in written:
                if isinstance(fault, Busy):
                    raise Unavailable("Others wrote for too long; part of it was kept.")
                if isinstance(fault, BaseException):
                    raise fault
        for position, outcome in enumerate(outcomes):
            if isinstance(outcome, IdentityTaken) and outcome.user_id in ids:
                outcomes[position] = IdentityTaken(outcome.identity, ids[outcome.user_id])

    async def _write(self, draft: Draft) -> str:
        """Write all that became of a person, and return the id: of somebody new, it is known now.

        Raises:
            _Outrun: somebody changed the person since the read.
            DomainError: what was decided does not hold any more.
        """
        if draft.before is None:
            return (await self._store.create(draft.edit)).user.id

        def step(user: User, _: frozenset[str]) -> Edit:
            if user != draft.before:
                raise _Outrun
            return draft.edit

        return (await self._store.change(draft.before.id, step)).user.id

    async def _alone(self, entry: Entry) -> Outcome:
        """Do one entry by itself, and return what became of it."""
        try:
            await self._change_or_create(entry)
        except (Unavailable, Busy):
            raise
        except DomainError as fault:
            return fault
        return None

    async def _change_or_create(self, entry: Entry) -> None:
        for _ in range(MAX_RACES):
            user = await self._store.find(entry.ref)
            if user is not None:
                try:
                    await self._store.change(user.id, entry.step, entry.event_ids)
                except UserNotFound:
                    continue
                return
            if entry.newcomer is None:
                raise UserNotFound
            try:
                await self._store.create(entry.newcomer())
            except IdentityTaken as taken:
                if taken.identity != entry.ref:
                    raise
                continue
            return
        raise Busy


class _Full:
    """An entry is one too many for its user."""


def _givers_first(people: list[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Return those who give an identity up, and all others."""

    def gives(draft: Draft) -> bool:
        kept = {linked.key for linked in draft.after.identities}
        return draft.before is not None and any(
            linked.key not in kept for linked in draft.before.identities
        )

    return [d for d in people if gives(d)], [d for d in people if not gives(d)]
