"""Frozen models of values that are valid already, made without looking at them again."""

from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

_new: Final = object.__new__
_set_fields: Final = BaseModel.__dict__["__dict__"].__set__
_set_names: Final = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra: Final = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private: Final = BaseModel.__dict__["__pydantic_private__"].__set__
"""What sets each slot of a model; setting it by name, past the model's own refusal, takes twice as
long."""


def made(model: type[Model], fields: dict[str, Any]) -> Model:
    """Return the model with these fields: all of them, each valid, by attribute.

    Pydantic's `model_construct` does the same, with much that a frozen model without aliases and
    extras does not need; reading a person makes dozens of models, and changing one copies several.
    """
    new = _new(model)
    _set_fields(new, fields)
    _set_names(new, _names(model))
    _set_extra(new, None)
    _set_private(new, None)
    return new


@cache
def _names(model: type[BaseModel]) -> set[str]:
    """Return the names of a model's fields: one set for all, since nobody changes it."""
    return set(model.model_fields)
