"""The identity protocol: an identity never has two owners, without transactions.

A claim decides who owns an identity; the copy in the user's document follows. Each step writes one
document. What somebody began and did not finish, because of a crash or a pause, whoever meets it
finishes; so every step may be done twice, or late.

- A creation inserts the user PENDING, then claims its identities in sorted order, then makes the
  user ACTIVE: that is the moment of creation.
- A joining notes in the user's document which identities shall come, and the content that stands
  then; claims them in sorted order; and makes that content stand: that is the moment of linking.
- A release notes in the document which claims shall go, while the identities leave the content;
  then deletes the claims, or passes a device's on to another user; then forgets the note.

Since all claim in the same order and let go of nothing until they end, whoever helps meets only
those who lack a greater identity: helping ends. A creation or joining gives way only to a user who
is there and has the identity. Whoever has to write to a user that is joining, and may not wait for
claims, breaks the joining off: whoever began it starts again.

Merging and deleting, the other half of the protocol, are in `merging`.
"""

from collections.abc import Iterable

from app.domain.change import ChangeKind
from app.domain.handover import arrived
from app.domain.identity import Identity, IdentityKind, LinkedIdentity
from app.domain.limits import Limits
from app.domain.user import User
from app.store.document import Document, to_device, to_document
from app.store.mongo.archive import Archive
from app.store.mongo.claims import Claims
from app.store.mongo.collections import from_bson, to_bson
from app.store.mongo.merging import Merging
from app.store.mongo.users import (
    State,
    Users,
    content_of,
    emptied,
    keys_of,
    new_document,
    new_token,
    told,
)


