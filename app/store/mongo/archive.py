"""Events that left a user's document: a document each, under the user's id and the event's.

An event gets there only from a document that held it, or from a batch that a document names: the
archive never holds one that was not recorded. A batch is how more events than a document takes are
recorded at once: written aside first, named by the document as it counts them, then moved.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from pymongo import DESCENDING
from pymongo.errors import BulkWriteError

from app.domain.events import Event, stored_bytes
from app.domain.listing import EventQuery
from app.store.document import Document, from_event, to_event
from app.store.mongo.collections import Collections, from_bson, to_bson

BATCH_BYTES: Final = 4_000_000
DUPLICATE_KEY: Final = 11_000


class Archive:
    """The collections `event_archive` and `event_batches`."""

    def __init__(self, collections: Collections) -> None:
        self._archive = collections.event_archive
        self._batches = collections.event_batches

    async def known(self, user_id: str, event_ids: Collection[str]) -> frozenset[str]:
        """Return those of the events that the user's archive holds."""
        keys = [_key(user_id, event_id) for event_id in event_ids]
        found = self._archive.find({"_id": {"$in": keys}}, {"id": 1})
        return frozenset([document["id"] async for document in found])

    async def add(self, user_id: str, events: Iterable[Document]) -> None:
        """Keep events of a user, those that are not kept yet."""
        documents = [
            {**event, "_id": _key(user_id, event["id"]), "user": user_id} for event in events
        ]
        if not documents:
            return
        try:
            await self._archive.insert_many(documents, ordered=False)
        except BulkWriteError as fault:
            faults: list[dict[str, Any]] = (fault.details or {}).get("writeErrors", [])
            if not faults or any(error["code"] != DUPLICATE_KEY for error in faults):
                raise

    async def page(self, user_id: str, query: EventQuery, limit: int) -> list[Event]:
        """Return up to `limit` events that answer the query, newest first."""
        found = self._archive.find(_filter(user_id, query))
        found = found.sort([("at", DESCENDING), ("id", DESCENDING)]).limit(limit)
        return [to_event(document, from_bson) async for document in found]

    # ------------------------------------------------------------ batches

    async def write_batch(self, user_id: str, token: str, events: Sequence[Event]) -> None:
        """Write events aside under a token; they count only once a document names the token."""
        for number, part in enumerate(_parts(events)):
            await self._batches.insert_one(
                {
                    "_id": f"{token}:{number}",
                    "token": token,
                    "user": user_id,
                    "events": [from_event(event, to_bson) for event in part],
                }
            )

    async def read_batches(self, user_id: str, tokens: Collection[str]) -> list[Document]:
        """Return the events that were written aside under the tokens."""
        found = self._batches.find({"user": user_id, "token": {"$in": list(tokens)}})
        return [event async for batch in found for event in batch["events"]]

    async def drop_batches(self, user_id: str, tokens: Collection[str]) -> None:
        await self._batches.delete_many({"user": user_id, "token": {"$in": list(tokens)}})


def _key(user_id: str, event_id: str) -> str:
    return f"{user_id}:{event_id}"


def _parts(events: Sequence[Event]) -> Iterable[list[Event]]:
    """Divide events so that each part fits into a document."""
    part: list[Event] = []
    size = 0
    for event in events:
        if part and size + stored_bytes(event) > BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append(event)
        size += stored_bytes(event)
    if part:
        yield part


def _filter(user_id: str, query: EventQuery) -> Document:
    conditions: list[Document] = [{"user": user_id}]
    if query.key is not None:
        conditions.append({"key": query.key})
    if query.since is not None:
        conditions.append({"at": {"$gte": to_bson(query.since)}})
    if query.until is not None:
        conditions.append({"at": {"$lt": to_bson(query.until)}})
    if query.after is not None:
        at = to_bson(query.after.at)
        conditions.append({"$or": [{"at": {"$lt": at}}, {"at": at, "id": {"$lt": query.after.id}}]})
    return {"$and": conditions}
