"""Who sends messages: the write key of an SDK."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from app.auth import EVERYBODY, NOBODY, Caller, Role, Unauthenticated
from app.callers import Callers


async def caller_by(request: Request, write_key: str | None) -> Caller:
    """Return whom a write key stands for; where no key was ever made, that is everybody."""
    callers: Callers = request.state.callers
    if not callers.are_needed:
        return EVERYBODY  # an SDK always sends some key
    try:
        return NOBODY if write_key is None else await callers.caller_of(write_key)
    except Unauthenticated:
        return NOBODY


def may_send(caller: Caller) -> bool:
    """Return whether somebody may name people, as messages do."""
    return caller.role is Role.SERVICE or (caller.role is Role.INGEST and caller.trusting)


def write_key_of(request: Request, body: Mapping[str, Any]) -> str | None:
    """Return the write key: the user of basic authentication, a bearer token, or in the body."""
    scheme, _, credential = request.headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "basic":
            return _user(credential.strip())
        case "bearer":
            return credential.strip() or None
        case _:
            key = body.get("writeKey")
            return key if isinstance(key, str) and key else None


def _user(credential: str) -> str | None:
    try:
        user, _, _ = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user or None
