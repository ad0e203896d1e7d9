"""Find People on MongoDB: a filter narrows down, the domain decides where a filter cannot."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from app.domain.criteria import EVERYONE, Question, matches, missing_events
from app.domain.events import Event
from app.domain.listing import UserOrder, UserPosition
from app.domain.user import User
from app.store.bounds import Bounds, check_budget, exact
from app.store.document import Document, to_event
from app.store.mongo.archive import Archive, Batch, history_ids
from app.store.mongo.collections import Collections, from_bson, to_bson
from app.store.mongo.criteria import compiled
from app.store.mongo.users import State, content_of

PORTION: Final = 200
"""How many candidates are read, and their archived events fetched, at once, at the most."""

SMALLEST_PORTION: Final = 20


class Search:
    """Answers questions about people from the collections `users` and `event_archive`."""

    def __init__(
        self, collections: Collections, event_archive: Archive, max_candidates: int
    ) -> None:
        self._users = collections.users
        self._event_archive = event_archive
        self._archive = collections.event_archive
        self._max_candidates = max_candidates

    async def page(
        self,
        question: Question | None,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        fields: frozenset[str] | None = None,
    ) -> list[Document]:
        """Return the documents of up to `first` users of whom the question is true, in order.

        Args:
            question: Of whom.
            order: In which order.
            first: How many at the most.
            after: Where the last page ended.
            fields: What of each document is wanted; None for all.

        Raises:
            LimitExceeded: too many had to be looked at one by one.
        """
        position, by = _page_of(order, after)
        bounds = _bounds(question)
        condition = _all(position, bounds.possible)
        if question is None or bounds.is_exact:
            found = self._users.find(condition, fields and dict.fromkeys(fields, 1))
            return await found.sort(by).limit(first).to_list(None)
        answer: list[Document] = []
        looked_at = 0
        async for documents in self._candidates(condition, by, portion=2 * first):
            looked_at += len(documents)
            check_budget(looked_at, self._max_candidates)
            answer += await self._verified(question, documents)
            if len(answer) >= first:
                break
        return answer[:first]

    async def revisions(
        self,
        question: Question | None,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
    ) -> dict[str, int] | None:
        """Return whom `page` returns, in order, as of which revision.

        None if that has to be found out by looking at some of them.
        """
        position, by = _page_of(order, after)
        bounds = _bounds(question)
        found = await self._revisions_of(_all(position, bounds.possible), by, first)
        if bounds.is_exact or not found:
            return found
        among = {"_id": {"$in": list(found)}}
        certain = await self._revisions_of(_all(among, bounds.certain), by, first)
        return found if certain == found else None

    async def _revisions_of(self, condition: Document, by: list[Any], first: int) -> dict[str, int]:
        found = self._users.find(condition, {"revision": 1}).sort(by).limit(first)
        return {document["_id"]: document["revision"] for document in await found.to_list(None)}

    async def count(self, question: Question | None) -> int:
        """Return of how many users the question is true, exactly.

        Raises:
            LimitExceeded: too many would have to be looked at one by one.
        """
        bounds = _bounds(question)
        certain = await self._users.count_documents(_all({}, bounds.certain))
        if question is None or bounds.is_exact:
            return certain
        unsure = _all({}, {"$and": [bounds.possible, {"$nor": [bounds.certain]}]})
        candidates = await self._users.count_documents(unsure, limit=self._max_candidates + 1)
        check_budget(candidates, self._max_candidates)
        async for documents in self._candidates(unsure, [("_id", ASCENDING)]):
            certain += len(await self._verified(question, documents))
        return certain

    async def archived_by_key(
        self, keys_of_users: list[tuple[User, frozenset[str]]]
    ) -> dict[str, list[Event]]:
        """Return the archived events of these names of each user, by the user's id."""
        owners = {id: user.id for user, _ in keys_of_users for id in history_ids(user)}
        keys = sorted(frozenset().union(*(keys for _, keys in keys_of_users)))
        events: defaultdict[str, list[Event]] = defaultdict(list)
        if not (owners and keys):
            return events
        # Batches first: what leaves them meanwhile is in the archive when that is read.
        aside = await self._aside([user.id for user, _ in keys_of_users])
        dropped = frozenset().union(*(batch.dropped for batch in aside.values()))
        query = {"user": {"$in": list(owners)}, "key": {"$in": keys}}
        async for document in self._archive.find(query):
            if document["_id"] not in dropped:
                events[owners[document["user"]]].append(to_event(document, from_bson))
        for user_id, batch in aside.items():
            events[user_id] += [to_event(event, from_bson) for event in batch.events]
        return events

    async def _aside(self, user_ids: list[str]) -> dict[str, Batch]:
        """Return what is on its way into or out of the archive, of those of whom something is."""
        query = {"_id": {"$in": user_ids}, "batches.0": {"$exists": True}}
        found = [user async for user in self._users.find(query, {"batches": 1})]
        return {
            user["_id"]: await self._event_archive.read_batches(user["batches"]) for user in found
        }

    async def _candidates(
        self, condition: Document, by: list[Any], portion: int = PORTION
    ) -> AsyncIterator[list[Document]]:
        """Yield the users of whom a condition is true, so many at a time: they are whole."""
        size = max(SMALLEST_PORTION, min(portion, PORTION))
        documents: list[Document] = []
        async for document in self._users.find(condition, batch_size=size).sort(by):
            documents.append(document)
            if len(documents) == size:
                yield documents
                documents = []
        if documents:
            yield documents

    async def _verified(self, question: Question, documents: list[Document]) -> list[Document]:
        """Return those of whom the question is true."""
        criterion, moment = question.criterion, question.moment
        users = [content_of(document) for document in documents]
        missing = [(user, missing_events(criterion, user, moment)) for user in users]
        histories = await self.archived_by_key([(user, keys) for user, keys in missing if keys])
        return [
            document
            for document, user in zip(documents, users, strict=True)
            if matches(criterion, user, moment, histories.get(user.id, ()))
        ]


def _bounds(question: Question | None) -> Bounds[Document]:
    if question is None or question.criterion == EVERYONE:
        return exact({})
    return compiled(question.criterion, question.moment)


def _all(position: Document, condition: Document) -> Document:
    """Return the filter for those who are there, follow a position, and satisfy a condition."""
    standing = {"state": State.ACTIVE, **position}
    return {"$and": [standing, condition]} if condition else standing


def _page_of(order: UserOrder, after: UserPosition | None) -> tuple[Document, list[Any]]:
    match order:
        case UserOrder.NEWEST:
            return ({"_id": {"$lt": after.id}} if after else {}), [("_id", DESCENDING)]
        case UserOrder.OLDEST:
            return ({"_id": {"$gt": after.id}} if after else {}), [("_id", ASCENDING)]
        case UserOrder.LAST_SEEN:
            return _seen_before(after), [("lastSeenAt", DESCENDING), ("_id", DESCENDING)]


def _seen_before(after: UserPosition | None) -> Document:
    if after is None:
        return {}
    if after.seen_at is None:
        return {"lastSeenAt": None, "_id": {"$lt": after.id}}
    seen = to_bson(after.seen_at)
    return {
        "$or": [
            {"lastSeenAt": {"$lt": seen}},
            {"lastSeenAt": None},
            {"lastSeenAt": seen, "_id": {"$lt": after.id}},
        ]
    }
