"""Two servers on one database act as one."""

import asyncio
from collections import Counter

import pytest

from tests.processes.servers import IDENTIFY, INCREMENT, USER, WATCH, Client, subscribed

pytestmark = pytest.mark.slow


async def test_a_race_of_logins_makes_one_person(clients: list[Client], email: str):
    logins = await asyncio.gather(*(client(IDENTIFY, email=email) for client in clients * 12))

    assert Counter(login["outcome"] for login in logins) == {"CREATED": 1, "FOUND": 23}
    assert len({login["user"]["id"] for login in logins}) == 1


async def test_racing_increments_all_count(clients: list[Client], email: str):
    await clients[0](IDENTIFY, email=email)

    changes = await asyncio.gather(*(client(INCREMENT, email=email) for client in clients * 60))

    assert sorted(change["user"]["version"] for change in changes) == list(range(2, 122))
    for client in clients:
        assert (await client(USER, email=email))["properties"] == {"n": 120}


async def test_what_one_server_writes_a_subscriber_of_the_other_sees_within_a_second(
    servers: list[str], clients: list[Client], email: str
):
    await clients[0](IDENTIFY, email=email)

    async with subscribed(servers[1], WATCH, email=email) as watching:
        assert (await watching.next())["kind"] == "CURRENT"
        for number in range(1, 4):
            await clients[0](INCREMENT, email=email)
            async with asyncio.timeout(1):
                change = await watching.next()
            assert change == {
                "kind": "UPDATED",
                "user": {"version": number + 1, "properties": {"n": number}},
            }


async def test_who_waits_at_one_server_is_told_who_is_created_at_the_other(
    servers: list[str], clients: list[Client], email: str
):
    async with subscribed(servers[1], WATCH, email=email) as watching:
        # The answer to a later request shows that the subscription was taken up before it.
        await clients[1](USER, email=email)
        await clients[0](IDENTIFY, email=email)

        async with asyncio.timeout(1):
            change = await watching.next()

    assert change == {"kind": "CREATED", "user": {"version": 1, "properties": {}}}
