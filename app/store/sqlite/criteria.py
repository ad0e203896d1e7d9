"""Criteria as SQL conditions on the columns and index tables of `facts`; values are bound."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from itertools import groupby
from typing import Any, Final

import orjson

from app.domain import criteria as c
from app.domain.due import is_timeless
from app.domain.properties import PropertyKind, PropertyValue, kind_of
from app.domain.reach import CHARGED, Channel, ProfileType
from app.domain.repetition import kept_by_text
from app.domain.windows import Moment, Span, span_of
from app.store import bounds
from app.store.bounds import Bounds, Total, exact
from app.store.sqlite.connection import to_ms

ELEMENT: Final = "element"
"""The kind of a row that holds one element of a list."""


@dataclass(frozen=True)
class Sql:
    """A condition, and the values bound in it."""

    text: str
    values: tuple[Any, ...] = ()


EVERYONE: Final = Sql("true")
NOBODY: Final = Sql("false")


class Rows(Enum):
    """How those are found who have a certain row in another table.

    Both say the same, but either may take a thousand times as long as the other.

    Attributes:
        ALL: All of them at once, which is quick where they are few.
        EACH: For one user after the other, so that a page that many belong on ends early.
    """

    ALL = "id IN (SELECT user FROM {table} WHERE {condition})"
    EACH = "EXISTS (SELECT 1 FROM {table} WHERE user = users.id AND {condition})"


@dataclass(frozen=True)
class _Conditions:
    """Logic over SQL. A comparison with NULL is neither true nor false; negating it makes it so."""

    rows: Rows

    everyone = EVERYONE
    nobody = NOBODY

    def both(self, conditions: Iterable[Sql]) -> Sql:
        parts = [part for part in conditions if part != EVERYONE]
        if NOBODY in parts:
            return NOBODY
        return _joined(" AND ", parts) if parts else EVERYONE

    def either(self, conditions: Iterable[Sql]) -> Sql:
        parts = [part for part in conditions if part != NOBODY]
        if EVERYONE in parts:
            return EVERYONE
        return _joined(" OR ", parts) if parts else NOBODY

    def negated(self, condition: Sql) -> Sql:
        if condition == EVERYONE:
            return NOBODY
        if condition == NOBODY:
            return EVERYONE
        return Sql(f"NOT ifnull({condition.text}, false)", condition.values)

    def total(self, key: str, alternatives: Sequence[Total]) -> Sql:
        as_asked = self.either(self.both(_of_total(each)) for each in alternatives)
        return self.having("user_activity", self.both([Sql("key = ?", (key,)), as_asked]))

    def having(self, table: str, condition: Sql) -> Sql:
        """Return who has a row in a table of which the condition is true."""
        text = self.rows.value.format(table=table, condition=condition.text)
        return Sql(text, condition.values)


def _joined(operator: str, parts: list[Sql]) -> Sql:
    """Return the parts as a balanced tree: SQLite bounds how deep an expression may be."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(operator, parts[:middle]), _joined(operator, parts[middle:])
    return Sql(f"({left.text}{operator}{right.text})", left.values + right.values)


def _limits(column: str, limits: Mapping[str, Any]) -> list[Sql]:
    return [
        Sql(f"{column} {operator} ?", (limit,))
        for operator, limit in limits.items()
        if limit is not None
    ]


def _span(column: str, span: Span) -> list[Sql]:
    start, end = (None if at is None else to_ms(at) for at in (span.start, span.end))
    return _limits(column, {">=": start, "<": end})


def _of_total(total: Total) -> Iterator[Sql]:
    """Yield what has to be true of the row of a total."""
    if total.count:
        yield from _limits("count", {">=": total.count.low, "<=": total.count.high})
    if total.first_at:
        yield from _span("first_at", total.first_at)
    if total.last_at:
        yield from _span("last_at", total.last_at)


