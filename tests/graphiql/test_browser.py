"""The page in a real browser, on a running server with the demo people."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import launched
from tests.credentials import SERVICE
from tests.server_process import server_process

pytestmark = [pytest.mark.browser, pytest.mark.slow]

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


@pytest.fixture(scope="module")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server with the sample people and a service key."""
    database = f"sqlite:///{tmp_path_factory.mktemp('keyed')}/demo.db"
    with server_process(database, "--demo", PROFILEGRAPH_SERVICE_KEY=SERVICE) as running:
        yield running.url


KEY_NEEDED = "A key or a token is needed."


@pytest.fixture
async def keyed_page(browser: Browser, keyed_server: str) -> AsyncIterator[Page]:
    page = await browser.new_page(base_url=keyed_server, viewport={"width": 1280, "height": 800})
    await page.goto("/graphql")
    # GraphiQL shows that its own query of the schema is refused, over whatever else it shows then.
    await expect(result(page)).to_contain_text(KEY_NEEDED)
    yield page
    await page.close()


KEY_HEADER = f'{{"Authorization": "Bearer {SERVICE}"}}'


async def test_without_a_key_a_query_is_refused(keyed_page: Page) -> None:
    async with keyed_page.expect_response("/graphql") as refused:
        await button(keyed_page, "Execute query").click()

    assert (await (await refused.value).json())["errors"][0]["message"] == KEY_NEEDED
    await expect(result(keyed_page)).to_contain_text(KEY_NEEDED)


async def test_a_key_among_the_headers_opens_queries_and_is_not_kept(keyed_page: Page) -> None:
    await type_header(keyed_page, KEY_HEADER)

    await button(keyed_page, "Execute query").click()

    await expect(result(keyed_page)).to_contain_text('"reachableBy"')
    assert SERVICE not in await keyed_page.evaluate("JSON.stringify(localStorage)")


async def test_a_key_that_was_played_with_opens_the_documentation(keyed_page: Page) -> None:
    await type_header(keyed_page, KEY_HEADER)
    await button(keyed_page, "Execute query").click()
    await expect(result(keyed_page)).to_contain_text('"reachableBy"')

    await button(keyed_page, "Re-fetch GraphQL schema").click()
    await button(keyed_page, "Show Documentation Explorer").click()

    await expect(keyed_page.get_by_role("link", name="Subscription", exact=True)).to_be_visible()


async def test_a_key_among_the_headers_opens_a_subscription(keyed_page: Page) -> None:
    sent: list[str | bytes] = []
    keyed_page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
    await open_tab(keyed_page, "Watch")
    await type_header(keyed_page, f'{KEY_HEADER[:-1]}, "X-Other": "1"}}')

    await button(keyed_page, "Execute query").click()

    await expect(result(keyed_page)).to_contain_text('"kind": "CURRENT"')
    assert json.loads(sent[0]) == {
        "type": "connection_init",
        "payload": {"authorization": f"Bearer {SERVICE}"},
    }


async def test_a_key_that_is_not_taken_shows_at_once(keyed_page: Page) -> None:
    await open_tab(keyed_page, "Watch")
    await type_header(keyed_page, '{"Authorization": "Bearer unknown"}')

    await button(keyed_page, "Execute query").click()

    await expect(result(keyed_page)).to_contain_text("4403")
