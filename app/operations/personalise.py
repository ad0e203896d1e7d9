"""A message filled in with what is known of a person: a Liquid template."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache, wraps
from typing import Any, Final

from liquid import BoundTemplate, Environment
from liquid.exceptions import FilterArgumentError, LiquidError

from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.properties import PropertyValue
from app.domain.reach import age_on
from app.domain.times import show_instant
from app.domain.user import User

MAX_ITEMS: Final = 1_000
MAX_TEMPLATE_CHARACTERS: Final = 16_384
CACHED_TEMPLATES: Final = 500

_PATH: Final = ("template",)
_WRONG_VALUES: Final = (ValueError, TypeError, ArithmeticError, LookupError)
"""What filters let through from Python, for values that they do not expect."""


class _Bounded(Environment):
    """Liquid with bounds, so that a template costs a few milliseconds at the most."""

    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = 65_536
    output_stream_limit = 65_536
    context_depth_limit = 20
    block_nesting_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name, function in self.filters.items():
            self.filters[name] = _without_long_ranges(function)


def _without_long_ranges(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses what a range of a few characters could make of it."""

    @wraps(function)
    def bounded(*arguments: Any, **named: Any) -> Any:
        if any(isinstance(a, range) and len(a) > MAX_ITEMS for a in arguments):
            raise FilterArgumentError(f"a range has over {MAX_ITEMS} items", token=None)
        return function(*arguments, **named)

    return bounded


_LIQUID: Final = _Bounded(autoescape=False)


def personalised(template: str, user: User, today: date) -> str:
    """Return the template filled in with `user`; what is not known renders as nothing.

    `user` has the standard fields by their names in the API, `age` and `type`, custom properties
    under `properties`, and totals under `activity`, by event name.

    Raises:
        InvalidInput: it is no Liquid template, with its line.
        LimitExceeded: it is too long.
    """
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise LimitExceeded(
            f"The template is longer than {MAX_TEMPLATE_CHARACTERS} characters.",
            _PATH,
            MAX_TEMPLATE_CHARACTERS,
        )
    try:
        return _parsed(template).render(user=_known(user, today))
    except _WRONG_VALUES:
        raise InvalidInput("A filter of the template cannot take its value.", _PATH) from None
    except LiquidError as fault:
        raise InvalidInput(
            f"Line {_line(fault)} of the template: {fault.message}.", _PATH
        ) from None


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
