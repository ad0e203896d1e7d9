"""What is made of values that are asked for again, kept by their text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar, TypeVarTuple

Value = TypeVar("Value")
Made = TypeVar("Made")
Others = TypeVarTuple("Others")

KEPT: Final = 1_000
KEPT_CHARACTERS: Final = 4_096


@dataclass(frozen=True)
class _Repeated:
    """A value with its text, which stands for it."""

    text: str
    value: Any = field(compare=False)


def kept_by_text(
    make: Callable[[Value, *Others], Made],
) -> Callable[[Value, *Others], Made]:
    """Let a function make the same of the same value only once, while it is among the newest.

    By its `repr`, not by equality: 1 equals 1.0 and true, and criteria tell them apart. Nobody may
    alter what is made. Of long values nothing is kept.
    """

    def make_of(repeated: _Repeated, *others: *Others) -> Made:
        return make(repeated.value, *others)

    keep: Any = lru_cache(KEPT)(make_of)

    def made(value: Value, *others: *Others) -> Made:
        text = repr(value)
        if len(text) > KEPT_CHARACTERS:
            return make(value, *others)
        kept: Made = keep(_Repeated(text, value), *others)
        return kept

    return made
