"""The collections of a database, how they are read and written, and which indexes they have."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError, ConfigurationError, ConnectionFailure, InvalidURI
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from app.domain.errors import Unavailable

Collection = AsyncIOMotorCollection[dict[str, Any]]

FORMAT: Final = 3
"""The version of the collections and documents; a database with a higher one is refused."""

DEFAULT_DATABASE: Final = "profilegraph"
DUPLICATE_KEY: Final = 11_000

CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(tz_aware=False)
"""BSON's instants are UTC; to have the driver say so of each takes half of its decoding."""

_PACKED: Final = CodecOptions(document_class=RawBSONDocument)
"""Leaves documents as the bytes they are."""

_DURABLE: Final = WriteConcern("majority", j=True)

INDEXES: Final[dict[str, list[IndexModel]]] = {
    "users": [
        IndexModel([("state", ASCENDING), ("_id", ASCENDING)], name="by_id"),
        IndexModel(
            [("state", ASCENDING), ("lastSeenAt", DESCENDING), ("_id", DESCENDING)],
            name="by_last_seen",
        ),
        IndexModel([("properties.k", ASCENDING), ("properties.v", ASCENDING)], name="by_property"),
        IndexModel([("properties.k", ASCENDING), ("properties.f", ASCENDING)], name="by_text"),
        IndexModel([("activity.key", ASCENDING), ("activity.lastAt", ASCENDING)], name="by_event"),
        IndexModel(
            [("identities.kind", ASCENDING), ("identities.value", ASCENDING)], name="by_identity"
        ),
        *(
            IndexModel([(field, ASCENDING)], name=f"by_{field.replace('.', '_')}")
            for field in ("birthday", "email", "phone", "createdAt", "language", "name")
        ),
        IndexModel([("location.country", ASCENDING), ("folded.city", ASCENDING)], name="by_place"),
    ],
    "claims": [IndexModel([("user", ASCENDING)], name="by_user")],
    "event_archive": [
        IndexModel([("user", ASCENDING), ("id", ASCENDING)], name="by_event"),
        IndexModel([("droppedOf", ASCENDING)], name="by_dropped", sparse=True),
        IndexModel([("user", ASCENDING), ("at", DESCENDING), ("id", DESCENDING)], name="by_time"),
        IndexModel(
            [("user", ASCENDING), ("key", ASCENDING), ("at", DESCENDING), ("id", DESCENDING)],
            name="by_name",
        ),
    ],
    "memberships": [
        IndexModel([("due", ASCENDING)], name="by_due", sparse=True),
        IndexModel([("user", ASCENDING)], name="by_user"),
        IndexModel([("segment", ASCENDING)], name="by_segment"),
    ],
    "keys": [IndexModel([("fingerprint", ASCENDING)], name="by_fingerprint", unique=True)],
    "event_batches": [
        IndexModel([("token", ASCENDING)], name="by_token"),
        IndexModel([("user", ASCENDING)], name="by_user"),
    ],
}


def to_bson(instant: datetime) -> datetime:
    """Return an instant, which is UTC, as BSON keeps it: without saying so."""
    return instant.replace(tzinfo=None)


def from_bson(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)


class Collections:
    """Every write is durable on a majority; reads see only what is.

    Attributes:
        users: A document a person.
        users_packed: The same, read as bytes.
        users_now: The same, read as of this instant: where acting on a moment ago would be wrong.
        claims_now: Who owns each identity, read as of this instant.
    """

    def __init__(
        self, database: "AsyncIOMotorDatabase[dict[str, Any]]", *, stands_alone: bool = False
    ) -> None:
        # A server without a replica set refuses linearizable reads, and needs none.
        now = "local" if stands_alone else "linearizable"
        self.database = database
        self.users = _collection(database, "users", "majority")
        self.users_packed: Any = database.get_collection(
            "users", codec_options=_PACKED, read_concern=ReadConcern("majority")
        )
        self.users_now = _collection(database, "users", now)
        self.claims = _collection(database, "claims", "majority")
        self.claims_now = _collection(database, "claims", now)
        self.event_archive = _collection(database, "event_archive", "majority")
        self.event_batches = _collection(database, "event_batches", "majority")
        self.catalog = _collection(database, "catalog", "majority")
        self.coined = _collection(database, "coined", "majority")
        self.segments = _collection(database, "segments", "majority")
        self.memberships = _collection(database, "memberships", "majority")
        self.leadership = _collection(database, "leadership", "majority")
        self.imports = _collection(database, "imports", "majority")
        self.keys = _collection(database, "keys", "majority")
        self.meta = _collection(database, "meta", "majority")

    async def prepare(self) -> None:
        """Make the indexes, and note the format.

        Raises:
            Unavailable: a newer version of this program wrote the data.
        """
        await self.meta.update_one({"_id": "format"}, {"$max": {"version": FORMAT}}, upsert=True)
        found = await self.meta.find_one({"_id": "format"})
        if found and found["version"] > FORMAT:
            raise Unavailable(
                f"The database has format {found['version']}; this version knows up to {FORMAT}."
            )
        for name, indexes in INDEXES.items():
            await self.database[name].create_indexes(indexes)


def _collection(
    database: "AsyncIOMotorDatabase[dict[str, Any]]", name: str, read_level: str
) -> Collection:
    return database.get_collection(
        name,
        codec_options=CODEC,
        read_concern=ReadConcern(read_level),
        write_concern=_DURABLE,
    )


def connect(url: str) -> "AsyncIOMotorClient[dict[str, Any]]":
    """Return a client that gives up on a silent server; the URL's own options count.

    Raises:
        ValueError: the URL is no MongoDB URL.
    """
    patience = {
        "serverSelectionTimeoutMS": 5_000,
        "connectTimeoutMS": 5_000,
        "socketTimeoutMS": 20_000,
    }
    given = {name for name in patience if name.casefold() in url.casefold()}
    try:
        options: dict[str, Any] = {n: ms for n, ms in patience.items() if n not in given}
        return AsyncIOMotorClient(url, **options)
    except (InvalidURI, ConfigurationError) as fault:
        raise ValueError(f"The database's URL cannot be used: {fault}.") from None


async def stands_alone(client: "AsyncIOMotorClient[dict[str, Any]]") -> bool:
    """Return whether the server belongs to no replica set and no sharded cluster."""
    await client.admin.command("ping")
    topology: Any = client.topology_description  # Motor's stubs take the property for a method
    servers = topology.server_descriptions().values()
    return any(server.server_type_name == "Standalone" for server in servers)


def raise_unless_taken(fault: BulkWriteError) -> None:
    """Pass over that ids were taken already, and raise whatever else went wrong."""
    faults: list[dict[str, Any]] = (fault.details or {}).get("writeErrors", [])
    if not faults or any(error["code"] != DUPLICATE_KEY for error in faults):
        raise fault


@contextmanager
def answering() -> Iterator[None]:
    """Turn the driver's word for a silent server into ours."""
    try:
        yield
    except ConnectionFailure:
        raise Unavailable("The database does not answer.") from None
