"""The change log: the change stream of the users' collection.

A cursor is the stream's resume token after `r`, or a cluster time after `t` where none is known
yet. What the stream tells is taken from the written document itself: users are only ever inserted
and replaced, so that it is at hand whole.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from bson.timestamp import Timestamp
from pymongo.errors import ConnectionFailure, OperationFailure

from app.domain.change import Change, ChangeKind
from app.domain.errors import CursorExpired, Unavailable, Unsupported
from app.store.mongo.collections import Collections, from_bson

WAIT_MS: Final = 500
LOOK_EVERY_S: Final = 0.01

_STANDALONE: Final = 40_573
_LOST: Final = frozenset({260, 280, 286})  # InvalidResumeToken, FatalError, HistoryLost
_CURSOR: Final = re.compile(
    r"r(?P<token>([0-9a-fA-F]{2}){8,1000})|t(?P<seconds>[0-9]{1,10})\.(?P<number>[0-9]{1,10})"
)
_WRITES: Final = [{"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}}]


async def cursor_now(collections: Collections) -> str:
    """Return where the log ends."""
    reply = await collections.database.command("ping")
    # A server that does not tell its cluster time counts it in seconds of its clock.
    now = reply.get("operationTime") or Timestamp(int(time.time()), 0)
    return f"t{now.time}.{now.inc}"


async def follow(collections: Collections, after: str) -> AsyncIterator[Change]:
    """Yield every change after the cursor; one near the cursor may be yielded though it is before.

    A driver's stream loses what it was fetching when it is cancelled, so it is never used again.
    """
    opened = False
    try:
        async with collections.users.watch(
            _WRITES, max_await_time_ms=WAIT_MS, **_beginning(after)
        ) as stream:
            while stream.alive:
                event = await stream.try_next()
                opened = True
                if event is None:
                    await asyncio.sleep(LOOK_EVERY_S)
                elif change := _to_change(event):
                    yield change
    except OperationFailure as fault:
        if fault.code == _STANDALONE:
            raise Unsupported(
                "Watching needs a MongoDB replica set; this server stands alone."
            ) from None
        # A token that no server made is refused in words that differ from server to server.
        if fault.code in _LOST or (after.startswith("r") and not opened):
            raise CursorExpired from None
        raise
    except ConnectionFailure:
        raise Unavailable("The database does not answer.") from None


def _beginning(cursor: str) -> dict[str, Any]:
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise CursorExpired
    if parts["token"]:
        return {"resume_after": {"_data": parts["token"]}}
    seconds, number = int(parts["seconds"]), int(parts["number"])
    if max(seconds, number) >= 2**32:
        raise CursorExpired
    return {"start_at_operation_time": Timestamp(seconds, number)}


def _to_change(event: dict[str, Any]) -> Change | None:
    # Where a server reports a replacement as an update, the document stands in the key.
    key = event["documentKey"]
    document = key if "lastChange" in key else event.get("fullDocument") or {}
    last = document.get("lastChange")
    if not last or last["kind"] == "none":
        return None
    return Change(
        kind=ChangeKind(last["kind"]),
        user_id=document["_id"],
        version=document["version"],
        at=from_bson(last["at"]),
        event_ids=tuple(last["eventIds"]),
        cursor=f"r{event['_id']['_data']}",
    )
