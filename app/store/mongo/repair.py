"""Finish everything that crashes left unfinished, in one pass; a healthy store has nothing."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from app.store.document import Document
from app.store.mongo.archive import Archive
from app.store.mongo.collections import Collections
from app.store.mongo.protocol import Protocol
from app.store.mongo.users import State, Users, is_settled, keys_of

FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""A batch that no document names belongs to a writer who is about to, or who crashed long ago."""

_UNFINISHED: Final = {
    "$or": [
        {"state": {"$nin": [State.ACTIVE]}, "done": False},
        {"joining": {"$ne": None}},
        {"releasing.0": {"$exists": True}},
        {"batches.0": {"$exists": True}},
    ]
}


async def repair(
    collections: Collections, users: Users, protocol: Protocol, archive: Archive
) -> Mapping[str, int]:
    """Return how much of what was finished, by what it was."""
    found: Counter[str] = Counter()
    async for document in collections.users.find(_UNFINISHED):
        found[_kind(document)] += 1
        await _finish(document, protocol)
    async for claim in collections.claims.find():
        if not await _is_settled_claim(claim, users):
            found["claims"] += 1
            await protocol.resolve(claim["_id"])
    found["events of deleted users"] = await _erase_late_events(collections, archive)
    found["forgotten batches"] = await _drop_forgotten_batches(users, archive)
    return {kind: count for kind, count in found.items() if count}


def _kind(document: Document) -> str:
    return {
        State.PENDING: "creations",
        State.ABORTED: "creations given up",
        State.MERGED: "merges",
        State.DELETED: "deletions",
        State.ACTIVE: "changes",
    }[State(document["state"])]


async def _finish(document: Document, protocol: Protocol) -> None:
    user_id = document["_id"]
    match State(document["state"]):
        case State.PENDING:
            await protocol.finish_create(user_id)
        case State.ABORTED:
            await protocol.finish_abort(user_id)
        case State.MERGED:
            await protocol.merging.finish_merge(user_id)
        case State.DELETED:
            await protocol.merging.finish_delete(user_id)
        case State.ACTIVE:
            pass
    await protocol.finish_join(user_id)
    await protocol.finish_release(user_id)
    await protocol.merging.finish_batches(user_id)


async def _is_settled_claim(claim: Document, users: Users) -> bool:
    user = await users.get(claim["user"])
    return (
        user is not None
        and user["state"] == State.ACTIVE
        and is_settled(user)
        and claim["_id"] in keys_of(user)
        and claim["payload"] is None
    )


async def _erase_late_events(collections: Collections, archive: Archive) -> int:
    """Erase what a slow writer archived for somebody who had been deleted meanwhile."""
    erased = 0
    deleted = {"state": State.DELETED, "done": True}
    async for document in collections.users.find(deleted, {"absorbed": 1}):
        erased += await archive.erase([document["_id"], *document["absorbed"]])
    return erased


async def _drop_forgotten_batches(users: Users, archive: Archive) -> int:
    dropped = 0
    for batch in await archive.forgotten_batches(datetime.now(UTC) - FORGOTTEN_AFTER):
        user = await users.get(batch["user"])
        if user is None or batch["token"] not in user["batches"]:
            await archive.drop_batches([batch["token"]])
            dropped += 1
    return dropped
