"""Keeps memberships of segments true: one process leads, judges whoever changed or fell due.

Whoever leads proves it by a beat in the store; another takes over when the beat stays away. Nothing
depends on there being one leader only: the store keeps each crossing once, whoever judges. What
matters is that somebody judges after each change, and that is why the place in the change log is
kept only after all before it have been judged.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

from app.domain.change import Change, Crossing
from app.domain.criteria import Criterion
from app.domain.errors import CursorExpired, SegmentNotFound, Unsupported
from app.domain.limits import Limits
from app.domain.membership import Judge, Leadership, Scan, meanings
from app.domain.segment import Segments, criteria_of_all
from app.domain.times import to_utc_ms
from app.domain.windows import Moment
from app.live.feed import ALL, Feed
from app.store import Store

log = logging.getLogger("profilegraph")

BEAT_S: Final = 0.4
LEASE_S: Final = 1.5
"""A leader who did not beat for so long is taken for dead."""

LOOK_S: Final = 0.25
"""How often it is looked whether segments, or the leader, changed."""

CHANGED_AT_ONCE: Final = 25
DUE_AT_ONCE: Final = 500
SCANNED_AT_ONCE: Final = 25
RETRY_AFTER_S: Final = 0.5
SAVED_WITHIN_S: Final = 3.0


@dataclass(frozen=True)
class Evaluation:
    """How far the people have been looked at since a segment was saved.

    Attributes:
        is_complete: Whether everybody has been.
        done: How many have been.
        lag_ms: How late what time alone brings about is told.
    """

    is_complete: bool
    done: int
    lag_ms: int


class _Superseded(Exception):
    """Another process leads now."""


class Leader:
    """Judges memberships whenever this process leads; each process runs one."""

    def __init__(
        self,
        store: Store,
        changes: Feed[Change],
        crossings: Feed[Crossing],
        limits: Limits,
        zone: ZoneInfo,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._memberships = store.memberships
        self._changes = changes
        self._crossings = crossings
        self._limits = limits
        self._zone = zone
        self._clock = clock
        self._name = uuid4().hex
        self._is_supported = True
        self._segments: Segments = {}
        self._criteria: Mapping[str, Criterion] = {}
        self._meanings: Mapping[str, str] = {}
        self._rival: tuple[str, int, float] | None = None
        self._wake = asyncio.Event()
        self._scanned = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Leader"]:
        """Lead, or stand by to lead, for as long as the block runs."""
        task = asyncio.create_task(self._run(), name="leader")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # ------------------------------------------------------------ what others ask

    async def evaluation(self, segment_id: str) -> Evaluation:
        """Return how far people have been judged by a segment's newest criteria."""
        segments = await self._store.segments()
        meaning = meanings(segments, self._zone).get(segment_id)
        leadership = await self._memberships.leadership() or Leadership("")
        scan = leadership.scans.get(segment_id)
        if scan is None or scan.meaning != meaning:
            scan = Scan("")
        return Evaluation(scan.is_complete, scan.done, leadership.lag_ms)

    async def evaluated(self, segment_id: str) -> None:
        """Return once everybody has been judged by a segment just saved; or when that takes long.

        So whoever subscribes after saving is told of crossings that come after it.
        """
        self._wake.set()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SAVED_WITHIN_S
        while self._is_supported and loop.time() < deadline:
            scanned = self._scanned
            if (await self.evaluation(segment_id)).is_complete:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S / 5):
                    await scanned.wait()

    # ------------------------------------------------------------ leading

    async def _run(self) -> None:
        while True:
            try:
                await self._stand_by()
            except Unsupported:
                self._is_supported = False
            except _Superseded:
                continue
            except Exception as fault:
                # Whatever a driver fails with, somebody has to judge: soon we try again.
                log.error("Judging memberships broke off: %s", type(fault).__qualname__)
            await asyncio.sleep(RETRY_AFTER_S)

    async def _stand_by(self) -> None:
        await self._changes.ready()
        while True:
            self._changes.cursor  # noqa: B018 (raises where no log is kept)
            self._is_supported = True
            await self._look_at_segments()
            now = await self._memberships.leadership()
            if (self._segments or now) and self._is_free(now):
                leading = Leadership(self._name) if now is None else replace(now, holder=self._name)
                if await self._memberships.replace_leadership(now, _beaten(leading)):
                    await self._lead(_beaten(leading))
            await self._rest(LOOK_S)

    def _is_free(self, leadership: Leadership | None) -> bool:
        """Return whether nobody leads, or whoever did has not beaten for too long."""
        if leadership is None or not leadership.holder:
            return True
        now = asyncio.get_running_loop().time()
        seen = (leadership.holder, leadership.beat)
        if self._rival is None or self._rival[:2] != seen:
            self._rival = (*seen, now)
        return now - self._rival[2] > LEASE_S

    async def _lead(self, leadership: Leadership) -> None:
        term = _Term(leadership)
        if term.cursor is None:
            term.read_to(self._changes.cursor)
        collecting = asyncio.create_task(self._collect(term), name="collect changes")
        collecting.add_done_callback(lambda _: self._wake.set())
        try:
            await self._judge_on(term, collecting)
        except CursorExpired:
            term.start_again()
        finally:
            collecting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await collecting
            await asyncio.shield(self._give_up(term))

    async def _collect(self, term: "_Term") -> None:
        """Note who changes."""
        entries: Any = self._changes.every(ALL, term.cursor)
        async with aclosing(entries):
            async for _, change in cast("AsyncIterator[tuple[str, Change]]", entries):
                term.changed[change.user_id] = None
                term.read_to(change.cursor)
                self._wake.set()

    async def _judge_on(self, term: "_Term", collecting: "asyncio.Task[None]") -> None:
        await self._memberships.forget_segments(list(self._segments))
        while True:
            if collecting.done():
                collecting.result()
            await self._look_at_segments()
            await self._note_scans(term)
            busy = await self._judge_changed(term)
            busy |= await self._judge_due(term)
            busy |= await self._scan(term)
            if term.is_beat_due():
                await self._save(term)
            if not busy:
                await self._rest(await self._idle_s())

    async def _judge_changed(self, term: "_Term") -> bool:
        some = list(term.changed)[:CHANGED_AT_ONCE]
        if some:
            read_to = term.cursor if len(some) == len(term.changed) else None
            for user_id in some:
                del term.changed[user_id]
            await self._judge(some, self._criteria)
            if read_to is not None:
                term.judged_to = read_to
        return bool(some)

    async def _judge_due(self, term: "_Term") -> bool:
        now = self._now()
        due = await self._memberships.due(now, DUE_AT_ONCE)
        term.lag = now - due[0][1] if due else timedelta()
        if due:
            await self._judge(list(dict.fromkeys(user_id for user_id, _ in due)), self._criteria)
        return bool(due)

    async def _scan(self, term: "_Term") -> bool:
        """Judge the next people by the segments that were saved since they were looked at."""
        open_scans = {id: scan for id, scan in term.scans.items() if scan.after is not None}
        if not open_scans:
            return False
        after = min(scan.after or "" for scan in open_scans.values())
        together = {id: scan for id, scan in open_scans.items() if scan.after == after}
        user_ids = await self._memberships.user_ids(after, SCANNED_AT_ONCE)
        await self._judge(user_ids, {id: self._criteria[id] for id in together})
        last = user_ids[-1] if len(user_ids) == SCANNED_AT_ONCE else None
        for id, scan in together.items():
            term.scans[id] = replace(scan, after=last, done=scan.done + len(user_ids))
        if last is None:
            await self._save(term)
            self._scanned.set()
            self._scanned = asyncio.Event()
        return True

    async def _judge(self, user_ids: Collection[str], criteria: Mapping[str, Criterion]) -> None:
        moment = Moment(self._now(), self._zone)
        if user_ids and criteria:
            await self._memberships.judge(user_ids, Judge(criteria, moment))
            await asyncio.sleep(0)

    # ------------------------------------------------------------ segments

    async def _look_at_segments(self) -> None:
        segments = await self._store.segments()
        if segments == self._segments:
            return
        for id in self._segments.keys() - segments.keys():
            self._crossings.end(id, SegmentNotFound(id))
        self._segments = segments
        self._criteria = criteria_of_all(segments, self._limits)
        self._meanings = meanings(segments, self._zone)

    async def _note_scans(self, term: "_Term") -> None:
        """Begin to look at everybody where a segment asks for something else than it did."""
        if term.scans.keys() - self._meanings.keys():
            await self._memberships.forget_segments(list(self._segments))
        term.scans = {
            id: scan if (scan := term.scans.get(id)) and scan.meaning == meaning else Scan(meaning)
            for id, meaning in self._meanings.items()
        }

    # ------------------------------------------------------------ the beat

    async def _save(self, term: "_Term", **other: Any) -> None:
        """Beat, and keep what was done.

        Raises:
            _Superseded: another process has taken over.
        """
        after = replace(
            _beaten(term.saved),
            cursor=term.judged_to,
            scans=dict(term.scans),
            lag_ms=term.lag // timedelta(milliseconds=1),
        )
        after = replace(after, **other)
        if not await self._memberships.replace_leadership(term.saved, after):
            raise _Superseded
        term.keep(after)

    async def _give_up(self, term: "_Term") -> None:
        """Let another process take over at once."""
        with suppress(Exception):  # it will find out by itself that we do not beat
            await self._save(term, holder="")

    async def _idle_s(self) -> float:
        """Return until when nothing has to be done, unless somebody changes."""
        due = await self._memberships.next_due()
        if due is None:
            return LOOK_S
        return min(max((due - self._now()).total_seconds(), 0.001), LOOK_S)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _now(self) -> datetime:
        return to_utc_ms(self._clock())


