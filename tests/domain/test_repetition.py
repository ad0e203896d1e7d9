"""What is made of a value is kept by its text."""

from datetime import date
from typing import Any

import pytest

from app.domain.repetition import KEPT_CHARACTERS, kept_by_text


@pytest.fixture
def made() -> list[Any]:
    return []


def test_the_same_value_is_made_something_of_once(made: list[Any]):
    make = kept_by_text(lambda value, other: made.append((value, other)))

    for _ in range(2):
        make({"a": [1]}, 1)
        make({"a": [1]}, 2)

    assert made == [({"a": [1]}, 1), ({"a": [1]}, 2)]


def test_values_that_are_equal_but_not_the_same_are_told_apart(made: list[Any]):
    make = kept_by_text(made.append)
    alike = [1, 1.0, True, "1", date(2026, 1, 1), "2026-01-01"]

    for value in [*alike, *alike]:
        make([value])

    assert [type(value) for (value,) in made] == [type(value) for value in alike]


def test_of_long_values_nothing_is_kept(made: list[Any]):
    make = kept_by_text(made.append)

    for _ in range(2):
        make("x" * KEPT_CHARACTERS)

    assert len(made) == 2
