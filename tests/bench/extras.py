"""What is not a race of requests: imports, and many subscribers."""

from dataclasses import asdict
from typing import Any, Final

from tests.bench.answers import DifferentAnswers
from tests.bench.documents import KNOWN
from tests.bench.load import Load
from tests.bench.machine import client_core
from tests.bench.people import email_of
from tests.bench.processes import Running
from tests.bench.race import Race, measured, outcome
from tests.bench.subscriber import Watch
from tests.bench.workloads import RECORDS, import_body

CALLS: Final = 3
IMPORTED_S: Final = 60
"""What the calls may take together at the most."""

SUBSCRIBERS: Final = 500
CHANGES_PER_S: Final = 100
WATCHED_S: Final = 6


def time_imports(race: Race, rounds: int) -> list[dict[str, Any]]:
    """Return how fast each of ours that knows how to imports people, 1 000 a call."""
    results = []
    for server in race.servers:
        if not server.is_ours:
            continue
        started = race.field.servers[server.name]
        if not _knows_import(started):
            race.say(f"{server.name} does not know `recordsImport` yet: skipped.")
            continue
        body = import_body()
        _check(started.post(body))
        for number in range(rounds):
            load = Load(
                port=started.port,
                bodies=[body],
                connections=1,
                warm_up_s=0,
                seconds=IMPORTED_S,
                first_number=race.next_numbers(),
                requests=CALLS,
            )
            tally = measured(load)
            tally["records_per_s"] = tally["requests_per_s"] * RECORDS
            results.append({"round": number, "server": server.name, **tally})
    return results


def _check(answer: Any) -> None:
    outcome = (answer.get("data") or {}).get("recordsImport") or {}
    if outcome.get("accepted") != RECORDS:
        raise DifferentAnswers(f"Not all records were imported: {str(answer)[:500]}")


def _knows_import(server: Running) -> bool:
    known = server.ask(KNOWN)["data"]["__type"]["fields"]
    return any(field["name"] == "recordsImport" for field in known)


def time_watching(race: Race, rounds: int) -> list[dict[str, Any]]:
    """Return how soon 500 subscribers of one person hear of 100 changes a second."""
    watched = [server for server in race.servers if server.watched]
    results = []
    for number in range(rounds):
        for server in watched:
            started = race.field.servers[server.name]
            watch = Watch(
                port=started.port,
                email=email_of(number),  # somebody of whom no earlier round has told
                subscribers=SUBSCRIBERS,
                changes_per_s=CHANGES_PER_S,
                seconds=WATCHED_S,
            )
            heard = outcome("tests.bench.watching", asdict(watch), client_core())
            memory = started.memory_mib()
            results.append({"round": number, "server": server.name, **heard, "memory_mib": memory})
            race.say(f"{server.name}: {SUBSCRIBERS} subscribers, p99 {heard['p99_ms']:.0f} ms")
    return results