def _one_of(column: str, values: Iterable[Any]) -> Sql:
    bound = tuple(values)
    return Sql(f"{column} IN ({', '.join('?' * len(bound))})", bound)


def compiled(criterion: c.Criterion, moment: Moment, rows: Rows) -> Bounds[Sql]:
    """Return the conditions for whom a criterion may be true of, and whom it surely is."""
    if is_timeless(criterion):
        return _compiled_once(criterion, bounds.ANY_MOMENT, rows)
    return _compiled(criterion, moment, rows)


def all_of(parts: Iterable[Bounds[Sql]]) -> Bounds[Sql]:
    """Return the conditions of several criteria that all have to be true."""
    return bounds.all_of(_Conditions(Rows.EACH), parts)


def _compiled(criterion: c.Criterion, moment: Moment, rows: Rows) -> Bounds[Sql]:
    logic = _Conditions(rows)
    return bounds.compiled(
        logic, criterion, moment, lambda leaf, moment: exact(_exactly(logic, leaf, moment))
    )


_compiled_once = kept_by_text(_compiled)


def _exactly(logic: _Conditions, criterion: c.Leaf, moment: Moment) -> Sql:
    match criterion:
        case c.HasType(types):
            return logic.either(_of_type(logic, type) for type in types)
        case c.HasAge(ages):
            after, until = bounds.birthdays(ages, moment.today)
            return logic.both(_limits("birthday", {">": after, "<=": until}))
        case c.HasGender(genders):
            return _one_of("gender", sorted(genders))
        case c.Speaks(tags):
            # "." follows "-": all that begins with the tag and a hyphen lies between.
            narrower = (
                logic.both(_limits("language", {">=": f"{tag}-", "<": f"{tag}."}))
                for tag in sorted(tags)
            )
            return logic.either([_one_of("language", sorted(tags)), *narrower])
        case c.LivesIn():
            return _lives_in(logic, criterion)
        case c.HasIdentity(kind, value):
            return _has_identity(logic, f"{kind.value}:", value)
        case c.IsReachableBy(channel):
            return _REACHABLE[channel]
        case c.HasProperty(name, value_filter):
            return _has_property(logic, name, value_filter, moment)
        case c.WasCreated(window):
            return logic.both(_span("created_at", span_of(window, moment)))
        case c.WasSeen(window):
            return logic.both(_span("last_seen", span_of(window, moment)))


def _reachable(channel: Channel, condition: str) -> Sql:
    return Sql(f"({condition} AND instr(opted_out, ',{channel.value},') = 0)")


_REACHABLE: Final[Mapping[Channel, Sql]] = {
    Channel.EMAIL: _reachable(Channel.EMAIL, "email IS NOT NULL"),
    Channel.PUSH: _reachable(Channel.PUSH, "has_push"),
    Channel.SMS: _reachable(Channel.SMS, "phone IS NOT NULL"),
    Channel.WHATSAPP: _reachable(Channel.WHATSAPP, "phone IS NOT NULL"),
}


def _of_type(logic: _Conditions, type: ProfileType) -> Sql:
    charged = logic.total(CHARGED, [Total()])
    contacted = logic.either([_REACHABLE[Channel.EMAIL], _REACHABLE[Channel.PUSH]])
    match type:
        case ProfileType.CUSTOMER:
            return charged
        case ProfileType.ADDRESSABLE:
            return logic.both([logic.negated(charged), contacted])
        case ProfileType.ANONYMOUS:
            return logic.both([logic.negated(charged), logic.negated(contacted)])


def _has_identity(logic: _Conditions, prefix: str, value: str | None) -> Sql:
    if value is not None:
        return logic.having("identities", Sql("identity = ?", (prefix + value,)))
    following = f"{prefix[:-1]};"  # ";" follows ":"
    return logic.having("identities", Sql("identity >= ? AND identity < ?", (prefix, following)))


