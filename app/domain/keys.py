"""Keys: what lets a program in."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from app.domain.errors import InvalidInput
from app.domain.text import name

MAX_NAME_BYTES: Final = 120


class KeyRole(StrEnum):
    """What a key is for: SERVICE to do everything, INGEST to tell of people and learn nothing."""

    SERVICE = "service"
    INGEST = "ingest"


class Key(BaseModel):
    """A key as it is kept: everything but the key itself.

    Attributes:
        trusting: Of an ingest key, whether it may name strong identities.
        name: What whoever made it calls it.
        fingerprint: By which the key is recognised.
        revoked_at: Since when it opens nothing any more.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    role: KeyRole
    trusting: bool
    name: str | None
    fingerprint: str
    created_at: datetime
    revoked_at: datetime | None = None


def made(
    id: str,
    role: KeyRole,
    fingerprint: str,
    now: datetime,
    *,
    trusting: bool = False,
    key_name: str | None = None,
) -> Key:
    """Return a new key.

    Raises:
        InvalidInput: a service key is said to be trusting, or the name cannot be used.
    """
    if trusting and role is not KeyRole.INGEST:
        raise InvalidInput("Only an ingest key can be trusting.", ("trusting",))
    return Key(
        id=id,
        role=role,
        trusting=trusting,
        name=None if key_name is None else name(key_name, ("name",), MAX_NAME_BYTES),
        fingerprint=fingerprint,
        created_at=now,
    )
