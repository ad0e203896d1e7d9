"""Find People in the embedded store: SQL narrows down, the domain decides where SQL cannot."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from app.domain.criteria import EVERYONE, Question, matches, missing_events
from app.domain.events import Event
from app.domain.listing import UserOrder, UserPosition
from app.domain.user import User
from app.store.bounds import check_budget
from app.store.document import to_event
from app.store.sqlite.connection import from_ms, to_ms
from app.store.sqlite.criteria import Sql, compiled
from app.store.sqlite.users import decode, history_ids, marks


def page(
    connection: sqlite3.Connection,
    question: Question | None,
    order: UserOrder,
    first: int,
    after: UserPosition | None,
    max_candidates: int,
) -> list[str]:
    """Return the documents of up to `first` users of whom the question is true, in order.

    Raises:
        LimitExceeded: too many had to be looked at one by one.
    """
    where, by, arguments = _page_of(order, after)
    if question is None or question.criterion == EVERYONE:
        return list(_documents(connection, Sql(where, tuple(arguments)), by, first))
    bounds = compiled(question.criterion, question.moment)
    condition = Sql(f"{where} AND {bounds.possible.text}", (*arguments, *bounds.possible.values))
    if bounds.is_exact:
        return list(_documents(connection, condition, by, first))
    found = []
    for looked_at, document in enumerate(_documents(connection, condition, by, -1), start=1):
        check_budget(looked_at, max_candidates)
        if _is_true(connection, question, decode(document)):
            found.append(document)
        if len(found) == first:
            break
    return found


def page_of_all(
    connection: sqlite3.Connection, order: UserOrder, first: int, after: UserPosition | None
) -> list[str]:
    """Return the ids of up to `first` users, in order, that follow `after`."""
    where, by, arguments = _page_of(order, after)
    rows = connection.execute(
        f"SELECT id FROM users WHERE {where} ORDER BY {by} LIMIT ?", (*arguments, first)
    )
    return [row[0] for row in rows]


def count(connection: sqlite3.Connection, question: Question | None, max_candidates: int) -> int:
    """Return of how many users the question is true, exactly.

    Raises:
        LimitExceeded: too many would have to be looked at one by one.
    """
    if question is None:
        return _count(connection, Sql("true"))
    bounds = compiled(question.criterion, question.moment)
    certain = _count(connection, bounds.certain)
    if bounds.is_exact:
        return certain
    unsure = Sql(
        f"({bounds.possible.text}) AND NOT ifnull({bounds.certain.text}, false)",
        (*bounds.possible.values, *bounds.certain.values),
    )
    check_budget(_count(connection, unsure), max_candidates)
    return certain + sum(
        _is_true(connection, question, decode(document))
        for document in _documents(connection, unsure, "id", -1)
    )


def _documents(
    connection: sqlite3.Connection, condition: Sql, by: str, limit: int
) -> Iterator[str]:
    rows = connection.execute(
        f"SELECT document FROM users WHERE {condition.text} ORDER BY {by} LIMIT ?",
        (*condition.values, limit),
    )
    return (row[0] for row in rows)


def _count(connection: sqlite3.Connection, condition: Sql) -> int:
    sql = f"SELECT count(*) FROM users WHERE {condition.text}"
    (number,) = connection.execute(sql, condition.values).fetchone()
    return int(number)


def _is_true(connection: sqlite3.Connection, question: Question, user: User) -> bool:
    keys = missing_events(question.criterion, user, question.moment)
    history = archived_by_key(connection, user, keys) if keys else []
    return matches(question.criterion, user, question.moment, history)


def archived_by_key(
    connection: sqlite3.Connection, user: User, keys: frozenset[str]
) -> list[Event]:
    """Return the user's archived events of these names."""
    ids, wanted = history_ids(user), sorted(keys)
    rows = connection.execute(
        f"SELECT document FROM event_archive WHERE user IN ({marks(ids)}) "
        f"AND key IN ({marks(wanted)})",
        [*ids, *wanted],
    )
    return [to_event(orjson.loads(row[0]), from_ms) for row in rows]


def _page_of(order: UserOrder, after: UserPosition | None) -> tuple[str, str, Sequence[Any]]:
    """Return the condition, the order and the arguments of a page."""
    match order:
        case UserOrder.NEWEST:
            return _by_id(after, newest_first=True)
        case UserOrder.OLDEST:
            return _by_id(after, newest_first=False)
        case UserOrder.LAST_SEEN:
            return _by_last_seen(after)


def _by_id(after: UserPosition | None, *, newest_first: bool) -> tuple[str, str, Sequence[Any]]:
    comparison, direction = ("<", "DESC") if newest_first else (">", "ASC")
    if after is None:
        return "true", f"id {direction}", []
    return f"id {comparison} ?", f"id {direction}", [after.id]


def _by_last_seen(after: UserPosition | None) -> tuple[str, str, Sequence[Any]]:
    by = "last_seen DESC, id DESC"  # SQLite takes NULL as the smallest: nobody seen comes last
    if after is None:
        return "true", by, []
    if after.seen_at is None:
        return "(last_seen IS NULL AND id < ?)", by, [after.id]
    seen = to_ms(after.seen_at)
    return "(last_seen IS NULL OR (last_seen, id) < (?, ?))", by, [seen, after.id]
