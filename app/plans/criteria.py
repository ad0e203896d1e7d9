"""Criteria as the domain parses them, of what a client sent."""

from typing import Any

from strawberry.types.arguments import convert_argument

from app.domain.repetition import kept_by_text
from app.schema import schema
from app.schema.criteria import Criteria
from app.schema.inputs import given


@kept_by_text
def raw_criteria(coerced: Any) -> Any:
    """Return criteria, as the executor hands them to a resolver, in the form the domain parses."""
    registry = schema.schema_converter.scalar_registry
    return given(convert_argument(coerced, Criteria, registry, schema.config))
