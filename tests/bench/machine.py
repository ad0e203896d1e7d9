"""The machine: which core does what, what runs on it, and how much memory a server takes."""

import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PYTHON_PACKAGES: Final = ("strawberry-graphql", "starlette", "uvicorn", "motor", "pymongo")


def cores() -> list[int]:
    """Return the cores that may be used; none where they cannot be chosen."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def server_core() -> int:
    """Return the core of whichever server is asked; each has it to itself while it is."""
    return 0


def client_core() -> int:
    return 1


def responder_core() -> int:
    """Return the core of what stands in for MongoDB: its own, or with two cores the client's."""
    return 2 if len(cores()) > 2 else 1


def pinned(place: int) -> Callable[[], None] | None:
    """Return what a child has to do, before it begins, to stay on a core."""
    chosen = cores()
    if len(chosen) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {chosen[place]})


def memory_mib(root: int) -> float:
    """Return the resident memory of a process and all its descendants."""
    return sum(size_kib for _, size_kib in _family(root)) / 1024


def cpu_s(root: int) -> float:
    """Return how long a process and its descendants have run; 0 where the system does not tell."""
    ticks = 0
    for pid, _ in _family(root):
        told = Path(f"/proc/{pid}/stat")
        if told.exists():
            fields = told.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(root: int) -> list[tuple[int, int]]:
    """Return a process and its descendants, each with its resident memory in KiB."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
    )
    children: defaultdict[int, list[int]] = defaultdict(list)
    resident_kib = {}
    for line in listed.stdout.splitlines():
        pid, parent, size_kib = map(int, line.split())
        children[parent].append(pid)
        resident_kib[pid] = size_kib
    family = [root]
    for pid in family:
        family += children[pid]
    return [(pid, resident_kib.get(pid, 0)) for pid in family]


def description(node_versions: dict[str, str]) -> dict[str, str]:
    """Return what a reader has to know to judge the figures."""
    python = {name: version(name) for name in _PYTHON_PACKAGES}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": str(len(cores()) or os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **python,
        **node_versions,
        "commit": _commit(),
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
