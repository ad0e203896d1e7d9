"""A message filled in with what is known of a person: a Liquid template."""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from liquid import BoundTemplate
from liquid.exceptions import LiquidError

from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.properties import PropertyValue
from app.domain.reach import age_on
from app.domain.times import show_instant
from app.domain.user import User
from app.operations.rendering import Bounded

MAX_TEMPLATE_CHARACTERS: Final = 16_384
MAX_BLANKS: Final = 100
MAX_PARENTHESES: Final = 500
MAX_RAW: Final = 100
MAX_UNCLOSED: Final = 16
CACHED_TEMPLATES: Final = 500

_PATH: Final = ("template",)
_BLANKS: Final = re.compile(rf"\{{[{{%]-?\s*\w*\s{{{MAX_BLANKS + 1}}}")
_RAW: Final = re.compile(r"\{%-?\s*(?:raw|doc)\b")
_WRONG_VALUES: Final = (ValueError, TypeError, ArithmeticError, LookupError)
"""What filters let through from Python, for values that they do not expect."""

_LIQUID: Final = Bounded(autoescape=False)


def personalised(template: str, user: User, today: date) -> str:
    """Return the template filled in with `user`; what is not known renders as nothing.

    `user` has the standard fields by their names in the API, `age` and `type`, custom properties
    under `properties`, and totals under `activity`, by event name.

    Raises:
        InvalidInput: it is no Liquid template, with its line.
        LimitExceeded: it is too long, or would take too much to read or to render.
    """
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise LimitExceeded(
            f"The template is longer than {MAX_TEMPLATE_CHARACTERS} characters.",
            _PATH,
            MAX_TEMPLATE_CHARACTERS,
        )
    _refuse_slow_reading(template)
    try:
        return _parsed(template).render(user=_known(user, today))
    except _WRONG_VALUES:
        raise InvalidInput("A filter of the template cannot take its value.", _PATH) from None
    except LiquidError as fault:
        raise InvalidInput(
            f"Line {_line(fault)} of the template: {fault.message}.", _PATH
        ) from None


def _refuse_slow_reading(template: str) -> None:
    """Refuse what Liquid's regular expressions go through over and over before they give up."""
    open_tag = template.find("{%", template.rfind("%}") + 1)
    if open_tag >= 0:
        line = template.count("\n", 0, open_tag) + 1
        raise InvalidInput(f"Line {line} of the template: a tag is never closed.", _PATH)
    unclosed = template.count("{{", template.rfind("}}") + 1)
    for fault, exceeded, limit in (
        ("outputs that are never closed", unclosed > MAX_UNCLOSED, MAX_UNCLOSED),
        ("blanks where a tag begins", _BLANKS.search(template), MAX_BLANKS),
        ("blocks that are raw or doc", len(_RAW.findall(template)) > MAX_RAW, MAX_RAW),
        ("parentheses", template.count("(") > MAX_PARENTHESES, MAX_PARENTHESES),
    ):
        if exceeded:
            raise LimitExceeded(f"The template has over {limit} {fault}.", _PATH, limit)


@lru_cache(CACHED_TEMPLATES)
def _parsed(template: str) -> BoundTemplate:
    return _LIQUID.from_string(template)


def _line(fault: LiquidError) -> int:
    token = fault.token
    return token.source.count("\n", 0, token.start_index) + 1 if token else 1


def _known(user: User, today: date) -> dict[str, Any]:
    place = user.location
    return {
        "id": user.id,
        "type": user.type.name,
        "age": None if user.birthday is None else age_on(today, user.birthday),
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "birthday": user.birthday and user.birthday.isoformat(),
        "gender": user.gender and user.gender.name,
        "language": user.language,
        "timezone": user.timezone,
        "photoUrl": user.photo_url,
        "location": place.model_dump() if place else {},
        "properties": {name: _plain(value) for name, value in user.properties.items()},
        "activity": {
            total.name: {
                "count": total.count,
                "firstAt": show_instant(total.first_at),
                "lastAt": show_instant(total.last_at),
            }
            for total in user.activity.values()
        },
    }


def _plain(value: PropertyValue) -> Any:
    """Return a value as a template shows it: whole numbers without a point, times as text."""
    match value:
        case bool() | str():
            return value
        case float() | int():
            return int(value) if value.is_integer() else value
        case tuple():
            return list(value)
        case datetime():
            return show_instant(value)
        case date():
            return value.isoformat()
