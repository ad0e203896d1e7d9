"""How reads scale with processes: `python -m tests.bench.workers [how many people]`.

A server on a SQLite file answers with one worker, and another with two, in turns; the first turn is
to warm up. Nothing is kept on a core of its own: the client takes its part of what there is, and
the table says how much. What two workers can gain at the most is what it leaves.
"""

import asyncio
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit

from typer import echo

from tests.bench.field import page_cursors
from tests.bench.filling import fill
from tests.bench.install import HOME
from tests.bench.load import Load
from tests.bench.machine import cores, cpu_s
from tests.bench.people import everyone
from tests.bench.processes import Running
from tests.bench.race import CONNECTIONS, outcome
from tests.bench.workloads import FIND_PEOPLE, READ_LIST, READ_USER, Workload, bodies
from tests.server_process import ServerProcess, server_process

WORKLOADS: Final = (READ_USER, READ_LIST, FIND_PEOPLE)
ROUNDS: Final = 5
SECONDS: Final = 2.0
WARM_UP_S: Final = 0.5


def ask(server: ServerProcess, workload: Workload, people: int) -> dict[str, Any]:
    """Return what a server answers in a turn, and how busy it and the client were."""
    running = Running(urlsplit(server.url).port or 0, server.pid)
    load = Load(
        port=running.port,
        bodies=bodies(workload, people, page_cursors(running)),
        connections=CONNECTIONS,
        warm_up_s=WARM_UP_S,
        seconds=SECONDS,
        first_number=0,
    )
    before_s = cpu_s(server.pid)
    tally = outcome("tests.bench.load", asdict(load), place=None)
    took_s = cpu_s(server.pid) - before_s
    return {**tally, "server_busy": took_s / (WARM_UP_S + SECONDS)}


def race(people: int) -> None:
    """Let one worker and two answer in turns, and print the table."""
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="workers-", dir=HOME) as folder:
        database = f"sqlite:///{Path(folder) / 'people.db'}"
        asyncio.run(fill(database, everyone(people)))
        with (
            server_process(database, "--workers", "1") as one,
            server_process(database, "--workers", "2") as two,
        ):
            echo("| | one worker | two workers | ratio | cores busy (client) |")
            echo("| --- | ---: | ---: | ---: | ---: |")
            for workload in WORKLOADS:
                turns = [
                    (ask(one, workload, people), ask(two, workload, people))
                    for _ in range(ROUNDS + 1)
                ][1:]
                echo(_line(workload, turns))
    echo(
        f"\n{people} people, {CONNECTIONS} connections, {ROUNDS} turns of {SECONDS} s each, "
        f"{len(cores())} cores for the servers and the client. Requests a second are medians, the "
        "ratio the median of those within a turn."
    )


def _line(workload: Workload, turns: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    rates = [(one["requests_per_s"], two["requests_per_s"]) for one, two in turns]
    one, two = (median(rate) for rate in zip(*rates, strict=True))
    ratio = median(two / one for one, two in rates)
    busy = median(two["server_busy"] for _, two in turns)
    client = median(two["busy"] for _, two in turns)
    faults = sum(turn["faults"] for pair in turns for turn in pair)
    told = f" **{faults} faults**" if faults else ""
    shown = f"{busy + client:.2f} ({client:.2f})"
    return f"| {workload.title}{told} | {one:.0f} | {two:.0f} | {ratio:.2f}x | {shown} |"


if __name__ == "__main__":
    race(int(sys.argv[1]) if sys.argv[1:] else 2_000)
