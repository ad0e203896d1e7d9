"""A feed over a log that a test writes by hand, and readers of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.change import Change
from app.live import feed as feed_module
from app.live.feed import Feed, changes_feed
from tests.live.logs import HandwrittenStore


@pytest.fixture
def store() -> HandwrittenStore:
    return HandwrittenStore()


@pytest.fixture
async def feed(store: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Feed[Change]]:
    """A running feed that tries again at once when the log breaks off."""
    monkeypatch.setattr(feed_module, "RETRY_AFTER_S", 0)
    async with changes_feed(store).running() as feed:
        await feed.ready()
        await asyncio.sleep(0)
        yield feed
