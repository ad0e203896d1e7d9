"""Replacements of documents that several requests want in one tick of the event loop, sent as one.

Each is a compare-and-set of its own, and none depends on another: the server does them in no
order, and what it refuses of one harms no other. Only the call is shared.
"""

from collections.abc import Collection as Several
from typing import Final

from bson.errors import BSONError
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from app.store.document import Document
from app.store.mongo.collections import Collection
from app.store.mongo.gathered import Gathered
from app.store.mongo.packed import Written

KEPT_TOKENS: Final = 32
LATER_WRITES: Final = 15
"""After so many further writes, which add two tokens each at the most, a token is still kept."""

MAX_TOGETHER: Final = 100

_UNFIT: Final = (BSONError, UnicodeEncodeError, OverflowError)
"""What the driver raises of documents that are too large, or hold what BSON does not."""

_Replacement = tuple[Document, Written]
"""The id of a document, with the revision it has to have, and what shall stand instead."""


class Replacements:
    """Ways to replace users' documents, each of which keeps the tokens of its newest writes."""

    def __init__(self, users: Collection) -> None:
        self._users = users
        self._wanted: dict[str, _Replacement] = {}
        self._landed = Gathered(self._write, MAX_TOGETHER)

    async def alone(self, only_if: Document, written: Written, _: str) -> bool:
        """Replace a document by a call of its own; return whether it was as expected."""
        return bool((await self._users.replace_one(only_if, written)).matched_count)

    async def together(self, only_if: Document, written: Written, token: str) -> bool | None:
        """Replace a document in one call with whatever else is to be replaced now.

        Args:
            only_if: The id of the document, and the revision it has to have.
            written: What shall stand instead.
            token: That of this write, which nobody else has; among those of `written`.

        Returns:
            Whether it was as expected; None if that is not known.
        """
        self._wanted[token] = only_if, written
        return (await self._landed([token])).get(token)

    async def _write(self, tokens: Several[str], _: object) -> dict[str, bool | None]:
        """Write what is wanted under the tokens, and return of each whether it landed."""
        wanted = {token: self._wanted.pop(token) for token in tokens}
        if len(wanted) == 1:
            ((token, (only_if, written)),) = wanted.items()
            return {token: await self.alone(only_if, written, token)}
        writes = [ReplaceOne(only_if, written) for only_if, written in wanted.values()]
        try:
            result = await self._users.bulk_write(writes, ordered=False)
        except (BulkWriteError, *_UNFIT):
            return {}  # whoever repeats it alone is told what is wrong with theirs
        if result.matched_count == len(wanted):
            return dict.fromkeys(wanted, True)
        return await self._told_apart(wanted)

    async def _told_apart(self, wanted: dict[str, _Replacement]) -> dict[str, bool | None]:
        """Return of each write whether it landed, as the documents tell."""
        ids = [only_if["_id"] for only_if, _ in wanted.values()]
        found = self._users.find({"_id": {"$in": ids}}, {"revision": 1, "tokens": 1})
        documents = {document["_id"]: document for document in await found.to_list(None)}
        outcomes = {}
        for token, (only_if, _) in wanted.items():
            document = documents.get(only_if["_id"])
            if document and document["revision"] > only_if["revision"]:  # else it is of before
                outcomes[token] = landed(document, only_if["revision"], token)
        return outcomes


def landed(document: Document, revision: int, token: str) -> bool | None:
    """Return whether the write with this token is behind a document; None if nobody can tell.

    Args:
        document: As it is now.
        revision: Which revision the write was to replace.
        token: That of the write.
    """
    if token in document["tokens"]:
        return True
    return False if document["revision"] - revision <= LATER_WRITES else None
