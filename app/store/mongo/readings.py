"""Reading people: of whoever was shown before, only whether they were written to since.

Any process may write at any time, so that every read asks the server. But what was shown of a
document stands for as long as its revision, which grows with every write; so it is enough to ask
for that, and to read again only whom somebody wrote to. An answer is as of the read, as ever.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.criteria import Question
from app.domain.listing import UserOrder, UserPosition
from app.store import UserRef
from app.store.document import Document
from app.store.kept import Kept
from app.store.mongo.claims import Claims
from app.store.mongo.gathered import Gathered
from app.store.mongo.search import Search
from app.store.mongo.users import State, Users, keys_of
from app.store.reading import Reading, Shown

MAX_WHOLE: Final = 100
"""How many whole documents one read asks for: as many as the server answers at once."""

_REVISION: Final = frozenset({"revision"})


class Readings:
    """Reads people, one by one or in pages.

    Attributes:
        owners: Reads who owns each of some identities, for all who ask meanwhile at once.
    """

    def __init__(self, users: Users, claims: Claims, search: Search) -> None:
        self._users = users
        self._search = search
        self._kept = Kept()
        self.owners = Gathered(lambda keys, _: claims.owners(keys))
        self._standing = Gathered(lambda ids, fields: users.standing(ids, fields))
        self._packed = Gathered(lambda ids, _: users.packed(ids), MAX_WHOLE)
        self._revisions = Gathered(lambda ids, _: users.revisions(ids))

    async def documents(
        self, refs: Sequence[UserRef], fields: frozenset[str] | None
    ) -> list[Document | None]:
        """Return the document of each, or None for nobody."""
        owners = await self.owners([ref.key for ref in refs if not isinstance(ref, str)])
        ids = {*owners.values(), *(ref for ref in refs if isinstance(ref, str))}
        standing = await self._standing(ids, fields)
        # An embedded identity is owned, also one that was claimed after the claims were read.
        named = {key: document for document in standing.values() for key in keys_of(document)}
        return [standing.get(ref) if isinstance(ref, str) else named.get(ref.key) for ref in refs]

    async def packed(self, user_id: str) -> Document | None:
        """Return the document of who stands for an id, to be changed, or None for nobody."""
        return (await self._packed([user_id])).get(user_id)

    async def read(self, refs: Sequence[UserRef], reading: Reading[Shown]) -> list[Shown | None]:
        """Return what a reading shows of each, or None for nobody."""
        shown = await self._again([_name_of(ref) for ref in refs], reading)
        others = [ref for ref, kept in zip(refs, shown, strict=True) if kept is None]
        if not others:
            return shown
        documents = await self.documents(others, _with_revision(reading.fields))
        afresh = iter(
            None if document is None else self._shown_by(_name_of(ref), document, reading)
            for ref, document in zip(others, documents, strict=True)
        )
        return [next(afresh) if kept is None else kept for kept in shown]

    async def _again(self, names: Sequence[str], reading: Reading[Shown]) -> list[Shown | None]:
        """Return what is kept of each whom nobody wrote to since.

        Whoever embeds an identity owns it: there is no need to look who claims it.
        """
        owners = [self._kept.owner(name, reading) for name in names]
        revisions = await self._revisions({owner for owner in owners if owner is not None})
        return [
            None if owner is None else self._kept.shown(name, owner, revisions.get(owner), reading)
            for name, owner in zip(names, owners, strict=True)
        ]

    def _shown_by(self, name: str, document: Document, reading: Reading[Shown]) -> Shown:
        """Return what a reading shows, and keep it if the document itself says that it is found.

        The id of somebody merged finds a document that knows nothing of its own being asked for.
        """
        says_so = name == document["_id"] or name in keys_of(document)
        if says_so and document["state"] == State.ACTIVE:
            return self._shown(name, document, reading)
        return reading.show(document)

    async def page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None,
        reading: Reading[Shown],
    ) -> list[Shown]:
        """Return what a reading shows of each user on a page."""
        wanted = _with_revision(reading.fields)
        if not reading.lasts:
            found = await self._search.page(question, order, first, after, wanted)
            return [reading.show(document) for document in found]
        revisions = await self._search.revisions(question, order, first, after)
        shown = None if revisions is None else await self._as_of(revisions, reading)
        if shown is not None:
            return shown
        # Some have to be looked at, or were written to meanwhile, and may stand elsewhere now.
        found = await self._search.page(question, order, first, after, wanted)
        return [self._shown(document["_id"], document, reading) for document in found]

    async def _as_of(
        self, revisions: Mapping[str, int], reading: Reading[Shown]
    ) -> list[Shown] | None:
        """Return what a reading shows of users as of these revisions; None if somebody wrote."""
        kept = {id: self._kept.shown(id, id, revisions[id], reading) for id in revisions}
        others = {id: revisions[id] for id, shown in kept.items() if shown is None}
        wanted = _with_revision(reading.fields)
        documents = await self._users.as_of(others, wanted) if others else {}
        if documents is None:
            return None
        return [
            self._shown(id, documents[id], reading) if shown is None else shown
            for id, shown in kept.items()
        ]

    def _shown(self, name: str, document: Document, reading: Reading[Shown]) -> Shown:
        """Return what a reading shows of a user whom a name finds, and keep it."""
        shown = reading.show(document)
        self._kept.keep(name, document["_id"], document["revision"], reading, shown)
        return shown

    def forget(self, user_id: str) -> None:
        """Keep nothing of a user who was erased."""
        self._kept.forget(user_id)


def _name_of(ref: UserRef) -> str:
    return ref if isinstance(ref, str) else ref.key


def _with_revision(fields: frozenset[str] | None) -> frozenset[str] | None:
    return None if fields is None else fields | _REVISION
