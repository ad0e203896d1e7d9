"""Input that came in no GraphQL document, held against the same types."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, GraphQLNonNull
from graphql.utilities import coerce_input_value, validate_input_value

from app.domain.errors import InvalidInput, Path
from app.schema import schema
from app.schema.errors import shown


def checked_criteria(raw: Any, path: Path = ("criteria",)) -> Mapping[str, Any]:
    """Return `raw` without its nulls, if it is the JSON form of the input `Criteria`.

    Raises:
        InvalidInput: it is not.
    """

    def refuse(fault: GraphQLError, where: list[str | int]) -> None:
        raise InvalidInput(shown(fault).message, (*path, *map(str, where)))

    type_ = GraphQLNonNull(schema._schema.type_map["Criteria"])
    try:
        validate_input_value(raw, type_, refuse, hide_suggestions=True)
        coerce_input_value(raw, type_)
    except GraphQLError as fault:  # what a one-of has to be, Strawberry says only here
        raise InvalidInput(shown(fault).message, path) from None
    checked: Mapping[str, Any] = _without_nulls(raw)
    return checked


def _without_nulls(raw: Any) -> Any:
    match raw:
        case Mapping():
            return {name: _without_nulls(v) for name, v in raw.items() if v is not None}
        case list():
            return [_without_nulls(value) for value in raw]
        case _:
            return raw
