"""Who asks: what the credential of a request makes of whoever sent it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    SERVICE = "service"
    INGEST = "ingest"
    PERSON = "person"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        role: What they are.
        key_id: Of a service or an ingest key, its id; it is no secret.
        trusting: Of an ingest key, whether it may name strong identities.
    """

    role: Role
    key_id: str | None = None
    trusting: bool = False


EVERYBODY: Final = Caller(Role.SERVICE)
"""Who asks where no key is configured: whoever reaches this machine's own address may do all."""
