"""Records as files have them: JSON that no schema has looked at yet."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.errors import InvalidInput

_One: Final = Field(min_length=1, max_length=1)
_Name = Annotated[dict[str, str], _One]


class _Shape(BaseModel):
    """Only looked at: what is read is the JSON itself, in which absent and null differ."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Location(_Shape):
    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class _Operations(_Shape):
    set: Any = None
    setOnce: Any = None  # noqa: N815 (as it is written)
    increment: Any = None
    append: Any = None
    remove: Any = None
    unset: Any = None


class _Channels(_Shape):
    email: bool | None = None
    push: bool | None = None
    sms: bool | None = None
    whatsapp: bool | None = None


class _Changes(_Shape):
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    gender: str | None = None
    language: str | None = None
    timezone: str | None = None
    photoUrl: str | None = None  # noqa: N815
    location: _Location | None = None
    properties: _Operations | None = None
    channels: _Channels | None = None


class _Event(_Shape):
    id: str | int | None = None
    name: str
    at: str | None = None
    properties: dict[str, Any] | None = None
    items: list[dict[str, Any]] | None = None


class _Record(_Shape):
    id: str | int | None = None
    user: Annotated[dict[str, str | int], _One]
    identities: list[_Name] | None = None
    changes: _Changes | None = None
    events: list[_Event] | None = None


_KINDS: Final = frozenset({"custom", "email", "phone", "facebook", "google", "device"})


def checked_record(raw: Any) -> Mapping[str, Any]:
    """Return `raw`, if it has the shape of the API's input `RecordInput`.

    Raises:
        InvalidInput: it has not; the path leads to where.
    """
    try:
        _Record.model_validate(raw)
    except ValidationError as fault:
        error = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        path = tuple(str(part) for part in error["loc"])
        raise InvalidInput(f"{_MESSAGES.get(error['type'], error['msg'])}.", path) from None
    record: Mapping[str, Any] = raw
    _check_name(record["user"], _KINDS | {"id"}, ("user",))
    for position, identity in enumerate(record.get("identities") or ()):
        _check_name(identity, _KINDS, ("identities", str(position)))
    return record


_MESSAGES: Final = {
    "extra_forbidden": "There is no such field",
    "missing": "This is missing",
    "too_short": "This names nobody",
    "too_long": "This names more than one",
    "dict_type": "This is not an object",
    "model_type": "This is not an object",
    "list_type": "This is not a list",
    "string_type": "This is not a text",
    "bool_type": "This is not true or false",
}


def _check_name(raw: Mapping[str, Any], kinds: frozenset[str], path: tuple[str, ...]) -> None:
    ((kind, value),) = raw.items()
    if kind not in kinds:
        raise InvalidInput(f"{kind!r} is none of {', '.join(sorted(kinds))}.", path)
    if kind != "id" and not isinstance(value, str):
        raise InvalidInput("This is not a text.", (*path, kind))
