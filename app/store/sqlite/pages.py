"""Pages of people as SQL: who follows a position in an order, and the index that has this order."""

from dataclasses import dataclass
from typing import Final

from app.domain.listing import UserOrder, UserPosition
from app.store.sqlite.connection import to_ms
from app.store.sqlite.criteria import EVERYONE, Sql


@dataclass(frozen=True)
class Page:
    """A page in an order.

    Attributes:
        source: The table, and by which index it is gone through, if that has to be said.
        condition: Who may be on it.
        by: The order.
    """

    source: str
    condition: Sql
    by: str

    @staticmethod
    def of(
        order: UserOrder,
        after: UserPosition | None,
        condition: Sql = EVERYONE,
        *,
        in_order: bool = False,
    ) -> "Page":
        """Return the page of those of whom a condition is true.

        Args:
            order: In which order.
            after: Where the last page ended.
            condition: Who may be on it.
            in_order: Whether to go through all in this order, whatever SQLite expects.
        """
        index, by, position = _ordered(order, after)
        source = f"users INDEXED BY {index}" if in_order else "users"
        text = f"{position.text} AND {condition.text}"
        return Page(source, Sql(text, position.values + condition.values), by)

    def query(self, columns: Sql, limit: int) -> Sql:
        """Return what selects so much of the page; -1 for no limit."""
        where = f"WHERE {self.condition.text} ORDER BY {self.by} LIMIT ?"
        text = f"SELECT {columns.text} FROM {self.source} {where}"
        return Sql(text, (*columns.values, *self.condition.values, limit))


_BY_ID: Final = "sqlite_autoindex_users_1"
"""The index of the primary key, by SQLite's own rule for names."""


def _ordered(order: UserOrder, after: UserPosition | None) -> tuple[str, str, Sql]:
    """Return the index of an order, the order, and who follows a position in it."""
    match order:
        case UserOrder.NEWEST:
            return _BY_ID, "id DESC", EVERYONE if after is None else Sql("id < ?", (after.id,))
        case UserOrder.OLDEST:
            return _BY_ID, "id ASC", EVERYONE if after is None else Sql("id > ?", (after.id,))
        case UserOrder.LAST_SEEN:
            # SQLite takes NULL as the smallest: nobody seen comes last.
            return "users_by_last_seen", "last_seen DESC, id DESC", _seen_before(after)


def _seen_before(after: UserPosition | None) -> Sql:
    if after is None:
        return EVERYONE
    if after.seen_at is None:
        return Sql("(last_seen IS NULL AND id < ?)", (after.id,))
    seen = to_ms(after.seen_at)
    return Sql("(last_seen IS NULL OR (last_seen, id) < (?, ?))", (seen, after.id))
