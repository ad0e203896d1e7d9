"""The language of Find People, as clients write it."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from app.schema.enums import Channel, Gender, IdentityKind, ProfileType
from app.schema.scalars import PropertyValue


@strawberry.input(description="Both ends inclusive; at least one given.")
class IntRange:
    min: int | None = None
    max: int | None = None


@strawberry.input
class Circle:
    latitude: float
    longitude: float
    radius_metres: float


@strawberry.input(description="Every part that is given; region and city in any case.")
class LocationFilter:
    country: list[str] | None = None
    region: list[str] | None = None
    city: list[str] | None = None
    near: Circle | None = None


@strawberry.input(description="Has an identity of this kind; with a value, that one.")
class IdentityFilter:
    kind: IdentityKind
    value: str | None = None


@strawberry.input(description="Both days inclusive.")
class DateRange:
    from_: date = strawberry.field(name="from")
    to: date


@strawberry.input(
    one_of=True,
    description="`lastDays: 1` is the whole of yesterday and today so far; `last` is an ISO 8601 "
    'duration, such as "PT24H", and rolling. Days are of the service\'s time zone.',
)
class TimeWindow:
    last_days: strawberry.Maybe[int]
    last: strawberry.Maybe[str]
    between: strawberry.Maybe[DateRange]
    on: strawberry.Maybe[date]
    before: strawberry.Maybe[datetime] = strawberry.field(description="Excludes its instant.")
    since: strawberry.Maybe[datetime] = strawberry.field(description="Includes its instant.")


@strawberry.input(
    one_of=True,
    description="A value of another kind, or none, matches nothing, except with `notEquals`, "
    "`notIn`, `notContains` and `exists: false`, which are exact opposites.",
)
class ValueFilter:
    equals: strawberry.Maybe[PropertyValue] = strawberry.field(description="A list in any order.")
    not_equals: strawberry.Maybe[PropertyValue]
    in_: strawberry.Maybe[list[PropertyValue]] = strawberry.field(name="in")
    not_in: strawberry.Maybe[list[PropertyValue]]
    contains: strawberry.Maybe[str] = strawberry.field(
        description="Text: has this in it, in any case. List: has this element, in any case."
    )
    not_contains: strawberry.Maybe[str]
    starts_with: strawberry.Maybe[str] = strawberry.field(description="In any case.")
    exists: strawberry.Maybe[bool]
    gt: strawberry.Maybe[PropertyValue]
    gte: strawberry.Maybe[PropertyValue]
    lt: strawberry.Maybe[PropertyValue]
    lte: strawberry.Maybe[PropertyValue]
    between: strawberry.Maybe[list[PropertyValue]] = strawberry.field(
        description="Two values of one kind, both ends inclusive."
    )
    within: strawberry.Maybe[TimeWindow] = strawberry.field(description="For a day or an instant.")


@strawberry.input(
    description="A custom property, or one of the standard `name`, `email`, `phone`, `timezone`, "
    "`birthday`."
)
class PropertyFilter:
    name: str
    is_: ValueFilter = strawberry.field(name="is")


@strawberry.input(description="Both ends inclusive; at least one given.")
class NumberSumFilter:
    property: str
    min: float | None = None
    max: float | None = None


@strawberry.input(
    description="Counts events of this name inside the window whose properties satisfy every "
    "filter; satisfied when the count is in `count`, at least once unless given."
)
class EventFilter:
    name: str
    where: list[PropertyFilter] | None = None
    during: TimeWindow | None = None
    count: IntRange | None = None
    sum: NumberSumFilter | None = strawberry.field(
        default=None,
        description="Instead of counting: the sum over this numeric property lies in the range; "
        "events without it count 0.",
    )


@strawberry.input(
    one_of=True, description="One thing to ask of a person; `all`, `any` and `not` combine them."
)
class Criteria:
    all: strawberry.Maybe[list[Annotated["Criteria", strawberry.lazy("app.schema.criteria")]]]
    any: strawberry.Maybe[list[Annotated["Criteria", strawberry.lazy("app.schema.criteria")]]]
    not_: strawberry.Maybe[Annotated["Criteria", strawberry.lazy("app.schema.criteria")]] = (
        strawberry.field(name="not")
    )
    type: strawberry.Maybe[list[ProfileType]]
    age: strawberry.Maybe[IntRange]
    gender: strawberry.Maybe[list[Gender]]
    language: strawberry.Maybe[list[str]] = strawberry.field(description="`de` is also `de-CH`.")
    location: strawberry.Maybe[LocationFilter]
    identity: strawberry.Maybe[IdentityFilter]
    reachable_by: strawberry.Maybe[Channel]
    property: strawberry.Maybe[PropertyFilter]
    did: strawberry.Maybe[EventFilter]
    did_not: strawberry.Maybe[EventFilter] = strawberry.field(
        description="The exact opposite of `did`."
    )
    segment: strawberry.Maybe[strawberry.ID]
    created_at: strawberry.Maybe[TimeWindow]
    last_seen_at: strawberry.Maybe[TimeWindow]
