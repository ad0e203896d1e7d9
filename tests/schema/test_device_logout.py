"""Logging out on a device: who loses it, who loses its push token only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.schema.documents import ADA, COUNT, EVA, UNLINK, USER, fault, invalid
from tests.schema.resolution import (
    DEVICE,
    LOG_OUT,
    PUSH,
    everything,
    login,
    names,
    record,
    register,
)

HOUR = timedelta(hours=1)
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
DONE = {"__typename": "DeviceLogOutPayload", "deviceId": "d1"}
NO_DEVICE = {"__typename": "DeviceNotFoundError", "id": "d1"}


@pytest.fixture
async def api(store_url: str, clock: Clock) -> AsyncIterator[Api]:
    """The API on an empty store of each kind in turn."""
    async with serving(Settings(database=store_url), clock) as api:
        yield api


async def test_logging_out_takes_the_device_and_its_token_from_its_person(api, clock):
    await login(api, ADA, device="d1")
    await login(api, ADA, device="d2")
    await register(api, "d2", user=ADA)
    before = await register(api, user=ADA, push=PUSH)
    clock.now += HOUR

    answer = await api(LOG_OUT, device=" d1 ")

    assert answer == DONE
    assert await api(USER, by=DEVICE) is None
    assert await api(USER, by=ADA) == before | {
        "type": "ANONYMOUS",
        "identities": [held for held in before["identities"] if held["value"] != "d1"],
        "devices": [held for held in before["devices"] if held["id"] != "d1"],
        "reachableBy": [],
        "updatedAt": SHOWN_LATER,
        "version": before["version"] + 1,
    }


async def test_its_next_activity_makes_a_new_anonymous_person(api):
    ada = (await login(api, ADA, device="d1"))["user"]
    await api(LOG_OUT, device="d1")

    new = (await record(api, DEVICE, {"name": "Viewed"}))["user"]
    back = await login(api, ADA, device="d1")

    assert new["id"] != ada["id"]
    assert names(new) == ["DEVICE:d1"]
    assert back["outcome"] == "MERGED"
    assert sorted([back["user"]["id"], *back["user"]["mergedIds"]]) == sorted(
        [ada["id"], new["id"]]
    )


async def test_registering_it_after_logging_out_brings_no_token_back(api):
    await login(api, ADA, device="d1")
    await register(api, user=ADA, push=PUSH, model="iPhone")
    await api(LOG_OUT, device="d1")

    user = await register(api)

    assert [(held["model"], held["push"]) for held in user["devices"]] == [(None, None)]


async def test_who_was_never_identified_keeps_the_device_and_loses_its_token(api, clock):
    before = await register(api, push=PUSH, model="iPhone")
    clock.now += HOUR

    answer = await api(LOG_OUT, device="d1")

    assert answer == DONE
    assert await api(USER, by=DEVICE) == before | {
        "type": "ANONYMOUS",
        "devices": [before["devices"][0] | {"push": None, "pushEnabled": False}],
        "reachableBy": [],
        "updatedAt": SHOWN_LATER,
        "version": before["version"] + 1,
    }


@pytest.mark.parametrize("registered", [True, False])
async def test_logging_out_anonymously_without_a_token_changes_nothing(api, clock, registered):
    await record(api, DEVICE, {"name": "Viewed"})
    if registered:
        await register(api, push=PUSH)
        await api(LOG_OUT, device="d1")
    before = await everything(api)
    clock.now += HOUR

    answer = await api(LOG_OUT, device="d1")

    assert answer == DONE
    assert await everything(api) == before


async def test_who_was_identified_once_loses_the_device_though_nothing_else_finds_them(api):
    once = (await login(api, ADA, device="d1"))["user"]
    await api(UNLINK, user=ADA, identity=ADA)

    await api(LOG_OUT, device="d1")

    assert await api(USER, by=DEVICE) is None
    assert names(await api(USER, by={"id": once["id"]})) == []


async def test_logging_out_twice_finds_no_device(api):
    await login(api, ADA, device="d1")
    await api(LOG_OUT, device="d1")
    before = await everything(api)

    assert await fault(api, LOG_OUT, device="d1") == NO_DEVICE
    assert await everything(api) == before


async def test_a_device_that_is_nobodys_is_not_found(api):
    assert await fault(api, LOG_OUT, device="d1") == NO_DEVICE
    assert await api(COUNT) == 0


@pytest.mark.parametrize("device", ["null", "0", " ", "a\u0007"])
async def test_a_device_that_cannot_be_is_refused(api, device):
    assert await fault(api, LOG_OUT, device=device) == invalid("device")


async def test_a_device_logged_out_is_free_for_the_next_person(api):
    await login(api, ADA, device="d1")
    await register(api, user=ADA, push=PUSH)
    await api(LOG_OUT, device="d1")

    answer = await login(api, EVA, device="d1")

    assert answer["outcome"] == "CREATED"
    assert (answer["user"]["devices"], answer["user"]["reachableBy"]) == ([], [])


async def test_of_racing_logouts_one_ends_the_session(api):
    await login(api, ADA, device="d1")

    answers = await asyncio.gather(*(api(LOG_OUT, device="d1") for _ in range(8)))

    types = sorted(answer["__typename"] for answer in answers)
    assert types == ["DeviceLogOutPayload"] + ["DeviceNotFoundError"] * 7 or types == sorted(
        ["DeviceLogOutPayload"] * 8
    )
    assert names(await api(USER, by=ADA)) == ["CUSTOM:ada"]


async def test_logging_out_while_another_logs_in_leaves_the_device_to_one_or_none(api):
    await login(api, ADA, device="d1")
    await register(api, user=ADA, push=PUSH)

    await asyncio.gather(api(LOG_OUT, device="d1"), login(api, EVA, device="d1"))

    ada, eva, holder = [await api(USER, by=ref) for ref in (ADA, EVA, DEVICE)]
    assert names(ada) == ["CUSTOM:ada"]
    assert holder in (None, eva)
    assert ("DEVICE:d1" in names(eva)) == (holder is not None)
