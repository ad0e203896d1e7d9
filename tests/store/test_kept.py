"""Everything that is kept about a person is exported, and erased: no table is forgotten."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from pymongo import MongoClient

from app.domain.limits import Limits
from app.domain.profile import show_profile
from app.domain.user import Edit, User, linked, recorded, updated, with_device
from app.store import Store, open_store
from app.store.sqlite.connection import path_of
from app.store.sqlite.merging import PERSONAL
from tests.builders import HERE, LIMITS, NOON, changes, event, identity, push, registration
from tests.store.steps import newcomer

NOT_PERSONAL = {
    "touched",  # random ids, the newest few thousand
    "deleted_users", "catalog", "segments", "imports", "changes", "log_starts", "leadership",
    "coined", "keys",
}  # fmt: skip
"""Tables whose rows are about nobody; of deleted people and in the log there are ids alone."""

ERASED_APART = {"memberships", "crossings"}
"""Tables that say who belongs to which segment, which follows from the rest; a deletion makes
whoever is deleted leave."""

SECRETS = (
    "s-name", "s-mail@example.org", "s-custom", "s-device", "s-model", "s-token", "s-text",
    "s-event-id", "s-event-text", "s-item", "s-key", "s-record", "s-city", "s-old", "s-other",
)  # fmt: skip
"""What stands for everything of one kind that can be known of a person."""

FEW: Limits = LIMITS.model_copy(update={"embedded_events": 4})


def known(user: User, _: frozenset[str]) -> Edit:
    """Make of a user somebody of whom everything is known."""
    named = linked(user, [identity("device:s-device")], NOON, FEW, HERE)
    device = with_device(
        named, registration("s-device", model="s-model", push=push("s-token")), NOON
    )
    raw = {
        "name": "s-name",
        "location": {"city": "s-city"},
        "properties": {"set": {"p": "s-text"}},
        "channels": {"sms": False},
    }
    changed = updated(device, changes(**raw), NOON, FEW)
    remembered = changed.model_copy(update={"request_ids": ("s-key",), "record_ids": ("s-record",)})
    events = [
        event(id="s-event-id", properties={"t": "s-event-text"}, items=({"i": "s-item"},)),
        *(event(id=f"new{n}", at=NOON + timedelta(minutes=n)) for n in range(10)),
        event(id="s-old", at=NOON - timedelta(days=1)),
    ]
    edit = recorded(remembered, events, frozenset(), NOON, FEW)
    return Edit(edit.user, edit.recorded, edit.spilled)


async def person(store: Store) -> User:
    """Keep somebody of whom everything is known, who absorbed somebody."""
    ada = (await store.create(newcomer("custom:s-custom", "email:s-mail@example.org"))).user
    await store.change(ada.id, known)
    other = (await store.create(newcomer("custom:s-other"))).user
    await store.merge(ada.id, other.id, NOON)
    whole = await store.whole(ada.id)
    assert whole
    return whole


async def test_an_export_says_all_that_a_store_keeps(store_url: str):
    async with open_store(store_url, FEW) as store:
        text = orjson.dumps(show_profile(await person(store))).decode()

    assert [secret for secret in SECRETS if secret not in text] == []
    assert sorted(_found(_values(store_url))) == sorted(SECRETS)


async def test_a_deletion_leaves_nothing_of_it_anywhere(store_url: str):
    async with open_store(store_url, FEW) as store:
        ada = await person(store)
        await store.delete(ada.id, NOON)
        assert await store.find(identity("custom:s-other")) is None

    assert list(_found(_values(store_url))) == []


async def test_every_table_is_said_to_be_about_people_or_not(sqlite_url: str):
    async with open_store(sqlite_url, LIMITS):
        pass
    with sqlite3.connect(path_of(sqlite_url)) as connection:
        tables = {
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    connection.close()

    personal = {table for table, _ in PERSONAL}
    unknown = {
        t for t in tables - personal - NOT_PERSONAL - ERASED_APART if not t.startswith("sqlite_")
    }
    assert unknown == set()
    assert personal <= tables


def _found(values: Iterator[str]) -> set[str]:
    text = "\n".join(values)
    return {secret for secret in SECRETS if secret in text}


def _values(url: str) -> Iterator[str]:
    """Yield everything that stands in any table or collection."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(path_of(url))
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            yield from (str(row) for row in connection.execute(f"SELECT * FROM {table}"))
        connection.close()
        return
    with MongoClient[dict[str, Any]](url) as client:
        database = client[urlsplit(url).path.lstrip("/")]
        for name in database.list_collection_names():
            yield from (str(document) for document in database[name].find())
