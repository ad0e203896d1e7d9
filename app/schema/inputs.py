"""What clients send, and the plain values that the domain reads it as."""

from collections.abc import Hashable
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, Final

import strawberry
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.maybe import Some
from strawberry.utils.str_converters import to_camel_case

from app.domain.devices import Push, Registration, parse_registration
from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.identity import MAX_EMAIL_CHARACTERS, Identity, Impossible, normalised
from app.domain.limits import Limits
from app.operations.find import WhoeverRef
from app.schema.enums import Gender, IdentityKind, Platform, PushService
from app.schema.scalars import Numbers, Properties, TextLists

MAX_NAMES_AT_ONCE: Final = 1_000
"""Names in one call; whom a person has room for is fewer, and judged later."""


def given(value: Any) -> Any:
    """Return an input as the JSON it came from: what was absent stays absent, null is None."""
    if isinstance(value, list):
        return [given(item) for item in value]
    type_: Any = type(value)
    names = _names_in(type_)
    if names is None:
        return value
    fields = ((name, getattr(value, attribute)) for name, attribute in names)
    return {
        name: given(field.value if isinstance(field, Some) else field)
        for name, field in fields
        if field is not None
    }


@cache
def _names_in(type_: Hashable) -> tuple[tuple[str, str], ...] | None:
    """Return each field of an input by its name in JSON and its attribute; None for no input."""
    definition = get_object_definition(type_)
    if definition is None:
        return None
    return tuple((name_of(field), field.python_name) for field in definition.fields)


def name_of(field: StrawberryField) -> str:
    """Return the name that a field of an input has in JSON."""
    return field.graphql_name or to_camel_case(field.python_name)


@strawberry.input(one_of=True, description="One name of a person.")
class IdentityInput:
    custom: strawberry.Maybe[str]
    email: strawberry.Maybe[str]
    phone: strawberry.Maybe[str]
    facebook: strawberry.Maybe[str]
    google: strawberry.Maybe[str]
    device: strawberry.Maybe[str]

    def to_domain(self, path: Path, limits: Limits) -> Identity:
        """Return the identity, normalised.

        Raises:
            InvalidInput: it could not exist.
        """
        return identity(given(self), path, limits)


def identity(raw: dict[str, str], path: Path, limits: Limits) -> Identity:
    """Return the identity that an `IdentityInput` means.

    Raises:
        InvalidInput: it could not exist.
    """
    ((kind, text),) = raw.items()
    return normalised(
        IdentityKind(kind), text, (*path, kind), test_mail_domains=limits.test_mail_domains
    )


@strawberry.input(one_of=True, description="An id, or any identity, of a person.")
class UserBy:
    id: strawberry.Maybe[strawberry.ID]
    custom: strawberry.Maybe[str]
    email: strawberry.Maybe[str]
    phone: strawberry.Maybe[str]
    facebook: strawberry.Maybe[str]
    google: strawberry.Maybe[str]
    device: strawberry.Maybe[str]

    def to_domain(self, limits: Limits, path: Path = ("user",)) -> WhoeverRef:
        """Return whom to look up; an identity that could not exist says so itself."""
        return whoever(given(self), limits, path)


def whoever(raw: dict[str, str], limits: Limits, path: Path) -> WhoeverRef:
    """Return whom a `UserBy` looks up; an identity that could not exist says so itself."""
    ((kind, text),) = raw.items()
    if kind == "id":
        return text
    quickly = _looked_up if len(text) <= MAX_EMAIL_CHARACTERS else _looked_up.__wrapped__
    try:
        return quickly(kind, text, (*path, kind), limits.test_mail_domains)
    except InvalidInput as fault:
        return Impossible(fault)


@lru_cache(10_000)
def _looked_up(kind: str, text: str, path: Path, test_mail_domains: bool) -> Identity:
    """Return the identity; its checks take longer than the look-up, and people come back."""
    return normalised(IdentityKind(kind), text, path, test_mail_domains=test_mail_domains)


