"""The logs: the change streams of the users' and the memberships' collections.

A cursor is the stream's resume token after `r`, or a cluster time after `t` where none is known
yet. What the stream tells is taken from the written document itself: such documents are only ever
inserted and replaced, so that it is at hand whole.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from bson.timestamp import Timestamp
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import ConnectionFailure, OperationFailure

from app.domain.change import Change, Crossing, MembershipKind, logged_kind
from app.domain.errors import CursorExpired, Unavailable, Unsupported
from app.store.document import Document
from app.store.mongo.collections import Collection, answering, from_bson

Entry = TypeVar("Entry")

WAIT_MS: Final = 500
"""How long the server holds an answer back until there is something to tell."""

PAGE_WAIT_MS: Final = 20

SHORTEST_REST_S: Final = 0.01
LONGEST_REST_S: Final = 0.08
"""Between two looks at a server that does not hold its answer back; longer where it is quiet."""

RECENT_S: Final = 60

_STANDALONE: Final = 40_573
_LOST: Final = frozenset({260, 280, 286})  # InvalidResumeToken, FatalError, HistoryLost
_CURSOR: Final = re.compile(
    r"r(?P<token>([0-9a-fA-F]{2}){8,1000})|t(?P<seconds>[0-9]{1,10})\.(?P<number>[0-9]{1,10})"
)
_WRITES: Final = {"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}}


class ChangeStream(Generic[Entry]):
    """The `Log` contract on the change stream of a collection.

    Args:
        database: Where the collection is.
        collection: The collection.
        to_entry: Makes an entry of a written document and its cursor; None if it is of no interest.
    """

    def __init__(
        self,
        database: "AsyncIOMotorDatabase[Document]",
        collection: Collection,
        to_entry: Callable[[Document, str], Entry | None],
    ) -> None:
        self._database = database
        self._collection = collection
        self._to_entry = to_entry

    async def cursor(self) -> str:
        now = await self._now()
        # A stream begins at its time, and this time's own write is behind us.
        return f"t{now.time}.{now.inc + 1}"

    def is_after(self, cursor: str, other: str) -> bool:
        if cursor[:1] == other[:1]:
            return _time_of(cursor) > _time_of(other) or cursor > other
        # A cluster time is where the next entry may stand.
        return _time_of(cursor) >= _time_of(other)

    async def _now(self) -> Timestamp:
        with answering():
            reply = await self._database.command("ping")
        # A server that does not tell its cluster time counts it in seconds of its clock.
        now: Timestamp = reply.get("operationTime") or Timestamp(int(time.time()), 0)
        return now

    async def recently(self, limit: int) -> str:
        """Return where the log stood a minute ago, if the server still knows; `limit` is no help.

        A stream cannot be read backwards, and so does not tell how much lies behind.
        """
        now = await self._now()
        start = f"t{now.time - RECENT_S}.0"
        try:
            await self.page(start, 1)
        except CursorExpired:
            return await self.cursor()
        return start

    async def page(self, after: str, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        with _told(after) as reading:
            async with self._watch(after, PAGE_WAIT_MS) as stream:
                while len(entries) < limit and stream.alive:
                    event = await stream.try_next()
                    reading.begun = True
                    if event is None:
                        break
                    if entry := self._entry_of(event):
                        entries.append(entry)
        return entries

    async def follow(self, after: str) -> AsyncIterator[Entry]:
        """Yield what follows; an entry near a cluster time may be yielded though it is before.

        A driver's stream loses what it was fetching when it is cancelled, so it is never used
        again.
        """
        with _told(after) as reading:
            async with self._watch(after, WAIT_MS) as stream:
                clock = asyncio.get_running_loop().time
                rest_s = SHORTEST_REST_S
                while stream.alive:
                    asked_at = clock()
                    event = await stream.try_next()
                    reading.begun = True
                    if event is not None:
                        rest_s = SHORTEST_REST_S
                        if entry := self._entry_of(event):
                            yield entry
                    elif clock() - asked_at < WAIT_MS / 2_000:
                        await asyncio.sleep(rest_s)
                        rest_s = min(2 * rest_s, LONGEST_REST_S)

    def _watch(self, after: str, wait_ms: int) -> Any:
        return self._collection.watch([_WRITES], max_await_time_ms=wait_ms, **_beginning(after))

    def _entry_of(self, event: Document) -> Entry | None:
        # Where a server reports a replacement as an update, the document stands in the key.
        key = event["documentKey"]
        document = key if len(key) > 1 else event.get("fullDocument") or {}
        return self._to_entry(document, f"r{event['_id']['_data']}")


class _Reading:
    """A reading of a stream.

    Attributes:
        begun: Whether the server has answered: then it knows the cursor.
    """

    def __init__(self) -> None:
        self.begun = False


@contextmanager
def _told(after: str) -> Iterator[_Reading]:
    """Turn the driver's words for a stream that cannot be read into ours."""
    reading = _Reading()
    try:
        yield reading
    except OperationFailure as fault:
        if fault.code == _STANDALONE:
            raise Unsupported(
                "Watching needs a MongoDB replica set; this server stands alone."
            ) from None
        # A token that no server made is refused in words that differ from server to server.
        if fault.code in _LOST or (after.startswith("r") and not reading.begun):
            raise CursorExpired from None
        raise
    except ConnectionFailure:
        raise Unavailable("The database does not answer.") from None


def _time_of(cursor: str) -> tuple[int, int]:
    """Return the cluster time of a cursor: a resume token begins with it.

    Before it stands the byte 82, which says that a timestamp follows; some servers leave it out.
    """
    if cursor.startswith("t"):
        seconds, _, number = cursor[1:].partition(".")
        return int(seconds), int(number)
    token = cursor[1:]
    start = 2 if len(token) > 16 and token.startswith("82") else 0
    return int(token[start : start + 8], 16), int(token[start + 8 : start + 16], 16)


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


def to_change(document: Document, cursor: str) -> Change | None:
    """Return what a user's document tells of the write that made it."""
    last = document.get("lastChange")
    if not last or last["kind"] == "none":
        return None
    kind, is_news = logged_kind(last["kind"])
    return Change(
        kind=kind,
        user_id=document["_id"],
        version=document["version"],
        at=from_bson(last["at"]),
        event_ids=tuple(last["eventIds"]),
        cursor=cursor,
        is_news=is_news,
    )


def to_crossing(document: Document, cursor: str) -> Crossing | None:
    """Return what a membership's document tells of the write that made it."""
    crossing = document.get("crossing")
    if not crossing:
        return None
    return Crossing(
        kind=MembershipKind(crossing["kind"]),
        segment_id=document["segment"],
        user_id=document["user"],
        at=from_bson(crossing["at"]),
        cursor=cursor,
    )
