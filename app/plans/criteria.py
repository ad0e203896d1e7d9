"""Criteria as the domain parses them, kept for those who ask the same again."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from strawberry.types.arguments import convert_argument

from app.schema import schema
from app.schema.criteria import Criteria
from app.schema.inputs import given

KEPT_CRITERIA: Final = 1_000
KEPT_CHARACTERS: Final = 4_096


@dataclass(frozen=True)
class _Coerced:
    """Criteria as the executor hands them to a resolver; their text stands for them."""

    text: str
    value: Any = field(compare=False)


def raw_criteria(coerced: Any) -> Any:
    """Return criteria, as the executor hands them to a resolver, in the form the domain parses.

    Nobody alters what this returns: whoever asks the same again gets it, too.
    """
    text = repr(coerced)
    convert = _raw if len(text) <= KEPT_CHARACTERS else _raw.__wrapped__
    return convert(_Coerced(text, coerced))


@lru_cache(KEPT_CRITERIA)
def _raw(coerced: _Coerced) -> Any:
    registry = schema.schema_converter.scalar_registry
    return given(convert_argument(coerced.value, Criteria, registry, schema.config))
