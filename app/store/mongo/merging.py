"""Merging and deleting, by single-document steps that anyone can finish.

- A merge makes the younger user MERGED, its content kept; then the older takes the content in and
  notes the younger among its absorbed: that is the moment of merging; then the claims move; then
  the younger is emptied. If the older was deleted before, the younger is ACTIVE again: the merge
  did not happen.
- A deletion empties the document; then finishes the merges of all it absorbed, so that nothing of
  them is left; then erases the archive and frees the claims. The id stays, for good.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.domain.change import ChangeKind
from app.domain.errors import LimitExceeded
from app.domain.identity import Identity, IdentityKind
from app.domain.limits import Limits
from app.domain.merge import Overlap, merged
from app.domain.user import Edit, User
from app.store.document import Document, to_document
from app.store.mongo.archive import Archive, history_ids
from app.store.mongo.claims import Claims
from app.store.mongo.collections import from_bson, to_bson
from app.store.mongo.users import State, Users, content_of, emptied, keys_of, new_token, told

KEPT_REFUSALS: Final = 16


@dataclass(frozen=True)
class MergeTerms:
    """When a merge happens, and how.

    Attributes:
        anonymous_only: Only if the one who gives way was never identified.
        keep: A device that stays, should there be too many.
    """

    now: datetime
    anonymous_only: bool
    keep: Identity | None


class Merging:
    """Merges and deletes; every method may be called by anyone, at any time, twice."""

    def __init__(
        self,
        users: Users,
        claims: Claims,
        archive: Archive,
        limits: Limits,
        break_off_join: Callable[[Document], Awaitable[None]],
    ) -> None:
        self._users = users
        self._claims = claims
        self._archive = archive
        self._limits = limits
        self._break_off_join = break_off_join

    async def root(self, user_id: str) -> Document:
        """Return who stands for an id, every merge on the way finished: ACTIVE or DELETED."""
        while True:
            user = await self._users.get(user_id)
            if user is None:
                raise AssertionError("No user's document is removed.")
            if user["state"] != State.MERGED:
                return user
            if user["done"]:
                user_id = user["merging"]["into"]
            else:
                await self.finish_merge(user_id)

    # ------------------------------------------------------------ merging

    async def merge(self, into: Document, other: Document, terms: MergeTerms) -> Document | None:
        """Merge two settled users, and return who is left; None to look again and start again.

        Args:
            into: Whose values win.
            other: The other; the older of the two ids survives.
            terms: When and how.
        """
        older, younger = sorted((into, other), key=lambda user: str(user["_id"]))
        merging = {
            "into": older["_id"],
            "winner": into["_id"],
            "at": to_bson(terms.now),
            "anonymousOnly": terms.anonymous_only,
            "keep": terms.keep and terms.keep.value,
            "token": new_token(),
        }
        if not await self._users.cas(
            younger, {**younger, "state": State.MERGED, "merging": merging}
        ):
            return None
        await self.finish_merge(younger["_id"])
        # The younger's own state proves nothing: the merge may have been undone.
        survivor = await self.root(older["_id"])
        return survivor if younger["_id"] in survivor["absorbed"] else None

    async def finish_merge(self, user_id: str) -> None:
        """Bring the merge of a MERGED user to its end."""
        while True:
            younger = await self._users.get(user_id)
            if younger is None or younger["state"] != State.MERGED or younger["done"]:
                return
            older = await self.root(younger["merging"]["into"])
            if older["state"] == State.DELETED:
                await self._follow_deleted(younger, older)
            elif user_id not in older["absorbed"]:
                await self._absorb(older, younger)
            else:
                await self._move_claims(younger, older["_id"])
                if await self._users.cas(younger, *_merged_tombstone(younger, older)):
                    return

    async def _follow_deleted(self, younger: Document, older: Document) -> None:
        """Delete the younger with the older, or undo the merge if it had not happened yet."""
        if younger["_id"] not in older["absorbed"]:
            await self._undo(younger)
        elif await self._users.cas(younger, _erased(younger), _deleted_with(younger)):
            await self.finish_delete(younger["_id"])

    async def _undo(self, younger: Document) -> None:
        await self._users.cas(younger, {**younger, "state": State.ACTIVE, "merging": None})

    async def _absorb(self, older: Document, younger: Document) -> None:
        """Take the younger's content into the older, or undo the merge if that cannot be."""
        if older["joining"]:
            await self._break_off_join(older)
            return
        if older["batches"]:  # the overlap is sought in the archive
            await self.finish_batches(older["_id"])
            return
        merging = younger["merging"]
        if merging["token"] in older["refused"]:
            await self._undo(younger)
            return
        into, other = content_of(older), content_of(younger)
        if merging["winner"] == other.id:
            into, other = other, into
        overlap = await self._archive.overlap(into, other)
        edit = self._combined(into, other, overlap, merging)
        if edit is None:
            # Noted before it is undone: else another could still find room, and absorb.
            refused = [*older["refused"], merging["token"]][-KEPT_REFUSALS:]
            await self._users.cas(older, {**older, "refused": refused})
            return
        spilled = await self._archive.write_batch(older["_id"], edit.spilled)
        drops = await self._archive.write_drops(older["_id"], history_ids(other), overlap.lost)
        content = to_document(edit.user, to_bson)
        after = {**older, **content, "batches": [*spilled, *drops]}
        change = told(ChangeKind.UPDATED, edit.user.updated_at)
        if await self._users.cas(older, after, change):
            await self.finish_batches(older["_id"])
        else:
            await self._archive.drop_batches([*spilled, *drops])
            await self.erase_late(older["_id"])

    def _combined(
        self, into: User, other: User, overlap: Overlap, merging: Document
    ) -> Edit | None:
        if merging["anonymousOnly"] and other.identified:
            return None
        device = merging["keep"]
        keep = Identity(kind=IdentityKind.DEVICE, value=device) if device else None
        try:
            return merged(into, other, overlap, from_bson(merging["at"]), self._limits, keep)
        except LimitExceeded:
            return None

    async def _move_claims(self, younger: Document, older_id: str) -> None:
        for key in keys_of(younger).union(await self._claims.of(younger["_id"])):
            await self._claims.move(key, younger["_id"], older_id)

    async def finish_batches(self, user_id: str) -> None:
        """Bring into the archive, or out of it, what a document names by its tokens."""
        while (user := await self._users.get(user_id)) and user["batches"]:
            if user["state"] != State.ACTIVE:
                return
            await self._archive.empty_batches(user_id, user["batches"])
            if await self._users.cas(user, {**user, "batches": []}):
                await self._archive.drop_batches(user["batches"])
            else:
                await self.erase_late(user_id)

    async def erase_late(self, user_id: str) -> None:
        """Erase what was archived too late for a user who has been deleted meanwhile."""
        user = await self.root(user_id)
        if user["state"] == State.DELETED:
            await self._archive.erase([user_id, user["_id"], *user["absorbed"]])

    # ------------------------------------------------------------ deleting

    async def delete(self, user: Document, now: datetime) -> bool:
        """Delete a settled user; return whether nobody wrote since the read."""
        change = told(ChangeKind.DELETED, now)
        if not await self._users.cas(user, _erased(user), change):
            return False
        await self.finish_delete(user["_id"])
        return True

    async def finish_delete(self, user_id: str) -> None:
        """Erase what a DELETED user left behind."""
        while True:
            user = await self._users.get(user_id)
            if user is None or user["state"] != State.DELETED or user["done"]:
                return
            for absorbed_id in user["absorbed"]:
                await self.finish_merge(absorbed_id)
            await self._archive.erase([user_id, *user["absorbed"]])
            for key in keys_of(user).union(await self._claims.of(user_id)):
                await self._claims.delete(key, user_id)
            done = {**user, "identities": [], "releasing": [], "done": True}
            if await self._users.cas(user, done):
                return


def _erased(user: Document) -> Document:
    """Return the document of a user who is being deleted: identities stay until they are free."""
    kept = {name: user[name] for name in ("identities", "absorbed")}
    return (
        emptied(user)
        | kept
        | {
            "state": State.DELETED,
            "merging": None,
            "version": user["version"] + 1,
        }
    )


def _merged_tombstone(younger: Document, older: Document) -> tuple[Document, Document]:
    """Return what is left of a merged user, and what the feed is told."""
    at = from_bson(younger["merging"]["at"])
    tombstone = emptied(younger) | {"done": True, "version": older["version"], "releasing": []}
    return tombstone, told(ChangeKind.MERGED, at)


def _deleted_with(younger: Document) -> Document:
    """Return what the feed is told of a user who goes before those who watch heard of the merge."""
    return told(ChangeKind.DELETED, from_bson(younger["merging"]["at"]))
