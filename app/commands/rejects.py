"""What was rejected, a line each, for somebody to look at and mend."""

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from app.commands.items import Item
from app.domain.errors import DomainError


class Rejects:
    """A file of its owner's alone, since it quotes people's data; made when there is something."""

    def __init__(self, path: Path, *, settled_until: int) -> None:
        """Go on with a file.

        Args:
            path: Where it is.
            settled_until: Up to which line what it says stands; the rest will be said again.
        """
        self.path = path
        self._settled = _settled(path, settled_until)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "Rejects":
        self.path.unlink(missing_ok=True)
        for line in self._settled:
            self._write(line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def note(self, item: Item, fault: DomainError) -> None:
        """Add a line that was rejected."""
        said: dict[str, Any] = {"line": item.number, "reason": str(fault)}
        if path := getattr(fault, "path", ()):
            said["path"] = list(path)
        self._write(orjson.dumps({**said, "text": item.text}, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        if self._file:
            self._file.flush()

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = open(self.path, "wb", opener=_private)  # noqa: SIM115 (closed on exit)
        self._file.write(line)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _settled(path: Path, until: int) -> list[bytes]:
    """Return the lines of a file of rejects that stand; half a line at its end does not."""
    if not until or not path.exists():
        return []
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            if orjson.loads(line)["line"] <= until:
                kept.append(line)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue
    return kept