class _Term:
    """What a leader has done and has to do.

    Attributes:
        saved: As it stands in the store.
        cursor: Up to where changes were read.
        judged_to: Up to where all who changed were judged.
        changed: Who has to be judged yet.
        scans: How far everybody was looked at, by segment.
        lag: How late the last one to fall due was judged.
    """

    def __init__(self, leadership: Leadership) -> None:
        self.saved = leadership
        self.cursor = leadership.cursor
        self.judged_to = leadership.cursor
        self.changed: dict[str, None] = {}
        self.scans: dict[str, Scan] = dict(leadership.scans)
        self.lag = timedelta()
        self._beaten_at = asyncio.get_running_loop().time()

    def read_to(self, cursor: str) -> None:
        self.cursor = cursor
        if self.judged_to is None:
            self.judged_to = cursor

    def start_again(self) -> None:
        """Forget what was done: everybody has to be looked at, and changes read from now on."""
        self.judged_to = None
        self.scans = {}

    def is_beat_due(self) -> bool:
        return asyncio.get_running_loop().time() - self._beaten_at > BEAT_S

    def keep(self, leadership: Leadership) -> None:
        self.saved = leadership
        self._beaten_at = asyncio.get_running_loop().time()


def _beaten(leadership: Leadership) -> Leadership:
    return replace(leadership, beat=leadership.beat + 1)
