"""Find People in the embedded store: SQL narrows down, the domain decides where SQL cannot."""

import sqlite3
from itertools import islice
from typing import Any

import orjson

from app.domain.criteria import EVERYONE, Question, matches, missing_events
from app.domain.events import Event
from app.domain.listing import UserOrder, UserPosition
from app.domain.user import User
from app.store.bounds import Bounds, check_budget
from app.store.document import to_event
from app.store.sqlite.connection import from_ms
from app.store.sqlite.criteria import Rows, Sql, compiled
from app.store.sqlite.pages import Page
from app.store.sqlite.users import decode, history_ids, marks
from app.store.sqlite.ways import Quickest, bounds_by, patient


def found_quickly(
    connection: sqlite3.Connection,
    question: Question,
    order: UserOrder,
    first: int,
    after: UserPosition | None,
    quickest: Quickest,
) -> list[str] | None:
    """Return the ids of whom `page` returns, or None if to find them takes some time."""
    for way, steps in quickest.tries(question.criterion):
        bounds = bounds_by(way, question)
        page = Page.of(order, after, bounds.possible, in_order=Rows.ALL not in way)
        found = _within(steps, connection, page, _with_certainty("id", bounds), first)
        if found is not None:
            quickest.note(question.criterion, (way, steps))
            return [id for id, _ in found] if all(certain for _, certain in found) else None
    return None


def _with_certainty(column: str, bounds: Bounds[Sql]) -> Sql:
    """Return a column, and whether the question is certainly true."""
    if bounds.is_exact:
        return Sql(f"{column}, true")
    return Sql(f"{column}, ifnull({bounds.certain.text}, false)", bounds.certain.values)


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
    if question is None or question.criterion == EVERYONE:
        page = Page.of(order, after)
        return [row[0] for row in _first(connection, page, Sql("document"), first)]
    for way, steps in patient(question.criterion):
        bounds = bounds_by(way, question)
        page = Page.of(order, after, bounds.possible, in_order=Rows.ALL not in way)
        column = Sql("document" if bounds.is_exact else "id")
        found = _within(steps, connection, page, column, first)
        if found is not None and bounds.is_exact:
            return [row[0] for row in found]
        if found is not None:
            break
    return _verified(connection, question, bounds, page, first, max_candidates)


def _first(connection: sqlite3.Connection, page: Page, columns: Sql, first: int) -> list[Any]:
    return list(islice(page.rows(connection, columns, first), first))


def _within(
    steps: int | None, connection: sqlite3.Connection, page: Page, columns: Sql, first: int
) -> list[Any] | None:
    """Return the page's rows, or None if that takes more of SQLite's steps than these."""
    if steps is None:
        return _first(connection, page, columns, first)
    connection.set_progress_handler(lambda: True, steps)
    try:
        return _first(connection, page, columns, first)
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)


def _verified(
    connection: sqlite3.Connection,
    question: Question,
    bounds: Bounds[Sql],
    page: Page,
    first: int,
    max_candidates: int,
) -> list[str]:
    """Return the page's documents, those looked at of whom it is not certain."""
    found, looked_at = [], 0
    rows = page.rows(connection, _with_certainty("document", bounds), -1)
    for document, is_certain in rows:
        if not is_certain:
            looked_at += 1
            check_budget(looked_at, max_candidates)
        if is_certain or _is_true(connection, question, decode(document)):
            found.append(document)
        if len(found) == first:
            break
    return found


def page_of_all(
    connection: sqlite3.Connection, order: UserOrder, first: int, after: UserPosition | None
) -> list[str]:
    """Return the ids of up to `first` users, in order, that follow `after`."""
    page = Page.of(order, after)
    return [row[0] for row in _first(connection, page, Sql("id"), first)]


def count(connection: sqlite3.Connection, question: Question | None, max_candidates: int) -> int:
    """Return of how many users the question is true, exactly.

    Raises:
        LimitExceeded: too many would have to be looked at one by one.
    """
    if question is None:
        return _count(connection, Sql("true"))
    bounds = compiled(question.criterion, question.moment, Rows.ALL)
    if bounds.is_exact:
        return _count(connection, bounds.possible)
    one_by_one = compiled(question.criterion, question.moment, Rows.EACH).certain
    unsure = Sql(
        f"({bounds.possible.text}) AND NOT ifnull({one_by_one.text}, false)",
        (*bounds.possible.values, *one_by_one.values),
    )
    possible, candidates = _count(connection, bounds.possible), _count(connection, unsure)
    check_budget(candidates, max_candidates)
    if candidates == 0:
        return possible
    return possible - sum(
        not _is_true(connection, question, decode(document))
        for (document,) in connection.execute(
            f"SELECT document FROM users WHERE {unsure.text}", unsure.values
        )
    )


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
