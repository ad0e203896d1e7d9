"""Keys and tokens to come with."""

from datetime import datetime, timedelta
from typing import Any, Final

import jwt

from app.domain.keys import KeyRole
from app.operations.keys import add_key
from app.operations.terms import Terms
from app.settings import Settings
from app.store import open_store
from tests.builders import LIMITS, NOON

SECRET: Final = "a secret for tests, of over thirty-two characters"
SERVICE: Final = "service-key-for-tests-of-over-32-characters"
INGEST: Final = "ingest-key-for-tests-of-over-32-characters"
HOUR: Final = timedelta(hours=1)


def keyed(database: str, **more: Any) -> Settings:
    """Return settings with a key of each role and a secret for tokens."""
    return Settings(
        **{
            "database": database,
            "service_key": SERVICE,
            "ingest_key": INGEST,
            "jwt_secret": SECRET,
        }
        | more
    )


def token(sub: str = "ada", *, now: datetime = NOON, **claims: Any) -> str:
    """Return a token of a person that holds for an hour."""
    return jwt.encode({"sub": sub, "exp": now + HOUR} | claims, SECRET, "HS256")


async def stored_key(database: str, role: KeyRole, **options: Any) -> tuple[str, str]:
    """Return a new key in the store, and its id."""
    async with open_store(database, LIMITS) as store:
        key = await add_key(store, role, Terms(NOON, LIMITS), **options)
        return key, (await store.keys())[-1].id
