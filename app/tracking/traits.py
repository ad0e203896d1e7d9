"""Traits: what a client says of a person, as standard fields and properties of their own."""

from collections.abc import Mapping
from typing import Any, Final

import pycountry

from app.domain.errors import InvalidInput, Path
from app.tracking.values import flattened, without_nulls

_FIELDS: Final = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "birthday": "birthday",
    "gender": "gender",
    "language": "language",
    "timezone": "timezone",
    "avatar": "photoUrl",
    "photourl": "photoUrl",
    "location": "location",
}
"""Standard fields, by the folded name of the trait."""

_IGNORED: Final = {"age", "id"}
"""`age` follows from the birthday, and `id` repeats `userId`."""

_PLACES: Final = {"country": "country", "state": "region", "region": "region", "city": "city"}
"""Parts of a location, by the folded name of the part of an address."""

_GENDERS: Final = {
    "f": "FEMALE",
    "female": "FEMALE",
    "m": "MALE",
    "male": "MALE",
    "other": "OTHER",
    "nonbinary": "OTHER",
    "non-binary": "OTHER",
}

_DAY_CHARACTERS: Final = len("2026-01-31")


def raw_changes(traits: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return traits in the shape of the API's input `UserChanges`.

    Reserved traits are recognised in any case, with and without underscores. Null clears a field
    and unsets a property, and so does empty text for a field.

    Raises:
        InvalidInput: two traits are one field, or a trait cannot be a property.
    """
    fields: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for given, value in traits.items():
        folded = _folded(given)
        if folded == "address" and isinstance(value, Mapping | None):
            if value is None or _parts(value):
                _put(fields, "location", value and _location(value), (*path, given))
            others[given] = _beside_location(value or {})
        elif folded in _FIELDS:
            field = _FIELDS[folded]
            _put(fields, field, _field_value(field, value), (*path, given))
        elif folded not in _IGNORED:
            others[given] = value
    return _with_full_name(fields, traits) | _properties(others, path)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _put(fields: dict[str, Any], field: str, value: Any, path: Path) -> None:
    if field in fields:
        raise InvalidInput(f"Two traits are the field `{field}`.", path)
    fields[field] = value


def _with_full_name(fields: dict[str, Any], traits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with a name put together from its halves, if they come without the whole.

    One half alone names nobody: it would replace a name that is known in full.
    """
    halves = {_folded(given): value for given, value in traits.items()}
    parts = [halves.get("firstname"), halves.get("lastname")]
    if "name" not in fields and all(isinstance(part, str) and part.strip() for part in parts):
        return fields | {"name": " ".join(part.strip() for part in parts if part)}
    return fields


def _properties(others: Mapping[str, Any], path: Path) -> dict[str, Any]:
    values = flattened(others, path)
    changes = {
        "set": without_nulls(values),
        "unset": [name for name, value in values.items() if value is None],
    }
    return {"properties": changes} if values else {}


def _field_value(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    match field:
        case "gender":
            return _GENDERS.get(text.casefold(), text)
        case "birthday" if text[_DAY_CHARACTERS:].startswith(("T", " ")):
            return text[:_DAY_CHARACTERS]
        case _:
            return text


def _location(address: Mapping[str, Any]) -> dict[str, Any]:
    location = {_PLACES[_folded(given)]: value or None for given, value in _parts(address).items()}
    if isinstance(country := location.get("country"), str):
        location["country"] = _country_code(country)
    return location


def _parts(address: Mapping[str, Any]) -> dict[str, Any]:
    return {given: value for given, value in address.items() if _folded(given) in _PLACES}


def _beside_location(address: Mapping[str, Any]) -> dict[str, Any]:
    return {given: value for given, value in address.items() if _folded(given) not in _PLACES}


def _country_code(country: str) -> str:
    """Return the two-letter code of a country that ISO 3166-1 knows by this name or code.

    It reserves UK for the United Kingdom, whose code is GB, and everybody uses it.
    """
    text = country.strip()
    try:
        return "GB" if text.upper() == "UK" else str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return country
