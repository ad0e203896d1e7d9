"""How the cost of an operation grows: `python -m tests.bench.growth [mongodb://host]`.

For each number of people a database is filled and asked, one request at a time, through the ASGI
application without a socket. What is shown is the median time of an answer, in microseconds, of as
many repetitions as fit into a second and at least 20. The first few are not counted, so what can be
kept in memory is. The disk's part is in it.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median
from typing import Any, Final
from uuid import uuid4

import orjson
from ulid import ULID

from app.domain.changes import parse_changes
from app.domain.events import Event
from app.domain.limits import Limits
from app.domain.user import Edit, change_edit, linked, new_user, recorded, updated
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.server import create_app
from app.settings import Settings
from app.store import Store, open_store
from tests.builders import HERE, NOON, identity

PEOPLE: Final = (1_000, 10_000, 100_000)
EVENTS: Final = (1, 1_000, 100_000)
WARMING: Final = 5
AT_LEAST: Final = 20
AT_ONCE: Final = 64
LIMITS: Final = Limits()

Ask = Callable[[str, dict[str, Any]], Any]
Operation = tuple[str, dict[str, Any]]

ONE: Final = "query($by: UserBy!) { user(by: $by) { id name age type properties } }"
PAGE: Final = """
query($after: Cursor, $order: UserOrder! = NEWEST) {
  users(first: 50, after: $after, orderBy: $order) { nodes { id name } pageInfo { endCursor } }
}
"""
FIND: Final = """
query($where: Criteria!) { users(first: 20, where: $where) { nodes { id name } } }
"""
UPDATE: Final = """
mutation($user: UserBy!) {
  userUpdate(user: $user, changes: {properties: {increment: {visits: 1}}}) { __typename }
}
"""
RECORD: Final = """
mutation($user: UserBy!) {
  userRecordEvents(user: $user, events: [{name: "App Opened"}]) { __typename }
}
"""
LOG: Final = """
query($by: UserBy!, $after: Cursor, $name: String) {
  user(by: $by) {
    events(first: 20, after: $after, name: $name) { nodes { id at } pageInfo { endCursor } }
  }
}
"""


async def by_people(url: Callable[[], str]) -> dict[str, list[float]]:
    """Return what each operation takes at each number of people."""
    table: dict[str, list[float]] = {}
    for count in PEOPLE:
        database = url()
        async with open_store(database, LIMITS) as store:
            await _fill(store, count)
        async with _asking(database) as ask:
            somebody = {"custom": f"member-{count // 2}"}
            rare = {"property": {"name": "number", "is": {"equals": count // 2}}}
            often = {"property": {"name": "plan", "is": {"equals": "pro"}}}
            did = {"did": {"name": "Charged", "during": {"lastDays": 5000}}}
            middle = (await _deep(ask, count))["endCursor"]
            operations: dict[str, Operation] = {
                "one user": (ONE, {"by": somebody}),
                "the first 50": (PAGE, {}),
                "50 from the middle": (PAGE, {"after": middle}),
                "50 seen last": (PAGE, {"order": "LAST_SEEN"}),
                "Find People, one has it": (FIND, {"where": rare}),
                "Find People, a quarter has it": (FIND, {"where": often}),
                "Find People by an event": (FIND, {"where": did}),
                "how many there are": ("{ userCount }", {}),
                "update a property": (UPDATE, {"user": somebody}),
                "record an event": (RECORD, {"user": somebody}),
            }
            for name, operation in operations.items():
                table.setdefault(name, []).append(await _timed(ask, operation))
    return table


async def by_events(url: Callable[[], str]) -> dict[str, list[float]]:
    """Return what each operation on a user takes at each number of events."""
    table: dict[str, list[float]] = {}
    for count in EVENTS:
        database = url()
        async with open_store(database, LIMITS) as store:
            await _fill(store, 1)
            await _record(store, count)
        async with _asking(database) as ask:
            by = {"custom": "member-0"}
            middle = {"by": by, "after": await _middle(ask, by, count)}
            operations: dict[str, Operation] = {
                "one user": (ONE, {"by": by}),
                "the newest 20 events": (LOG, {"by": by}),
                "20 from the middle": (LOG, middle),
                "20 of one name": (LOG, {"by": by, "name": "Charged"}),
                "update a property": (UPDATE, {"user": by}),
                "record an event": (RECORD, {"user": by}),
            }
            for name, operation in operations.items():
                table.setdefault(name, []).append(await _timed(ask, operation))
    return table


# ---------------------------------------------------------------- filling


async def _fill(store: Store, count: int) -> None:
    waiting = iter(range(count))
    await asyncio.gather(*(_create_in_turn(store, waiting) for _ in range(AT_ONCE)))


async def _create_in_turn(store: Store, waiting: Iterable[int]) -> None:
    for number in waiting:
        await store.create(_person(number))


def _person(number: int) -> Edit:
    joined = NOON - timedelta(days=1) + timedelta(milliseconds=number)
    plan = ("free", "pro", "team", "enterprise")[number % 4]
    raw = {
        "name": f"Member {number}",
        "birthday": f"{1950 + number % 50}-05-17",
        "properties": {"set": {"plan": plan, "number": number, "visits": 0}},
    }
    nobody = new_user(str(ULID.from_datetime(joined)), joined)
    named = linked(nobody, [identity(f"custom:member-{number}")], joined, LIMITS, HERE)
    changes = parse_changes(raw, joined.date(), LIMITS)
    known = change_edit(named, updated(named, changes, joined, LIMITS), changes, joined)
    did = recorded(known.user, _events(3, number), frozenset(), joined, LIMITS)
    user = did.user.model_copy(update={"version": 1})
    return Edit(user, did.recorded, did.spilled, {**known.sightings, **did.sightings})


def _events(count: int, number: int = 0, start: int = 0) -> list[Event]:
    names = ("App Opened", "Product Viewed", "Charged")
    first = NOON - timedelta(days=400)
    return [
        Event(
            id=f"{number}-{place}",
            name=names[place % 3],
            at=first + timedelta(seconds=number + 60 * place),
            properties={"amount": float(place % 50)},
        )
        for place in range(start, start + count)
    ]


async def _record(store: Store, count: int) -> None:
    for start in range(0, count, 1_000):
        events = _events(min(1_000, count - start), 1, start)
        await record_events(store, identity("custom:member-0"), events, Terms(NOON, LIMITS))


# ---------------------------------------------------------------- asking


@asynccontextmanager
async def _asking(database: str) -> AsyncIterator[Ask]:
    app = create_app(Settings(database=database))
    async with app.router.lifespan_context(app) as state:

        async def ask(document: str, variables: dict[str, Any]) -> Any:
            body = orjson.dumps({"query": document, "variables": variables})
            parts: list[bytes] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                parts.append(message.get("body", b""))

            await app(_scope(body, state), receive, send)
            return orjson.loads(b"".join(parts))

        yield ask


def _scope(body: bytes, state: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": dict(state or {}),
    }


async def _timed(ask: Ask, operation: Operation) -> float:
    """Return the median of what an answer takes, in microseconds."""
    for _ in range(WARMING):
        answer = await ask(*operation)
        assert "errors" not in answer, answer
    taken: list[float] = []
    while len(taken) < AT_LEAST or sum(taken) < 1:
        start = time.perf_counter()
        await ask(*operation)
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e6


async def _deep(ask: Ask, count: int) -> Any:
    """Return where a page in the middle of all ends."""
    after = None
    for _ in range(min(10, count // 100)):
        info = (await ask(PAGE, {"after": after}))["data"]["users"]["pageInfo"]
        after = info["endCursor"]
    return info


async def _middle(ask: Ask, by: dict[str, str], count: int) -> str | None:
    after = None
    for _ in range(min(10, count // 40)):
        page = (await ask(LOG, {"by": by, "after": after}))["data"]["user"]["events"]
        after = page["pageInfo"]["endCursor"]
    return after


# ---------------------------------------------------------------- the tables


def _shown(title: str, counts: tuple[int, ...], table: dict[str, list[float]]) -> str:
    head = f"| {title} | " + " | ".join(f"{count:,}".replace(",", " ") for count in counts) + " |"
    lines = [head, "| --- |" + " ---: |" * len(counts)]
    for name, taken in table.items():
        lines.append(f"| {name} | " + " | ".join(f"{each:.0f} µs" for each in taken) + " |")
    return "\n".join(lines)


async def main(prefix: str | None) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:

        def url() -> str:
            return f"{prefix}/{uuid4().hex}" if prefix else f"sqlite:///{folder}/{uuid4().hex}.db"

        sys.stdout.write(f"{_shown('people', PEOPLE, await by_people(url))}\n\n")
        sys.stdout.write(f"{_shown('events of a user', EVENTS, await by_events(url))}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if sys.argv[1:] else None))
