"""Frozen models of values that are valid already, made without looking at them again."""

from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def made(model: type[Model], fields: dict[str, Any]) -> Model:
    """Return the model with these fields: all of them, each valid, by attribute.

    Pydantic's `model_construct` does the same, with much that a frozen model without aliases and
    extras does not need; reading a person makes dozens of models, and changing one copies several.
    """
    new = model.__new__(model)
    object.__setattr__(new, "__dict__", fields)
    object.__setattr__(new, "__pydantic_fields_set__", set(fields))
    object.__setattr__(new, "__pydantic_extra__", None)
    object.__setattr__(new, "__pydantic_private__", None)
    return new
