"""Where a fault lies, in the words of whoever sent the message."""

from typing import Final

from app.domain.errors import Path

_SENT_AS: Final[tuple[tuple[Path, Path], ...]] = (
    (("changes", "properties", "append", "groups"), ("groupId",)),
    (("changes", "properties", "set"), ("traits",)),
    (("changes", "properties"), ("traits",)),
    (("changes", "photoUrl"), ("traits", "avatar")),
    (("changes", "location", "region"), ("traits", "address", "state")),
    (("changes", "location"), ("traits", "address")),
    (("changes",), ("traits",)),
    (("events", "0", "id"), ("messageId",)),
    (("events", "0", "name"), ("event",)),
    (("events", "0", "at"), ("timestamp",)),
    (("events", "0", "items"), ("properties", "products")),
    (("events", "0"), ()),
    (("identities",), ("userId",)),
    (("device",), ("context", "device")),
)
"""What the rules about people speak of, and what it was in the message; the first that fits."""


def as_sent(path: Path, traits: Path) -> Path:
    """Return where in a message that is which a rule found at fault at `path`.

    Args:
        path: Where the rule, which knows of no messages, found the fault.
        traits: Where the message says what is known of the person.
    """
    for ours, theirs in _SENT_AS:
        if path[: len(ours)] == ours:
            sent = (*theirs, *path[len(ours) :])
            return (*traits, *sent[1:]) if sent[:1] == ("traits",) else sent
    return path
