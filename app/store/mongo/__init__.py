"""MongoDB: a document a person, identities kept unique by a protocol of single-document writes."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from pymongo.errors import PyMongoError
from ulid import ULID

from app.domain.catalog import Catalog, Sightings
from app.domain.change import ChangeKind
from app.domain.criteria import Question
from app.domain.errors import Busy, DomainError, IdentityTaken, Unavailable, UserNotFound
from app.domain.events import Event
from app.domain.handover import departed, device_of
from app.domain.identity import Identity, LinkedIdentity
from app.domain.keys import Key
from app.domain.limits import Limits
from app.domain.listing import EventQuery, UserOrder, UserPosition
from app.domain.merge import merged, previewed
from app.domain.segment import Segments
from app.domain.times import show_utc
from app.domain.user import Edit, User, respelled, written_kind
from app.store import Entry, Merged, Outcome, Progress, Step, UserRef
from app.store.document import Document, from_device, rewritten, to_document, to_event
from app.store.mongo.archive import Archive, Batch, history_ids
from app.store.mongo.bulk import Bulk
from app.store.mongo.catalog import Names
from app.store.mongo.changes import ChangeStream, to_change, to_crossing
from app.store.mongo.claims import Claims
from app.store.mongo.collections import (
    DEFAULT_DATABASE,
    Collections,
    answering,
    connect,
    from_bson,
    stands_alone,
    to_bson,
)
from app.store.mongo.keys import Keys
from app.store.mongo.memberships import MongoMemberships
from app.store.mongo.merging import MergeTerms
from app.store.mongo.packed import unpacked
from app.store.mongo.protocol import Protocol
from app.store.mongo.readings import Readings
from app.store.mongo.repair import repair
from app.store.mongo.restoring import Restoring
from app.store.mongo.search import Search
from app.store.mongo.segments import SegmentsDocument
from app.store.mongo.together import Together, as_found_by
from app.store.mongo.users import State, Users, content_of, is_settled, keys_of, told
from app.store.reading import Instants, Reading, Shown

Result = TypeVar("Result")

FIRST_PAUSE_S: Final = 0.002
LONGEST_PAUSE_S: Final = 0.25


@asynccontextmanager
async def open_mongo(url: str, limits: Limits) -> AsyncIterator["MongoStore"]:
    """Connect to the database that the URL names, and make its indexes."""
    client = connect(url)
    try:
        try:
            alone = await stands_alone(client)
            database = client.get_default_database(DEFAULT_DATABASE)
            collections = Collections(database, stands_alone=alone)
            await collections.prepare()
        except PyMongoError as fault:
            raise Unavailable(f"The database cannot be used: {type(fault).__name__}.") from None
        yield MongoStore(collections, limits)
    finally:
        client.close()


class MongoStore:
    """The `Store` contract on a MongoDB database."""

    instants = Instants(to_bson, from_bson, show_utc)

    def __init__(self, collections: Collections, limits: Limits) -> None:
        self._collections = collections
        self._limits = limits
        self._users = Users(collections)
        self._claims = Claims(collections)
        self._archive = Archive(collections)
        self._protocol = Protocol(self._users, self._claims, self._archive, limits)
        self._merging = self._protocol.merging
        self._names = Names(collections, limits)
        self._segments = SegmentsDocument(collections)
        self._keys = Keys(collections)
        self._restoring = Restoring(
            collections, self._users, self._protocol, self._archive, self._names, limits
        )
        self._search = Search(collections, self._archive, limits.candidates)
        self.changes = ChangeStream(collections.database, collections.users, to_change)
        self.crossings = ChangeStream(collections.database, collections.memberships, to_crossing)
        self.memberships = MongoMemberships(collections, self._search)
        self._together = Together(self._change, limits.busy_s)
        self._readings = Readings(self._users, self._claims, self._search)

    # ------------------------------------------------------------ reading

    async def find(self, ref: UserRef) -> User | None:
        return (await self.find_many([ref]))[0]

    async def find_many(self, refs: Sequence[UserRef]) -> list[User | None]:
        with answering():
            found = await self._readings.documents(refs, None)
        return [None if document is None else content_of(document) for document in found]

    async def whose(self, ref: UserRef) -> str | None:
        with answering():
            (found,) = await self._readings.documents([ref], frozenset({"_id"}))
        return None if found is None else str(found["_id"])

    async def read(self, refs: Sequence[UserRef], reading: Reading[Shown]) -> list[Shown | None]:
        with answering():
            return await self._readings.read(refs, reading)

    async def page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None = None,
    ) -> list[User]:
        with answering():
            found = await self._search.page(question, order, first, after)
        return [content_of(document) for document in found]

    def at_hand(self, ref: UserRef, reading: Reading[Shown]) -> Shown | None:
        return None  # other processes write, and only the server knows

    async def read_page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None,
        reading: Reading[Shown],
    ) -> list[Shown]:
        with answering():
            return await self._readings.page(order, first, after, question, reading)

    async def count(self, question: Question | None = None) -> int:
        with answering():
            return await self._search.count(question)

    async def archived_by_key(self, user: User, keys: frozenset[str]) -> list[Event]:
        with answering():
            return (await self._search.archived_by_key([(user, keys)])).get(user.id, [])

    async def archived_by_id(self, user: User, event_ids: Sequence[str]) -> list[Event]:
        with answering():
            aside = await self._aside(user)
            archived = await self._archive.by_id(history_ids(user), event_ids)
        wanted = frozenset(event_ids)
        written_aside = [to_event(event, from_bson) for event in aside.events]
        return [*archived, *(event for event in written_aside if event.id in wanted)]

    async def _aside(self, user: User) -> Batch:
        """Return what is on its way into the user's archive, or out of it.

        It is read before the archive: what leaves it meanwhile is there when that is read.
        """
        document = await self._collections.users.find_one({"_id": user.id}, {"batches": 1})
        tokens = document["batches"] if document else []
        return await self._archive.read_batches(tokens) if tokens else Batch([], frozenset())

    async def archived_events(self, user: User, query: EventQuery, limit: int) -> list[Event]:
        with answering():
            aside = await self._aside(user)
            limit += len(aside.dropped)
            archived = await self._archive.page(history_ids(user), query, limit)
        kept = [event for event in archived if event["_id"] not in aside.dropped]
        return [to_event(event, from_bson) for event in (*kept, *aside.events)]

    async def segments(self) -> Segments:
        with answering():
            return await self._segments.read()

    async def change_segments(self, step: Callable[[Segments], tuple[Segments, Result]]) -> Result:
        with answering():
            return await self._segments.change(step)

    async def catalog(self) -> Catalog:
        with answering():
            return await self._names.read()

    async def keys(self) -> list[Key]:
        with answering():
            return await self._keys.read()

    # ------------------------------------------------------------ writing

    async def add_key(self, key: Key) -> None:
        with answering():
            await self._keys.insert(key)

    async def revoke_key(self, id: str, now: datetime) -> bool:
        with answering():
            return await self._keys.revoke(id, now)

    async def create(self, edit: Edit) -> Edit:
        with answering():
            return await self._persist(lambda: self._try_create(edit))

    async def change(self, ref: UserRef, step: Step, event_ids: Collection[str] = ()) -> Edit:
        with answering():
            user_id = ref if isinstance(ref, str) else await self._owner(ref)
        return await self._together.change(user_id, as_found_by(ref, step), event_ids)

    async def _change(self, user_id: str, step: Step, event_ids: Collection[str]) -> Edit:
        with answering():
            edit = await self._try_quickly(user_id, step, event_ids)
            if edit is not None:
                return edit
            return await self._persist(lambda: self._try_change(user_id, step, event_ids))

    async def _owner(self, identity: Identity) -> str:
        owners = await self._readings.owners([identity.key])
        if identity.key not in owners:
            raise UserNotFound
        return owners[identity.key]

    async def _persist(self, attempt: Callable[[], Awaitable[Result | None]]) -> Result:
        """Attempt until nobody else is faster.

        It gives up between attempts only, so that whoever gives up has written nothing.
        """
        clock = asyncio.get_running_loop().time
        deadline, pause_s = clock() + self._limits.busy_s, FIRST_PAUSE_S
        while (result := await attempt()) is None:
            if clock() > deadline:
                raise Busy
            await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311 (to part the rivals)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return result

    async def _try_create(self, edit: Edit) -> Edit | None:
        """Create the user under an id of its own, or return None to try again with another."""
        await self._refuse_taken(edit.user.id, edit.user.identities)
        edit = respelled(edit, await self._names.coin(edit.sightings, edit.coiner))
        user = edit.user.model_copy(update={"id": str(ULID.from_datetime(edit.user.created_at))})
        batches = await self._archive.write_batch(user.id, edit.spilled)
        recorded_ids = [event.id for event in edit.recorded]
        change = told(ChangeKind.CREATED, user.created_at, recorded_ids)
        if not await self._protocol.create(user, batches, change):
            await self._archive.drop_batches(batches)
            return None
        await self._merging.finish_batches(user.id)
        return replace(edit, user=user)

    async def _try_quickly(
        self, user_id: str, step: Step, event_ids: Collection[str]
    ) -> Edit | None:
        """Change the user as `_try_change` does, by a read shared with others; None to do that.

        What is read so may be a moment old. A write finds out; what is decided without one is
        believed only if nobody wrote meanwhile.
        """
        document = await self._readings.packed(user_id)
        if document is None or document["state"] != State.ACTIVE or not is_settled(document):
            return None
        before = content_of(document)
        try:
            edit = await self._decided(before, step, event_ids)
        except DomainError:
            if await self._users.is_unchanged(document):
                raise
            return None
        if edit.user == before:
            return edit if await self._users.is_unchanged(document) else None
        return await self._kept(document, before, edit)

    async def _try_change(
        self, user_id: str, step: Step, event_ids: Collection[str]
    ) -> Edit | None:
        """Change the user, or return None if somebody else was faster."""
        document = await self._settled(user_id)
        before = content_of(document)
        edit = await self._decided(before, step, event_ids)
        return edit if edit.user == before else await self._kept(document, before, edit)

    async def _decided(self, before: User, step: Step, event_ids: Collection[str]) -> Edit:
        """Return what a step makes of a user."""
        known: frozenset[str] = frozenset()
        if before.archived and event_ids:
            known = await self._archive.known(history_ids(before), event_ids)
        return step(before, known)

    async def _kept(self, document: Document, before: User, edit: Edit) -> Edit | None:
        """Write what a user became, or return None if somebody else was faster."""
        held = {identity.key for identity in edit.user.identities}
        linked = [i for i in edit.user.identities if i.key not in keys_of(document)]
        unlinked = [i for i in before.identities if i.key not in held]
        try:
            await self._refuse_taken(before.id, linked)
        except IdentityTaken:
            # Whoever has it may be whom this user was merged into.
            if await self._users.is_unchanged(document):
                raise
            return None
        releasing = await self._protocol.release_entries(before.id, unlinked)
        if releasing is None:
            return None
        edit = respelled(edit, await self._names.coin(edit.sightings, edit.coiner))
        batches = await self._archive.write_batch(before.id, edit.spilled)
        after = rewritten(document, before, edit.user, to_bson)
        after |= {"releasing": releasing, "batches": batches}
        change = _told_of(before, edit)
        kept = await (
            self._protocol.join(document, [i.key for i in linked], unpacked(after), change)
            if linked
            else self._users.cas(document, document | after, change)
        )
        if not kept:
            await self._forget_spilled(before, batches)
            return None
        await self._finish(before.id, after)
        return edit

    async def take_in(
        self, entries: Sequence[Entry], *, dry_run: bool = False, most_per_user: int | None = None
    ) -> list[Outcome]:
        with answering():
            bulk = Bulk(self, self._archive, self._names, self._limits)
            return await bulk.take_in(entries, dry_run=dry_run, most_per_user=most_per_user)

    async def whole(self, user_id: str) -> User | None:
        with answering():
            return await self._restoring.whole(user_id)

    async def restore(self, user: User, sightings: Sightings) -> bool:
        with answering():
            return await self._restoring.restore(user, sightings)

    async def deleted_ids(self, first: int, after: str = "") -> list[str]:
        with answering():
            return await self._restoring.deleted_ids(first, after)

    async def bury(self, user_id: str) -> None:
        with answering():
            await self._restoring.bury(user_id)

    async def coin(self, sightings: Sightings) -> None:
        with answering():
            await self._names.coin(sightings)

    async def progress(self, source: str) -> Progress:
        with answering():
            return await self._restoring.progress(source)

    async def note_progress(self, source: str, progress: Progress) -> None:
        with answering():
            await self._restoring.note_progress(source, progress)

    async def _settled(self, user_id: str) -> Document:
        """Return the document of a user, or of the survivor, with nothing left to finish in it."""
        document = await self._users.get(user_id)
        if document is None:
            raise UserNotFound
        if document["state"] == State.MERGED:
            document = await self._merging.root(user_id)
        while document["state"] == State.ACTIVE:
            if is_settled(document):
                return document
            await self._finish(document["_id"], document)
            document = await self._merging.root(user_id)
        raise UserNotFound

    async def _finish(self, user_id: str, document: Document) -> None:
        """Finish what a writer noted in the document of this user."""
        if document.get("joining"):
            await self._protocol.finish_join(user_id)
        if document["releasing"]:
            await self._protocol.finish_release(user_id)
        if document["batches"]:
            await self._merging.finish_batches(user_id)

    async def _refuse_taken(self, user_id: str, identities: Sequence[LinkedIdentity]) -> None:
        if taken := await self._protocol.foreign_owner(user_id, identities):
            identity, owner_id = taken
            raise IdentityTaken(identity.identity, owner_id)

    async def _forget_spilled(self, before: User, batches: list[str]) -> None:
        """Take back what was archived for a write that came too late: after a deletion, all."""
        if batches:
            await self._archive.drop_batches(batches)
            await self._merging.erase_late(before.id)

    async def transfer(self, identity: Identity, from_id: str, to_id: str, now: datetime) -> bool:
        with answering():
            return await self._persist(lambda: self._try_transfer(identity, from_id, to_id, now))

    async def _try_transfer(
        self, identity: Identity, from_id: str, to_id: str, now: datetime
    ) -> bool | None:
        giver, taker = await self._settled(from_id), await self._settled(to_id)
        if identity.key not in keys_of(giver):
            return False
        if giver["_id"] == taker["_id"]:
            return True
        entries = await self._protocol.release_entries(giver["_id"], [identity])
        if entries is None:
            return None
        before = content_of(giver)
        device = device_of(before, identity)
        payload = {"device": device and from_device(device, to_bson), "at": to_bson(now)}
        entry = entries[0] | {"to": taker["_id"], "payload": payload}
        content = to_document(departed(before, identity, now).user, to_bson)
        after = {**giver, **content, "releasing": [entry]}
        if not await self._users.cas(giver, after, told(ChangeKind.UPDATED, now)):
            return None
        await self._protocol.finish_release(giver["_id"])
        return True

    async def merge(
        self,
        into_id: str,
        other_id: str,
        now: datetime,
        *,
        anonymous_only: bool = False,
        keep: Identity | None = None,
        dry_run: bool = False,
    ) -> Merged | None:
        terms = MergeTerms(now, anonymous_only, keep)

        async def attempt() -> tuple[Merged | None] | None:
            return await self._try_merge(into_id, other_id, terms, dry_run=dry_run)

        with answering():
            (outcome,) = await self._persist(attempt)
        return outcome

    async def _try_merge(
        self, into_id: str, other_id: str, terms: MergeTerms, *, dry_run: bool
    ) -> tuple[Merged | None] | None:
        """Return the outcome, which may be None, in a tuple; None itself to try again."""
        into, other = await self._settled(into_id), await self._settled(other_id)
        if into["_id"] == other["_id"] or (terms.anonymous_only and other["identified"]):
            return (None,)
        if not await self._users.is_unchanged(into):
            return None  # the two were not so at one instant: one may hold the other already
        into_user, other_user = content_of(into), content_of(other)
        overlap = await self._archive.overlap(into_user, other_user)
        edit = merged(into_user, other_user, overlap, terms.now, self._limits, terms.keep)
        absorbed_id = max(into_user.id, other_user.id)
        if dry_run:
            lost = [event.id for event in overlap.lost if event.archived]
            copies = await self._archive.by_id(history_ids(into_user), lost)
            return (Merged(previewed(edit, copies), absorbed_id),)
        survivor = await self._merging.merge(into, other, terms)
        if survivor is None:
            return None
        for linked in (*into_user.identities, *other_user.identities):
            if not edit.user.has(linked.identity):  # a device past the limit: free its claim
                await self._protocol.resolve(linked.key)
        left = content_of(survivor) if survivor["state"] == State.ACTIVE else edit.user
        return (Merged(left, absorbed_id),)

    async def delete(self, user_id: str, now: datetime) -> str:
        async def attempt() -> str | None:
            document = await self._settled(user_id)
            return document["_id"] if await self._merging.delete(document, now) else None

        with answering():
            deleted = await self._persist(attempt)
        self._readings.forget(deleted)
        return deleted

    async def repair(self) -> Mapping[str, int]:
        with answering():
            return await repair(self._collections, self._users, self._protocol, self._archive)

    # ------------------------------------------------------------ the server

    async def ping(self) -> None:
        with answering():
            await self._collections.database.command("ping")


def _told_of(before: User, edit: Edit) -> Document | None:
    """Return what the feed is told of an edit; nothing if nothing of interest changed."""
    kind = written_kind(before, edit.user)
    if kind is None:
        return None
    return told(kind, edit.user.updated_at, [event.id for event in edit.recorded])
