"""Segment's own SDKs, pointed at a running server."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import segment.analytics
from segment.analytics.request import APIError

from tests.clients import HERE, run, tool
from tests.processes.servers import client_of
from tests.server_process import server_process

ADA = """
query { user(by: {custom: "lovelace"}) {
  type name email
  identities { kind value }
  properties(names: ["plan", "groups"])
  events { nodes { id name at properties items } }
} }
"""


@pytest.fixture
def url(store_url: str) -> Iterator[str]:
    """The base URL of a server on an empty store of each kind."""
    with server_process(store_url) as server:
        yield server.url


class Python:
    """Segment's SDK for Python, which says at once what went wrong."""

    def __init__(self, url: str, **options: Any) -> None:
        self.client = segment.analytics.Client("key", host=url, sync_mode=True, **options)

    def live(self) -> None:
        """Send what an app would send in its life."""
        ago = datetime.now(UTC) - timedelta(hours=3)
        browser = {"anonymous_id": "browser"}
        self.client.track(**browser, event="Searched", timestamp=ago)
        self.client.page(**browser, category="Help", name="Docs")
        traits = {
            "name": "Ada Lovelace", "email": "ada@example.org", "plan": "pro", "createdAt": ago,
        }  # fmt: skip
        self.client.identify("ada", traits, anonymous_id="browser")
        self.client.screen("ada", name="Cart")
        order = {"total": 20.5, "products": [{"sku": "a", "price": 20.5}]}
        self.client.track("ada", "Charged", order, message_id="order-1")
        self.client.group("ada", "acme", {"name": "Acme"})
        self.client.alias("ada", "lovelace")


async def story(url: str) -> Any:
    """Return what became known of Ada, times aside but how old her search is."""
    async with client_of(url) as client:
        ada = await client(ADA)
    events = {event.pop("name"): event for event in ada.pop("events")["nodes"]}
    searched = datetime.fromisoformat(events["Searched"].pop("at"))
    for event in events.values():
        event.pop("at", None)
        if event["id"] != "order-1":
            del event["id"]
    return ada, events, datetime.now(UTC) - searched


def told(ada: Any, events: Any, search_age: timedelta) -> None:
    """Check that this is Ada's story."""
    assert ada == {
        "type": "CUSTOMER",
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "identities": [
            {"kind": "DEVICE", "value": "browser"},
            {"kind": "CUSTOM", "value": "ada"},
            {"kind": "CUSTOM", "value": "lovelace"},
        ],
        "properties": {"plan": "pro", "groups": ["acme"]},
    }
    assert events == {
        "Searched": {"properties": {}, "items": []},
        "Loaded a Page": {"properties": {"category": "Help", "name": "Docs"}, "items": []},
        "Loaded a Screen": {"properties": {"name": "Cart"}, "items": []},
        "Charged": {
            "id": "order-1",
            "properties": {"total": 20.5},
            "items": [{"price": 20.5, "sku": "a"}],
        },
        "Joined a Group": {"properties": {"groupId": "acme", "name": "Acme"}, "items": []},
    }
    assert timedelta(0) < search_age - timedelta(hours=3) < timedelta(minutes=1)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"gzip": True}])
async def test_what_python_sends_is_known(url: str, options: dict[str, Any]):
    Python(url, **options).live()

    told(*await story(url))


@pytest.mark.slow
async def test_what_python_sends_in_the_background_is_known(url: str):
    failures: list[Any] = []
    client = segment.analytics.Client("key", host=url, on_error=lambda *f: failures.append(f))
    for number in range(250):
        client.track("lovelace", f"Step {number % 5}", message_id=f"m{number}")
    client.shutdown()

    assert failures == []
    async with client_of(url) as client_:
        activity = await client_('{ user(by: {custom: "lovelace"}) { activity { name count } } }')
    assert activity == {"activity": [{"name": f"Step {n}", "count": 50} for n in range(5)]}


@pytest.mark.slow
async def test_every_event_counts_once_though_the_server_is_killed(store_url: str):
    with ExitStack() as running:
        server = running.enter_context(server_process(store_url))
        failures: list[Any] = []
        client = segment.analytics.Client(
            "key",
            host=server.url,
            upload_size=5,
            on_error=lambda *fault: failures.append(fault),
        )
        for number in range(200):
            client.track("lovelace", "Stepped", message_id=f"m{number}")
        known = 0
        while not known:
            known = await steps(server.url)

        server.kill()
        port = server.url.rpartition(":")[2]
        again = running.enter_context(server_process(store_url, "--port", port))
        await asyncio.to_thread(client.shutdown)

        assert known < 200
        assert failures == []
        assert await steps(again.url) == 200


async def steps(url: str) -> int:
    """Return how many steps are known."""
    async with client_of(url) as client:
        user = await client('{ user(by: {custom: "lovelace"}) { activity { count } } }')
    return sum(total["count"] for total in user["activity"]) if user else 0


@pytest.mark.slow
def test_python_is_told_what_is_wrong(url: str):
    with pytest.raises(APIError) as told_why:
        Python(url).client.identify("ada", {"email": "nobody"})

    assert (told_why.value.status, told_why.value.code) == (400, "INVALID_INPUT")
    assert "e-mail" in told_why.value.message


@pytest.mark.slow
async def test_what_node_sends_is_known(url: str, workplace: Path):
    shutil.copy(HERE / "segment.mjs", workplace)

    assert await run(tool("node"), "segment.mjs", url, "key", cwd=workplace) == (0, "")

    told(*await story(url))
