"""Cursors of subscriptions: which log a place is in, and where."""

from typing import Final

from app.live.place import Place
from app.schema.pages import decode, encode
from app.schema.scalars import Cursor

CHANGES: Final = "changes"
"""The log of changes to people, of which events are a part."""

CROSSINGS: Final = "crossings"
"""The log of who enters or leaves a segment."""


def cursor_of(log: str, place: Place) -> Cursor:
    return encode(log, [place.log, place.user_id, place.version, place.events])


def place_of(log: str, cursor: Cursor | None) -> Place | None:
    """Return the place in a log that a cursor stands for.

    Raises:
        InvalidInput: it is no cursor of ours, or of the other log.
    """
    return None if cursor is None else Place(*decode(cursor, log, str, str, int, int))
