"""The race: rounds in which every server is asked the same, one after the other."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.bench.answers import compare
from tests.bench.field import Field, page_cursors
from tests.bench.load import Load
from tests.bench.machine import client_core, cpu_s, pinned
from tests.bench.servers import Server
from tests.bench.workloads import Workload, bodies

CONNECTIONS: Final = 32
COMPARED: Final = 8
NUMBERS_PER_RUN: Final = 1_000_000

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pace:
    """How long to race."""

    rounds: int
    seconds: float
    warm_up_s: float


@dataclass
class Race:
    """Servers that race, and what was measured so far.

    Attributes:
        runs: A tally of every run, with its round, workload and server.
        numbers: What the numbers in requests count on from: none is used twice.
    """

    servers: Sequence[Server]
    field: Field
    people: int
    say: Say
    runs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    numbers: int = 100_000_001

    def run(self, workloads: Sequence[Workload], pace: Pace) -> None:
        """Compare the answers, then ask in rounds: A, B, C, A, B, C; the first is to warm up."""
        requests = self._requests(workloads)
        for workload in workloads:
            self._compare(workload, requests[workload.name])
        for number in range(pace.rounds + 1):
            for workload in workloads:
                for name, texts in requests[workload.name].items():
                    tally = self._time(workload, name, texts, pace)
                    if number:
                        self.runs.append(
                            {"round": number, "workload": workload.name, "server": name, **tally}
                        )
            self.say(f"Round {number} of {pace.rounds} is over." if number else "All are warm.")

    def _requests(self, workloads: Sequence[Workload]) -> dict[str, dict[str, list[str]]]:
        """Return what to ask, by workload and server."""
        cursors = {name: page_cursors(server) for name, server in self.field.servers.items()}
        return {
            workload.name: {
                server.name: bodies(workload, self.people, cursors[server.name])
                for server in self.servers
                if server.writes or not workload.writes
            }
            for workload in workloads
        }

    def _compare(self, workload: Workload, requests: dict[str, list[str]]) -> None:
        some = {name: texts[:COMPARED] for name, texts in requests.items()}
        compare(workload.title, {name: self.field.servers[name] for name in some}, some)
        self.say(f"{workload.title}: {len(some)} servers give the same answers.")

    def _time(self, workload: Workload, name: str, texts: list[str], pace: Pace) -> dict[str, Any]:
        server, stand_in = self.field.servers[name], self.field.stand_in
        load = Load(
            port=server.port,
            bodies=texts,
            connections=CONNECTIONS,
            warm_up_s=pace.warm_up_s,
            seconds=pace.seconds,
            first_number=self.next_numbers(),
        )
        before_s = cpu_s(server.pid), cpu_s(stand_in.pid)
        tally = measured(load)
        server_s, stand_in_s = cpu_s(server.pid) - before_s[0], cpu_s(stand_in.pid) - before_s[1]
        if tally["faults"]:
            self.say(f"{workload.title}: {name} gave {tally['faults']} faulty answers.")
        return {
            **tally,
            "server_cpu_us": 1e6 * server_s / tally["asked"],
            "stand_in_busy": stand_in_s / (pace.warm_up_s + pace.seconds),
        }

    def next_numbers(self) -> int:
        self.numbers += NUMBERS_PER_RUN
        return self.numbers


def measured(load: Load) -> dict[str, Any]:
    """Let a process of its own ask, and return its tally."""
    return outcome("tests.bench.load", asdict(load), client_core())


def outcome(program: str, task: dict[str, Any], place: int | None) -> dict[str, Any]:
    """Run a program of the client's, on a core if one is named, and return what it prints."""
    asking = subprocess.run(
        [sys.executable, "-m", program],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=None if place is None else pinned(place),
    )
    printed: dict[str, Any] = json.loads(asking.stdout)
    return printed
