"""The store in each of its forms; what holds for one holds for all."""

from collections.abc import AsyncIterator

import pytest

from app.store import Store
from tests.store.databases import (
    Database,
    mongodb_database,
    mongomock_database,
    sqlite_database,
)


@pytest.fixture(params=["sqlite", "mongomock", "mongodb"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of each kind in turn."""
    match request.param:
        case "sqlite":
            return sqlite_database(request.getfixturevalue("sqlite_url"))
        case "mongodb":
            return mongodb_database(request.getfixturevalue("mongodb_url"))
        case _:
            return mongomock_database()


@pytest.fixture
def logged_database(database: Database) -> Database:
    """An empty database of each kind that keeps a change log."""
    if database.kind == "mongomock":
        pytest.skip("mongomock has no change streams")
    return database


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """A store on an empty database."""
    async with database.opened() as store:
        yield store


@pytest.fixture
async def other_store(database: Database, store: Store) -> AsyncIterator[Store]:
    """A second store on the database of `store`, as another process has it."""
    async with database.opened() as other:
        yield other
