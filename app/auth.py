"""Who asks: what the credential of a request makes of whoever sent it."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MAX_CREDENTIAL_CHARACTERS: Final = 8_192

_BEARER: Final = re.compile(r"bearer +([!-~]+) *", re.IGNORECASE)


class Role(StrEnum):
    SERVICE = "service"
    INGEST = "ingest"
    PERSON = "person"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Person:
    """Whom a person's own token names.

    Attributes:
        custom: The value of their custom identity.
        email: Their address, if whoever made the token has verified it.
        phone: Their number, on the same condition.
        expires_at: From when on the token says nothing any more.
    """

    custom: str
    email: str | None
    phone: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request.

    Attributes:
        role: What they are.
        key_id: Of a service or an ingest key, its id; it is no secret.
        trusting: Of an ingest key, whether it may name strong identities.
        person: Who they are, if they came with a token of their own.
    """

    role: Role
    key_id: str | None = None
    trusting: bool = False
    person: Person | None = None


EVERYBODY: Final = Caller(Role.SERVICE)
"""Who asks where no key is configured: whoever reaches this machine's own address may do all."""

NOBODY: Final = Caller(Role.NOBODY)
"""Who asks without a credential where one is needed."""


class Unauthenticated(Exception):
    """A credential that is not taken: malformed, unknown, revoked or expired."""


def credential_in(authorization: str) -> str:
    """Return the credential in an `Authorization` header of the scheme Bearer.

    Raises:
        Unauthenticated: there is none, or it is of another scheme.
    """
    found = _BEARER.fullmatch(authorization.strip())
    if found is None or len(found[1]) > MAX_CREDENTIAL_CHARACTERS:
        raise Unauthenticated("A credential has the form `Bearer ...`.")
    return found[1]


def new_key(role: str) -> str:
    """Return a key that nobody has: its role, to be recognised by, and 256 random bits."""
    return f"profilegraph_{role}_{secrets.token_urlsafe(32)}"


def fingerprint(key: str) -> str:
    """Return what is kept of a key.

    A fast hash is enough: a slow one protects what people think up, and nobody can try 2^256 keys.
    """
    return hashlib.sha256(key.encode()).hexdigest()
