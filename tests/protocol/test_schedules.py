"""The MongoDB adapter under every order of its database calls, and with crashes between them."""

import pytest

from tests.protocol.judge import Trial
from tests.protocol.people import ATOMIC, LOGINS, ROOM, TAKEN
from tests.protocol.pool import by_chance
from tests.protocol.scenario import Scenario
from tests.protocol.schedule import Budget, Clockwork, explore, wander


def all_schedules_of(scenario: Scenario, budget: Budget, at_most: int) -> None:
    clockwork = Clockwork()
    with clockwork.installed():
        trial = Trial(scenario, clockwork)
        explore(trial.begin, trial.conclude, trial.look, budget, at_most)


def some_schedules_of(seed: int, count: int) -> None:
    scenario, chance = by_chance(seed)
    clockwork = Clockwork()
    with clockwork.installed():
        trial = Trial(scenario, clockwork)
        for _ in range(count):
            wander(trial.begin, trial.conclude, trial.look, chance)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [*ATOMIC, *LOGINS], ids=str)
def test_one_interruption_leaves_nothing_half_done_or_doubled(scenario: Scenario):
    all_schedules_of(scenario, Budget(interruptions=1), at_most=50)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [*ATOMIC, *LOGINS], ids=str)
def test_a_crash_leaves_nothing_that_a_repair_does_not_finish(scenario: Scenario):
    all_schedules_of(scenario, Budget(interruptions=0, crashes=1), at_most=50)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [ROOM], ids=str)
def test_a_merge_is_undone_or_done_but_never_both(scenario: Scenario):
    all_schedules_of(scenario, Budget(interruptions=2), at_most=1_500)


def test_a_login_that_is_refused_has_merged_nobody():
    all_schedules_of(TAKEN, Budget(interruptions=2), at_most=400)


@pytest.mark.parametrize("seed", range(12))
def test_programs_by_chance_leave_nothing_half_done_or_doubled(seed: int):
    some_schedules_of(seed, count=8)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [*ATOMIC, *LOGINS, ROOM], ids=str)
def test_interruptions_and_a_crash_leave_nothing_half_done_or_doubled(scenario: Scenario):
    all_schedules_of(scenario, Budget(interruptions=2, crashes=1), at_most=400)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_060))
def test_many_programs_by_chance_leave_nothing_half_done_or_doubled(seed: int):
    some_schedules_of(seed, count=25)