class Protocol:
    """Creates, joins and releases; every method may be called by anyone, at any time, twice."""

    def __init__(self, users: Users, claims: Claims, archive: Archive, limits: Limits) -> None:
        self._users = users
        self._claims = claims
        self._limits = limits
        self.merging = Merging(users, claims, archive, limits, self.break_off_join)

    # ------------------------------------------------------------ who owns what

    async def resolve(self, key: str, own: str | None = None) -> Document | None:
        """Return the user who owns an identity, and finish whatever is in the way.

        Args:
            key: The identity.
            own: The user whose creation or joining is being finished: its claim counts already.
        """
        while (claim := await self._claims.get(key)) is not None:
            user = await self._users.get(claim["user"])
            if user is None:
                raise AssertionError("A claim follows its user, and no user's document is removed.")
            if _holds(user, key, claim, own):
                if claim["payload"] and key in keys_of(user):
                    await self._claims.settle(key, user["_id"], claim["token"])
                return user
            await self._clear(key, claim, user)
        return None

    async def _clear(self, key: str, claim: Document, user: Document) -> None:
        """Take one step towards an answer about a claim that is not settled."""
        user_id = user["_id"]
        match user["state"]:
            case State.PENDING:
                await self.finish_create(user_id)
            case State.MERGED:
                await self.merging.finish_merge(user_id)
                after = await self._users.get(user_id)
                # A merge may have been undone by a deletion: only one that is done counts.
                if after and after["state"] == State.MERGED and after["done"]:
                    await self._claims.move(key, user_id, after["merging"]["into"])
            case State.DELETED:
                await self.merging.finish_delete(user_id)
                await self._claims.delete(key, user_id)
            case State.ABORTED:
                await self.finish_abort(user_id)
                await self._claims.delete(key, user_id)
            case _ if _is_joining(user, key, claim):
                await self.finish_join(user_id)
            case _ if any(entry["token"] == claim["token"] for entry in user["releasing"]):
                await self.finish_release(user_id)
            case _ if claim["mark"]:  # a leftover of a creation or joining that ended without it
                await self._claims.delete(key, user_id, claim["token"])
            case _:
                await self._embed(key, claim, user)

    async def _claim_all(self, user_id: str, joining: Document) -> bool:
        """Claim the identities that join a user; return whether none is somebody else's."""
        for key in sorted(joining["identities"]):
            while not await self._claims.insert(key, user_id, joining["token"]):
                owner = await self.resolve(key, own=user_id)
                if owner is not None and owner["_id"] != user_id:
                    return False
                if owner is not None:
                    break
        return True

    # ------------------------------------------------------------ creating

    async def create(self, user: User, batches: list[str], change: Document) -> bool:
        """Create the user with all identities at once; return whether none was somebody's.

        Args:
            user: Whose id nobody else has.
            batches: Under which tokens events of the user were written aside.
            change: What the feed is told.
        """
        document = new_document(user, State.PENDING)
        joining = new_joining(keys_of(document), after={}, change=change)
        await self._users.insert(document | {"batches": batches, "joining": joining})
        return await self.finish_create(user.id)

    async def finish_create(self, user_id: str) -> bool:
        """Bring a creation to its end, and return whether the user was created."""
        while True:
            user = await self._users.get(user_id)
            if user is None or user["state"] != State.PENDING:
                return user is not None and user["state"] != State.ABORTED
            if await self._claim_all(user_id, user["joining"]):
                if await self._users.cas(user, _joined(user), user["joining"]["change"]):
                    return True
            elif await self._users.cas(user, _aborted(user)):
                await self.finish_abort(user_id)
                return False

    async def finish_abort(self, user_id: str) -> None:
        """Free what a creation that gave way had claimed; of its user only the id stays."""
        while (user := await self._users.get(user_id)) and not user["done"]:
            for key in keys_of(user):
                await self._claims.delete(key, user_id)
            if await self._users.cas(user, {**user, "identities": [], "done": True}):
                return

    # ------------------------------------------------------------ joining

    async def foreign_owner(
        self, user_id: str, identities: Iterable[LinkedIdentity]
    ) -> tuple[LinkedIdentity, str] | None:
        """Return the first of the identities that somebody else has, and who."""
        for identity in identities:
            owner = await self.resolve(identity.key)
            if owner is not None and owner["_id"] != user_id:
                return identity, owner["_id"]
        return None

    async def join(
        self, user: Document, keys: Iterable[str], after: Document, change: Document | None
    ) -> bool:
        """Make `after` stand, with identities that come; return whether it does.

        Args:
            user: As read; somebody may have written since.
            keys: The identities.
            after: What the document keeps then.
            change: What the feed is told.
        """
        joining = new_joining(keys, after, change)
        noted = await self._users.cas(user, {**user, "joining": joining})
        if noted is None:
            return False
        await self.finish_join(user["_id"])
        return await self._users.has_landed(noted, joining["token"])

    async def finish_join(self, user_id: str) -> None:
        """Bring the user's joining to its end: its content stands, or the identities stay away."""
        while True:
            user = await self._users.get(user_id)
            if user is None or user["state"] != State.ACTIVE or user["joining"] is None:
                return
            if not await self._claim_all(user_id, user["joining"]):
                await self.break_off_join(user)
            elif await self._users.cas(user, _joined(user), user["joining"]["change"]):
                return

    async def break_off_join(self, user: Document) -> None:
        """End the user's joining without its identities, unless somebody wrote since the read."""
        if not await self._users.cas(user, {**user, "joining": None}):
            return
        for key in user["joining"]["identities"]:
            claim = await self._claims.get(key)
            if (
                claim
                and claim["user"] == user["_id"]
                and (claim["mark"] == user["joining"]["token"])
            ):
                await self._claims.delete(key, user["_id"], claim["token"])

    # ------------------------------------------------------------ releasing and passing on

    async def release_entries(
        self, user_id: str, identities: Iterable[Identity]
    ) -> list[Document] | None:
        """Return what to note before identities leave a user; None if a claim is not settled."""
        entries = []
        for identity in identities:
            claim = await self._claims.get(identity.key)
            if claim is None or claim["user"] != user_id:
                await self.resolve(identity.key)
                return None
            entries.append(
                {"identity": identity.key, "token": claim["token"], "to": None, "payload": None}
            )
        return entries

    async def finish_release(self, user_id: str) -> None:
        """Free the identities that left the user, or bring them to whom they were given."""
        while True:
            user = await self._users.get(user_id)
            if user is None or user["state"] != State.ACTIVE or not user["releasing"]:
                return
            # None is embedded before all are passed on: resolving one would come back here.
            for entry in user["releasing"]:
                await self._release(user_id, entry)
            for entry in user["releasing"]:
                if entry["to"]:
                    await self.resolve(entry["identity"])
            if await self._users.cas(user, {**user, "releasing": []}):
                return

    async def _release(self, user_id: str, entry: Document) -> None:
        if entry["to"]:
            taker = await self.merging.root(entry["to"])
            if taker["state"] != State.DELETED:
                await self._claims.pass_on(entry, user_id, taker["_id"])
                return
        await self._claims.delete(entry["identity"], user_id, entry["token"])

    async def _embed(self, key: str, claim: Document, user: Document) -> None:
        """Embed a device that was passed on in its new user's document."""
        if user["joining"]:
            await self.break_off_join(user)
            return
        # Read again after the user: else a merge that was undone could be taken for done.
        if await self._claims.get(key) != claim:
            return
        identity = Identity(kind=IdentityKind.DEVICE, value=key.partition(":")[2])
        payload = claim["payload"]
        if payload is None:  # arrived long ago, and released by a merge past the limit
            await self._claims.delete(key, user["_id"], claim["token"])
            return
        device = to_device(payload["device"], from_bson) if payload["device"] else None
        at = from_bson(payload["at"])
        before = content_of(user)
        edit = arrived(before, identity, device, at, self._limits)
        held = {linked.key for linked in edit.user.identities}
        leaving = [linked for linked in before.identities if linked.key not in held]
        entries = await self.release_entries(user["_id"], leaving)
        if entries is not None:
            content = to_document(edit.user, to_bson)
            after = {**user, **content, "releasing": [*user["releasing"], *entries]}
            await self._users.cas(user, after, told(ChangeKind.UPDATED, at))


def _holds(user: Document, key: str, claim: Document, own: str | None) -> bool:
    """Return whether the claim's user has the identity, or is about to and asks for itself."""
    if user["state"] == State.PENDING:
        return bool(user["_id"] == own)
    if user["state"] != State.ACTIVE:
        return False
    return key in keys_of(user) or (user["_id"] == own and _is_joining(user, key, claim))


def _is_joining(user: Document, key: str, claim: Document) -> bool:
    joining = user["joining"]
    if joining is None or key not in joining["identities"]:
        return False
    return bool(claim["mark"] == joining["token"])


def new_joining(keys: Iterable[str], after: Document, change: Document | None) -> Document:
    return {"token": new_token(), "identities": list(keys), "after": after, "change": change}


def _joined(user: Document) -> Document:
    """Return the document after its joining, or its creation."""
    joining = user["joining"]
    return {
        **user,
        **joining["after"],
        "state": State.ACTIVE,
        "joining": None,
        "tokens": [*user["tokens"], joining["token"]],
    }


def _aborted(user: Document) -> Document:
    """Return the document of a creation that gave way: nothing of its content is left."""
    kept = {"identities": user["identities"], "state": State.ABORTED}
    return emptied(user) | kept
