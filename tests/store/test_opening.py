"""Opening a store: on data that it knows, from a server that answers."""

import socket

import pytest

from app.domain.errors import Unavailable
from app.store import Store, open_store
from tests.builders import LIMITS
from tests.store.databases import Database
from tests.store.steps import newcomer


async def test_what_was_written_is_there_when_opened_again(database: Database):
    async with database.opened() as store:
        ada = (await store.create(newcomer("custom:ada"))).user

    async with database.opened() as store:
        assert await store.find(ada.id) == ada


async def test_a_newer_format_is_refused_and_stays_as_it_is(database: Database):
    async with database.opened():
        database.set_format(99)

    for _ in range(2):
        with pytest.raises(Unavailable, match="format 99"):
            async with database.opened():
                pass


@pytest.mark.parametrize("url", ["", "people.db", "mysql://localhost/x"])
def test_an_unknown_kind_of_database_is_a_value_error(url: str):
    with pytest.raises(ValueError, match="URL"):
        open_store(url, LIMITS)


@pytest.mark.parametrize(
    "url", ["sqlite:people.db", "sqlite://people.db", "sqlite:///", "mongodb://", "mongodb://a:b:c"]
)
async def test_a_database_url_that_cannot_be_used_is_a_value_error(url: str):
    with pytest.raises(ValueError):  # noqa: PT011 (the driver words some of them)
        async with open_store(url, LIMITS):
            pass


async def test_a_server_that_does_not_answer_is_unavailable():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        url = f"mongodb://127.0.0.1:{port}/x?serverSelectionTimeoutMS=200&connectTimeoutMS=100"

        with pytest.raises(Unavailable):
            async with open_store(url, LIMITS):
                pass


async def test_a_server_that_is_not_there_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(Unavailable):
            async with open_store(
                f"mongodb://127.0.0.1:{port}/x?serverSelectionTimeoutMS=200", LIMITS
            ):
                pass


@pytest.mark.parametrize("place", ["missing/people.db", "folder", "text.db"])
async def test_a_file_that_cannot_be_used_is_unavailable(tmp_path, place: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("This is no database. " * 1_000)

    with pytest.raises(Unavailable, match=place):
        async with open_store(f"sqlite:///{tmp_path}/{place}", LIMITS):
            pass


async def test_a_store_that_answers_can_be_pinged(logged_database: Database):
    async with logged_database.opened() as store:
        await store.ping()


async def test_a_store_is_open_as_long_as_its_block(store: Store):
    await store.create(newcomer())

    assert await store.count() == 1
