"""The command line: `python -m tests.bench [run | compare A B]`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.bench.extras import CHANGES_PER_S, SUBSCRIBERS, time_imports, time_watching
from tests.bench.field import field
from tests.bench.figures import Results
from tests.bench.install import HOME, install
from tests.bench.machine import cores, description
from tests.bench.race import CONNECTIONS, Pace, Race
from tests.bench.repeat import compared
from tests.bench.report import report
from tests.bench.servers import SERVERS
from tests.bench.workloads import WORKLOADS

cli = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Race against the peers."
)

Names = Annotated[list[str] | None, typer.Option(help="Once for each; all unless given.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often every server has its turn.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="How long a turn counts.")]
Quick = Annotated[bool, typer.Option("--quick", help="Two short rounds: a glance, no proof.")]
Extras = Annotated[bool, typer.Option(help="Also measure imports and subscribers.")]
People = Annotated[
    int | None, typer.Option(min=100, help="10 000 unless given, or 2 000 with --quick.")
]
Output = Annotated[Path, typer.Option(help="Where to write the table; numbers go beside it.")]


@cli.command()
def run(
    server: Names = None,
    workload: Names = None,
    rounds: Rounds = 5,
    seconds: Seconds = 2.5,
    quick: Quick = False,
    people: People = None,
    extras: Extras = True,
    output: Output = HOME / "table.md",
) -> None:
    """Race, print the table, and write it with the numbers behind it."""
    pace = Pace(2, 0.8, 0.2) if quick else Pace(rounds, seconds, 0.5)
    people = people or (2_000 if quick else 10_000)
    servers = _chosen(server, SERVERS)
    workloads = _chosen(workload, WORKLOADS)
    _say("Installing the peers.")
    versions = install()
    _say(f"Filling {len(servers)} stores with {people} people.")
    with field(servers, people) as started:
        race = Race(servers, started, people, _say)
        race.run(workloads, pace)
        memory = {name: server.memory_mib() for name, server in started.servers.items()}
        watching = time_watching(race, 1 if quick else 3) if extras else []
        imports = time_imports(race, 1 if quick else 3) if extras else []
    results: Results = {
        "machine": description(versions),
        "method": _method(pace, race),
        "servers": [server.name for server in servers],
        "workloads": [workload.name for workload in workloads],
        "runs": race.runs,
        "memory_mib": memory,
        "watching": watching,
        "imports": imports,
    }
    output.with_suffix(".json").write_text(json.dumps(results, indent=1))
    table = report(results)
    output.write_text(table)
    typer.echo(table)


@cli.command()
def compare(first: Path, second: Path) -> None:
    """Compare the ratios of two races; fail if one is more than a tenth apart."""
    lines, agree = compared(json.loads(first.read_text()), json.loads(second.read_text()))
    for line in lines:
        typer.echo(line)
    raise typer.Exit(not agree)


def _chosen(names: list[str] | None, known: Sequence[Any]) -> list[Any]:
    unknown = set(names or ()) - {one.name for one in known}
    if unknown:
        shown = ", ".join(one.name for one in known)
        raise typer.BadParameter(f"{', '.join(sorted(unknown))} is none of {shown}.")
    return [one for one in known if not names or one.name in names]


def _method(pace: Pace, race: Race) -> dict[str, Any]:
    return {
        "people": race.people,
        "rounds": pace.rounds,
        "seconds": pace.seconds,
        "warm_up_s": pace.warm_up_s,
        "connections": CONNECTIONS,
        "subscribers": SUBSCRIBERS,
        "changes_per_s": CHANGES_PER_S,
        "client_busy": max(run["busy"] for run in race.runs),
        "stand_in_busy": max(run["busy"] + run["stand_in_busy"] for run in race.runs),
        "places": _places(),
        "faults": {run["server"]: run["faults"] for run in race.runs if run["faults"]},
    }


def _places() -> str:
    match len(cores()):
        case 0 | 1:
            return "Nothing was kept on a core of its own."
        case 2:
            return (
                "The server had one core to itself; the client and what stands in for MongoDB "
                "shared the other."
            )
        case _:
            return "The server, the client and what stands in for MongoDB had a core each."


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    cli(arguments if arguments[:1] in (["run"], ["compare"]) else ["run", *arguments])
