"""From runs to figures: medians, and medians of the ratios within each round."""

from collections.abc import Sequence
from statistics import median
from typing import Any

Run = dict[str, Any]
Results = dict[str, Any]
"""All that one race measured, as it is kept in a file."""


def runs_of(results: Results, workload: str, server: str) -> list[Run]:
    """Return the runs of a server at a workload, in the order of rounds."""
    return [
        run for run in results["runs"] if run["workload"] == workload and run["server"] == server
    ]


def middle(runs: Sequence[Run], figure: str) -> float | None:
    """Return the median of a figure; None where nothing was measured."""
    return median(run[figure] for run in runs) if runs else None


def ratio(results: Results, workload: str, server: str, other: str) -> float | None:
    """Return by how much a server is ahead; None where one of the two did not race.

    It is the median over the rounds of the ratio in each: what slows the machine for a while slows
    both of a round, so that ratios hold where rates do not.
    """
    ones, twos = runs_of(results, workload, server), runs_of(results, workload, other)
    if not (ones and twos):
        return None
    pairs = zip(ones, twos, strict=True)
    ratios = [
        one["requests_per_s"] / two["requests_per_s"] for one, two in pairs if two["requests_per_s"]
    ]
    return median(ratios) if ratios else None
