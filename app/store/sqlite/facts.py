"""What Find People looks for, beside each document: columns, and rows of properties and totals.

Everything here follows from the document and is written with it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.domain import criteria
from app.domain.properties import Properties, PropertyValue, kind_of, same
from app.domain.reach import Choices
from app.domain.user import User, replaced
from app.store.sqlite.connection import for_each, insert_rows, to_ms
from app.store.sqlite.criteria import ELEMENT, stored


def _folded(text: str | None) -> str | None:
    return text and text.casefold()


COLUMNS: Final[Mapping[str, tuple[str, Callable[[User], Any]]]] = {
    "last_seen": ("last_seen_at", lambda user: user.last_seen_at and to_ms(user.last_seen_at)),
    "created_at": ("created_at", lambda user: to_ms(user.created_at)),
    "birthday": ("birthday", lambda user: user.birthday and user.birthday.isoformat()),
    "gender": ("gender", lambda user: user.gender and user.gender.value),
    "language": ("language", lambda user: user.language),
    "country": ("location", lambda user: user.location and user.location.country),
    "region": ("location", lambda user: user.location and _folded(user.location.region)),
    "city": ("location", lambda user: user.location and _folded(user.location.city)),
    "latitude": ("location", lambda user: user.location and user.location.latitude),
    "longitude": ("location", lambda user: user.location and user.location.longitude),
    "has_push": ("devices", lambda user: any(device.push for device in user.devices)),
    "opted_out": ("choices", lambda user: _opted_out(user.choices)),
    "name": ("name", lambda user: user.name),
    "email": ("email", lambda user: user.email),
    "phone": ("phone", lambda user: user.phone),
    "timezone": ("timezone", lambda user: user.timezone),
    "folded_name": ("name", lambda user: _folded(user.name)),
    "folded_email": ("email", lambda user: _folded(user.email)),
    "folded_phone": ("phone", lambda user: _folded(user.phone)),
    "folded_timezone": ("timezone", lambda user: _folded(user.timezone)),
}
"""Of each column, from which attribute of a user it follows, and how."""

_COLUMNS_OF: Final = {
    attribute: tuple(column for column, (name, _) in COLUMNS.items() if name == attribute)
    for attribute in User.model_fields
}
"""The columns that follow from each attribute of a user."""


def _opted_out(choices: Choices) -> str:
    channels = [channel.value for channel, choice in choices.items() if not choice.subscribed]
    return f",{','.join(channels)},"


def columns_of(user: User) -> list[Any]:
    """Return the values of `COLUMNS`."""
    return [value(user) for _, value in COLUMNS.values()]


def changed_columns(before: User, after: User) -> dict[str, Any]:
    """Return the columns whose attribute changed, by name."""
    columns = {column for name in replaced(before, after) for column in _COLUMNS_OF[name]}
    return {column: COLUMNS[column][1](after) for column in sorted(columns)}


def index(connection: sqlite3.Connection, before: User | None, after: User) -> None:
    """Bring the rows of a user up to date."""
    index_many(connection, [(before, after)])


def index_many(connection: sqlite3.Connection, people: Sequence[tuple[User | None, User]]) -> None:
    """Bring the rows of users up to date, each given before and after."""
    _index_properties(connection, people)
    totals = [row for before, after in people for row in _totals(before, after)]
    insert_rows(connection, "INSERT OR REPLACE INTO user_activity", totals)


def _index_properties(
    connection: sqlite3.Connection, people: Sequence[tuple[User | None, User]]
) -> None:
    gone: list[tuple[Any, ...]] = []
    come: list[tuple[Any, ...]] = []
    revalued: list[tuple[Any, ...]] = []
    rewritten: list[tuple[Any, ...]] = []
    for before, after in people:
        if before is None:
            come += _all_rows(after)
            continue
        old, new = before.properties, after.properties
        for name in _changed(old, new):
            had, has = _rows(old.get(name)), _rows(new.get(name))
            match had, has:
                case ((kind, _, folded),), ((new_kind, value, new_folded),):
                    if (kind, folded) == (new_kind, new_folded):
                        revalued.append((value, after.id, name))
                    else:
                        rewritten.append((*has[0], after.id, name))
                case _:
                    gone += [(after.id, name)] if had else []
                    come += [(after.id, name, *row) for row in has]
    for_each(connection, "DELETE FROM user_properties WHERE user = ? AND k = ?", gone)
    insert_rows(connection, "INSERT INTO user_properties", come)
    # Cheaper than one of each: indexes over what is not set stay as they are.
    for_each(connection, "UPDATE user_properties SET v = ? WHERE user = ? AND k = ?", revalued)
    for_each(
        connection,
        "UPDATE user_properties SET t = ?, v = ?, f = ? WHERE user = ? AND k = ?",
        rewritten,
    )


def _totals(before: User | None, after: User) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of those totals that changed."""
    counted = before.activity if before else {}
    if counted is after.activity:
        return
    for key, total in after.activity.items():
        if counted.get(key) is not total:
            yield after.id, key, total.count, to_ms(total.first_at), to_ms(total.last_at)


def _all_rows(user: User) -> Iterator[tuple[Any, ...]]:
    for name, value in user.properties.items():
        for row in _rows(value):
            yield user.id, name, *row


def _changed(old: Properties, new: Properties) -> list[str]:
    if old is new:
        return []
    names = old.keys() | new.keys()
    return [name for name in names if not same(old.get(name), new.get(name))]


def _rows(value: PropertyValue | None) -> list[tuple[str, Any, str | None]]:
    """Return kind, value and folded text of a property; a list has a row for each element, too."""
    if value is None:
        return []
    folded = value.casefold() if isinstance(value, str) else None
    rows: list[tuple[str, Any, str | None]] = [(str(kind_of(value)), stored(value), folded)]
    if isinstance(value, tuple):
        rows += [(ELEMENT, text, text.casefold()) for text in value]
    return rows


def distance_m(
    latitude: float | None, longitude: float | None, to_latitude: float, to_longitude: float
) -> float | None:
    """Answer the SQL function of this name with the domain's own."""
    if latitude is None or longitude is None:
        return None
    return criteria.distance_m(latitude, longitude, criteria.Circle(to_latitude, to_longitude, 0))
