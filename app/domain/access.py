"""Whom somebody may act on, as can only be told from the person."""

from collections.abc import Callable

from app.domain.errors import Forbidden
from app.domain.identity import Identity
from app.domain.user import User

Guard = Callable[[User], None]
"""Returns if this person may be acted on, and raises Forbidden if not."""


def anybody(_: User) -> None:
    """Let everybody be acted on."""


def never_identified(user: User) -> None:
    """Let only those be acted on of whom nothing is known but a device.

    Raises:
        Forbidden: somebody has logged in there.
    """
    if user.identified:
        raise Forbidden("Somebody has logged in on this device; this takes their own token.")


def oneself(me: Identity) -> Guard:
    """Return what lets a person act on oneself only."""

    def guard(user: User) -> None:
        if not user.has(me):
            raise not_oneself()

    return guard


def not_oneself() -> Forbidden:
    """Return the same refusal for all others, whether they are there or not."""
    return Forbidden("A person's own token is for oneself only.")