@strawberry.input(description="Replaces the whole location; null clears it.")
class LocationInput:
    country: str | None = strawberry.field(
        default=None, description="ISO 3166-1 alpha-2, such as CH."
    )
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@strawberry.input(
    description="Each operation on each property it names. A property may be named once in all; "
    "otherwise the change is refused."
)
class PropertyChanges:
    set: strawberry.Maybe[Properties | None]
    set_once: strawberry.Maybe[Properties | None] = strawberry.field(
        description="Sets what is absent."
    )
    increment: strawberry.Maybe[Numbers | None] = strawberry.field(
        description="Adds; what is absent counts as 0."
    )
    append: strawberry.Maybe[TextLists | None] = strawberry.field(
        description="Adds to a list what it does not have yet."
    )
    remove: strawberry.Maybe[TextLists | None] = strawberry.field(
        description="Takes out of a list."
    )
    unset: strawberry.Maybe[list[str] | None] = strawberry.field(description="Removes.")


@strawberry.input(
    description="True: subscribed. False: opted out. Null: back to never having chosen."
)
class ChannelChanges:
    email: strawberry.Maybe[bool | None]
    push: strawberry.Maybe[bool | None]
    sms: strawberry.Maybe[bool | None]
    whatsapp: strawberry.Maybe[bool | None]


@strawberry.input(description="What is absent is left alone; null clears.")
class UserChanges:
    name: strawberry.Maybe[str | None]
    email: strawberry.Maybe[str | None]
    phone: strawberry.Maybe[str | None]
    birthday: strawberry.Maybe[date | None]
    gender: strawberry.Maybe[Gender | None]
    language: strawberry.Maybe[str | None] = strawberry.field(description="BCP 47, such as de-CH.")
    timezone: strawberry.Maybe[str | None] = strawberry.field(description="IANA, as Europe/Zurich.")
    photo_url: strawberry.Maybe[str | None]
    location: strawberry.Maybe[LocationInput | None]
    properties: strawberry.Maybe[PropertyChanges | None]
    channels: strawberry.Maybe[ChannelChanges | None]


@strawberry.input(description="Something the person did.")
class EventInput:
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Makes a retry harmless: an event already recorded is not recorded again.",
    )
    name: str = strawberry.field(description="Case and spaces do not distinguish names.")
    at: datetime | None = strawberry.field(default=None, description="Now unless given.")
    properties: Properties | None = None
    items: list[Properties] | None = strawberry.field(
        default=None, description="Lines of a Charged event."
    )


@strawberry.input(description="Where push messages to the device go.")
class PushInput:
    service: PushService
    token: str


@strawberry.input(description="What a device says of itself; what is absent is left alone.")
class DeviceInput:
    id: str
    platform: Platform
    model: strawberry.Maybe[str | None]
    os_version: strawberry.Maybe[str | None]
    app_version: strawberry.Maybe[str | None]
    push: strawberry.Maybe[PushInput | None] = strawberry.field(description="Null drops the token.")

    def to_domain(self, limits: Limits) -> Registration:
        """Return the registration.

        Raises:
            InvalidInput, LimitExceeded: a text in it cannot be taken.
        """
        optional = {
            "model": self.model,
            "os_version": self.os_version,
            "app_version": self.app_version,
            "push": self.push,
        }
        details = {name: _detail(field.value) for name, field in optional.items() if field}
        identity = device_identity(self.id, ("device", "id"), limits)
        return parse_registration(identity, self.platform, details, limits)


@strawberry.input(
    description="What is to become of one person. `identities` join the person. `id` makes a "
    "repeat of the whole record harmless: the person's last 64 are remembered."
)
class RecordInput:
    id: strawberry.ID | None = None
    user: UserBy = strawberry.field(
        description="An identity that is nobody's makes a new person; an id does not."
    )
    identities: list[IdentityInput] | None = None
    changes: UserChanges | None = None
    events: list[EventInput] | None = None


def check_number(names: int, argument: str) -> None:
    """Refuse very many names of one person before any of them is looked at."""
    if names > MAX_NAMES_AT_ONCE:
        raise LimitExceeded(
            f"There are at most {MAX_NAMES_AT_ONCE} identities in a call.",
            (argument,),
            MAX_NAMES_AT_ONCE,
        )


def device_identity(raw: str, path: Path, limits: Limits) -> Identity:
    """Return the identity of a device, or refuse what cannot be one."""
    return normalised(IdentityKind.DEVICE, raw, path, test_mail_domains=limits.test_mail_domains)


def _detail(value: str | PushInput | None) -> str | Push | None:
    if isinstance(value, PushInput):
        return Push(service=value.service, token=value.token)
    return value
