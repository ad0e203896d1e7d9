"""A file, line by line, into a store: in portions, each of them noted when it is settled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeVar

from app.commands.exported import Deleted, Exported, Names, Profile, Segments
from app.commands.items import Item
from app.domain.errors import Busy, DomainError, Unavailable
from app.domain.limits import MAX_RECORD_IDS
from app.domain.records import Record
from app.operations.import_records import outcomes_of
from app.operations.restore import check_user, restore_names, restore_segments, restore_user
from app.operations.terms import Terms
from app.store import Progress, Store

PORTION: Final = 1_000
PORTION_CHARACTERS: Final = 8 * 1024 * 1024
Result = TypeVar("Result")

RESTORED_AT_ONCE: Final = 64
BUSY_TRIES: Final = 5


@dataclass
class Tally:
    """What became of the lines so far."""

    line: int = 0
    taken: int = 0
    known: int = 0
    rejected: int = 0


@dataclass
class Taking:
    """One run of an import.

    Attributes:
        store: Where to.
        terms: When a portion is taken in, and within which limits.
        source: The file's identity, under which progress is noted.
        reject: Told of each line that is rejected, in order.
        settled: Called when what was told is to be durable, before progress is noted.
        dry_run: Whether to write nothing.
        stopping: Whether to stop after the portion at hand.
    """

    store: Store
    terms: Callable[[], Terms]
    source: str
    reject: Callable[[Item, DomainError], None]
    settled: Callable[[], None]
    dry_run: bool
    tally: Tally = field(default_factory=Tally)
    stopping: bool = False

    async def run(
        self, items: Iterator[Item], total_lines: Callable[[], int]
    ) -> AsyncIterator[Tally]:
        """Take items in, and yield the tally after each portion."""
        portions = _portions(items)
        portion = next(portions, None)
        while portion:
            settling = asyncio.create_task(self._settle(portion))
            await asyncio.sleep(0)  # the store has its work before the next portion is read
            portion = next(portions, None)
            await settling
            yield self.tally
            if self.stopping:
                return
        self.tally.line = total_lines()
        await self._note(finished=True)

    async def _settle(self, portion: list[Item]) -> None:
        """Take a portion in, or as much of it as there is time for."""
        waiting = portion
        while waiting and not self.stopping:
            waiting = waiting[await self._take(waiting) :]
            self.tally.line = waiting[0].number - 1 if waiting else portion[-1].number
            await self._note(finished=False)

    async def _note(self, *, finished: bool) -> None:
        self.settled()
        if not self.dry_run:
            progress = Progress(self.tally.line, self.tally.rejected, finished)
            await self.store.note_progress(self.source, progress)

    async def _take(self, items: Sequence[Item]) -> int:
        """Settle items of one kind at the beginning, and return how many."""
        kind, run = next((kind, list(group)) for kind, group in groupby(items, key=_is_of_record))
        if kind:
            outcomes = await self._records(run)
        else:
            outcomes = await self._exported(run)
        for item, outcome in zip(run, outcomes, strict=False):
            if isinstance(outcome, DomainError):
                self.tally.rejected += 1
                self.reject(item, outcome)
            elif outcome:
                self.tally.taken += 1
            else:
                self.tally.known += 1
        return len(outcomes)

    async def _records(self, items: Sequence[Item]) -> list[DomainError | bool]:
        records = [item.what for item in items if isinstance(item.what, Record | DomainError)]
        outcomes = await _patiently(
            lambda: outcomes_of(
                self.store,
                records,
                self.terms(),
                dry_run=self.dry_run,
                most_per_user=MAX_RECORD_IDS,
            )
        )
        return [True if outcome is None else outcome for outcome in outcomes]

    async def _exported(self, items: Sequence[Item]) -> list[DomainError | bool]:
        turn = asyncio.Semaphore(RESTORED_AT_ONCE)

        async def one(item: Item) -> DomainError | bool:
            async with turn:
                try:
                    return await _patiently(lambda: self._restore(item.what))
                except Unavailable:
                    raise
                except DomainError as fault:
                    return fault

        return await asyncio.gather(*map(one, items))

    async def _restore(self, what: Record | Exported | DomainError) -> bool:
        """Bring back what an export holds; return whether it was not here yet."""
        match what:
            case Profile(user) if self.dry_run:
                return await check_user(self.store, user)
            case Profile(user):
                return await restore_user(self.store, user)
            case _ if self.dry_run:
                return True
            case Names(catalog):
                await restore_names(self.store, catalog)
            case Segments(segments):
                await restore_segments(self.store, segments, self.terms())
            case Deleted(user_id):
                await self.store.bury(user_id)
            case _:
                raise AssertionError("Records are taken in by themselves.")
        return True


async def _patiently(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Attempt something; while others write for too long, attempt it again."""
    for _ in range(BUSY_TRIES):
        try:
            return await attempt()
        except Busy:
            continue
    raise Unavailable("Others write to the database without a pause.")


def _is_of_record(item: Item) -> bool:
    return isinstance(item.what, Record | DomainError)


def _portions(items: Iterator[Item]) -> Iterator[list[Item]]:
    portion: list[Item] = []
    size = 0
    for item in items:
        portion.append(item)
        size += len(item.text)
        if len(portion) == PORTION or size > PORTION_CHARACTERS:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
