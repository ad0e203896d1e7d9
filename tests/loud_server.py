"""A server that logs all it can, and whose store fails with messages that quote people.

Run as a program, with the options of `python -m app`.
"""

import logging
import sys
from typing import Any, Final

from uvicorn.config import LOGGING_CONFIG

EVERYTHING: Final = 1
"""Below debugging: uvicorn traces every message then."""


class Broken(Exception):
    """What a driver throws: it quotes what it was given."""


def log_everything() -> None:
    logging.basicConfig(level=EVERYTHING, stream=sys.stderr)
    for name in LOGGING_CONFIG["loggers"]:
        LOGGING_CONFIG["loggers"][name] |= {"level": EVERYTHING, "propagate": True}
    for name in ("pymongo", "pymongo.command", "websockets", "asyncio", "strawberry"):
        logging.getLogger(name).setLevel(EVERYTHING)


def break_what_is_marked(*stores: type) -> None:
    """Make a look-up of whoever is marked as broken fail, with them in the message."""
    for store in stores:
        for name in ("find", "whose", "read"):
            setattr(store, name, _broken(getattr(store, name)))


def _broken(look_up: Any) -> Any:
    async def broken(self: Any, asked: Any, *more: Any) -> Any:
        if "broken" in str(asked):
            raise Broken(f"cannot read {asked!r}")
        return await look_up(self, asked, *more)

    return broken


if __name__ == "__main__":
    from app.__main__ import main
    from app.store.mongo import MongoStore
    from app.store.sqlite import SqliteStore

    log_everything()
    break_what_is_marked(SqliteStore, MongoStore)
    logging.getLogger("somebody").debug("Everything is logged.")
    main()
