"""Memberships of segments, and the log of who crossed into or out of one."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import orjson

from app.domain.change import Crossing, MembershipKind
from app.domain.membership import OUTSIDE, Judge, Leadership, Membership, Step
from app.domain.user import User
from app.store.document import from_leadership, to_leadership
from app.store.sqlite.connection import answering, for_each, from_ms, to_ms
from app.store.sqlite.log import LogTable
from app.store.sqlite.search import archived_by_key
from app.store.sqlite.users import decode, marks
from app.store.sqlite.writer import Writer


def _to_crossing(cursor: str, kind: str, segment_id: str, user_id: str, at: int) -> Crossing:
    return Crossing(MembershipKind(kind), segment_id, user_id, from_ms(at), cursor)


CROSSINGS: Final = LogTable("crossings", "m", ("kind", "segment", "user", "at"), _to_crossing)

Memberships = Mapping[str, Membership]


class SqliteMemberships:
    """The `Memberships` contract on the tables `memberships`, `crossings` and `leadership`."""

    def __init__(self, lookups: sqlite3.Connection, writer: Writer) -> None:
        self._lookups = lookups
        self._writer = writer

    async def judge(self, user_ids: Collection[str], judge: Judge) -> None:
        with answering():
            unsettled = _unsettled(self._lookups, user_ids, judge)
        if unsettled:
            await self._writer.run(lambda connection: _settle(connection, unsettled, judge))

    async def due(self, now: datetime, limit: int) -> list[tuple[str, datetime]]:
        with answering():
            rows = self._lookups.execute(
                "SELECT user, due FROM memberships WHERE due <= ? ORDER BY due LIMIT ?",
                (to_ms(now), limit),
            ).fetchall()
        return [(user_id, from_ms(at)) for user_id, at in rows]

    async def next_due(self) -> datetime | None:
        with answering():
            (at,) = self._lookups.execute("SELECT min(due) FROM memberships").fetchone()
        return None if at is None else from_ms(at)

    async def user_ids(self, after: str, limit: int) -> list[str]:
        with answering():
            rows = self._lookups.execute(
                "SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            ).fetchall()
        return [row[0] for row in rows]

    async def forget_segments(self, kept: Collection[str]) -> None:
        await self._writer.run(
            lambda connection: connection.execute(
                f"DELETE FROM memberships WHERE segment NOT IN ({marks([*kept])})", [*kept]
            )
        )

    async def leadership(self) -> Leadership | None:
        with answering():
            return _leadership(self._lookups)

    async def replace_leadership(self, before: Leadership | None, after: Leadership) -> bool:
        return await self._writer.run(
            lambda connection: _replace_leadership(connection, before, after)
        )


def _unsettled(
    connection: sqlite3.Connection, user_ids: Collection[str], judge: Judge
) -> list[str]:
    """Return the users of whom something has to be written; the others cost the writer nothing."""
    before = _of_users(connection, user_ids)
    overdue = {id: None for id in user_ids if any(map(judge.is_overdue, before[id].values()))}
    others = [id for id in user_ids if id not in overdue]
    users = _users(connection, others)
    changed = [id for id in others if _steps(connection, users.get(id), before[id], judge)]
    return [*overdue, *changed]


def _settle(connection: sqlite3.Connection, user_ids: Collection[str], judge: Judge) -> None:
    """Write, and log, what the judge says of users, all of them as of one instant."""
    before = _of_users(connection, user_ids)
    users = _users(connection, user_ids)
    _write(
        connection,
        [
            (user_id, step)
            for user_id in user_ids
            for step in _steps(connection, users.get(user_id), before[user_id], judge)
        ],
    )


def _steps(
    connection: sqlite3.Connection, user: User | None, before: Memberships, judge: Judge
) -> list[Step]:
    if user is None:
        return judge.gone(before)
    keys = judge.needs(user, before)
    history = archived_by_key(connection, user, keys) if keys else []
    return judge.judged(user, before, history)


def _users(connection: sqlite3.Connection, user_ids: Collection[str]) -> dict[str, User]:
    rows = connection.execute(
        f"SELECT document FROM users WHERE id IN ({marks([*user_ids])})", [*user_ids]
    )
    return {user.id: user for user in (decode(row[0]) for row in rows)}


def _of_users(
    connection: sqlite3.Connection, user_ids: Collection[str]
) -> defaultdict[str, dict[str, Membership]]:
    found: defaultdict[str, dict[str, Membership]] = defaultdict(dict)
    rows = connection.execute(
        f"SELECT user, segment, member, due FROM memberships WHERE user IN ({marks([*user_ids])})",
        [*user_ids],
    )
    for user_id, segment_id, member, due in rows:
        found[user_id][segment_id] = Membership(bool(member), None if due is None else from_ms(due))
    return found


def _write(connection: sqlite3.Connection, steps: Sequence[tuple[str, Step]]) -> None:
    """Write steps of users: the last one of each membership stands, and each crossing is logged."""
    last = {(step.segment_id, user_id): step.after for user_id, step in steps}
    for_each(
        connection,
        "DELETE FROM memberships WHERE segment = ? AND user = ?",
        [key for key, after in last.items() if after == OUTSIDE],
    )
    for_each(
        connection,
        "INSERT OR REPLACE INTO memberships VALUES (?, ?, ?, ?)",
        [
            (*key, after.member, None if after.due is None else to_ms(after.due))
            for key, after in last.items()
            if after != OUTSIDE
        ],
    )
    crossings = [(step.kind, step.segment_id, id, step.at) for id, step in steps if step.kind]
    _append(connection, crossings)


def _append(
    connection: sqlite3.Connection, crossings: Sequence[tuple[MembershipKind, str, str, datetime]]
) -> None:
    """Add to the log: who did what, with which segment, and when."""
    for_each(
        connection,
        "INSERT INTO crossings (kind, segment, user, at) VALUES (?, ?, ?, ?)",
        [(kind.value, segment, user, to_ms(at)) for kind, segment, user, at in crossings],
    )
    if crossings:
        (seq,) = connection.execute("SELECT max(seq) FROM crossings").fetchone()
        CROSSINGS.trim_sometimes(connection, seq, len(crossings), to_ms(crossings[-1][3]))


def erase(connection: sqlite3.Connection, user_ids: Collection[str], now: datetime) -> None:
    """Let users who are deleted leave all segments, and forget their memberships.

    That they entered and left stays told, by their random ids alone: whoever was away has not
    heard of it.
    """
    ids = [*user_ids]
    _append(
        connection,
        [
            (MembershipKind.LEFT, segment_id, user_id, now)
            for user_id, before in _of_users(connection, ids).items()
            for segment_id, membership in before.items()
            if membership.member
        ],
    )
    connection.execute(f"DELETE FROM memberships WHERE user IN ({marks(ids)})", ids)


def _leadership(connection: sqlite3.Connection) -> Leadership | None:
    row = connection.execute("SELECT document FROM leadership").fetchone()
    return None if row is None else to_leadership(orjson.loads(row[0]))


def _replace_leadership(
    connection: sqlite3.Connection, before: Leadership | None, after: Leadership
) -> bool:
    """Keep who leads, if nobody else has written since `before` was read."""
    now = _leadership(connection)
    if (now and (now.holder, now.beat)) != (before and (before.holder, before.beat)):
        return False
    connection.execute(
        "INSERT OR REPLACE INTO leadership VALUES (1, ?)",
        (orjson.dumps(from_leadership(after)).decode(),),
    )
    return True
