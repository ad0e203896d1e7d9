"""Days and instants as text: strict ISO 8601, UTC, to the millisecond."""

import re
from datetime import UTC, date, datetime
from typing import Final

from app.domain.errors import InvalidInput, Path

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-5][0-9])?"
)


def parse_day(text: str, path: Path = ()) -> date:
    """Return the day that `YYYY-MM-DD` names."""
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise InvalidInput("This is no day of the form 2026-01-31.", path)


def parse_instant(text: str, path: Path = ()) -> datetime:
    """Return the instant that an ISO 8601 text with an offset names, cut to the millisecond.

    Raises:
        InvalidInput: it is no such text, has no offset, or lies outside the years 1 to 9999.
    """
    if not (shape := _INSTANT.fullmatch(text)):
        raise InvalidInput("This is no instant of the form 2026-01-31T12:00:00Z.", path)
    if shape[3] is None:
        raise InvalidInput("The instant has no offset from UTC, such as Z or +02:00.", path)
    try:
        return to_utc_ms(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise InvalidInput("There is no such instant.", path) from None


def to_utc_ms(instant: datetime) -> datetime:
    """Return the instant in UTC, cut to the millisecond, as everything stored is."""
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def show_instant(instant: datetime) -> str:
    """Return `2026-01-31T12:00:00.000Z`; these texts sort as the instants do."""
    return show_utc(instant.replace(tzinfo=None))


def show_utc(instant: datetime) -> str:
    """Return what `show_instant` does of an instant in UTC that does not say so."""
    return instant.isoformat("T", "milliseconds") + "Z"


def years_before(day: date, years: int) -> date:
    """Return the same calendar day `years` ago; 28 February where there was no 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
