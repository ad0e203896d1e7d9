"""Pages of people as SQL: who follows a position in an order, each found by an index.

A page lies in one stretch of people, or in two: nobody knows when some were seen, and these follow
all others. As one condition, SQLite would go through all who come before.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.domain.listing import UserOrder, UserPosition
from app.store.sqlite.connection import to_ms
from app.store.sqlite.criteria import EVERYONE, Sql

_BY_ID: Final = "sqlite_autoindex_users_1"
"""The index of the primary key, by SQLite's own rule for names."""


@dataclass(frozen=True)
class Page:
    """Those of whom a condition is true, from a position in an order on.

    Attributes:
        source: The table, and by which index it is gone through, if that has to be said.
        condition: Who may be on it.
        by: The order.
        stretches: Where in the order.
    """

    source: str
    condition: Sql
    by: str
    stretches: Sequence[Sql]

    @staticmethod
    def of(
        order: UserOrder,
        after: UserPosition | None,
        condition: Sql = EVERYONE,
        *,
        in_order: bool = False,
    ) -> "Page":
        """Return the page that follows a position.

        Args:
            order: In which order.
            after: Where the last page ended.
            condition: Who may be on it.
            in_order: Whether to go through all in this order, whatever SQLite expects.
        """
        index, by, stretches = _ordered(order, after)
        source = f"users INDEXED BY {index}" if in_order else "users"
        return Page(source, condition, by, stretches)

    def rows(self, connection: sqlite3.Connection, columns: Sql, limit: int) -> Iterator[Any]:
        """Yield what is selected of each on it, up to a limit of each stretch; -1 for none."""
        for stretch in self.stretches:
            where = f"WHERE {stretch.text} AND {self.condition.text} ORDER BY {self.by} LIMIT ?"
            values = (*columns.values, *stretch.values, *self.condition.values, limit)
            yield from connection.execute(
                f"SELECT {columns.text} FROM {self.source} {where}", values
            )


def _ordered(order: UserOrder, after: UserPosition | None) -> tuple[str, str, Sequence[Sql]]:
    """Return the index of an order, the order, and the stretches that follow a position in it."""
    match order:
        case UserOrder.NEWEST:
            return _BY_ID, "id DESC", [EVERYONE if after is None else Sql("id < ?", (after.id,))]
        case UserOrder.OLDEST:
            return _BY_ID, "id ASC", [EVERYONE if after is None else Sql("id > ?", (after.id,))]
        case UserOrder.LAST_SEEN:
            # SQLite takes NULL as the smallest: nobody seen comes last.
            return "users_by_last_seen", "last_seen DESC, id DESC", _seen_before(after)


def _seen_before(after: UserPosition | None) -> Sequence[Sql]:
    if after is None:
        return [EVERYONE]
    if after.seen_at is None:
        return [Sql("last_seen IS NULL AND id < ?", (after.id,))]
    earlier = Sql("(last_seen, id) < (?, ?)", (to_ms(after.seen_at), after.id))
    return [earlier, Sql("last_seen IS NULL")]
