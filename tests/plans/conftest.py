"""The same people, answered by plans and by the standard executor."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from httpx import Response

from app.demo import fill
from app.domain.limits import Limits
from app.domain.listing import UserOrder
from app.operations.merge import merge
from app.operations.terms import Terms
from app.plans import Plan
from app.settings import Settings
from app.store import open_store
from tests.api import Api, Clock, serving
from tests.builders import NOON

LIMITS = Limits(embedded_events=8)
"""So few that many people have events in the archive."""


@dataclass
class BothWays:
    """The API with plans and without, on one database.

    Attributes:
        people: Names of some who are there.
        planned: How many answers plans gave.
    """

    planning: Api
    standard: Api
    people: list[dict[str, str]]
    planned: int = field(default=0)

    async def ask(self, document: str, variables: Any) -> bytes:
        """Return the answer, which is the same either way, the first time and later."""
        body = {"query": document, "variables": variables}
        expected = await self.standard.http.post("/graphql", json=body)
        for _ in range(2):
            answer = await self.planning.http.post("/graphql", json=body)
            assert _comparable(answer.content) == _comparable(expected.content)
            assert answer.status_code == expected.status_code
            assert _headers(answer) == _headers(expected)
        return expected.content


def _headers(answer: Response) -> dict[str, str]:
    """Return the headers but for the length, which is another if other errors come first."""
    return {name: value for name, value in answer.headers.items() if name != "content-length"}


def _comparable(content: bytes) -> Any:
    """Return an answer byte for byte, but that errors come in no certain order.

    Fields are answered at once; whichever fails first comes first, on either way, and where a list
    falls with its first item that fails, no other is told of.
    """
    errors = orjson.loads(content).get("errors")
    if not errors:
        return content
    data, _, _ = content.partition(b',"errors":')
    for error in errors:
        error["path"] = [step for step in error.get("path", ()) if isinstance(step, str)]
    return data, sorted(orjson.dumps(error) for error in errors)


@pytest.fixture
async def api(sqlite_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API with plans on an empty store, whatever the environment says."""
    async with serving(Settings(database=sqlite_url, plans=True), clock) as api:
        yield api


@pytest.fixture
async def both_ways(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BothWays]:
    """Sample people, some of whom were merged."""
    async with open_store(store_url, LIMITS) as store:
        await fill(store, Terms(NOON, LIMITS))
        people = await store.page(UserOrder.NEWEST, 100, None)
        terms = Terms(NOON, LIMITS)
        await merge(store, people[0].id, people[1].id, terms)
        ids = [{"id": person.id} for person in people[:4]]
        names = [
            {each.kind.value: each.value} for person in people[:8] for each in person.identities
        ]
    clock = Clock(NOON)
    async with (
        serving(Settings(database=store_url, limits=LIMITS, plans=True), clock) as planning,
        serving(Settings(database=store_url, limits=LIMITS, plans=False), clock) as standard,
    ):
        both = BothWays(planning, standard, [*ids, *names])
        finish = Plan.finish

        async def counted(self: Plan, begun: Any) -> Any:
            data = await finish(self, begun)
            both.planned += data is not None
            return data

        monkeypatch.setattr(Plan, "finish", counted)
        yield both
