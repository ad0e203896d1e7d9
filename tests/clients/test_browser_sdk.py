"""Segment's SDK for browsers, in a real one, on a page of the server's own address."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Response, Route

from tests.browser import launched
from tests.processes.servers import client_of
from tests.server_process import server_process
from tests.store.databases import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIVE = """
async (strategy) => {
  const host = location.host;
  const delivery = strategy && { strategy, config: { size: 10, timeout: 10 } };
  const to = { apiKey: "key", apiHost: host + "/v1", protocol: "http", deliveryStrategy: delivery };
  const analytics = AnalyticsNext.AnalyticsBrowser.load({
    writeKey: "key",
    cdnSettings: { integrations: { "Segment.io": to }, remotePlugins: [] },
  });
  await analytics.track("Searched", { words: ["compiler"] });
  await analytics.page("Help", "Docs");
  await analytics.identify("ada", { email: "ada@example.org" });
  await analytics.group("acme", { name: "Acme" });
  await analytics.track("Charged", { total: 20.5, at: new Date(0) });
}
"""
ADA = """
{ user(by: {custom: "ada"}) {
  type email language timezone
  identities { kind value }
  events { nodes { name properties } }
} }
"""
SENT = {
    None: {"/v1/t", "/v1/p", "/v1/i", "/v1/g"},
    "batching": {"/v1/b"},
}


@pytest.mark.parametrize("strategy", SENT)
async def test_what_a_browser_sends_is_known(
    sqlite_url: str, workplace: Path, strategy: str | None
):
    library = workplace / "node_modules/@segment/analytics-next/dist/umd/index.js"
    answers: list[Response] = []
    with server_process(sqlite_url) as server:
        async with launched() as browser:
            page = await browser.new_page(timezone_id="Europe/Zurich", locale="de-CH")
            await page.route("**/app", _empty_page)
            page.on("response", lambda answer: answers.append(answer))
            await page.goto(f"{server.url}/app")
            await page.add_script_tag(path=library)
            await page.evaluate(LIVE, strategy)
            ada = await _known_with_events(server.url, 4)
            # The browser tells of an answer a little after the server gave it.
            await until(lambda: SENT[strategy] <= {urlsplit(each.url).path for each in answers})

    sent = [answer for answer in answers if "/v1/" in answer.url]
    assert {answer.status for answer in sent} == {200}
    assert {urlsplit(answer.url).path for answer in sent} == SENT[strategy]
    assert (ada["type"], ada["email"]) == ("CUSTOMER", "ada@example.org")
    assert (ada["language"], ada["timezone"]) == ("de-CH", "Europe/Zurich")
    kinds = {identity["kind"] for identity in ada["identities"]}
    assert kinds == {"DEVICE", "CUSTOM"}  # messages that are on their way at once come in any order
    events = {event["name"]: event["properties"] for event in ada["events"]["nodes"]}
    page_viewed = events.pop("Loaded a Page")
    assert (page_viewed["category"], page_viewed["name"], page_viewed["path"]) == (
        "Help", "Docs", "/app",
    )  # fmt: skip
    assert events == {
        "Searched": {"words": ["compiler"]},
        "Joined a Group": {"groupId": "acme", "name": "Acme"},
        "Charged": {"total": 20.5, "at": {"dateTime": "1970-01-01T00:00:00.000Z"}},
    }


async def _known_with_events(url: str, count: int) -> Any:
    """Return Ada, once so many of her events have arrived."""
    async with client_of(url) as client, asyncio.timeout(20):
        while True:
            ada = await client(ADA)
            if ada and len(ada["events"]["nodes"]) == count:
                return ada
            await asyncio.sleep(0.05)


async def _empty_page(route: Route) -> None:
    await route.fulfill(body="", content_type="text/html")
