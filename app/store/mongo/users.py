"""A person's document: read, inserted, and replaced only where nobody wrote since the read.

Beside a user's content each document keeps what the identity protocol needs:

    revision   grows with every write; what compare-and-set compares
    state      PENDING, ABORTED, ACTIVE, MERGED, DELETED
    done       whether a user who is ABORTED, MERGED or DELETED is so with all that follows
    merging    of a MERGED user, into whom and how
    tokens     of the newest writes, by which a writer who got no answer finds out what happened
    lastChange what the newest write was, for the change feed; NONE is bookkeeping
    joining    identities on their way in, with the content that will stand then
    releasing  identities on their way out
    batches    events written aside, on their way into the archive
    refused    merges into this user for which there was no room, by token
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from pymongo.errors import ConnectionFailure, DuplicateKeyError, WTimeoutError

from app.domain.errors import Unavailable
from app.domain.user import User
from app.store.document import Document, to_document, to_user
from app.store.mongo.collections import Collections, from_bson, to_bson
from app.store.mongo.packed import Written, opened, sealed
from app.store.mongo.replacements import KEPT_TOKENS, Replacements, landed

REPETITIONS: Final = 3
REPEAT_AFTER_S: Final = 0.2


class State(StrEnum):
    PENDING = "pending"
    ABORTED = "aborted"
    ACTIVE = "active"
    MERGED = "merged"
    DELETED = "deleted"


def new_token() -> str:
    return uuid4().hex


def new_document(user: User, state: State) -> Document:
    return to_document(user, to_bson) | {
        "revision": 1,
        "state": state,
        "done": False,
        "merging": None,
        "tokens": [],
        "lastChange": bookkeeping(),
        "joining": None,
        "releasing": [],
        "batches": [],
        "refused": [],
    }


def emptied(document: Document) -> Document:
    """Return the document with nothing left of the person; what the protocol needs stays."""
    created_at = from_bson(document["createdAt"])
    nobody = User(id=document["_id"], created_at=created_at, updated_at=created_at)
    return document | to_document(nobody, to_bson) | {"joining": None, "batches": []}


def is_settled(document: Document) -> bool:
    """Return whether nothing that a writer began on this user is left to finish."""
    return not (document["joining"] or document["releasing"] or document["batches"])


def content_of(document: Document) -> User:
    return to_user(document, from_bson)


def bookkeeping() -> Document:
    """Return the mark of a write that nobody needs to hear of."""
    return {"kind": "none", "at": None, "eventIds": []}


def told(kind: str, at: datetime, event_ids: Iterable[str] = ()) -> Document:
    """Return the mark of a write that the change feed tells."""
    return {"kind": str(kind), "at": to_bson(at), "eventIds": list(event_ids)}


def keys_of(document: Document) -> set[str]:
    """Return the identities that the document embeds."""
    return {f"{identity['kind']}:{identity['value']}" for identity in document["identities"]}


_STANDING: Final = frozenset({State.ACTIVE, State.MERGED})
_OF_STANDING: Final = frozenset({"state", "merging", "done", "identities"})
"""The fields that tell who stands for whom."""


class Users:
    """The collection `users`, by the single-document steps of the protocol."""

    def __init__(self, collections: Collections) -> None:
        self._users = collections.users
        self._users_packed = collections.users_packed
        self._users_now = collections.users_now
        self._replacements = Replacements(collections.users)

    async def get(self, user_id: str) -> Document | None:
        """Return a document of whatever state, as it is at this instant."""
        return await self._users_now.find_one({"_id": user_id})

    async def is_unchanged(self, document: Document) -> bool:
        """Return whether nobody wrote since the read."""
        now = await self._users_now.find_one({"_id": document["_id"]}, {"revision": 1})
        return now is not None and bool(now["revision"] == document["revision"])

    async def standing(
        self, user_ids: Collection[str], fields: frozenset[str] | None = None
    ) -> dict[str, Document]:
        """Return who stands for each id: the user, or the survivor of a merged one.

        Args:
            user_ids: Whom to look up.
            fields: What of each document is wanted; None for all.
        """
        states = [State.ACTIVE, State.MERGED]
        query = {"_id": {"$in": list(user_ids)}, "state": {"$in": states}}
        wanted = fields and dict.fromkeys(fields | _OF_STANDING, 1)
        return await self._with_survivors(await self._users.find(query, wanted).to_list(None))

    async def packed(self, user_ids: Collection[str]) -> dict[str, Document]:
        """Return who stands for each id, with events that may be packed, to be changed."""
        states = [State.ACTIVE, State.MERGED]
        found = self._users_packed.find({"_id": {"$in": list(user_ids)}, "state": {"$in": states}})
        documents = [opened(packed) for packed in await found.to_list(None)]
        return await self._with_survivors(documents)

    async def _with_survivors(self, documents: Iterable[Document]) -> dict[str, Document]:
        """Return documents by the ids that they were found by, survivors in merged ones' place."""
        found = {document["_id"]: document for document in documents}
        for user_id, document in list(found.items()):
            if document["state"] == State.MERGED:
                survivor = await self._survivor(document)
                found.pop(user_id)
                if survivor:
                    found[user_id] = survivor
        return found

    async def revisions(self, user_ids: Collection[str]) -> dict[str, int]:
        """Return the revision of each user who is there, and was not merged into another."""
        documents = await self._active(user_ids, {"revision": 1})
        return {document["_id"]: document["revision"] for document in documents}

    async def as_of(
        self, revisions: Mapping[str, int], fields: frozenset[str] | None
    ) -> dict[str, Document] | None:
        """Return the documents of users as of these revisions; None if somebody wrote since.

        Args:
            revisions: By user.
            fields: What of each document is wanted; None for all.
        """
        documents = await self._active(
            revisions, None if fields is None else dict.fromkeys(fields, 1)
        )
        found = {document["_id"]: document for document in documents}
        are_same = {id: document["revision"] for id, document in found.items()} == revisions
        return found if are_same else None

    async def _active(self, user_ids: Collection[str], wanted: Document | None) -> list[Document]:
        query = {"_id": {"$in": list(user_ids)}, "state": State.ACTIVE}
        found: list[Document] = await self._users.find(query, wanted).to_list(None)
        return found

    async def _survivor(self, merged: Document) -> Document | None:
        """Return who stands for a merged user: until the survivor took them in, they themselves."""
        survivor = await self.get(merged["merging"]["into"])
        if survivor and survivor["state"] == State.MERGED:
            survivor = await self._survivor(survivor)
        if not merged["done"] and (survivor is None or merged["_id"] not in survivor["absorbed"]):
            return merged
        return survivor if survivor and survivor["state"] in _STANDING else None

    async def insert(self, document: Document) -> None:
        """Insert a document whose id nobody else has."""
        token = new_token()
        document = document | {"tokens": [token]}
        for _ in range(REPETITIONS):
            try:
                await self._users.insert_one(document)
                return
            except DuplicateKeyError:
                return  # the id is ours alone: an earlier try landed
            except (ConnectionFailure, WTimeoutError):
                await asyncio.sleep(REPEAT_AFTER_S)
        raise Unavailable("The database does not answer; whether it wrote is unknown.")

    async def insert_if_absent(self, document: Document) -> bool:
        """Insert a document unless its id is taken; return whether it was inserted by this."""
        token = new_token()
        document = document | {"tokens": [token]}
        for _ in range(REPETITIONS):
            try:
                await self._users.insert_one(document)
            except DuplicateKeyError:
                there: dict[str, Any] = await self.get(document["_id"]) or {}
                return token in there.get("tokens", ())
            except (ConnectionFailure, WTimeoutError):
                await asyncio.sleep(REPEAT_AFTER_S)
            else:
                return True
        raise Unavailable("The database does not answer; whether it wrote is unknown.")

    async def cas(
        self, before: Document, after: Document, change: Document | None = None
    ) -> Document | None:
        """Replace `before` by `after` if it is still what is stored.

        Args:
            before: As read.
            after: What shall stand instead.
            change: What the feed is told; nothing unless given.

        Returns:
            What is stored now, or None if somebody wrote since the read.

        Raises:
            Unavailable: the database does not say whether it wrote.
        """
        token = new_token()
        written = after | {
            "revision": before["revision"] + 1,
            "tokens": [*after["tokens"], token][-KEPT_TOKENS:],
            "lastChange": change or bookkeeping(),
        }
        return written if await self._replace(before, sealed(written), token) else None

    async def _replace(self, before: Document, written: Written, token: str) -> bool:
        only_if = {"_id": before["_id"], "revision": before["revision"]}
        # Repeated alone: it may be for its sake that the others were refused.
        repeat = self._replacements.alone
        unknown = False
        for replace in (self._replacements.together, repeat, repeat):
            try:
                replaced = await replace(only_if, written, token)
            except (ConnectionFailure, WTimeoutError):
                unknown = True
                await asyncio.sleep(REPEAT_AFTER_S)
                continue
            if replaced is None:
                unknown = True
                continue
            return replaced or (unknown and await self.has_landed(before, token))
        raise Unavailable("The database does not answer; whether it wrote is unknown.")

    async def has_landed(self, before: Document, token: str) -> bool:
        """Return whether the write with this token came after `before`.

        Raises:
            Unavailable: so many others wrote since that nobody can tell.
        """
        document = await self.get(before["_id"])
        has_landed = document is not None and landed(document, before["revision"], token)
        if has_landed is None:
            raise Unavailable("So many others wrote that whether this was written is unknown.")
        return has_landed
