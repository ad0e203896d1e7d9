"""Make, list and revoke keys."""

from ulid import ULID

from app.auth import fingerprint, new_key
from app.domain.errors import KeyNotFound
from app.domain.keys import Key, KeyRole, made
from app.operations.terms import Terms
from app.store import Store


async def add_key(
    store: Store, role: KeyRole, terms: Terms, *, trusting: bool = False, name: str | None = None
) -> str:
    """Make a key, and return it: nobody can tell it a second time.

    Raises:
        InvalidInput, LimitExceeded: it cannot be made so.
    """
    key = new_key(role.value)
    id = str(ULID.from_datetime(terms.now))
    await store.add_key(
        made(id, role, fingerprint(key), terms.now, trusting=trusting, key_name=name)
    )
    return key


async def list_keys(store: Store) -> list[Key]:
    """Return all keys as they are kept, oldest first."""
    return await store.keys()


async def revoke_key(store: Store, id: str, terms: Terms) -> None:
    """Let a key open nothing from now on.

    Raises:
        KeyNotFound: there is none with this id.
    """
    if not await store.revoke_key(id, terms.now):
        raise KeyNotFound(id)
