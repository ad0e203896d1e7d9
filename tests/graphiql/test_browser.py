"""The page in a real browser, on a running server with the demo people."""

import json
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import launched

pytestmark = pytest.mark.browser

RENAME_ADA = """
mutation {
  userUpdate(user: { email: "ada@example.org" }, changes: { name: "Ada Byron" }) { __typename }
}
"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser, server: str) -> AsyncIterator[Page]:
    page = await browser.new_page(base_url=server, viewport={"width": 1280, "height": 800})
    yield page
    await page.close()


@pytest.fixture
def faults(page: Page, server: str) -> list[str]:
    """Everything that goes wrong on the page: errors, refused or failed requests, other hosts."""
    seen: list[str] = []
    ours = (server, server.replace("http", "ws", 1), "data:")

    def note(happened: bool, text: str) -> None:
        if happened:
            seen.append(text)

    page.on("console", lambda line: note(line.type in ("error", "warning"), line.text))
    page.on("pageerror", lambda error: note(True, str(error)))
    page.on("request", lambda request: note(not request.url.startswith(ours), request.url))
    page.on("requestfailed", lambda request: note(True, f"{request.url} {request.failure}"))
    page.on("response", lambda answer: note(answer.status >= 400, f"{answer.status} {answer.url}"))
    page.on("websocket", lambda socket: note(not socket.url.startswith(ours), socket.url))
    return seen


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


async def open_tab(page: Page, name: str) -> None:
    """Open the tab and wait until GraphiQL has read its query; until then, play runs the last."""
    await page.get_by_role("button", name=name, exact=True).click()
    editor = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
    await page.wait_for_function(f"name => {editor}.operationName === name", arg=name)


def result(page: Page) -> Locator:
    return page.get_by_role("region", name="Result Window")


async def type_header(page: Page, text: str) -> None:
    await page.get_by_role("button", name="Headers", exact=True).click()
    await page.get_by_role("region", name="Headers").click()
    await page.keyboard.insert_text(text)


async def test_play_shows_the_newest_people(page: Page, faults: list[str]) -> None:
    await page.goto("/graphql")

    await button(page, "Execute query").click()

    await expect(page).to_have_title("Profilegraph")
    await expect(result(page)).to_contain_text('"reachableBy"')
    await expect(result(page)).not_to_contain_text('"errors"')
    assert faults == []


async def test_a_subscription_shows_the_person_now_and_after_a_change(
    page: Page, faults: list[str], server: str
) -> None:
    await page.goto("/graphql")
    await open_tab(page, "Watch")

    await button(page, "Execute query").click()
    await expect(result(page)).to_contain_text('"kind": "CURRENT"')
    async with AsyncClient(base_url=server) as client:
        renamed = await client.post("/graphql", json={"query": RENAME_ADA})

    assert renamed.json() == {"data": {"userUpdate": {"__typename": "UserUpdatePayload"}}}
    await expect(result(page)).to_contain_text('"kind": "UPDATED"')
    await expect(result(page)).to_contain_text('"name": "Ada Byron"')
    assert faults == []


async def test_the_change_tab_changes_the_person(page: Page, faults: list[str]) -> None:
    await page.goto("/graphql")
    await open_tab(page, "Change")

    await button(page, "Execute query").click()

    await expect(result(page)).to_contain_text('"name": "Ada King"')
    assert faults == []


async def test_the_documentation_and_the_dialogs_open(page: Page, faults: list[str]) -> None:
    await page.goto("/graphql")

    await button(page, "Show Documentation Explorer").click()
    await page.get_by_role("link", name="Subscription", exact=True).click()
    await expect(page.get_by_role("link", name="userChanged")).to_be_visible()
    await button(page, "Open settings dialog").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Theme")

    assert faults == []


async def test_the_credential_goes_along_with_a_query_and_is_not_kept(page: Page) -> None:
    await page.goto("/graphql")
    await type_header(page, '{"Authorization": "Bearer some-key"}')

    async with page.expect_request(lambda sent: sent.method == "POST") as query:
        await button(page, "Execute query").click()

    assert (await query.value).headers["authorization"] == "Bearer some-key"
    await expect(result(page)).to_contain_text("{")
    assert "some-key" not in await page.evaluate("JSON.stringify(localStorage)")


async def test_the_credential_opens_a_subscription(page: Page) -> None:
    sent: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    await page.goto("/graphql")
    await open_tab(page, "Watch")
    await type_header(page, '{"Authorization": "Bearer some-key", "X-Other": "1"}')

    await button(page, "Execute query").click()

    await expect(result(page)).to_contain_text("{")
    assert json.loads(sent[0]) == {
        "type": "connection_init",
        "payload": {"authorization": "Bearer some-key"},
    }
