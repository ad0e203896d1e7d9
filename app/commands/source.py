"""A file to import: its lines, out of a plain or a gzip file, and what tells it from others."""

import gzip
import hashlib
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, cast

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_READ_BYTES: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_OTHER_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_GZIP_FAULTS: Final = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True)
class Line:
    """A line, or why it cannot be read.

    Attributes:
        number: From 1.
        text: Without its end; of one that cannot be read, as much as can be shown.
        fault: Why it cannot be read; None if it can.
    """

    number: int
    text: str
    fault: str | None = None


@dataclass(frozen=True)
class Source:
    """A file that can be read more than once.

    Attributes:
        identity: The same for files of the same content, whatever they are called.
        size: In bytes, as it lies there.
    """

    file: IO[bytes]
    identity: str
    size: int

    @property
    def position(self) -> int:
        """How much of `size` was read."""
        return self.file.tell()

    def lines(self) -> Iterator[Line]:
        """Yield every line from the first, blank ones too."""
        return _lines(_unpacked(self.file))


@contextmanager
def opened(path: Path | None) -> Iterator[Source]:
    """Open a file, or standard input, which is kept in a file of its own until the end.

    Raises:
        OSError: it cannot be read.
    """
    with TemporaryFile() if path is None else path.open("rb") as file:
        if path is None:
            shutil.copyfileobj(sys.stdin.buffer, file, _READ_BYTES)
        yield Source(file, _identity(_unpacked(file)), file.seek(0, 2))


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """Return a file from its beginning, unpacked if it is gzip, which its first bytes tell."""
    file.seek(0)
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return cast(IO[bytes], gzip.open(file)) if packed else file


def _identity(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    try:
        while some := file.read(_READ_BYTES):
            digest.update(some)
    except _GZIP_FAULTS:
        digest.update(b"truncated")
    return digest.hexdigest()[:32]


def _lines(file: IO[bytes]) -> Iterator[Line]:
    number = 0
    try:
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if number == 1:
                if raw.startswith(_OTHER_BOMS):
                    yield Line(1, "", "The file is in UTF-16 or UTF-32; save it in UTF-8.")
                    return
                raw = raw.removeprefix(_UTF8_BOM)
            yield _skipped(file, number, raw) if _is_too_long(raw) else _decoded(number, raw)
    except _GZIP_FAULTS:
        yield Line(number + 1, "", "The gzip file is damaged, or ends too early.")


def _is_too_long(raw: bytes) -> bool:
    return len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n")


def _skipped(file: IO[bytes], number: int, raw: bytes) -> Line:
    while (rest := file.readline(_READ_BYTES)) and not rest.endswith(b"\n"):
        pass
    shown = raw[:200].decode(errors="replace")
    return Line(number, shown, f"The line is longer than {MAX_LINE_BYTES} bytes.")


def _decoded(number: int, raw: bytes) -> Line:
    raw = raw.rstrip(b"\r\n")
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError as fault:
        shown = raw.decode(errors="replace")
        return Line(number, shown, f"Byte {fault.start + 1} of the line is not UTF-8.")
