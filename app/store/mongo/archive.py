"""Events that left a user's document: a document each, by the user's id and the event's.

They get there through a batch: written aside first, named by the user's document in the write that
lets them go, then moved. So the archive never holds an event that was not recorded. The key of an
archived event is its batch's token and its own id, used once for ever, so that whoever moves or
drops it late, or again, changes nothing.
"""

from collections.abc import (
    AsyncIterator,
    Collection,
    Container,
    Iterable,
    Iterator,
    Sequence,
)
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from app.domain.events import Event, stored_bytes
from app.domain.listing import EventQuery
from app.domain.merge import Lost, Overlap
from app.domain.user import User
from app.store.document import Document, from_event, to_event
from app.store.mongo.collections import Collections, from_bson, raise_unless_taken, to_bson
from app.store.mongo.users import new_token

BATCH_BYTES: Final = 4_000_000
PORTION: Final = 1_000


@dataclass(frozen=True)
class Batch:
    """What was written aside: events to be added, and the keys of copies to be dropped."""

    events: list[Document]
    dropped: frozenset[str]


class Archive:
    """The collections `event_archive` and `event_batches`."""

    def __init__(self, collections: Collections) -> None:
        self._archive = collections.event_archive
        self._batches = collections.event_batches

    async def known(self, user_ids: Collection[str], event_ids: Collection[str]) -> frozenset[str]:
        """Return those of the events that the archive holds under one of a user's ids."""
        query = {"user": {"$in": list(user_ids)}, "id": {"$in": list(event_ids)}}
        found = self._archive.find(query, {"id": 1})
        return frozenset([document["id"] async for document in found])

    async def by_id(self, user_ids: Collection[str], event_ids: Sequence[str]) -> list[Event]:
        """Return those of the events that the archive holds under one of a user's ids."""
        events: list[Event] = []
        for some in _some(list(event_ids)):
            query = {"user": {"$in": list(user_ids)}, "id": {"$in": some}}
            found = self._archive.find(query)
            events.extend([to_event(document, from_bson) async for document in found])
        return events

    async def _add(self, batch: Document) -> None:
        """Keep the events of a batch, those that are not kept yet.

        A key is used once for ever: whoever adds late finds it taken, dropped or not.
        """
        token, user_id = batch["token"], batch["user"]
        documents = [
            {**event, "_id": f"{token}:{event['id']}", "user": user_id} for event in batch["events"]
        ]
        if not documents:
            return
        try:
            await self._archive.insert_many(documents, ordered=False)
        except BulkWriteError as fault:
            raise_unless_taken(fault)

    async def page(self, user_ids: Sequence[str], query: EventQuery, limit: int) -> list[Document]:
        """Return up to `limit` events that answer the query, newest first."""
        found = self._archive.find(_filter(user_ids, query))
        found = found.sort([("at", DESCENDING), ("id", DESCENDING)]).limit(limit)
        return [document async for document in found]

    async def all_of(self, user: User, batches: Collection[str]) -> list[Event]:
        """Return all archived events of a user, and those on their way there."""
        # Batches first: what leaves them meanwhile is in the archive when that is read.
        aside = await self.read_batches(batches) if batches else Batch([], frozenset())
        found = self._archive.find({"user": {"$in": history_ids(user)}})
        kept = [document async for document in found if document["_id"] not in aside.dropped]
        return [to_event(event, from_bson) for event in (*kept, *aside.events)]

    async def erase(self, user_ids: Collection[str]) -> int:
        """Erase all events under the ids, and return how many there were."""
        of_users = {"user": {"$in": list(user_ids)}}
        dropped = {"droppedOf": {"$in": list(user_ids)}}
        erased = await self._archive.delete_many({"$or": [of_users, dropped]})
        aside = await self._batches.delete_many(of_users)
        return int(erased.deleted_count + aside.deleted_count)

    # ------------------------------------------------------------ two histories

    async def overlap(self, into: User, other: User) -> Overlap:
        """Return the events that both users have, and what is left of the other's."""
        lost = {}
        embedded = {event.id: event for event in other.events}
        for some in _some(list(embedded)):
            for event_id in await self._common(into, some):
                lost[event_id] = Lost(event_id, embedded[event_id].key, archived=False)
        async for documents in self._archived(other):
            keys = {document["id"]: document["key"] for document in documents}
            for event_id in await self._common(into, list(keys)):
                lost[event_id] = Lost(event_id, keys[event_id], archived=True)
        spans = {key: await self._span(other, key, lost) for key in {e.key for e in lost.values()}}
        return Overlap(tuple(lost.values()), spans)

    async def _common(self, user: User, event_ids: list[str]) -> frozenset[str]:
        """Return those of the events that the user has, in the document or the archive."""
        embedded = {event.id for event in user.events}.intersection(event_ids)
        if not user.archived:
            return frozenset(embedded)
        return await self.known(history_ids(user), event_ids) | embedded

    async def _archived(self, user: User) -> AsyncIterator[list[Document]]:
        """Yield the user's archived events in portions, by id and key."""
        if not user.archived:
            return
        portion: list[Document] = []
        query = {"user": {"$in": history_ids(user)}}
        async for document in self._archive.find(query, {"id": 1, "key": 1}):
            portion.append(document)
            if len(portion) == PORTION:
                yield portion
                portion = []
        yield portion

    async def _span(
        self, user: User, key: str, lost: Container[str]
    ) -> tuple[datetime, datetime] | None:
        """Return when the first and last event of this name happened that is not lost."""
        ends = [e.at for e in user.events if e.key == key and e.id not in lost]
        if user.archived:
            query = {"user": {"$in": history_ids(user)}, "key": key}
            for direction in (ASCENDING, DESCENDING):
                found = self._archive.find(query, {"id": 1, "at": 1}).sort("at", direction)
                async for document in found:
                    if document["id"] not in lost:
                        ends.append(from_bson(document["at"]))
                        break
        return (min(ends), max(ends)) if ends else None

    # ------------------------------------------------------------ batches

    async def write_batch(self, user_id: str, events: Sequence[Event]) -> list[str]:
        """Write events aside; they count only once a document names the tokens returned."""
        if not events:
            return []
        token = new_token()
        for number, part in enumerate(_parts(events)):
            await self._write_aside(
                token, number, user_id, [from_event(event, to_bson) for event in part], []
            )
        return [token]

    async def write_drops(
        self, user_id: str, ids: Sequence[str], lost: Sequence[Lost]
    ) -> list[str]:
        """Note copies of events to be dropped once a document names the tokens returned.

        Args:
            user_id: Whose document will name them.
            ids: Under which ids the copies stand.
            lost: The events.
        """
        token, tokens = new_token(), []
        event_ids = [event.id for event in lost if event.archived]
        for number, some in enumerate(_some(event_ids)):
            query = {"user": {"$in": list(ids)}, "id": {"$in": some}}
            keys = [copy["_id"] async for copy in self._archive.find(query, {"_id": 1})]
            await self._write_aside(token, number, user_id, [], keys)
            tokens = [token]
        return tokens

    async def _write_aside(
        self, token: str, number: int, user_id: str, events: list[Document], dropped: list[str]
    ) -> None:
        await self._batches.insert_one(
            {
                "_id": f"{token}:{number}",
                "token": token,
                "user": user_id,
                "at": datetime.now(UTC),
                "events": events,
                "dropped": dropped,
            }
        )

    async def read_batches(self, tokens: Collection[str]) -> Batch:
        """Return what was written aside under the tokens."""
        documents = await self._read(tokens)
        return Batch(
            events=[event for document in documents for event in document["events"]],
            dropped=frozenset(key for document in documents for key in document["dropped"]),
        )

    async def _read(self, tokens: Collection[str]) -> list[Document]:
        return [d async for d in self._batches.find({"token": {"$in": list(tokens)}})]

    async def empty_batches(self, user_id: str, tokens: Collection[str]) -> None:
        """Move what was written aside into the archive, and drop from it what shall go."""
        for batch in await self._read(tokens):
            await self._add(batch)
            for key in batch["dropped"]:
                gone = {"_id": key, "droppedOf": user_id}
                await self._archive.replace_one({"_id": key}, gone)

    async def drop_batches(self, tokens: Collection[str]) -> None:
        await self._batches.delete_many({"token": {"$in": list(tokens)}})

    async def forgotten_batches(self, before: datetime) -> list[Document]:
        """Return which batches older than an instant there are, by token and user."""
        found = self._batches.find({"at": {"$lt": before}}, {"token": 1, "user": 1})
        return [document async for document in found]


def history_ids(user: User) -> list[str]:
    """Return the ids under which the user's archived events stand."""
    return [user.id, *user.absorbed]


def _some(items: list[str]) -> Iterator[list[str]]:
    """Yield the items in portions that a query can name."""
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]


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


def _filter(user_ids: Sequence[str], query: EventQuery) -> Document:
    conditions: list[Document] = [{"user": {"$in": list(user_ids)}}]
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
