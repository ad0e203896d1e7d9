"""The API on an empty store of each kind, and a client that sends messages to it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.schema.documents import USER


class Sender:
    """Sends messages, and reads back what became known of people."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def __call__(self, kind: str, **body: Any) -> Any:
        """Send one message that is taken."""
        answer = await self.raw(kind, **body)
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    async def raw(self, kind: str, **body: Any) -> Any:
        """Send one message, or a batch, and return the answer."""
        return await self.api.http.post(f"/v1/{kind}", json=body)

    async def refused(self, kind: str, **body: Any) -> Any:
        """Send one message that is refused, and return why, its wording aside."""
        answer = await self.raw(kind, **body)
        assert answer.status_code == 400, answer.text
        (fault,) = answer.json()["errors"]
        assert fault.pop("message").endswith(".")
        assert fault.pop("index") == 0
        return fault

    async def user(self, kind: str, value: str) -> Any:
        """Return whoever has an identity."""
        return await self.api(USER, by={kind: value})


@pytest.fixture
async def send(store_url: str, clock: Clock) -> AsyncIterator[Sender]:
    """For each kind of store in turn."""
    async with serving(Settings(database=store_url), clock) as api:
        yield Sender(api)


@pytest.fixture
def sender(api: Api) -> Sender:
    """For what no store has a part in."""
    return Sender(api)
