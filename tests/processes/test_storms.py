"""Storms of changes by many clients, and crashes amidst them, leave every person whole."""

import asyncio
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

import pytest
from httpx import AsyncClient, HTTPError

from tests.api import Api
from tests.server_process import server_process

pytestmark = pytest.mark.slow

SETTINGS: Final = {"PROFILEGRAPH_LIMITS_EMBEDDED_EVENTS": "5"}
OPERATIONS: Final = 1_000
CLIENTS: Final = 16
KILLS: Final = 4
NOTHING: Final = "Nothing was unfinished.\n"
By = dict[str, str]

STRONG: Final[list[By]] = [
    *({"custom": f"c{number}"} for number in range(6)),
    *({"email": f"p{number}@example.org"} for number in range(5)),
    *({"phone": f"+4144668180{number}"} for number in range(4)),
]
DEVICES: Final[list[By]] = [{"device": f"d{number}"} for number in range(6)]


def mutation(variables: str, call: str, payload: str) -> str:
    return (
        f"mutation({variables}) {{ {call} {{ __typename ... on {payload} }} }}"
        " fragment Who on User { id mergedIds identities { kind value } }"
    )


def of_a_person(variables: str, call: str, payload: str) -> str:
    return mutation(variables, call, f"{payload} {{ user {{ ...Who }} }}")


LOGIN: Final = mutation(
    "$identities: [IdentityInput!]!, $device: String",
    "userIdentify(identities: $identities, device: $device)",
    "UserIdentifyPayload { outcome user { ...Who } }",
)
LINK: Final = of_a_person(
    "$user: UserBy!, $identity: IdentityInput!",
    "userLinkIdentity(user: $user, identity: $identity)",
    "UserLinkIdentityPayload",
)
UNLINK: Final = LINK.replace("LinkIdentity", "UnlinkIdentity")
MERGE: Final = mutation(
    "$from: UserBy!, $into: UserBy!",
    "userMerge(from: $from, into: $into)",
    "UserMergePayload { absorbedId user { ...Who } }",
)
UPDATE: Final = of_a_person(
    "$user: UserBy!, $changes: UserChanges!",
    "userUpdate(user: $user, changes: $changes)",
    "UserUpdatePayload",
)
RECORD: Final = mutation(
    "$user: UserBy!, $events: [EventInput!]!",
    "userRecordEvents(user: $user, events: $events, createIfMissing: true)",
    "UserRecordEventsPayload { recorded duplicates user { ...Who } }",
)
REGISTER: Final = of_a_person(
    "$user: UserBy!, $device: DeviceInput!",
    "deviceRegister(user: $user, device: $device)",
    "DeviceRegisterPayload",
)
LOG_OUT: Final = (
    "mutation($device: String!) { deviceLogOut(device: $device) { __typename "
    "... on DeviceLogOutPayload { deviceId } } }"
)
DELETE: Final = (
    "mutation($user: UserBy!) { userDelete(user: $user) { __typename "
    "... on UserDeletePayload { deletedId } } }"
)
FIND: Final = "query($by: [UserBy!]!) { usersBy(by: $by) { id identities { kind value } } }"
EVERYONE: Final = """
query($after: Cursor) {
  users(orderBy: OLDEST, first: 100, after: $after) {
    nodes {
      id mergedIds identities { kind value } devices { id } properties activity { name count }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
"""
LOG: Final = """
query($id: ID!, $after: Cursor) {
  user(by: {id: $id}) {
    events(first: 30, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } }
  }
}
"""


# ------------------------------------------------------------ the storm


