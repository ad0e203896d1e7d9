"""The standard fields of a person, and what each accepts."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import available_timezones

import langcodes
import pycountry
from langcodes.tag_parser import LanguageTagError
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, TypeAdapter, ValidationError

from app.domain.errors import InvalidInput, LimitExceeded, Path
from app.domain.frozen import made
from app.domain.identity import e164, email_parts
from app.domain.limits import Limits
from app.domain.text import bounded, has_control_characters, size_bytes
from app.domain.times import parse_day, years_before

MAX_NAME_BYTES: Final = 512
MAX_URL_CHARACTERS: Final = 2_048
MAX_AGE_YEARS: Final = 150
MAX_LANGUAGE_CHARACTERS: Final = 100
MAX_TEXT_CHARACTERS: Final = 4_096
"""No field takes more; whatever is longer is not looked at."""

STANDARD_FIELDS: Final = (
    "name", "email", "phone", "birthday", "gender", "language", "timezone", "photoUrl", "location",
)  # fmt: skip
DERIVED_FIELDS: Final = ("age", "type", "id")
_STANDARD: Final = {field.casefold(): field for field in STANDARD_FIELDS}

_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_HTTP: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_URL: Final = TypeAdapter(AnyHttpUrl)


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Location(BaseModel):
    """Where a person lives, as far as known."""

    model_config = ConfigDict(frozen=True)

    country: str | None = None
    region: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None


FieldValue = str | date | Gender | Location | None


def refuse_standard_name(name: str, path: Path) -> None:
    """Refuse a custom property that is named like a field every person has."""
    folded = name.casefold()
    if field := _STANDARD.get(folded):
        raise InvalidInput(f"{name!r} is a standard field; change `{field}` instead.", path)
    if folded in DERIVED_FIELDS:
        raise InvalidInput(f"{name!r} is `User.{folded}`, which cannot be set.", path)


def parse_field(name: str, raw: Any, path: Path, today: date, limits: Limits) -> FieldValue:
    """Return the value that a standard field takes on; None clears it.

    Args:
        name: One of `STANDARD_FIELDS`.
        raw: A text, a day, a `Gender` or its name, or an object with the parts of a location.
        path: Where it was sent.
        today: The day against which a birthday is judged.
        limits: Whether `.test` addresses are taken, and how long texts may be.
    """
    if raw is None:
        return None
    match name:
        case "birthday":
            return _birthday(raw, path, today)
        case "gender":
            return _gender(raw, path)
        case "location":
            return _location(raw, path, limits)
        case "email":
            return _email(raw, path, limits)
        case _:
            return _TEXT_FIELDS[name](_filled(raw, path), path)


def _filled(raw: Any, path: Path) -> str:
    if not isinstance(raw, str):
        raise InvalidInput("This is not a text.", path)
    if len(raw) > MAX_TEXT_CHARACTERS:
        raise LimitExceeded(
            f"The text is longer than {MAX_TEXT_CHARACTERS} characters.", path, MAX_TEXT_CHARACTERS
        )
    if not (text := raw.strip()):
        raise InvalidInput("The text is empty; null clears the field.", path)
    size_bytes(text, path)
    if has_control_characters(text):
        raise InvalidInput("The text contains a control character.", path)
    return text


def _email(raw: Any, path: Path, limits: Limits) -> str:
    local, domain = email_parts(_filled(raw, path), path, test_domains=limits.test_mail_domains)
    return f"{local}@{domain}"


def _name(text: str, path: Path) -> str:
    return bounded(text, path, MAX_NAME_BYTES)


def _language(text: str, path: Path) -> str:
    if len(text) > MAX_LANGUAGE_CHARACTERS:
        raise LimitExceeded(
            f"The language tag is longer than {MAX_LANGUAGE_CHARACTERS} characters.",
            path,
            MAX_LANGUAGE_CHARACTERS,
        )
    tag = _language_tag(text)
    if tag is None:
        raise InvalidInput("This is no BCP 47 language tag, such as de-CH.", path)
    return tag


@lru_cache(10_000)
def _language_tag(text: str) -> str | None:
    """Return the tag as it is written; None if it is none. Few are in use, and many people's."""
    if not _LANGUAGE.fullmatch(text):
        return None
    try:
        tag = langcodes.Language.get(text, normalize=False)
    except LanguageTagError:
        return None
    return tag.to_tag() if tag.is_valid() else None


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _timezone(text: str, path: Path) -> str:
    if text not in _time_zones():
        raise InvalidInput("This is no IANA time zone known here, such as Europe/Zurich.", path)
    return text


