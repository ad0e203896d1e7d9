"""What a watcher is told of a change."""

from datetime import timedelta

import pytest

from app.domain.change import Change, ChangeKind
from app.live.watch_user import told_at
from tests.builders import NOON, user

LATER = NOON + timedelta(seconds=1)


@pytest.mark.parametrize(("version", "expected"), [(1, NOON), (2, LATER)])
def test_a_state_that_is_ahead_of_the_log_is_as_of_its_own_instant(version, expected):
    created = Change(ChangeKind.CREATED, "p1", 1, NOON, (), "1")
    now = user(version=version, updated_at=LATER)

    assert told_at(created, now) == expected
