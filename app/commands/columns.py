"""The columns of an exported table: the names that `import` knows, and what follows from them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.commands.table import LIST_SEPARATOR
from app.domain.errors import InvalidInput
from app.domain.events import event_key
from app.domain.fields import STANDARD_FIELDS
from app.domain.identity import IdentityKind
from app.domain.properties import PropertyValue, show_value
from app.domain.reach import Channel
from app.domain.times import show_instant
from app.domain.user import ATTRIBUTES, User

_TIMES: Final = {
    "createdAt": "created_at", "updatedAt": "updated_at", "lastSeenAt": "last_seen_at",
}  # fmt: skip
_PLACES: Final = ("country", "region", "city", "latitude", "longitude")


def _field(name: str) -> Callable[[User], str]:
    attribute = ATTRIBUTES.get(name, name)

    def shown(user: User) -> str:
        value = getattr(user, attribute)
        return "" if value is None else str(getattr(value, "name", value))

    return shown


def _identity(kind: IdentityKind) -> Callable[[User], str]:
    def first(user: User) -> str:
        return next((held.value for held in user.identities if held.kind is kind), "")

    return first


def _time(name: str) -> Callable[[User], str]:
    def shown(user: User) -> str:
        instant = getattr(user, _TIMES[name])
        return "" if instant is None else show_instant(instant)

    return shown


def _place(part: str) -> Callable[[User], str]:
    def shown(user: User) -> str:
        value = getattr(user.location, part, None)
        return "" if value is None else str(value)

    return shown


def _channel(channel: Channel) -> Callable[[User], str]:
    def shown(user: User) -> str:
        choice = user.choices.get(channel)
        return "" if choice is None else str(choice.subscribed).lower()

    return shown


_COLUMNS: Final[Mapping[str, Callable[[User], str]]] = {
    "id": lambda user: user.id,
    "type": lambda user: user.type.name,
    "version": lambda user: str(user.version),
    **{name: _field(name) for name in STANDARD_FIELDS if name != "location"},
    **{f"location.{part}": _place(part) for part in _PLACES},
    **{f"{kind.value} identity": _identity(kind) for kind in IdentityKind},
    **{kind.value: _identity(kind) for kind in IdentityKind if kind.value not in STANDARD_FIELDS},
    **{f"channels.{channel.value}": _channel(channel) for channel in Channel},
    **{name: _time(name) for name in _TIMES},
}
_PROPERTY: Final = "properties."
_ACTIVITY: Final = "activity."


def check_columns(columns: Sequence[str]) -> None:
    """Refuse a column that nobody knows."""
    for name in columns:
        if name not in _COLUMNS and not name.startswith((_PROPERTY, _ACTIVITY)):
            raise InvalidInput(
                f"There is no column {name!r}; there are {', '.join(_COLUMNS)}, "
                "properties.x and activity.x."
            )


def cell_of(user: User, column: str) -> str:
    """Return what a column says of a user; nothing where nothing is known."""
    if column in _COLUMNS:
        return _COLUMNS[column](user)
    if column.startswith(_ACTIVITY):
        total = user.activity.get(event_key(column.removeprefix(_ACTIVITY)))
        return str(total.count if total else 0)
    value = user.properties.get(column.removeprefix(_PROPERTY).partition(":")[0])
    return "" if value is None else _shown(value)


def _shown(value: PropertyValue) -> str:
    plain: Any = show_value(value)
    match plain:
        case bool():
            return str(plain).lower()
        case dict():
            (text,) = plain.values()
            return str(text)
        case list():
            return LIST_SEPARATOR.join(plain)
        case _:
            return str(plain)