def _photo_url(text: str, path: Path) -> str:
    if len(text) > MAX_URL_CHARACTERS:
        raise LimitExceeded(
            f"The URL is longer than {MAX_URL_CHARACTERS} characters.", path, MAX_URL_CHARACTERS
        )
    if _HTTP.fullmatch(text):
        try:
            _URL.validate_python(text)
        except ValidationError:
            pass
        else:
            return text
    raise InvalidInput("This is no http or https URL.", path)


_TEXT_FIELDS: Final[Mapping[str, Callable[[str, Path], str]]] = {
    "name": _name,
    "phone": e164,
    "language": _language,
    "timezone": _timezone,
    "photoUrl": _photo_url,
}


def _birthday(raw: Any, path: Path, today: date) -> date:
    birthday = raw if isinstance(raw, date) else parse_day(_filled(raw, path), path)
    if birthday > today:
        raise InvalidInput("The birthday lies in the future.", path)
    if birthday < years_before(today, MAX_AGE_YEARS):
        raise InvalidInput(f"The birthday is over {MAX_AGE_YEARS} years ago.", path)
    return birthday


def _gender(raw: Any, path: Path) -> Gender:
    if isinstance(raw, Gender):
        return raw
    try:
        return Gender[raw]
    except (KeyError, TypeError):  # JSON can say a list
        raise InvalidInput("This is none of FEMALE, MALE, OTHER.", path) from None


def _location(raw: Any, path: Path, limits: Limits) -> Location | None:
    if not isinstance(raw, Mapping):
        raise InvalidInput("This is not an object with the parts of a location.", path)
    country, region, city = (raw.get(part) for part in ("country", "region", "city"))
    latitude, longitude = raw.get("latitude"), raw.get("longitude")
    if (latitude is None) != (longitude is None):
        raise InvalidInput("Latitude and longitude come together, or neither.", path)
    parts = {
        "country": _country(country, (*path, "country")),
        "region": _place(region, (*path, "region"), limits),
        "city": _place(city, (*path, "city"), limits),
        "latitude": None if latitude is None else parse_degrees(latitude, 90, (*path, "latitude")),
        "longitude": None
        if longitude is None
        else parse_degrees(longitude, 180, (*path, "longitude")),
    }
    return None if all(part is None for part in parts.values()) else made(Location, parts)


def _country(raw: Any, path: Path) -> str | None:
    if raw is None:
        return None
    code = _filled(raw, path)
    code = code.upper() if code.isascii() else ""  # "ß".upper() would be South Sudan
    if len(code) != 2 or not _is_country(code):
        raise InvalidInput("This is no ISO 3166-1 alpha-2 country code, such as CH.", path)
    return code


@cache
def _is_country(code: str) -> bool:
    """Return whether two ASCII letters, of which there are not many, are a country's."""
    return pycountry.countries.get(alpha_2=code) is not None


def _place(raw: Any, path: Path, limits: Limits) -> str | None:
    return None if raw is None else bounded(_filled(raw, path), path, limits.text_bytes)


def parse_degrees(raw: Any, bound: int, path: Path) -> float:
    """Return a latitude or longitude from -`bound` to `bound`."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not -bound <= raw <= bound:
        raise InvalidInput(f"This is no number from -{bound} to {bound}.", path)
    return float(raw) + 0.0  # -0.0 becomes 0.0
