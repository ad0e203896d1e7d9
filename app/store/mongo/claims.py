"""Who owns an identity: one document an identity, so that two owners cannot be.

    {_id: identity, user, token, mark}

`token` is fresh at each insert. `mark` names the creation or joining that put the claim; once that
has ended without the identity, the claim is a leftover and may be taken away.
"""

import asyncio
from collections.abc import Sequence

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

    async def owners(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the user of each identity that is claimed, by identity."""
        found = self._claims.find({"_id": {"$in": list(keys)}})
        return {claim["_id"]: claim["user"] async for claim in found}

    async def insert(self, key: str, user_id: str, mark: str) -> bool:
        """Claim an identity for a user, and return whether it was free.

        May be repeated after a lost answer: if an earlier try lands late, its mark shows that it
        is a leftover.
        """
        token = new_token()
        for _ in range(REPETITIONS):
            try:
                await self._claims.insert_one(
                    {"_id": key, "user": user_id, "token": token, "mark": mark}
                )
                return True
            except DuplicateKeyError:
                claim = await self.get(key)
                return claim is not None and claim["token"] == token
            except (ConnectionFailure, WTimeoutError):
                await asyncio.sleep(REPEAT_AFTER_S)
        raise Unavailable("The database does not answer; whether it wrote is unknown.")

    async def delete(self, key: str, user_id: str, token: str | None = None) -> None:
        """Free an identity, if it is still this user's, by this very claim where one is named."""
        claim = {"_id": key, "user": user_id}
        await self._claims.delete_one(claim if token is None else claim | {"token": token})
