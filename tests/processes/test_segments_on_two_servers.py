"""Membership of segments, with several servers of which the one that judges may die."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from tests.processes.servers import Client, Subscriber, client_of, subscribed
from tests.server_process import ServerProcess, server_process

pytestmark = pytest.mark.slow

SAVE = """
mutation ($criteria: Criteria!) {
  segmentSave(name: "S", criteria: $criteria) { ... on SegmentSavePayload { segment { id } } }
}
"""
WATCH = """
subscription ($segment: ID!, $after: Cursor) {
  segmentMembershipChanged(segment: $segment, after: $after) { kind userId cursor }
}
"""
PLAN = """
mutation ($who: UserBy!, $plan: Properties!) {
  userUpdate(user: $who, changes: {properties: {set: $plan}}, createIfMissing: true) {
    ... on UserUpdatePayload { user { id } }
  }
}
"""
PING = """
mutation ($who: UserBy!, $name: String!) {
  userRecordEvents(user: $who, events: [{name: $name}], createIfMissing: true) {
    ... on UserRecordEventsPayload { user { id } }
  }
}
"""


class Pair:
    """Two servers on one database, of which the first leads, until it is killed."""

    def __init__(self, database: str, stack: ExitStack) -> None:
        self._database = database
        self._stack = stack
        self.leader = self._start()
        time.sleep(0.5)
        self.other = self._start()

    def _start(self) -> ServerProcess:
        return self._stack.enter_context(server_process(self._database))

    def replace_leader(self) -> None:
        self.leader.kill()
        self.leader = self._start()


@pytest.fixture(params=["sqlite", "mongodb"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(request.getfixturevalue(f"{request.param}_url"), stack)


@pytest.fixture
def tag() -> str:
    return uuid4().hex


def has_plan(tag: str) -> dict[str, Any]:
    return {"property": {"name": "plan", "is": {"equals": tag}}}


async def saved(client: Client, criteria: dict[str, Any]) -> str:
    return str((await client(SAVE, criteria=criteria))["segment"]["id"])


async def next_of(watching: Subscriber) -> Any:
    async with asyncio.timeout(20):
        return await watching.next()


async def test_each_crossing_is_told_once_though_the_leader_is_killed(pair: Pair, tag: str):
    async with client_of(pair.other.url) as client:
        segment = await saved(client, has_plan(tag))
        ada = {"custom": f"ada-{tag}"}
        async with subscribed(pair.other.url, WATCH, segment=segment) as watching:
            await client("{ userCount }")
            kinds = []
            for number in range(12):
                if number in (3, 8):
                    await asyncio.to_thread(pair.replace_leader)
                await client(PLAN, who=ada, plan={"plan": "" if number % 2 else tag})
                kinds.append((await next_of(watching))["kind"])

    assert kinds == ["ENTERED", "LEFT"] * 6


async def test_a_storm_ends_in_the_truth_though_leaders_are_killed(pair: Pair, tag: str):
    people = [{"custom": f"{number}-{tag}"} for number in range(20)]
    async with client_of(pair.other.url) as client:
        segment = await saved(client, has_plan(tag))
        last = {"custom": f"last-{tag}"}
        told: defaultdict[str, list[str]] = defaultdict(list)
        async with subscribed(pair.other.url, WATCH, segment=segment) as watching:
            await client("{ userCount }")

            async def flip(who: dict[str, str]) -> tuple[str, bool]:
                for number in range(15):
                    plan = tag if (number + len(who["custom"])) % 3 else ""
                    user = (await client(PLAN, who=who, plan={"plan": plan}))["user"]
                return user["id"], plan == tag

            flipping = asyncio.gather(*map(flip, people))
            for _ in range(2):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(pair.replace_leader)
            truth = dict(await flipping)
            await asyncio.sleep(3)
            last_id = (await client(PLAN, who=last, plan={"plan": tag}))["user"]["id"]
            while (change := await next_of(watching))["userId"] != last_id:
                told[change["userId"]].append(change["kind"])

    for kinds in told.values():
        assert kinds == (["ENTERED", "LEFT"] * len(kinds))[: len(kinds)]
    assert {id: len(told[id]) % 2 == 1 for id in truth} == truth


async def test_what_time_brings_about_while_nobody_serves_is_told_afterwards(pair: Pair, tag: str):
    name = f"Pinged {tag}"
    ada = {"custom": f"ada-{tag}"}
    async with client_of(pair.other.url) as client:
        segment = await saved(client, {"did": {"name": name, "during": {"last": "PT2S"}}})
        async with subscribed(pair.other.url, WATCH, segment=segment) as watching:
            await client("{ userCount }")
            await client(PING, who=ada, name=name)
            entered = await next_of(watching)
    pair.other.kill()
    pair.leader.kill()
    await asyncio.sleep(3)
    await asyncio.to_thread(pair.replace_leader)

    after = entered["cursor"]
    async with subscribed(pair.leader.url, WATCH, segment=segment, after=after) as watching:
        left = await next_of(watching)

    assert [entered["kind"], left["kind"]] == ["ENTERED", "LEFT"]
    assert left["userId"] == entered["userId"]
