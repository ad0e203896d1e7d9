"""Alias: two names are said to be one person's."""

import logging
import re

import httpx
import pytest

from tests.server_process import server_process
from tests.tracking.conftest import Sender

TAKEN = {"success": True}


@pytest.fixture(autouse=True)
def _log(caplog):
    caplog.set_level(logging.INFO, logger="profilegraph")


async def names(send: Sender, kind: str, value: str):
    user = await send.user(kind, value)
    return user and {(identity["kind"], identity["value"]) for identity in user["identities"]}


async def test_a_new_name_joins_whoever_has_the_previous_one(send: Sender, caplog):
    await send("track", userId="old", event="Bought")
    id = (await send.user("custom", "old"))["id"]

    await send("alias", previousId="old", userId="new")

    assert await names(send, "custom", "new") == {("CUSTOM", "old"), ("CUSTOM", "new")}
    assert f"Alias linked: user {id}." in caplog.text


async def test_a_previous_name_that_nobody_has_joins_whoever_has_the_new_one(send: Sender):
    await send("track", userId="new", event="Bought")

    await send("alias", previousId="old", userId="new")

    assert await names(send, "custom", "old") == {("CUSTOM", "old"), ("CUSTOM", "new")}


async def test_two_names_that_nobody_has_make_one_person(send: Sender):
    await send("alias", previousId="old", userId="new")

    assert await names(send, "custom", "old") == {("CUSTOM", "old"), ("CUSTOM", "new")}


async def test_a_repeat_changes_nothing(send: Sender, caplog):
    await send("alias", previousId="old", userId="new")
    version = (await send.user("custom", "new"))["version"]

    await send("alias", previousId="old", userId="new")

    assert (await send.user("custom", "new"))["version"] == version
    assert "Alias already known" in caplog.text


@pytest.mark.parametrize("known", [False, True])
async def test_an_anonymous_history_comes_along(send: Sender, caplog, known):
    if known:
        await send("track", userId="ada", event="Bought")
    await send("track", anonymousId="browser", event="Viewed")

    await send("alias", previousId="browser", userId="ada")

    assert await names(send, "custom", "ada") == {("CUSTOM", "ada"), ("DEVICE", "browser")}
    ada = await send.user("custom", "ada")
    assert "Viewed" in [event["name"] for event in ada["events"]["nodes"]]
    assert f"Alias {'merged' if known else 'converted'}: user {ada['id']}." in caplog.text


async def test_browsers_name_the_previous_id_as_their_own(send: Sender):
    await send("alias", userId="ada", anonymousId="browser")

    assert await names(send, "device", "browser") == {("CUSTOM", "ada"), ("DEVICE", "browser")}


async def test_a_name_joins_the_identified_person_of_a_device(send: Sender):
    await send("identify", userId="ada", anonymousId="browser")

    await send("alias", previousId="browser", userId="lovelace")

    assert await names(send, "device", "browser") == {
        ("CUSTOM", "ada"), ("CUSTOM", "lovelace"), ("DEVICE", "browser"),
    }  # fmt: skip


@pytest.mark.parametrize("previous", ["ada", "browser"])
async def test_two_identified_people_are_never_made_one(send: Sender, caplog, previous):
    await send("identify", userId="ada", anonymousId="browser")
    await send("identify", userId="eva")

    fault = await send.refused("alias", previousId=previous, userId="eva")

    assert fault == {"code": "INVALID_INPUT"}
    assert await names(send, "custom", "eva") == {("CUSTOM", "eva")}
    assert await names(send, "custom", "ada") == {("CUSTOM", "ada"), ("DEVICE", "browser")}
    assert re.search(r"Alias refused: another user, [0-9A-Z]{26}, has", caplog.text)


async def test_the_log_names_nobody(sender: Sender, caplog):
    await sender("alias", previousId="secret-old", userId="secret-new")
    await sender("identify", userId="secret-other")
    await sender.refused("alias", previousId="secret-old", userId="secret-other")

    assert caplog.text.count("Alias") == 2
    assert "secret" not in caplog.text


def test_a_running_server_shows_it_in_its_log(sqlite_url: str):
    with server_process(sqlite_url) as server:
        body = {"previousId": "secret-old", "userId": "secret-new"}
        assert httpx.post(f"{server.url}/v1/alias", json=body, trust_env=False).json() == TAKEN

    log = "".join(server.log)
    assert re.search(r"INFO: +Alias linked: user [0-9A-Z]{26}\.\n", log)
    assert "secret" not in log


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"previousId": "old"}, ["userId"]),
        ({"userId": "new"}, ["previousId"]),
        ({"userId": "new", "previousId": "null"}, ["previousId"]),
        ({"userId": "new", "anonymousId": "x" * 121}, ["anonymousId"]),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(sender: Sender, body, path):
    assert await sender.refused("alias", **body) == {"code": "INVALID_INPUT", "path": path}
    assert await sender.api("{ userCount }") == 0
