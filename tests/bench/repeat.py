"""Two races side by side: whether the second gives the ratios of the first."""

from typing import Final

from tests.bench.figures import Results, ratio
from tests.bench.servers import COMPARISONS

TOLERANCE: Final = 0.1


def compared(first: Results, second: Results) -> tuple[list[str], bool]:
    """Return a line for each ratio that both have, and whether all agree within a tenth."""
    lines, agree = [], True
    for workload in first["workloads"]:
        for ours, other in COMPARISONS:
            one = ratio(first, workload, ours, other)
            two = ratio(second, workload, ours, other)
            if one is None or two is None:
                continue
            change = two / one
            is_close = 1 / (1 + TOLERANCE) <= change <= 1 + TOLERANCE
            agree &= is_close
            mark = "" if is_close else "  <- more than a tenth apart"
            lines.append(
                f"{workload:7} {ours} : {other}  {one:.2f}x, then {two:.2f}x: {change:.2f}{mark}"
            )
    return lines, agree
