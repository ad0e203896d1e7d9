"""Where a reader of changes is, exactly enough to go on after any message."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place in a log.

    Attributes:
        log: The log's own cursor.
        user_id: Who was followed, or whose change was told last; empty if nobody.
        version: That user's version then.
        events: How many events of that user's next change after `log` were told; 0 if none.
    """

    log: str
    user_id: str = ""
    version: int = 0
    events: int = 0
