"""The scalars of the API. What is inside Properties and its like, the domain judges."""

from datetime import date, datetime
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app.domain.errors import InvalidInput
from app.domain.times import parse_day, parse_instant, show_instant

Cursor = NewType("Cursor", str)
PropertyValue = NewType("PropertyValue", object)
Properties = NewType("Properties", object)
Numbers = NewType("Numbers", object)
TextLists = NewType("TextLists", object)
CriteriaDocument = NewType("CriteriaDocument", object)
ProfileDocument = NewType("ProfileDocument", object)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput("This is not a text.")
    return value


def _json(name: str, description: str) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, serialize=lambda v: v, parse_value=lambda v: v
    )


SCALARS: Final[dict[object, ScalarDefinition]] = {
    date: strawberry.scalar(
        name="Date",
        description="A day, `2026-01-31`.",
        serialize=date.isoformat,
        parse_value=lambda value: parse_day(_text(value)),
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant with its offset from UTC, `2026-01-31T12:00:00Z`; answered in UTC, "
        "to the millisecond.",
        serialize=show_instant,
        parse_value=lambda value: parse_instant(_text(value)),
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A position in a list or feed. Opaque; valid for the question it came from.",
        serialize=str,
        parse_value=_text,
    ),
    PropertyValue: _json(
        "PropertyValue",
        "One value: a text, a number (64-bit float; integers exact to 2^53), a boolean or a list "
        'of texts as plain JSON; a day as `{"date": "2026-01-31"}`, an instant as '
        '`{"dateTime": "2026-01-31T12:00:00Z"}`. What is read can be written back unchanged.',
    ),
    Properties: _json("Properties", "A JSON object of property name to PropertyValue."),
    Numbers: _json("Numbers", "A JSON object of property name to number."),
    TextLists: _json("TextLists", "A JSON object of property name to a list of texts."),
    CriteriaDocument: _json(
        "CriteriaDocument",
        "Criteria in the JSON form of the input `Criteria`, so that they can be saved again.",
    ),
    ProfileDocument: _json(
        "ProfileDocument",
        "A whole profile as JSON: identities with their times, properties, devices with push "
        "tokens, choices, all events, merged ids, idempotency keys. `export` of the command line "
        "writes the same, and its `import` reads it.",
    ),
}
