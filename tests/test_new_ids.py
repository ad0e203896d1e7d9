"""Ids that are drawn many at once."""

from itertools import islice

import pytest
from ulid import ULID

from app.operations.new_ids import new_ids
from tests.builders import NOON


def test_each_is_a_ulid_of_the_instant_and_larger_than_the_one_before():
    ids = list(islice(new_ids(NOON), 3_000))

    assert ids == sorted(set(ids))
    assert all(str(ULID.from_str(id)) == id for id in ids)
    assert {ULID.from_str(id).datetime for id in (ids[0], ids[-1])} == {NOON}


def test_two_callers_draw_different_ones():
    one, other = (set(islice(new_ids(NOON), 3_000)) for _ in range(2))

    assert one.isdisjoint(other)


def test_the_largest_draw_leaves_room_to_count_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.urandom", lambda count: b"\xff" * count)

    ids = list(islice(new_ids(NOON), 3_000))

    assert ids == sorted(ids)
    assert ULID.from_str(ids[-1]).datetime == NOON