def _lives_in(logic: _Conditions, criterion: c.LivesIn) -> Sql:
    parts = [
        _one_of(column, sorted(wanted))
        for column, wanted in (
            ("country", criterion.countries),
            ("region", criterion.regions),
            ("city", criterion.cities),
        )
        if wanted is not None
    ]
    if (near := criterion.near) is not None:
        height = math.degrees(near.radius_m / c.EARTH_RADIUS_M) + 1e-6
        parts += _limits("latitude", {">=": near.latitude - height, "<=": near.latitude + height})
        centre = (near.latitude, near.longitude, near.radius_m)
        parts.append(Sql("distance_m(latitude, longitude, ?, ?) <= ?", centre))
    return logic.both(parts)


# ---------------------------------------------------------------- properties


def _has_property(
    logic: _Conditions, name: str, value_filter: c.ValueFilter, moment: Moment
) -> Sql:
    conditions = list(_value_conditions(logic, value_filter, moment))
    if name not in c.STANDARD_NAMES:
        found = logic.either(
            logic.both([Sql("t = ?", (kind,)), _on(condition, "v", "f")]) if kind else condition
            for kind, condition in conditions
        )
        named = logic.both([Sql("k = ?", (name,)), found])
        return NOBODY if named == NOBODY else logic.having("user_properties", named)
    own_kind = PropertyKind.DATE.value if name == "birthday" else PropertyKind.TEXT.value
    alternatives = (
        _on(condition, name, f"folded_{name}")
        for kind, condition in conditions
        if kind in (None, own_kind)
    )
    return logic.both([Sql(f"{name} IS NOT NULL"), logic.either(alternatives)])


def _on(condition: Sql, value: str, folded: str) -> Sql:
    """Return a condition with the columns in which a value and its folded text stand."""
    return Sql(condition.text.replace("{v}", value).replace("{f}", folded), condition.values)


def _value_conditions(
    logic: _Conditions, value_filter: c.ValueFilter, moment: Moment
) -> Iterable[tuple[str | None, Sql]]:
    """Yield conditions, one of which has to hold, each with the kind of value it is for.

    `{v}` and `{f}` stand for the columns of the value and of its folded text.
    """
    match value_filter:
        case c.Exists():
            yield None, EVERYONE
        case c.OneOf(values):
            for kind, same_kind in groupby(sorted(values, key=kind_of), key=kind_of):
                yield kind.value, _one_of("{v}", map(stored, same_kind))
        case c.Contains(text):
            folded = text.casefold()
            yield PropertyKind.TEXT.value, Sql("instr({f}, ?) > 0", (folded,))
            yield ELEMENT, Sql("{f} = ?", (folded,))
        case c.StartsWith(text):
            folded = text.casefold()
            starts = Sql("substr({f}, 1, ?) = ?", (len(folded), folded))
            yield PropertyKind.TEXT.value, starts
        case c.Compares(order, value):
            operator = _OPERATORS[order]
            yield kind_of(value).value, Sql(f"{{v}} {operator} ?", (stored(value),))
        case c.Between(low, high):
            values = (stored(low), stored(high))
            yield kind_of(low).value, Sql("({v} >= ? AND {v} <= ?)", values)
        case c.Within(window):
            span = span_of(window, moment)
            yield PropertyKind.DATE_TIME.value, logic.both(_span("{v}", span))
            first, last = bounds.days_in(span, moment)
            days = {">=": first and first.isoformat(), "<=": last and last.isoformat()}
            yield PropertyKind.DATE.value, logic.both(_limits("{v}", days))


_OPERATORS: Final = {c.Order.GT: ">", c.Order.GTE: ">=", c.Order.LT: "<", c.Order.LTE: "<="}


def stored(value: PropertyValue) -> Any:
    """Return a value as an index row holds it; lists in any order are equal there."""
    match value:
        case datetime():
            return to_ms(value)
        case date():
            return value.isoformat()
        case tuple():
            return orjson.dumps(sorted(value)).decode()
        case _:
            return value
