"""Reading people without making models of them: which fields, and what becomes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

Document = dict[str, Any]
Shown = TypeVar("Shown")


@dataclass(frozen=True, eq=False)
class Reading(Generic[Shown]):
    """A way to look at a person's document.

    A store may keep what `show` returned for as long as the document stands as it was, so `show`
    depends on nothing else, and nobody alters what it returns. Two readings are never equal.

    Attributes:
        fields: Those of the document's fields that are looked at; None for all.
        show: What becomes of a document.
        size_bytes: How much it takes to keep what was shown; None if it is not to be kept.
        lasts: Whether anything that was shown may be kept.
    """

    fields: frozenset[str] | None
    show: Callable[[Document], Shown]
    size_bytes: Callable[[Shown], int | None]
    lasts: bool = True


class Instants(NamedTuple):
    """How a store's documents hold instants.

    Attributes:
        kept: Makes of an instant what a document holds.
        read: Makes an instant of it.
        shown: Makes of it what the API shows of the instant; a person has many, so no detour.
    """

    kept: Callable[[datetime], Any]
    read: Callable[[Any], datetime]
    shown: Callable[[Any], str]
