"""How far an import is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.console import Console

LINE_EVERY_S: Final = 10


class Meter(Protocol):
    def __call__(self, line: int, position: int) -> None:
        """Show that a line was reached, so many bytes into the file."""


def rate(lines: int, seconds: float) -> int:
    """Return how many lines a second that was."""
    return round(lines / seconds) if seconds > 0 else 0


@contextmanager
def metering(size: int) -> Iterator[Meter]:
    """Show progress through so many bytes on standard error for as long as the block runs."""
    # Only now: a server knows this command, too, and would keep 2 MiB for it.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(size, console)
        return
    with Progress(
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,} lines/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=size, lines=0, rate=0)
        measured = _measured()

        def show(line: int, position: int) -> None:
            progress.update(task, completed=position, lines=line, rate=measured(line))

        yield show


def _measured() -> Callable[[int], int]:
    """Return what tells the rate, from the first line reached on."""
    began = time.monotonic()
    first: list[int] = []

    def rate_at(line: int) -> int:
        if not first:
            first.append(line)
        return rate(line - first[0], time.monotonic() - began)

    return rate_at


def _lines(size: int, console: "Console") -> Meter:
    began = said = time.monotonic()
    measured = _measured()

    def show(line: int, position: int) -> None:
        nonlocal said
        speed = measured(line)
        now = time.monotonic()
        if now - said < LINE_EVERY_S:
            return
        said = now
        left_s = (now - began) * (size - position) / position if position else 0
        console.print(
            f"{line} lines, {100 * position // max(size, 1)} %, {speed} lines/s, "
            f"{round(left_s)} s remaining",
            highlight=False,
        )

    return show
