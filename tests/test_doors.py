"""Host names: whoever calls us by a name that is not ours goes no further."""

from typing import Final

import pytest

from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.credentials import SERVICE, keyed
from tests.schema.documents import COUNT

PATHS: Final = ["/graphql", "/graphiql/page.js", "/", "/nowhere"]


async def status(api: Api, host: str, path: str = "/graphql") -> int:
    headers = {"host": host, "authorization": f"Bearer {SERVICE}"}
    return (await api.http.get(path, params={"query": COUNT}, headers=headers)).status_code


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:8000", "[::1]", "[::1]:8000"]
)
async def test_without_keys_loopback_names_are_answered_on_any_port(api: Api, host: str):
    answer = await api.http.get("/graphql", params={"query": COUNT}, headers={"host": host})

    assert answer.json() == {"data": {"userCount": 0}}


STRANGE: Final = [
    "",
    "evil.example.org",
    "localhost.evil.example.org",
    "127.0.0.1.evil.example.org",
    "0.0.0.0",
    "192.0.2.1:8000",
    "localhost@evil.example.org",
    "localhost:x",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", STRANGE)
async def test_without_keys_no_other_name_is_answered_whatever_it_asks(
    api: Api, host: str, path: str
):
    answer = await api.http.get(path, params={"query": COUNT}, headers={"host": host})

    assert answer.status_code == 421
    assert host not in answer.text or not host


async def test_two_names_are_no_name(api: Api):
    headers = [("host", "localhost"), ("host", "evil.example.org")]

    assert (await api.http.get("/graphql", headers=headers)).status_code == 421


async def test_with_keys_any_name_is_answered(sqlite_url: str, clock: Clock):
    async with serving(keyed(sqlite_url), clock) as api:
        assert await status(api, "people.example.org") == 200


async def test_with_keys_and_names_those_names_are_answered_and_no_others(
    sqlite_url: str, clock: Clock
):
    settings = keyed(sqlite_url, hosts="people.example.org, *.example.com")
    async with serving(settings, clock) as api:
        answered = [
            await status(api, host)
            for host in ("people.example.org:443", "PEOPLE.example.org", "a.example.com")
        ]
        refused = [
            await status(api, host) for host in ("localhost", "example.com", "example.org", "")
        ]

    assert (answered, refused) == ([200] * 3, [421] * 4)


@pytest.mark.parametrize("host", ["evil.example.org", ""])
async def test_health_is_asked_by_any_name(sqlite_url: str, clock: Clock, host: str):
    for settings in (Settings(database=sqlite_url), keyed(sqlite_url, hosts="example.org")):
        async with serving(settings, clock) as api:
            assert (await api.http.get("/health", headers={"host": host})).status_code == 200
