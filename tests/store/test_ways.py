"""Which ways to a page are tried first, and how much is remembered of them."""

from typing import Any

from app.domain.criteria import Criterion
from app.domain.criteria_input import parse_criteria
from app.store.sqlite.criteria import Rows
from app.store.sqlite.ways import KEPT_WAYS, Quickest, patient, quick
from tests.builders import HERE, LIMITS


def having(*values: Any) -> Criterion:
    parts = [{"property": {"name": "p", "is": {"equals": value}}} for value in values]
    return parse_criteria({"all": parts}, HERE, LIMITS, {})


def test_what_was_quick_is_tried_first_of_the_same_criteria_alone():
    quickest, tried = Quickest(), ((Rows.EACH, Rows.EACH), 10_000)

    quickest.note(having(1, 2), tried)

    assert list(quickest.tries(having(1, 2))) == [tried, *quick(having(1, 2))]
    assert list(quickest.tries(having(True, 2))) == list(quick(having(True, 2)))


def test_each_part_is_tried_as_what_to_start_from():
    starts = [way for way, _ in quick(having(1, 2))]

    assert starts == [(Rows.ALL, Rows.EACH), (Rows.EACH, Rows.ALL), (Rows.EACH, Rows.EACH)]


def test_the_last_way_is_given_all_the_time_it_takes():
    limits = [steps for _, steps in patient(having(1, 2))]

    assert (None not in limits[:-1], limits[-1]) == (True, None)


def test_only_so_many_ways_are_remembered_and_none_of_long_criteria():
    quickest = Quickest()
    long = having("x" * 500, *("y" * 500 for _ in range(20)))

    for number in range(KEPT_WAYS + 10):
        quickest.note(having(number), ((Rows.ALL,), 1_000))
    quickest.note(long, ((Rows.EACH,) * 21, 10_000))

    assert len(quickest._ways) == KEPT_WAYS
    assert list(quickest.tries(long)) == list(quick(long))
