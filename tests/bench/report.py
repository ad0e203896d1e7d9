"""The results as Markdown."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tests.bench.figures import Results, middle, ratio, runs_of
from tests.bench.servers import COMPARISONS, SERVERS
from tests.bench.workloads import WORKLOADS

_NOTHING: Final = "–"


def report(results: Results) -> str:
    """Return the tables, and how they came to be."""
    parts = [
        "Requests a second (median of rounds); memory is resident, the whole process tree, after "
        "the race:",
        _rates(results),
        "How far ahead, in the same round (median of the ratios):",
        _ratios(results),
        "How long an answer takes, p50 / p99 in milliseconds, at "
        f"{results['method']['connections']} requests at a time:",
        _latencies(results),
        "What a request costs the server, in microseconds of a core (waiting not counted):",
        _costs(results),
        *_extras(results),
        *_method(results),
    ]
    return "\n\n".join(parts) + "\n"


def _rates(results: Results) -> str:
    def cells(server: str) -> Iterable[str]:
        for name in _raced(results):
            yield _shown(middle(runs_of(results, name, server), "requests_per_s"), _whole)
        yield _shown(results["memory_mib"].get(server), lambda size: f"{size:.0f} MiB")

    return _by_server(results, cells, "memory")


def _latencies(results: Results) -> str:
    def cells(server: str) -> Iterable[str]:
        for name in _raced(results):
            runs = runs_of(results, name, server)
            p50, p99 = middle(runs, "p50_ms"), middle(runs, "p99_ms")
            yield _NOTHING if p50 is None or p99 is None else f"{p50:.1f} / {p99:.1f}"

    return _by_server(results, cells)


def _costs(results: Results) -> str:
    def cells(server: str) -> Iterable[str]:
        for name in _raced(results):
            yield _shown(middle(runs_of(results, name, server), "server_cpu_us") or None, _whole)

    return _by_server(results, cells)


def _by_server(results: Results, cells: Callable[[str], Iterable[str]], *more: str) -> str:
    rows = [
        [server.title, *cells(server.name)]
        for server in SERVERS
        if server.name in results["servers"]
    ]
    return _table(["server", *_titles(results), *more], rows)


def _ratios(results: Results) -> str:
    titles = {server.name: server.title for server in SERVERS}
    rows = [
        [
            f"{titles[ours]} : {titles[other]}",
            *(
                _shown(ratio(results, name, ours, other), lambda times: f"{times:.2f}x")
                for name in _raced(results)
            ),
        ]
        for ours, other in COMPARISONS
        if {ours, other} <= set(results["servers"])
    ]
    return _table(["", *_titles(results)], rows)


def _extras(results: Results) -> Iterable[str]:
    for server in SERVERS:
        imports = [run for run in results["imports"] if run["server"] == server.name]
        if imports:
            speed = _shown(middle(imports, "records_per_s"), _whole)
            yield f"{server.title} imports {speed} records a second, 1 000 a call."
    rows = []
    for server in SERVERS:
        watching = [run for run in results["watching"] if run["server"] == server.name]
        if watching:
            figures = ("changes_per_s", "p50_ms", "p99_ms", "memory_mib")
            shown = (_shown(middle(watching, figure), _whole) for figure in figures)
            unheard = _shown(middle(watching, "unheard"), lambda share: f"{share:.1%}")
            rows.append([server.title, *shown, unheard])
    if rows:
        method = results["method"]
        yield (
            f"{method['subscribers']} subscribers hear each change of one person, "
            f"{method['changes_per_s']} of which a second are offered; each waits until the one "
            "before is acknowledged:"
        )
        titles = ["changes a second", "p50 ms", "p99 ms", "memory MiB", "unheard after 5 s"]
        yield _table(["server", *titles], rows)


def _method(results: Results) -> Iterable[str]:
    method, machine = results["method"], results["machine"]
    yield (
        f"{_whole(method['people'])} people. Before anything was timed, every server gave the same "
        f"answers to the same questions, ids apart. {method['rounds']} rounds, in each of which "
        f"every server in turn was asked for {method['seconds']} s after {method['warm_up_s']} s "
        f"of warming up, over {method['connections']} connections, each with one request on its "
        f"way. {method['places']} The client was busy for {method['client_busy']:.0%} of its core "
        f"at the most, together with what stands in for MongoDB {method['stand_in_busy']:.0%}. "
        "Each server is one process, set up as its documentation recommends for production. "
        "SQLite commits durably (`synchronous=FULL`) everywhere."
    )
    if method["faults"]:
        yield f"**Not to be relied on**: faulty answers of {', '.join(method['faults'])}."
    yield (
        "MongoDB is no MongoDB here, but one loopback responder that speaks its wire protocol and "
        "answers from memory, the same for all: the figures show what a server and its driver "
        "cost, not what a database does."
    )
    yield "Measured with: " + ", ".join(f"{name} {value}" for name, value in machine.items()) + "."


def _raced(results: Results) -> list[str]:
    return [work.name for work in WORKLOADS if work.name in results["workloads"]]


def _titles(results: Results) -> list[str]:
    return [work.title for work in WORKLOADS if work.name in results["workloads"]]


def _shown(figure: float | None, how: Callable[[float], str]) -> str:
    return _NOTHING if figure is None else how(figure)


def _whole(figure: float) -> str:
    return f"{figure:,.0f}".replace(",", " ")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
