"""Who owns an identity: one document an identity, so that two owners cannot be.

    {_id: identity, user, token, mark, payload}

`token` is fresh whenever a claim is put or passed on. `mark` names the creation or joining that put
the claim; once that has ended without the identity, the claim is a leftover and may be taken away.
A claim that was passed on has no mark, but the device as a payload, until the user embeds it.
"""

import asyncio
from collections.abc import Collection

from pymongo.errors import ConnectionFailure, DuplicateKeyError, WTimeoutError

from app.domain.errors import Unavailable
from app.store.document import Document
from app.store.mongo.collections import Collections
from app.store.mongo.users import REPEAT_AFTER_S, REPETITIONS, new_token


class Claims:
    """The collection `claims`, by the single-document steps of the protocol."""

    def __init__(self, collections: Collections) -> None:
        self._claims = collections.claims
        self._claims_now = collections.claims_now

    async def get(self, key: str) -> Document | None:
        """Return the claim of an identity as it is at this instant."""
        return await self._claims_now.find_one({"_id": key})

    async def owners(self, keys: Collection[str]) -> dict[str, str]:
        """Return the user of each identity that is claimed, by identity."""
        found = self._claims.find({"_id": {"$in": list(keys)}})
        return {claim["_id"]: claim["user"] for claim in await found.to_list(None)}

    async def insert(self, key: str, user_id: str, mark: str) -> bool:
        """Claim an identity for a user, and return whether it was free.

        May be repeated after a lost answer: if an earlier try lands late, its mark shows that it
        is a leftover.
        """
        token = new_token()
        for _ in range(REPETITIONS):
            try:
                await self._claims.insert_one(
                    {"_id": key, "user": user_id, "token": token, "mark": mark, "payload": None}
                )
                return True
            except DuplicateKeyError:
                claim = await self.get(key)
                return claim is not None and claim["token"] == token
            except (ConnectionFailure, WTimeoutError):
                await asyncio.sleep(REPEAT_AFTER_S)
        raise Unavailable("The database does not answer; whether it wrote is unknown.")

    async def of(self, user_id: str) -> list[str]:
        """Return the identities claimed for a user; may lag."""
        return [claim["_id"] async for claim in self._claims.find({"user": user_id}, {"_id": 1})]

    async def move(self, key: str, from_id: str, to_id: str) -> None:
        """Give a merged user's claim to the survivor; mark and payload stay."""
        await self._claims.update_one(
            {"_id": key, "user": from_id}, {"$set": {"user": to_id, "token": new_token()}}
        )

    async def pass_on(self, entry: Document, from_id: str, to_id: str) -> None:
        """Give a device that left a user to another, by the very claim that was noted."""
        passed = {"user": to_id, "token": new_token(), "mark": None, "payload": entry["payload"]}
        await self._claims.update_one(
            {"_id": entry["identity"], "user": from_id, "token": entry["token"]}, {"$set": passed}
        )

    async def settle(self, key: str, user_id: str, token: str) -> None:
        """Take the payload out of a claim, once the user embeds it."""
        await self._claims.update_one(
            {"_id": key, "user": user_id, "token": token}, {"$set": {"payload": None}}
        )

    async def delete(self, key: str, user_id: str, token: str | None = None) -> None:
        """Free an identity, if it is still this user's, by this very claim where one is named."""
        claim = {"_id": key, "user": user_id}
        await self._claims.delete_one(claim if token is None else claim | {"token": token})
