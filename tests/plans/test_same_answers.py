"""Plans answer byte for byte as the standard executor does."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.plans.plan import MAX_QUERY_CHARACTERS
from app.schema import schema
from tests.plans.conftest import BothWays
from tests.plans.queries import queries, updates_of_nothing
from tests.schema.documents import USER, USERS

QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
}
UNPLANNED = re.compile(r"\b(catalog|segments?)\b")
"""Root fields that are asked for too rarely; the segments of a person are planned, too."""


async def _agree(both_ways: BothWays, draw: st.DataObject) -> None:
    document, variables = draw.draw(queries(schema._schema, both_ways.people))
    before = both_ways.planned

    answer = orjson.loads(await both_ways.ask(document, variables))

    plannable = len(document) <= MAX_QUERY_CHARACTERS and not UNPLANNED.search(document)
    if plannable and "errors" not in answer:
        assert both_ways.planned == before + 2


@given(draw=st.data())
@settings(max_examples=60, **QUIET)
async def test_any_query_is_answered_the_same_both_ways(both_ways: BothWays, draw: st.DataObject):
    await _agree(both_ways, draw)


@given(draw=st.data())
@settings(max_examples=40, **QUIET)
async def test_what_a_mutation_shows_is_the_same_both_ways(
    both_ways: BothWays, draw: st.DataObject
):
    document, variables = draw.draw(updates_of_nothing(schema._schema, both_ways.people))

    await both_ways.ask(document, variables)


@pytest.mark.slow
@given(draw=st.data())
@settings(max_examples=2_000, print_blob=True, **QUIET)
async def test_many_queries_are_answered_the_same_both_ways(
    both_ways: BothWays, draw: st.DataObject
):
    await _agree(both_ways, draw)


async def test_every_field_of_a_person_is_planned(both_ways: BothWays):
    for by in both_ways.people:
        await both_ways.ask(USER, {"by": by})

    assert both_ways.planned == 2 * len(both_ways.people)


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST", "LAST_SEEN"])
async def test_pages_follow_one_another_the_same_both_ways(both_ways: BothWays, order: str):
    after, pages = None, 0
    while True:
        variables = {"orderBy": order, "first": 70, "after": after}
        answer = orjson.loads(await both_ways.ask(USERS, variables))
        page = answer["data"]["users"]["pageInfo"]
        after, pages = page["endCursor"], pages + 1
        if not page["hasNextPage"]:
            break

    assert (pages, both_ways.planned) == (3, 6)
