"""From which pages messages are taken: from our own where no key tells who sends them."""

import pytest

from app.settings import Settings
from tests.api import serving
from tests.credentials import SERVICE

APP = "https://app.example.org"
TRACK = {"userId": "ada", "event": "Bought"}

OURS = [
    {},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "http://localhost"},
    {"origin": "http://localhost:8000"},
    {"origin": "http://127.0.0.1:8000"},
    {"origin": "http://[::1]:8000"},
]
OTHERS = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
    {"sec-fetch-site": "cross-site", "origin": APP},
    {"origin": APP},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://[::1"},
    {"origin": "http://localhost.example.org"},
    {"origin": "http://localhost@example.org"},
]


async def status(api, headers, path="/v1/track"):
    body = TRACK | {"batch": [TRACK | {"type": "track"}]}
    return (await api.http.post(path, json=body, headers=headers)).status_code


@pytest.mark.parametrize("headers", OURS)
async def test_without_keys_pages_of_this_machine_send_messages(api, headers):
    assert await status(api, headers) == 200


@pytest.mark.parametrize("headers", OTHERS)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_without_keys_pages_of_other_sites_send_none(api, headers, path):
    answer = await api.http.post(path, json=TRACK | {"batch": []}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert await api("{ userCount }") == 0


@pytest.mark.parametrize("origins", [APP, "*"])
async def test_pages_that_are_let_in_send_messages(sqlite_url, clock, origins):
    headers = {"origin": APP, "sec-fetch-site": "cross-site"}
    async with serving(Settings(database=sqlite_url, cors_origins=origins), clock) as api:
        assert await status(api, headers) == 200


async def test_to_let_one_site_in_lets_in_no_other(sqlite_url, clock):
    async with serving(Settings(database=sqlite_url, cors_origins=APP), clock) as api:
        assert await status(api, {"origin": f"{APP}.evil.org"}) == 403


async def test_with_a_key_it_does_not_matter_which_page_sends(sqlite_url, clock):
    headers = {
        "origin": APP, "sec-fetch-site": "cross-site", "authorization": f"Bearer {SERVICE}",
    }  # fmt: skip
    async with serving(Settings(database=sqlite_url, service_key=SERVICE), clock) as api:
        assert await status(api, headers) == 200
