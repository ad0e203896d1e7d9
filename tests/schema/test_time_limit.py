"""How long an operation takes at most; what it writes is never cut."""

import asyncio

import pytest

from app.limits import RequestLimits
from app.settings import Settings
from app.store.sqlite import SqliteStore
from tests.api import serving
from tests.schema.documents import ADA, COUNT, UPDATE

TIMEOUT = {"code": "TIMEOUT", "name": "operation_s", "limit": 0.5}


@pytest.fixture
async def hasty(sqlite_url, clock):
    """The API that waits for next to nothing."""
    settings = Settings(database=sqlite_url, requests=RequestLimits(operation_s=0.5))
    async with serving(settings, clock) as api:
        yield api


def slowed(monkeypatch, method, seconds):
    """Make a method of the store that slow; return whether it was ended, or went through."""
    quick, ends = getattr(SqliteStore, method), []

    async def slow(*arguments, **options):
        try:
            await asyncio.sleep(seconds)
            answer = await quick(*arguments, **options)
        except asyncio.CancelledError:
            ends.append("cut")
            raise
        ends.append("through")
        return answer

    monkeypatch.setattr(SqliteStore, method, slow)
    return ends


async def test_a_query_that_takes_too_long_ends_with_an_error(hasty, monkeypatch):
    ends = slowed(monkeypatch, "count", 60)

    answer = await hasty.raw(COUNT)

    (error,) = answer["errors"]
    assert (error["extensions"], ends) == (TIMEOUT, ["cut"])
    assert error["message"] == "This took longer than 0.5 seconds (operation_s)."


async def test_a_time_out_is_504_where_the_status_says_what_came_of_it(hasty, monkeypatch):
    slowed(monkeypatch, "count", 60)

    answer = await hasty.http.post(
        "/graphql",
        json={"query": COUNT},
        headers={"accept": "application/graphql-response+json"},
    )

    assert answer.status_code == 504


async def test_a_query_that_was_let_through_before_has_no_longer(hasty, monkeypatch):
    assert await hasty(COUNT) == 0
    ends = slowed(monkeypatch, "count", 60)
    clock = asyncio.get_running_loop().time
    start = clock()

    answer = await hasty.raw(COUNT)

    (error,) = answer["errors"]
    assert (error["extensions"], {*ends}) == (TIMEOUT, {"cut"})
    assert clock() - start < 0.9


async def test_a_mutation_is_never_cut(hasty, monkeypatch):
    ends = slowed(monkeypatch, "create", 1)

    answer = await hasty(UPDATE, user=ADA, changes={"name": "Ada"}, createIfMissing=True)

    assert (answer["__typename"], ends) == ("UserUpdatePayload", ["through"])
    assert await hasty(COUNT) == 1
