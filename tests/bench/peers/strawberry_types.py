"""The types of the Strawberry peer, as its documentation writes them."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, NewType

import strawberry

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Cursor = NewType("Cursor", str)
PropertyValue = NewType("PropertyValue", object)
Properties = NewType("Properties", object)

SCALARS: dict[object, Any] = {
    scalar: strawberry.scalar(
        name=scalar.__name__, serialize=lambda value: value, parse_value=lambda value: value
    )
    for scalar in (Date, DateTime, Cursor, PropertyValue, Properties)
}


@strawberry.enum
class ProfileType(Enum):
    ANONYMOUS = "ANONYMOUS"
    ADDRESSABLE = "ADDRESSABLE"
    CUSTOMER = "CUSTOMER"


@strawberry.enum
class IdentityKind(Enum):
    CUSTOM = "CUSTOM"
    EMAIL = "EMAIL"
    PHONE = "PHONE"


@strawberry.enum
class Gender(Enum):
    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"


@strawberry.type
class Identity:
    kind: IdentityKind
    value: str
    linked_at: DateTime


@strawberry.type
class EventActivity:
    name: str
    count: int
    first_at: DateTime
    last_at: DateTime


@strawberry.type
class User:
    id: strawberry.ID
    name: str | None
    email: str | None
    phone: str | None
    birthday: Date | None
    gender: Gender | None
    language: str | None
    timezone: str | None
    created_at: DateTime
    updated_at: DateTime
    last_seen_at: DateTime | None
    version: int
    identities: list[Identity]
    activity: list[EventActivity]
    known: strawberry.Private[dict[str, Any]]
    subscribed_to_email: strawberry.Private[bool]

    @strawberry.field
    def type(self) -> ProfileType:
        if any(total.name == "Charged" for total in self.activity):
            return ProfileType.CUSTOMER
        reachable = self.email and self.subscribed_to_email
        return ProfileType.ADDRESSABLE if reachable else ProfileType.ANONYMOUS

    @strawberry.field
    def age(self) -> int | None:
        if self.birthday is None:
            return None
        born, today = date.fromisoformat(self.birthday), datetime.now(UTC).date()
        had_birthday = (today.month, today.day) >= (born.month, born.day)
        return today.year - born.year - (not had_birthday)

    @strawberry.field
    def properties(self, names: list[str] | None = None) -> Properties:
        if names is None:
            return Properties(self.known)
        return Properties({name: self.known[name] for name in names if name in self.known})


def user_of(document: dict[str, Any]) -> User:
    return User(
        id=strawberry.ID(document["_id"]),
        name=document["name"],
        email=document["email"],
        phone=document["phone"],
        birthday=document["birthday"],
        gender=Gender[document["gender"]],
        language=document["language"],
        timezone=document["timezone"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        last_seen_at=document["lastSeenAt"],
        version=document["version"],
        identities=[
            Identity(kind=IdentityKind[i["kind"]], value=i["value"], linked_at=i["linkedAt"])
            for i in document["identities"]
        ],
        activity=[
            EventActivity(
                name=total["name"],
                count=total["count"],
                first_at=total["firstAt"],
                last_at=total["lastAt"],
            )
            for total in document["activity"]
        ],
        known=document["properties"],
        subscribed_to_email=document["subscribedToEmail"],
    )


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: Cursor | None


@strawberry.type
class UserConnection:
    nodes: list[User]
    page_info: PageInfo
