"""Keys: kept, listed and revoked, for every process on the database."""

from datetime import timedelta
from typing import Any

from app.domain.keys import Key, KeyRole
from app.store import Store
from tests.builders import NOON

LATER = NOON + timedelta(seconds=1)


def key(id: str = "k1", **known: Any) -> Key:
    return Key(
        **{
            "id": id,
            "role": KeyRole.INGEST,
            "trusting": False,
            "name": None,
            "fingerprint": f"f-{id}",
            "created_at": NOON,
        }
        | known
    )


async def test_there_are_none_at_first(store: Store):
    assert await store.keys() == []


async def test_keys_are_kept_whole_and_listed_oldest_first(store: Store):
    first, second = key("k1", role=KeyRole.SERVICE), key("k2", trusting=True, name="the app")

    await store.add_key(second)
    await store.add_key(first)

    assert await store.keys() == [first, second]


async def test_another_process_sees_a_key_and_that_it_was_revoked(store: Store, other_store: Store):
    await store.add_key(key())
    seen = await other_store.keys()

    assert await other_store.revoke_key("k1", LATER)

    assert seen == [key()]
    assert await store.keys() == [key(revoked_at=LATER)]


async def test_a_key_stays_revoked_since_the_first_time(store: Store):
    await store.add_key(key())
    await store.revoke_key("k1", NOON)

    assert await store.revoke_key("k1", LATER)

    assert await store.keys() == [key(revoked_at=NOON)]


async def test_what_is_no_key_cannot_be_revoked(store: Store):
    await store.add_key(key())

    assert not await store.revoke_key("k2", NOON)

    assert await store.keys() == [key()]
