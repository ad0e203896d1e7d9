"""People who come back from elsewhere, ids that were deleted there, and how far files came.

A person comes back as one is created: PENDING, then the claims, then ACTIVE. The documents of those
whom the person absorbed are put in between, so that their ids find the person at that moment; as
long as the person is PENDING, or if the creation gives way, they find nobody.
"""

from datetime import UTC, datetime
from typing import Final

from app.domain.catalog import Sightings
from app.domain.change import ChangeKind
from app.domain.errors import Busy, IdentityTaken, InvalidInput
from app.domain.limits import Limits
from app.domain.profile import check_same
from app.domain.user import User, folded, new_user, respelled, unfolded
from app.store import Progress
from app.store.document import Document
from app.store.mongo.archive import Archive, history_ids
from app.store.mongo.catalog import Names
from app.store.mongo.collections import Collections
from app.store.mongo.protocol import Protocol, new_joining
from app.store.mongo.users import State, Users, content_of, keys_of, new_document, told
from app.store.restored import known_id

MAX_READS: Final = 100
"""How often a person is read anew whom others write to meanwhile."""

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Restoring:
    """Brings people back, by steps that may be done again after a crash."""

    def __init__(
        self,
        collections: Collections,
        users: Users,
        protocol: Protocol,
        archive: Archive,
        names: Names,
        limits: Limits,
    ) -> None:
        self._collections = collections
        self._users = users
        self._protocol = protocol
        self._archive = archive
        self._names = names
        self._limits = limits

    async def whole(self, user_id: str) -> User | None:
        """Return a user with all events."""
        for _ in range(MAX_READS):
            document = (await self._users.standing([user_id])).get(user_id)
            if document is None:
                return None
            user = content_of(document)
            if not user.archived:
                return unfolded(user, ())
            events = await self._archive.all_of(user, document["batches"])
            if await self._users.is_unchanged(document):
                return unfolded(user, events)
        raise Busy

    async def restore(self, user: User, sightings: Sightings) -> bool:
        """Keep a user with all events and ids; return whether it was not there yet."""
        document = await self._users.get(user.id)
        if document and document["state"] == State.PENDING:  # somebody crashed right here
            await self._finish(user)
        if document and (there := await self.whole(user.id)):
            check_same(there, user)
            await self._absorb(user)  # whoever brought the user back may have crashed before this
            await self._protocol.merging.finish_batches(user.id)
            return False
        await self._refuse_known(user)
        await self._refuse_taken(user)
        await self._insert(user, sightings)
        await self._finish(user)
        return True

    async def _refuse_known(self, user: User) -> None:
        for position, id in enumerate(history_ids(user)):
            document = await self._users.get(id)
            if document and document["state"] == State.ABORTED:
                raise InvalidInput(
                    "Bringing this person back gave way to whoever took an identity of theirs at "
                    "the same moment; the id cannot be used any more.",
                    ("id",),
                )
            if document and not (position and _is_of(document, user)):
                raise known_id(position)

    async def _refuse_taken(self, user: User) -> None:
        taken = await self._protocol.foreign_owner(user.id, user.identities)
        if taken:
            identity, owner_id = taken
            raise IdentityTaken(identity.identity, owner_id)

    async def _insert(self, user: User, sightings: Sightings) -> None:
        """Insert the user PENDING, so that nobody finds it yet."""
        edit = respelled(folded(user, self._limits), await self._names.coin(sightings))
        batches = await self._archive.write_batch(user.id, edit.spilled)
        document = new_document(edit.user, State.PENDING)
        change = told(ChangeKind.CREATED, user.updated_at)
        joining = new_joining(keys_of(document), after={}, change=change)
        if not await self._users.insert_if_absent(
            document | {"batches": batches, "joining": joining}
        ):
            await self._archive.drop_batches(batches)
            raise Busy  # somebody else brings back the same person at this moment

    async def _finish(self, user: User) -> None:
        """Put what leads to a PENDING user, and let it be found."""
        await self._absorb(user)
        if not await self._protocol.finish_create(user.id):
            await self._refuse_taken(user)
            raise InvalidInput("Whoever took one of the identities meanwhile has gone.", ("id",))
        await self._protocol.merging.finish_batches(user.id)

    async def _absorb(self, user: User) -> None:
        for id in user.absorbed:
            absorbed = new_document(new_user(id, user.created_at), State.MERGED)
            merging = {"into": user.id, "winner": user.id, "at": user.created_at, "token": ""}
            await self._users.insert_if_absent(absorbed | {"merging": merging, "done": True})

    async def deleted_ids(self, first: int, after: str) -> list[str]:
        """Return ids of which nobody stands: deleted, or merged into somebody who was."""
        found: list[str] = []
        while len(found) < first:
            query = {"state": {"$in": [State.DELETED, State.MERGED]}, "_id": {"$gt": after}}
            some = self._collections.users.find(query, {"_id": 1}).sort("_id").limit(first)
            ids = [document["_id"] async for document in some]
            if not ids:
                break
            standing = await self._users.standing(ids)
            found += [id for id in ids if id not in standing]
            after = ids[-1]
        return found[:first]

    async def bury(self, user_id: str) -> None:
        """Keep an id from ever finding anybody."""
        nobody = new_user(user_id, _LONG_AGO)
        if await self._users.insert_if_absent(new_document(nobody, State.DELETED) | {"done": True}):
            return
        document = await self._users.get(user_id)
        if document is None or document["state"] != State.DELETED:
            raise InvalidInput("A person with this id is here.", ("deleted",))

    async def progress(self, source: str) -> Progress:
        document = await self._collections.imports.find_one({"_id": source})
        if document is None:
            return Progress()
        return Progress(document["line"], document["rejected"], document["finished"])

    async def note_progress(self, source: str, progress: Progress) -> None:
        document = {
            "line": progress.line,
            "rejected": progress.rejected,
            "finished": progress.finished,
        }
        await self._collections.imports.replace_one({"_id": source}, document, upsert=True)


def _is_of(document: Document, user: User) -> bool:
    """Return whether this is the document of one whom the user absorbed."""
    return bool(document["state"] == State.MERGED and document["merging"]["into"] == user.id)
