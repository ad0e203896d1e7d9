"""Keys, a document each, without the keys themselves."""

from datetime import datetime

from app.domain.keys import Key, KeyRole
from app.store.document import Document
from app.store.mongo.collections import Collections, from_bson, to_bson


class Keys:
    """The collection `keys`."""

    def __init__(self, collections: Collections) -> None:
        self._keys = collections.keys

    async def read(self) -> list[Key]:
        return [_to_key(document) async for document in self._keys.find().sort("_id", 1)]

    async def insert(self, key: Key) -> None:
        await self._keys.insert_one(
            {
                "_id": key.id,
                "role": key.role.value,
                "trusting": key.trusting,
                "name": key.name,
                "fingerprint": key.fingerprint,
                "createdAt": to_bson(key.created_at),
                "revokedAt": None,
            }
        )

    async def revoke(self, id: str, now: datetime) -> bool:
        """Note since when the key opens nothing, and return whether there is such a key."""
        still_good = {"_id": id, "revokedAt": None}
        await self._keys.update_one(still_good, {"$set": {"revokedAt": to_bson(now)}})
        return await self._keys.find_one({"_id": id}) is not None


def _to_key(document: Document) -> Key:
    revoked_at = document["revokedAt"]
    return Key(
        id=document["_id"],
        role=KeyRole(document["role"]),
        trusting=document["trusting"],
        name=document["name"],
        fingerprint=document["fingerprint"],
        created_at=from_bson(document["createdAt"]),
        revoked_at=None if revoked_at is None else from_bson(revoked_at),
    )
