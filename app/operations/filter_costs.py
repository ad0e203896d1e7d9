"""What a filter of a template costs, before it runs: how long its values and its result are."""

from collections.abc import Callable
from typing import Any, Final

_LONGEST_OF_A_DATE: Final = 256
"""How many characters C makes at the most of one in the format of a date."""

_AT_ONCE: Final = 64
"""How many characters a search compares in the time in which others go over one."""


def foreseen_length(filter_name: str, *given: Any, **named: Any) -> int:
    """Return how long the result becomes at the most; 0 if it only adds to what is given.

    Raises:
        TypeError: the filter does not take such arguments.
    """
    length = _LENGTHS.get(filter_name)
    return length(*given, **named) if length else 0


def steps(filter_name: str, *given: Any, **named: Any) -> int:
    """Return what a filter does beyond going over its values once.

    Raises:
        TypeError: the filter does not take such arguments.
    """
    count = _STEPS.get(filter_name)
    return count(*given, **named) if count else 0


def size(value: object) -> int:
    """Return how many characters a value has about, with one more for each item of a list."""
    match value:
        case str():
            return len(value)
        case int():
            return value.bit_length()
        case dict():
            return size(list(value.items()))
        case list() | tuple() | range():
            return len(value) + sum(map(size, value))
        case _:
            return 1


def _replaced(val: object, seq: object = "", sub: object = "") -> int:
    text, old, new = _text(val), _text(seq), _text(sub)
    return len(text) + text.count(old) * (len(new) - len(old))


def _joined(left: object, separator: object = " ") -> int:
    return len(left) * len(_text(separator)) if isinstance(left, list | tuple | range) else 0


def _dated(dat: object, fmt: object = "") -> int:
    return _LONGEST_OF_A_DATE * max(len(_text(dat)), len(_text(fmt)))


def _compared(sequence: object, key: object = None) -> int:
    return len(sequence) ** 2 if isinstance(sequence, list | tuple | range) else 0


def _searched(val: object, seq: object = "", sub: object = "", arg: object = "") -> int:
    return len(_text(val)) * (len(_text(seq)) + len(_text(arg))) // _AT_ONCE


def _stripped(val: object) -> int:
    text = _text(val)
    return len(text) * text.count("<")


def _text(value: object) -> str:
    return "" if value is None else str(value)


# What filters are given has the names that it has there, so that it can be given by name as well.
_LENGTHS: Final[dict[str, Callable[..., int]]] = {
    "replace": _replaced,
    "join": _joined,
    "date": _dated,
}
"""How long a result becomes at the most, for filters that multiply lengths."""

_STEPS: Final[dict[str, Callable[..., int]]] = {
    "uniq": _compared,
    "replace_last": _searched,
    "remove_last": _searched,
    "strip_html": _stripped,
}
"""What filters do beyond going over their values once: these look again and again."""
