"""Strawberry as it comes, with Motor: async resolvers, and its own ASGI application."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import strawberry
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from tests.bench.peers.strawberry_inputs import (
    Criteria,
    EventInput,
    UserBy,
    UserChanges,
    UserNotFoundError,
    UserRecordEventsPayload,
    UserRecordEventsResult,
    UserUpdatePayload,
    UserUpdateResult,
)
from tests.bench.peers.strawberry_types import (
    SCALARS,
    Cursor,
    PageInfo,
    User,
    UserConnection,
    user_of,
)
from tests.bench.people import shown

NOBODY = UserNotFoundError(message="There is no such user.")

client: "AsyncIOMotorClient[dict[str, Any]]" = AsyncIOMotorClient(
    os.environ["STORE"], w="majority", readConcernLevel="majority"
)
people = client.get_default_database()["people"]


@strawberry.type
class Query:
    @strawberry.field
    async def user(self, by: UserBy) -> User | None:
        document = await people.find_one({"email": by.email})
        return user_of(document) if document else None

    @strawberry.field
    async def users(
        self, where: Criteria | None = None, first: int = 20, after: Cursor | None = None
    ) -> UserConnection:
        condition = _condition(where) if where else {}
        if after:
            condition["_id"] = {"$lt": after}
        cursor = people.find(condition).sort("_id", -1).limit(first + 1)
        found = [user_of(document) async for document in cursor]
        nodes = found[:first]
        end = Cursor(nodes[-1].id) if nodes else None
        page_info = PageInfo(has_next_page=len(found) > first, end_cursor=end)
        return UserConnection(nodes=nodes, page_info=page_info)


def _condition(where: Criteria) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    for part in where.all:
        if part.property:
            condition[f"properties.{part.property.name}"] = part.property.is_.equals
        if part.did:
            condition["activity.name"] = part.did.name
    return condition


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def user_update(self, user: UserBy, changes: UserChanges) -> UserUpdateResult | None:
        properties: Any = changes.properties.set
        fields = {f"properties.{name}": value for name, value in properties.items()}
        document = await people.find_one_and_update(
            {"email": user.email},
            {"$set": {**fields, "updatedAt": shown(datetime.now(UTC))}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return UserUpdatePayload(user=user_of(document)) if document else NOBODY

    @strawberry.mutation
    async def user_record_events(
        self, user: UserBy, events: list[EventInput]
    ) -> UserRecordEventsResult | None:
        document = await _record(user.email, events[0])
        if document is None:
            return NOBODY
        return UserRecordEventsPayload(user=user_of(document), recorded=1, duplicates=0)


async def _record(email: str, event: EventInput) -> dict[str, Any] | None:
    """Count an event that happened before where it stands; else begin to count it."""
    at = event.at or shown(datetime.now(UTC))
    stored: dict[str, Any] = {
        "id": event.id or str(uuid4()),
        "name": event.name,
        "at": at,
        "properties": event.properties or {},
    }
    kept = {"$each": [stored], "$position": 0, "$slice": 100}
    seen = {"updatedAt": at, "lastSeenAt": at}
    document = await people.find_one_and_update(
        {"email": email, "activity.name": event.name},
        {
            "$push": {"events": kept},
            "$set": {**seen, "activity.$.lastAt": at},
            "$inc": {"version": 1, "activity.$.count": 1},
        },
        return_document=ReturnDocument.AFTER,
    )
    if document:
        return document
    total = {"name": event.name, "count": 1, "firstAt": at, "lastAt": at}
    return await people.find_one_and_update(
        {"email": email, "activity.name": {"$ne": event.name}},
        {
            "$push": {"events": kept, "activity": {"$each": [total], "$sort": {"name": 1}}},
            "$set": seen,
            "$inc": {"version": 1},
        },
        return_document=ReturnDocument.AFTER,
    )


async def fill() -> None:
    """Insert everyone, by a client of its own: its event loop ends with it."""
    everyone = json.loads(await asyncio.to_thread(Path(os.environ["PEOPLE"]).read_text))
    filler: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["STORE"])
    collection = filler.get_default_database()["people"]
    await collection.create_index("email", unique=True)
    await collection.insert_many([{"_id": person.pop("id"), **person} for person in everyone])
    filler.close()


schema = strawberry.Schema(
    query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS)
)
app = GraphQL[Any, Any](schema)

if __name__ == "__main__":
    import uvicorn

    asyncio.run(fill())
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)
