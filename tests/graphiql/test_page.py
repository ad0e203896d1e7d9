"""What the page and its assets answer over HTTP."""

import re
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import graphiql

HTML = bytes(graphiql.page().body).decode()
REFERENCES = re.findall(r'(?:src|href)="([^"]+)"', HTML)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async def page(_request: Request) -> Response:
        return graphiql.page()

    app = Starlette(routes=[Route("/graphql", page), *graphiql.routes])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_browser_gets_the_page_fresh_and_locked_down(client: AsyncClient) -> None:
    answer = await client.get("/graphql")

    assert answer.status_code == 200
    assert "<title>Profilegraph</title>" in answer.text
    assert dict(answer.headers) == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(answer.content)),
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; "
            "style-src 'self' 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='; "
            "connect-src 'self'; img-src 'self' data:; font-src 'self' data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        ),
    }


@pytest.mark.parametrize("path", REFERENCES)
async def test_everything_the_page_refers_to_is_served_here(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_asset_the_browser_has_is_not_sent_again(client: AsyncClient) -> None:
    first = await client.get("/graphiql/graphiql.min.js")

    again = await client.get(
        "/graphiql/graphiql.min.js", headers={"If-None-Match": first.headers["etag"]}
    )

    assert (again.status_code, again.content) == (304, b"")


async def test_our_source_is_not_an_asset(client: AsyncClient) -> None:
    answers = [await client.get(f"/graphiql/{path}") for path in ("__init__.py", "../__init__.py")]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_the_page_has_no_inline_script_or_style() -> None:
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=|javascript:", HTML) == []


@pytest.mark.parametrize("path", ["/graphql", "/graphiql/page.js", "/graphiql/page.css"])
async def test_nothing_of_ours_names_another_host(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert re.findall(r"(?:https?:|wss?:|[\"'(])//\w", answer.text) == []


async def test_the_css_of_the_library_brings_what_it_shows(client: AsyncClient) -> None:
    css = (await client.get("/graphiql/graphiql.min.css")).text

    assert re.findall(r"@import|url\((?![\"']?data:)", css) == []
