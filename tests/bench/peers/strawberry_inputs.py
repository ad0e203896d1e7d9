"""The inputs and results of the Strawberry peer."""

from typing import Annotated

import strawberry

from tests.bench.peers.strawberry_types import DateTime, Properties, PropertyValue, User


@strawberry.input
class UserBy:
    email: str


@strawberry.input
class ValueFilter:
    equals: PropertyValue | None = None


@strawberry.input
class PropertyFilter:
    name: str
    is_: ValueFilter = strawberry.field(name="is")


@strawberry.input
class EventFilter:
    name: str


@strawberry.input
class Criterion:
    property: PropertyFilter | None = None
    did: EventFilter | None = None


@strawberry.input
class Criteria:
    all: list[Criterion]


@strawberry.input
class PropertyChanges:
    set: Properties


@strawberry.input
class UserChanges:
    properties: PropertyChanges


@strawberry.input
class EventInput:
    name: str
    id: strawberry.ID | None = None
    at: DateTime | None = None
    properties: Properties | None = None


@strawberry.interface
class Error:
    message: str


@strawberry.type
class UserNotFoundError(Error):
    pass


@strawberry.type
class UserUpdatePayload:
    user: User


@strawberry.type
class UserRecordEventsPayload:
    user: User
    recorded: int
    duplicates: int


UserUpdateResult = Annotated[
    UserUpdatePayload | UserNotFoundError, strawberry.union("UserUpdateResult")
]
UserRecordEventsResult = Annotated[
    UserRecordEventsPayload | UserNotFoundError, strawberry.union("UserRecordEventsResult")
]
