"""What logs may say: where a fault showed and of what type, never what anybody sent or stored."""

import logging
import traceback
from types import TracebackType
from typing import Any, Final

OURS: Final = "profilegraph"
"""The logger of this service, which chooses its words itself."""


def places(trace: TracebackType | None) -> str:
    """Return where a fault came through, outermost first."""
    frames = traceback.extract_tb(trace)
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)


def keep_people_out() -> None:
    """Leave out of every record, whatever logs it and at whatever level, what may quote a person.

    An exception's message may: a driver's quotes the document it could not write. So may all that
    libraries say to debug them, such as commands to the database, frames on sockets, and headers.
    """
    make = logging.getLogRecordFactory()

    def made(*arguments: Any, **options: Any) -> logging.LogRecord:
        record = make(*arguments, **options)
        if record.exc_info:
            type, _, trace = record.exc_info
            fault = type.__qualname__ if type else "fault"
            _say(record, f"{_first_line(record)} {fault} at {places(trace)}")
        elif record.name.split(".")[0] == OURS:
            pass
        elif record.levelno < logging.INFO:
            _say(record, "(not shown: it may quote a person)")
        elif "\n" in record.getMessage().rstrip():
            _say(record, _first_line(record))
        return record

    logging.setLogRecordFactory(made)


def _first_line(record: logging.LogRecord) -> str:
    """Return how a record begins; asyncio's and drivers' go on with what was thrown."""
    return record.getMessage().lstrip().partition("\n")[0]


def _say(record: logging.LogRecord, message: str) -> None:
    record.msg, record.args, record.exc_info, record.stack_info = message, None, None, None
