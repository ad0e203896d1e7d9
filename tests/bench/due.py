"""Many people due at one instant: how soon whoever watches a segment hears that each of them left.

Run by hand: `python -m tests.bench.due [how many] [database] [seconds]`. One server process, on a
SQLite file unless a database is given, and this process with one WebSocket. Everybody did something
an hour before one instant, and the segment holds who did so within the last hour: at that instant,
so many seconds after the start, time alone lets all of them leave. Everybody has to leave once.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import uvloop
from typer import echo
from websockets import connect

from tests.bench.watchers import PROTOCOL
from tests.server_process import server_process

PER_CALL: Final = 1_000
LEAD_S: Final = 10
LEAD_S_PER_PERSON: Final = 0.003
PATIENCE_S: Final = 60

IMPORT: Final = """
mutation ($records: [RecordInput!]!) { recordsImport(records: $records) { accepted } }
"""
SAVE: Final = """
mutation ($criteria: Criteria!) {
  segmentSave(name: "Lately", criteria: $criteria) {
    ... on SegmentSavePayload { segment { id } }
  }
}
"""
EVALUATION: Final = "query ($id: ID!) { segment(id: $id) { evaluation { complete } } }"
WATCH: Final = """
subscription ($segment: ID!) {
  segmentMembershipChanged(segment: $segment) { kind userId at cursor }
}
"""
LATELY: Final = {"did": {"name": "P", "during": {"last": "PT1H"}}}


async def asked(http: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    answer = await http.post("/graphql", json={"query": query, "variables": variables})
    (field,) = answer.json()["data"].values()
    return field


async def filled(http: httpx.AsyncClient, count: int, at: datetime) -> str:
    """Let everybody have done it at an instant, and return the segment of those who did lately."""
    event = {"name": "P", "at": at.isoformat()}
    for start in range(0, count, PER_CALL):
        numbers = range(start, min(start + PER_CALL, count))
        records = [{"user": {"custom": f"u{number}"}, "events": [event]} for number in numbers]
        await asked(http, IMPORT, records=records)
    saved = await asked(http, SAVE, criteria=LATELY)
    segment: str = saved["segment"]["id"]
    # Only asking again tells: nothing in this process could wake it.
    while not (await asked(http, EVALUATION, id=segment))["evaluation"]["complete"]:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    return segment


async def crossings(url: str, segment: str) -> AsyncIterator[dict[str, str]]:
    """Yield what whoever watches a segment is told."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[PROTOCOL], proxy=None) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        payload = {"query": WATCH, "variables": {"segment": segment}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for frame in socket:
            yield json.loads(frame)["payload"]["data"]["segmentMembershipChanged"]


async def left(url: str, segment: str, count: int) -> dict[str, float]:
    """Return when each of so many people was told to have left."""
    told_at: dict[str, float] = {}
    async with asyncio.timeout(PATIENCE_S):
        async for crossing in crossings(url, segment):
            if crossing["kind"] != "LEFT" or crossing["userId"] in told_at:
                raise RuntimeError(f"This was not to be told: {crossing}.")
            told_at[crossing["userId"]] = time.time()
            if len(told_at) == count:
                break
    return told_at


async def measure(count: int, database: str, lead_s: float) -> None:
    due = datetime.now(UTC) + timedelta(seconds=lead_s)
    with server_process(database) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            segment = await filled(http, count, due - timedelta(hours=1))
            if datetime.now(UTC) > due - timedelta(seconds=1):
                raise RuntimeError("It took too long to let everybody in.")
            told_at = await left(server.url, segment, count)
    delays_s = sorted(at - due.timestamp() for at in told_at.values())
    echo(f"{count} people left at one instant, each of them once: the first was told after "
         f"{delays_s[0]:.2f} s, half after {delays_s[count // 2]:.2f} s, "
         f"the last after {delays_s[-1]:.2f} s.")  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        database = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/people.db"
        lead_s = float(sys.argv[3]) if len(sys.argv) > 3 else LEAD_S + LEAD_S_PER_PERSON * count
        uvloop.run(measure(count, database, lead_s))


if __name__ == "__main__":
    main()
