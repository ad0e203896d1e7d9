"""Whose new names are counted: those that an ingest key brings, whatever it does."""

from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.auth import EVERYBODY, Caller, Role
from app.domain.catalog import Coiner
from app.domain.changes import parse_changes
from app.domain.errors import LimitExceeded
from app.domain.limits import Limits
from app.limits import RequestLimits
from app.operations.identify import identify
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.operations.update import update
from app.schema.context import Context
from app.store import Store, open_store
from tests.builders import LIMITS, NOON, event, identity


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with open_store(sqlite_url, LIMITS) as store:
        yield store


def terms_of(caller: Caller) -> Terms:
    unneeded: Any = None
    context = Context(
        store=unneeded, feed=unneeded, crossings=unneeded, leader=unneeded,
        limits=Limits(), time_zone=ZoneInfo("UTC"), clock=lambda: NOON,
        requests=RequestLimits(names_per_hour=1), caller=caller,
    )  # fmt: skip
    return context.terms


INGEST = Caller(Role.INGEST, "key-1")


def test_names_of_an_ingest_key_are_counted_and_no_others():
    assert terms_of(INGEST).coiner == Coiner("key-1", 1, NOON)
    assert terms_of(EVERYBODY).coiner is None
    assert terms_of(Caller(Role.SERVICE, "key-2")).coiner is None


async def test_every_way_to_bring_names_counts(store):
    terms, ada = terms_of(INGEST), identity("custom:ada")
    two_names = parse_changes({"properties": {"set": {"a": 1, "b": 1}}}, NOON.date(), LIMITS)
    seen = event(name="Seen", properties={"page": "a"})

    for act in (
        lambda: update(store, ada, two_names, terms, create_if_missing=True),
        lambda: record_events(store, ada, [seen], terms, create_if_missing=True),
        lambda: identify(store, [ada], None, two_names, terms),
    ):
        with pytest.raises(LimitExceeded):
            await act()

    assert await store.count() == 0
