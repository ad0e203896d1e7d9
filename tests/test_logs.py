"""What a server logs that logs all it can: nothing of what anybody sent or stored."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from app import logs
from tests.schema.anything import requests
from tests.schema.documents import CATALOG, IDENTIFY, RECORD, REGISTER, UPDATE, USER
from tests.schema.resolution import DELETE, EVENTS, EVERYONE, LOG_OUT, MERGE
from tests.schema.websocket import opened

ROOT: Final = Path(__file__).parents[1]
PLANTED: Final = "pl4nted"
WHO: Final = {"custom": f"{PLANTED}-ada"}
OTHER: Final = {"email": f"{PLANTED}@example.org"}
BROKEN: Final = {"custom": f"{PLANTED}-broken"}
CHANGES: Final = {
    "name": PLANTED,
    "email": f"contact-{PLANTED}@example.org",
    "photoUrl": f"https://example.org/{PLANTED}",
    "location": {"city": PLANTED},
    "properties": {"set": {f"name-{PLANTED}": PLANTED, "list": [PLANTED]}},
}
EVENT: Final = {
    "id": f"event-{PLANTED}", "name": f"did {PLANTED}", "properties": {"what": PLANTED},
    "items": [{"sku": PLANTED}],
}  # fmt: skip
DEVICE: Final = {
    "id": f"device-{PLANTED}", "platform": "IOS", "model": PLANTED,
    "push": {"service": "APNS", "token": f"token-{PLANTED}"},
}  # fmt: skip
CRITERIA: Final = {"property": {"name": f"name-{PLANTED}", "is": {"equals": PLANTED}}}
SAVE: Final = """
mutation($name: String!, $criteria: Criteria!) {
  segmentSave(name: $name, criteria: $criteria) { __typename }
}
"""
WATCH: Final = "subscription($by: UserBy!) { userChanged(by: $by) { kind user { name } } }"
FIND: Final = "query($where: Criteria) { users(where: $where) { nodes { id } } userCount }"
PERSONALISE: Final = """
query($by: UserBy!, $template: String!) { user(by: $by) { personalised(template: $template) } }
"""
HEADERS: Final = {"authorization": f"Bearer {PLANTED}", "cookie": PLANTED, "x-planted": PLANTED}


def log_of(address: str, log: Path, act: Callable[[str], None]) -> str:
    """Return what a server logs while somebody acts on it."""
    command = [sys.executable, "-m", "tests.loud_server", "--port", "0", "--database", address]
    with log.open("wb") as written:
        process = subprocess.Popen(command, cwd=ROOT, stderr=written, stdout=written)
        try:
            while "startup complete" not in log.read_text():
                assert process.poll() is None, log.read_text()
            url = log.read_text().split("Profilegraph: ")[1].split("/graphql")[0]
            act(url)
        finally:
            process.terminate()
            process.wait(10)
    return log.read_text()


def ask_everything(url: str) -> None:
    with httpx.Client(base_url=url, headers=HEADERS, timeout=30) as http:

        def send(query: str, **variables: Any) -> httpx.Response:
            return http.post("/graphql", json={"query": query, "variables": variables})

        send(IDENTIFY, identities=[WHO], device=DEVICE["id"], changes=CHANGES)
        send(IDENTIFY, identities=[OTHER, WHO])
        send(UPDATE, user=WHO, changes=CHANGES, idempotencyKey=PLANTED)
        send(UPDATE, user=WHO, changes={"properties": {"increment": {f"name-{PLANTED}": 1}}})
        send(RECORD, user=WHO, events=[EVENT])
        send(REGISTER, user=WHO, device=DEVICE)
        send(SAVE, name=PLANTED, criteria=CRITERIA)
        send(FIND, where=CRITERIA)
        send(PERSONALISE, by=WHO, template=f"{{{{ user.name }}}} {PLANTED}")
        send(PERSONALISE, by=WHO, template=f"{{% {PLANTED} %}}")
        send(USER, by=WHO)
        send(EVENTS, by=WHO)
        send(EVERYONE)
        send(CATALOG)
        send(LOG_OUT, device=DEVICE["id"])
        masked = [send(USER, by=BROKEN), send(UPDATE, user=BROKEN, changes={})]
        assert "INTERNAL" in masked[0].text
        assert PLANTED not in masked[0].text
        send(MERGE, **{"from": OTHER, "into": WHO})
        send(DELETE, user=WHO)

        send(f"{{ {PLANTED} }}")
        send(f'{{ user(by: {{custom: "{PLANTED}}}) {{ id }} }}')
        http.get("/graphql", params={"query": f'{{ user(by: {{custom: "{PLANTED}"}}) {{ id }} }}'})
        http.get(f"/{PLANTED}", params={"token": PLANTED})
        http.post("/graphql", content=f'{{"query": "{PLANTED}'.encode())
        http.post("/graphql", content=b"x", headers={"content-type": PLANTED})
        stream = {"accept": "text/event-stream"}
        watching = {"query": WATCH, "variables": {"by": BROKEN}}
        http.post("/graphql", json=watching, headers=stream)


async def watch_everything(url: str) -> None:
    async with opened(url, f"?token={PLANTED}", additional_headers=HEADERS) as socket:
        await socket.send({"type": "connection_init", "payload": HEADERS})
        await socket.receive()
        for id, by in ((PLANTED, WHO), ("broken", BROKEN)):
            await socket.subscribe(WATCH, id=id, by=by)
        await socket.receive()
        await socket.send(f'{{"type": "{PLANTED}"')
        await socket.close_code()
    async with opened(url) as socket:
        await socket.send({"type": "connection_init"})
        await socket.receive()
        await socket.subscribe(WATCH, by=WHO)
        socket.connection.transport.abort()


async def test_nothing_that_was_sent_or_stored_is_logged(store_url, tmp_path):
    def act(url: str) -> None:
        ask_everything(url)
        asyncio.run(watch_everything(url))

    log = await asyncio.to_thread(log_of, store_url, tmp_path / "log", act)

    assert PLANTED not in log
    assert "Everything is logged" in log
    assert log.count("(not shown: it may quote a person)") > 50
    assert log.count("Unexpected Broken, id ") >= 2


@pytest.mark.slow
def test_nothing_of_whatever_is_asked_is_logged(sqlite_url, tmp_path):
    quiet: dict[str, Any] = {"deadline": None, "suppress_health_check": [*HealthCheck]}

    def act(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as http:

            @settings(max_examples=300, database=None, **quiet)
            @given(body=requests())
            def ask(body):
                marked = body["query"].replace("{", f"{{ {PLANTED}: __typename", 1)
                http.post("/graphql", json=body | {"query": marked})

            ask()

    assert PLANTED not in log_of(sqlite_url, tmp_path / "log", act)


# ---------------------------------------------------------------- a record at a time


@pytest.fixture
def records(monkeypatch, caplog):
    """What is logged, once people are kept out of it."""
    make = logging.getLogRecordFactory()
    logs.keep_people_out()
    caplog.set_level(1)
    yield lambda: [(record.levelname, record.getMessage()) for record in caplog.records]
    logging.setLogRecordFactory(make)


def test_an_exception_is_logged_by_type_and_place(records, caplog):
    try:
        raise ValueError(PLANTED)
    except ValueError:
        logging.getLogger("foreign").exception("It broke: %s", "here")

    ((level, message),) = records()
    assert (level, message.split(" at ")[0]) == ("ERROR", "It broke: here ValueError")
    assert "test_logs.py" in message
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize(
    ("level", "message", "shown"),
    [
        (logging.INFO, "Started", "Started"),
        (logging.DEBUG, f"sent {PLANTED}", "(not shown: it may quote a person)"),
        (5, f"sent {PLANTED}", "(not shown: it may quote a person)"),
        (logging.ERROR, f"Never retrieved\nfuture: {PLANTED}", "Never retrieved"),
    ],
)
def test_of_what_libraries_log_only_plain_lines_are_shown(records, level, message, shown):
    logging.getLogger("foreign.library").log(level, message)

    assert records() == [(logging.getLevelName(level), shown)]


def test_what_this_service_logs_is_shown_at_any_level(records):
    logging.getLogger("profilegraph").debug("Read %d changes", 3)

    assert records() == [("DEBUG", "Read 3 changes")]
