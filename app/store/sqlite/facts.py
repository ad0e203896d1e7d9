"""What Find People looks for, beside each document: columns, and rows of properties and totals.

Everything here follows from the document and is written with it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.domain import criteria
from app.domain.properties import PropertyValue, kind_of, same
from app.domain.user import User
from app.store.sqlite.connection import for_each, to_ms
from app.store.sqlite.criteria import ELEMENT, stored

COLUMNS: Final = (
    "last_seen", "created_at", "birthday", "gender", "language", "country", "region", "city",
    "latitude", "longitude", "has_push", "opted_out", "name", "email", "phone", "timezone",
    "folded_name", "folded_email", "folded_phone", "folded_timezone",
)  # fmt: skip


def columns_of(user: User) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`."""
    place = user.location
    opted_out = [channel.value for channel, c in user.choices.items() if not c.subscribed]
    texts = (user.name, user.email, user.phone, user.timezone)
    return (
        None if user.last_seen_at is None else to_ms(user.last_seen_at),
        to_ms(user.created_at),
        user.birthday and user.birthday.isoformat(),
        user.gender and user.gender.value,
        user.language,
        place and place.country,
        place and place.region and place.region.casefold(),
        place and place.city and place.city.casefold(),
        place and place.latitude,
        place and place.longitude,
        any(device.push for device in user.devices),
        f",{','.join(opted_out)},",
        *texts,
        *(text and text.casefold() for text in texts),
    )


def index(connection: sqlite3.Connection, before: User | None, after: User) -> None:
    """Bring the rows of a user up to date."""
    index_many(connection, [(before, after)])


def index_many(connection: sqlite3.Connection, people: Sequence[tuple[User | None, User]]) -> None:
    """Bring the rows of users up to date, each given before and after."""
    gone: list[tuple[Any, ...]] = []
    come: list[tuple[Any, ...]] = []
    for before, after in people:
        old, new = before.properties if before else {}, after.properties
        names = [name for name in {*old, *new} if not same(old.get(name), new.get(name))]
        gone += [(after.id, name) for name in names if name in old]
        come += [
            (after.id, name, *row) for name in names if name in new for row in _rows(new[name])
        ]
    for_each(connection, "DELETE FROM user_properties WHERE user = ? AND k = ?", gone)
    for_each(connection, "INSERT INTO user_properties VALUES (?, ?, ?, ?, ?)", come)
    for_each(
        connection,
        "INSERT OR REPLACE INTO user_activity VALUES (?, ?, ?, ?, ?)",
        [row for before, after in people for row in _totals(before, after)],
    )


def _totals(before: User | None, after: User) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of those totals that changed."""
    counted = before.activity if before else {}
    for key, total in after.activity.items():
        if counted.get(key) != total:
            yield after.id, key, total.count, to_ms(total.first_at), to_ms(total.last_at)


def _rows(value: PropertyValue) -> Iterator[tuple[str, Any, str | None]]:
    """Yield kind, value and folded text of a property; a list has a row for each element, too."""
    folded = value.casefold() if isinstance(value, str) else None
    yield kind_of(value).value, stored(value), folded
    if isinstance(value, tuple):
        for text in value:
            yield ELEMENT, text, text.casefold()


def distance_m(
    latitude: float | None, longitude: float | None, to_latitude: float, to_longitude: float
) -> float | None:
    """Answer the SQL function of this name with the domain's own."""
    if latitude is None or longitude is None:
        return None
    return criteria.distance_m(latitude, longitude, criteria.Circle(to_latitude, to_longitude, 0))