@dataclass
class Storm:
    """What clients do to a small pool of people, and what they were told came of it.

    Attributes:
        random: Chooses.
        told: How often which mutation had which result.
        known: Every id ever shown, oldest first, with the ids that are the same person.
        erased: The ids that were said to be deleted.
        doubtful: The ids whose deletion nobody answered, since the server was killed.
        sent: The ids of all events.
        recorded: The ids of events that were said to be recorded, with the id of their person.
        hits: Of each counter, the person's id and how much was said, and may have been, added.
        named: All identities that were ever used.
        answers_left: How many answers until `strike` is called, if it ever is.
        strike: Ends the server.
    """

    random: Random
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    known: dict[str, set[str]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    recorded: dict[str, str] = field(default_factory=dict)
    hits: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    named: list[By] = field(default_factory=lambda: [*STRONG, *DEVICES])
    answers_left: int = -1
    strike: Callable[[], None] | None = None
    numbers: Iterator[int] = field(default_factory=count)

    async def call(self, api: Api, document: str, **variables: Any) -> dict[str, Any]:
        """Return a mutation's result; of type BUSY or LOST if there is none."""
        name = document.partition("{ ")[2].partition("(")[0]
        try:
            answer = await api.raw(document, **variables)
        except HTTPError:
            self.told[name, "LOST"] += 1
            return {"__typename": "LOST"}
        self._count_down()
        if "errors" in answer:
            codes = [error["extensions"]["code"] for error in answer["errors"]]
            assert codes == ["BUSY"], (answer, variables)
            self.told[name, "BUSY"] += 1
            return {"__typename": "BUSY"}
        result: dict[str, Any] = answer["data"][name]
        self.told[name, result["__typename"]] += 1
        self.learn(result)
        return result

    def _count_down(self) -> None:
        self.answers_left -= 1
        if self.answers_left == 0 and self.strike:
            self.strike()

    def learn(self, result: Mapping[str, Any]) -> None:
        if "deletedId" in result:
            self.erased.add(result["deletedId"])
        if user := result.get("user"):
            same = {user["id"], *user["mergedIds"]}
            assert result.get("absorbedId", user["id"]) in same
            for id in same:
                self.known.setdefault(id, set()).update(same)

    def results(self) -> set[str]:
        return {result for _, result in self.told}

    # -------------------------------------------------------- who and what

    def an_id(self) -> By:
        recent = list(self.known)[-20:]
        return {"id": self.random.choice(recent)} if recent else self.random.choice(STRONG)

    def anybody(self) -> By:
        return self.random.choice([self.random.choice(STRONG + DEVICES), self.an_id()])

    # -------------------------------------------------------- operations

    async def log_in(self, here: Api, there: Api) -> None:
        identities = self.random.sample(STRONG, self.random.choice([1, 1, 2, 3]))
        await self.call(here, LOGIN, identities=identities)

    async def log_in_on_a_device(self, here: Api, there: Api) -> None:
        identities = self.random.sample(STRONG, self.random.choice([1, 1, 2]))
        await self.call(
            here, LOGIN, identities=identities, device=self.random.choice(DEVICES)["device"]
        )

    async def newcomer(self, here: Api, there: Api) -> None:
        self.named.append({"custom": f"new{self.number()}"})
        await self.call(here, LOGIN, identities=[self.named[-1]])

    async def passer_by(self, here: Api, there: Api) -> None:
        """Come, do something, and have it deleted."""
        who = {"custom": f"gone{self.number()}"}
        self.named.append(who)
        came = await self.call(here, LOGIN, identities=[who])
        if "user" in came:
            await self.record_of(here, who)
            await self.delete_of(there, {"id": came["user"]["id"]})

    async def link(self, here: Api, there: Api) -> None:
        identity = self.random.choice(STRONG + DEVICES)
        await self.call(here, LINK, user=self.anybody(), identity=identity)

    async def unlink(self, here: Api, there: Api) -> None:
        identity = self.random.choice(STRONG + DEVICES)
        await self.call(here, UNLINK, user=identity, identity=identity)

    async def merge(self, here: Api, there: Api) -> None:
        await self.call(here, MERGE, **{"from": self.anybody(), "into": self.anybody()})

    async def merge_both_ways(self, here: Api, there: Api) -> None:
        one, other = self.an_id(), self.an_id()
        await asyncio.gather(
            self.call(here, MERGE, **{"from": one, "into": other}),
            self.call(there, MERGE, **{"from": other, "into": one}),
        )

    async def delete(self, here: Api, there: Api) -> None:
        await self.delete_of(here, self.an_id())

    async def delete_of(self, api: Api, who: By) -> None:
        result = await self.call(api, DELETE, user=who)
        if result["__typename"] == "LOST":
            self.doubtful.add(who["id"])

    async def increment_at_both(self, here: Api, there: Api) -> None:
        who, name = self.an_id(), f"hit{self.number()}"
        changes = {"properties": {"increment": {name: 1}}}
        results = await asyncio.gather(
            *(self.call(api, UPDATE, user=who, changes=changes) for api in (here, there))
        )
        added = [result["user"]["id"] for result in results if "user" in result]
        lost = sum(result["__typename"] == "LOST" for result in results)
        if added:
            self.hits[name] = added[0], len(added), lost

    async def record(self, here: Api, there: Api) -> None:
        await self.record_of(here, self.anybody())

    async def record_at_both(self, here: Api, there: Api) -> None:
        await self.record_of(here, self.an_id(), there)

    async def record_of(self, here: Api, who: By, *there: Api) -> None:
        """Record an event; the same one by every server named."""
        id = f"e{self.number():05}"
        self.sent.add(id)
        event = {"id": id, "name": self.random.choice(["Viewed", "viewed ", "Bought"])}
        results = await asyncio.gather(
            *(self.call(api, RECORD, user=who, events=[event]) for api in (here, *there))
        )
        people = [result["user"]["id"] for result in results if "user" in result]
        times = sum(result.get("recorded", 0) for result in results)
        assert times <= 1, results
        if len(people) == len(results):
            assert times == 1, results
        if people:
            self.recorded[id] = people[0]

    async def register(self, here: Api, there: Api) -> None:
        device = self.random.choice(DEVICES)
        details = {"id": device["device"], "platform": "IOS"}
        who = self.random.choice([device, self.anybody()])
        await self.call(here, REGISTER, user=who, device=details)

    async def log_out(self, here: Api, there: Api) -> None:
        await self.call(here, LOG_OUT, device=self.random.choice(DEVICES)["device"])

    async def look(self, here: Api, there: Api) -> None:
        """See that, in the midst of it all, whoever an identity finds lists it."""
        by = self.random.sample(STRONG + DEVICES, 4)
        for ref, found in zip(by, await here(FIND, by=by), strict=True):
            assert found is None or ref in refs_of(found), (ref, found)

    def number(self) -> int:
        return next(self.numbers)


Operation = Callable[[Storm, Api, Api], Any]

EVERY_KIND: Final[dict[Operation, int]] = {
    Storm.log_in: 14,
    Storm.log_in_on_a_device: 16,
    Storm.link: 10,
    Storm.unlink: 8,
    Storm.merge: 7,
    Storm.merge_both_ways: 4,
    Storm.delete: 2,
    Storm.increment_at_both: 7,
    Storm.record: 10,
    Storm.record_at_both: 5,
    Storm.register: 6,
    Storm.log_out: 4,
    Storm.look: 6,
}
MERGES_AND_LOGINS: Final[dict[Operation, int]] = {
    Storm.log_in: 10,
    Storm.log_in_on_a_device: 20,
    Storm.newcomer: 10,
    Storm.passer_by: 4,
    Storm.link: 6,
    Storm.unlink: 8,
    Storm.merge: 10,
    Storm.merge_both_ways: 10,
    Storm.increment_at_both: 4,
    Storm.record: 10,
    Storm.register: 8,
    Storm.log_out: 6,
}


async def rage(
    storm: Storm, apis: Sequence[Api], kinds: Mapping[Operation, int], operations: int
) -> None:
    """Let many clients work at once, until all is done or the server is gone."""
    left = iter(range(operations))

    async def client(here: Api, there: Api) -> None:
        for _ in left:
            (operation,) = storm.random.choices(list(kinds), list(kinds.values()))
            await operation(storm, here, there)
            if storm.answers_left <= 0 and storm.strike:
                return

    pairs = [(apis[number % len(apis)], apis[number % len(apis) - 1]) for number in range(CLIENTS)]
    async with asyncio.TaskGroup() as clients:
        for here, there in pairs:
            clients.create_task(client(here, there))


@asynccontextmanager
async def api_of(url: str) -> AsyncIterator[Api]:
    async with AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        yield Api(http)


# ------------------------------------------------------------ what is left


def refs_of(user: Mapping[str, Any]) -> list[By]:
    return [{identity["kind"].lower(): identity["value"]} for identity in user["identities"]]


async def everyone(api: Api) -> dict[str, Any]:
    """Return all people by their ids, with their whole logs."""
    people: list[Any] = []
    after, more = None, True
    while more:
        page = await api(EVERYONE, after=after)
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        people += page["nodes"]
    assert page["totalCount"] == len(people)
    for person in people:
        person["log"] = await log_of(api, person["id"])
    return {person["id"]: person for person in people}


async def log_of(api: Api, id: str) -> list[Any]:
    log: list[Any] = []
    after, more = None, True
    while more:
        page = (await api(LOG, id=id, after=after))["events"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        log += page["nodes"]
    return log


async def found_by(api: Api, refs: Sequence[By]) -> list[str | None]:
    """Return the id of whom each reference finds."""
    found: list[Any] = []
    for start in range(0, len(refs), 100):
        found += await api(FIND, by=refs[start : start + 100])
    return [user and user["id"] for user in found]


async def check(storm: Storm, api: Api) -> dict[str, Any]:
    """Return everyone, of whom all is true that has to be."""
    people = await everyone(api)
    await check_identities(storm, api, people)
    owners = await check_ids(storm, api, people)
    check_logs(storm, people, owners)
    for name, (id, added, doubtful) in storm.hits.items():
        if (owner := owners[id]) is not None:
            assert added <= people[owner]["properties"].get(name, 0) <= added + doubtful, name
    return people


async def check_identities(storm: Storm, api: Api, people: Mapping[str, Any]) -> None:
    """Whoever an identity finds lists it, and nobody else does."""
    listed = [(*ref.items(), person["id"]) for person in people.values() for ref in refs_of(person)]
    found = zip(storm.named, await found_by(api, storm.named), strict=True)
    assert sorted(listed) == sorted((*ref.items(), id) for ref, id in found if id)
    for person in people.values():
        refs = refs_of(person)
        assert all({"device": device["id"]} in refs for device in person["devices"]), person


async def check_ids(storm: Storm, api: Api, people: Mapping[str, Any]) -> dict[str, str | None]:
    """Every id finds the survivor, who lists it, or nobody if that person was deleted."""
    for person in people.values():
        storm.learn({"user": person})
    ids = list(storm.known)
    owners = dict(zip(ids, await found_by(api, [{"id": id} for id in ids]), strict=True))
    for same in persons(storm.known):
        (owner,) = {owners[id] for id in same}
        if same & storm.erased:
            assert owner is None, same
        elif not same & storm.doubtful:
            assert owner is not None, same
        if owner is not None:
            assert {owner, *people[owner]["mergedIds"]} == same
    return owners


def persons(known: Mapping[str, set[str]]) -> list[set[str]]:
    """Return sets of ids that are, each, one person."""
    whole: dict[str, set[str]] = {}
    for id, same in known.items():
        joined = {id, *same}.union(*(whole[other] for other in {id, *same} if other in whole))
        whole |= dict.fromkeys(joined, joined)
    return [same for first, same in whole.items() if first == min(same)]


def check_logs(storm: Storm, people: Mapping[str, Any], owners: Mapping[str, str | None]) -> None:
    """Every log holds what was acknowledged, once, and as much as its totals say."""
    holders = defaultdict(list)
    for person in people.values():
        totals = {total["name"]: total["count"] for total in person["activity"]}
        assert totals == Counter(event["name"] for event in person["log"]), person["id"]
        for event in person["log"]:
            holders[event["id"]].append(person["id"])
    assert set(holders) <= storm.sent
    assert all(len(held) == 1 for held in holders.values()), holders
    for event_id, id in storm.recorded.items():
        owner = owners[id]
        assert holders.get(event_id, []) == ([owner] if owner else []), event_id


def repaired(database: str) -> str:
    """Return what a repair says."""
    command = [sys.executable, "-m", "app", "repair", "--database", database]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


# ------------------------------------------------------------ tests


async def test_a_storm_at_two_servers_leaves_every_person_whole(store_url: str):
    storm = Storm(Random(7))
    async with AsyncExitStack() as running:
        urls = [running.enter_context(server_process(store_url, **SETTINGS)).url for _ in range(2)]
        apis = [await running.enter_async_context(api_of(url)) for url in urls]
        await rage(storm, apis, EVERY_KIND, OPERATIONS)

        assert "LOST" not in storm.results()
        assert await check(storm, apis[0]) == await everyone(apis[1])
    succeeded = {name for name, result in storm.told if result.endswith("Payload")}
    assert len(succeeded) == 9, storm.told


async def test_servers_killed_in_a_storm_leave_nothing_that_a_repair_does_not_mend(
    store_url: str,
):
    storm = Storm(Random(11))
    for _ in range(KILLS):
        await rage_until_killed(storm, store_url)
    assert "LOST" in storm.results()

    first, second = repaired(store_url), repaired(store_url)
    if store_url.startswith("sqlite"):
        assert first == NOTHING
    assert second == NOTHING
    with server_process(store_url, **SETTINGS) as server:
        async with api_of(server.url) as api:
            await check(storm, api)


async def rage_until_killed(storm: Storm, database: str) -> None:
    with server_process(database, **SETTINGS) as server:
        storm.answers_left, storm.strike = storm.random.randint(60, 160), server.kill
        async with api_of(server.url) as api:
            await rage(storm, [api], MERGES_AND_LOGINS, OPERATIONS)


async def test_people_merged_both_ways_at_once_are_one_person_with_everything_once(
    servers: list[str],
):
    async with AsyncExitStack() as running:
        apis = [await running.enter_async_context(api_of(url)) for url in servers]
        for number in range(20):
            await merge_both_ways_at_once(apis, f"round{number}")


async def merge_both_ways_at_once(apis: Sequence[Api], name: str) -> None:
    storm = Storm(Random(name))
    one, other = [await somebody(storm, apis[0], f"{name}{side}") for side in "ab"]

    merges = await asyncio.gather(
        storm.call(apis[0], MERGE, **{"from": one, "into": other}),
        storm.call(apis[1], MERGE, **{"from": other, "into": one}),
    )

    assert sorted(merge["__typename"] for merge in merges) == [
        "InvalidInputError",
        "UserMergePayload",
    ]
    survivor, absorbed = sorted([one["id"], other["id"]])
    for api in apis:
        people = await everyone(api)
        assert absorbed not in people
        person = people[survivor]
        assert person["mergedIds"] == [absorbed]
        assert sorted(map(str, refs_of(person))) == sorted(
            str({kind: f"{name}{side}"}) for kind in ("custom", "device") for side in "ab"
        )
        assert person["properties"] == {f"{name}{side}": 1 for side in "ab"}
        assert sorted(event["id"] for event in person["log"]) == ["both", f"{name}a", f"{name}b"]
        assert person["activity"] == [{"name": "Viewed", "count": 3}]


async def somebody(storm: Storm, api: Api, name: str) -> By:
    """Make a person with a device, a counter, an event of their own and one that others have."""
    me: By = {"custom": name}
    login = await storm.call(api, LOGIN, identities=[me], device=name)
    events = [{"id": id, "name": "Viewed"} for id in (name, "both")]
    await storm.call(api, RECORD, user=me, events=events)
    changes = {"properties": {"increment": {name: 1}}}
    await storm.call(api, UPDATE, user=me, changes=changes)
    return {"id": login["user"]["id"]}
