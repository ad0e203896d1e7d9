"""Memberships of segments: a document each, replaced only where nobody wrote since the read.

The write that lets somebody enter or leave also says so in the document (`crossing`), and the
change stream of the collection is the log of that: so each crossing is told once, or not done.
"""

from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from pymongo import ASCENDING, ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.domain.change import MembershipKind
from app.domain.errors import Busy
from app.domain.membership import OUTSIDE, Judge, Leadership, Membership, Step
from app.domain.user import User
from app.store.document import Document, from_leadership, to_leadership
from app.store.mongo.collections import (
    Collections,
    answering,
    from_bson,
    raise_unless_taken,
    to_bson,
)
from app.store.mongo.search import Search
from app.store.mongo.users import State, content_of

MAX_ROUNDS: Final = 50
"""How often somebody else may write between our reading and our writing."""

_LEADER: Final = {"_id": "leader"}

Records = Mapping[str, Document]
"""The documents of one user's memberships, by segment."""


class MongoMemberships:
    """The `Memberships` contract on the collections `memberships` and `leadership`."""

    def __init__(self, collections: Collections, search: Search) -> None:
        self._memberships = collections.memberships
        self._leadership = collections.leadership
        self._users = collections.users
        self._search = search

    async def judge(self, user_ids: Some[str], judge: Judge) -> None:
        written: set[str] = set()
        with answering():
            unsettled = list(user_ids)
            for _ in range(MAX_ROUNDS):
                unsettled = await self._judge_once(unsettled, judge)
                if not unsettled:
                    await self._sweep(written)
                    return
                written.update(unsettled)
        raise Busy

    async def _judge_once(self, user_ids: list[str], judge: Judge) -> list[str]:
        """Judge users as they are, and return who has to be judged again.

        A user may change between the reading and the writing, and whoever heard of the change may
        have judged, and found nothing to write, before we wrote. So all of whom something was
        written are judged again, until nothing has to be.
        """
        records = await self._records(user_ids)
        users = await self._standing(user_ids)
        steps = await self._steps(user_ids, users, records, judge)
        writes = [
            write
            for user_id, of_user in steps.items()
            for write in _writes(user_id, records[user_id], of_user)
        ]
        if writes:
            try:
                await self._memberships.bulk_write(writes, ordered=True)
            except BulkWriteError as fault:
                raise_unless_taken(fault)
                return user_ids  # somebody else wrote in between
        return list(steps)

    async def _steps(
        self, user_ids: list[str], users: Mapping[str, User], records: Mapping[str, Records],
        judge: Judge,
    ) -> dict[str, list[Step]]:  # fmt: skip
        before = {
            user_id: {segment: _membership(one) for segment, one in records[user_id].items()}
            for user_id in user_ids
        }
        missing = [(user, judge.needs(user, before[id])) for id, user in users.items()]
        histories = await self._search.archived_by_key([(u, keys) for u, keys in missing if keys])
        steps = {
            user_id: judge.judged(users[user_id], before[user_id], histories.get(user_id, ()))
            if user_id in users
            else judge.gone(
                {segment: one for segment, one in before[user_id].items() if one != OUTSIDE}
            )
            for user_id in user_ids
        }
        return {user_id: of_user for user_id, of_user in steps.items() if of_user}

    async def _records(self, user_ids: list[str]) -> Mapping[str, Records]:
        found: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        async for document in self._memberships.find({"user": {"$in": user_ids}}):
            found[document["user"]][document["segment"]] = document
        return found

    async def _standing(self, user_ids: list[str]) -> dict[str, User]:
        query = {"_id": {"$in": user_ids}, "state": State.ACTIVE}
        found = [content_of(document) async for document in self._users.find(query)]
        return {user.id: user for user in found}

    async def _sweep(self, user_ids: Some[str]) -> None:
        """Forget who belongs nowhere, and never will by time alone; that they left was told."""
        if user_ids:
            outside = {"user": {"$in": list(user_ids)}, "member": False, "due": None}
            await self._memberships.delete_many(outside)

    async def due(self, now: datetime, limit: int) -> list[tuple[str, datetime]]:
        with answering():
            found = self._memberships.find({"due": {"$lte": to_bson(now)}})
            found = found.sort("due", ASCENDING).limit(limit)
            return [(document["user"], from_bson(document["due"])) async for document in found]

    async def next_due(self) -> datetime | None:
        with answering():
            found = self._memberships.find({"due": {"$gt": datetime.min.replace(tzinfo=UTC)}})
            async for document in found.sort("due", ASCENDING).limit(1):
                return from_bson(document["due"])
        return None

    async def user_ids(self, after: str, limit: int) -> list[str]:
        with answering():
            query = {"state": State.ACTIVE, "_id": {"$gt": after}}
            found = self._users.find(query, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] async for document in found]

    async def forget_segments(self, kept: Some[str]) -> None:
        with answering():
            await self._memberships.delete_many({"segment": {"$nin": list(kept)}})

    async def leadership(self) -> Leadership | None:
        with answering():
            document = await self._leadership.find_one(_LEADER)
        return to_leadership(document) if document else None

    async def replace_leadership(self, before: Leadership | None, after: Leadership) -> bool:
        document = _LEADER | from_leadership(after)
        with answering():
            if before is None:
                try:
                    await self._leadership.insert_one(document)
                except DuplicateKeyError:
                    return False
                return True
            only_if = _LEADER | {"holder": before.holder, "beat": before.beat}
            return bool((await self._leadership.replace_one(only_if, document)).matched_count)


def _membership(document: Document) -> Membership:
    due = document.get("due")
    return Membership(document["member"], due and from_bson(due))


def _writes(user_id: str, records: Records, steps: Iterable[Step]) -> list[ReplaceOne[Document]]:
    """Return the steps as writes, each of which holds only after the one before it."""
    revisions = {segment: document["revision"] for segment, document in records.items()}
    writes = []
    for step in steps:
        segment = step.segment_id
        id, revision = f"{segment}:{user_id}", revisions.get(segment, 0)
        document = {
            "_id": id,
            "segment": segment,
            "user": user_id,
            "member": step.after.member,
            "revision": revision + 1,
            "crossing": _crossing(step.kind, step.at),
        }
        if step.after.due is not None:
            document["due"] = to_bson(step.after.due)
        revisions[segment] = revision + 1
        writes.append(ReplaceOne({"_id": id, "revision": revision}, document, upsert=True))
    return writes


def _crossing(kind: MembershipKind | None, at: datetime) -> Document | None:
    return None if kind is None else {"kind": kind.value, "at": to_bson(at)}
