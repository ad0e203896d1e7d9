"""The checks bite: without one of the protocol's guards, some schedule goes wrong."""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from app.store.mongo.claims import Claims
from app.store.mongo.merging import Merging
from app.store.mongo.protocol import Protocol
from app.store.mongo.users import Users
from tests.protocol.people import ATOMIC, LOGINS
from tests.protocol.schedule import Budget, Violation
from tests.protocol.test_schedules import all_schedules_of

Mutation = Callable[[pytest.MonkeyPatch], None]


def delete_without_token(patch: pytest.MonkeyPatch) -> None:
    whole = Claims.delete

    async def delete(self: Claims, key: str, user_id: str, token: str | None = None) -> None:
        await whole(self, key, user_id)

    patch.setattr(Claims, "delete", delete)


def pass_on_without_token(patch: pytest.MonkeyPatch) -> None:
    async def pass_on(self: Claims, entry: Any, from_id: str, to_id: str) -> None:
        passed = {"user": to_id, "token": "passed", "mark": None, "payload": entry["payload"]}
        await self._claims.update_one({"_id": entry["identity"]}, {"$set": passed})

    patch.setattr(Claims, "pass_on", pass_on)


def settle_nothing(patch: pytest.MonkeyPatch) -> None:
    async def settle(self: Claims, key: str, user_id: str, token: str) -> None:
        return None

    patch.setattr(Claims, "settle", settle)


def embed_without_second_look(patch: pytest.MonkeyPatch) -> None:
    whole = Protocol._embed

    async def embed(self: Protocol, key: str, claim: Any, user: Any) -> None:
        async def get(_: str) -> Any:
            return claim

        trusting = copy.copy(self)
        trusting._claims = SimpleNamespace(get=get, delete=self._claims.delete)  # type: ignore[assignment]
        await whole(trusting, key, claim, user)

    patch.setattr(Protocol, "_embed", embed)


def write_over_newer_revisions(patch: pytest.MonkeyPatch) -> None:
    async def replace(self: Users, before: Any, written: Any, token: str) -> bool:
        result = await self._users.replace_one({"_id": before["_id"]}, written)
        return bool(result.matched_count)

    patch.setattr(Users, "_replace", replace)


def join_without_breaking_off(patch: pytest.MonkeyPatch) -> None:
    whole = Merging._absorb

    async def absorb(self: Merging, older: Any, younger: Any) -> None:
        class Stubborn(dict[str, Any]):
            """A document whose joining is overlooked, and kept."""

            def __getitem__(self, name: str) -> Any:
                return None if name == "joining" else super().__getitem__(name)

        await whole(self, Stubborn(older), younger)

    patch.setattr(Merging, "_absorb", absorb)


def follow_before_absorbed(patch: pytest.MonkeyPatch) -> None:
    async def survivor(self: Users, merged: Any) -> Any:
        found = await self.get(merged["merging"]["into"])
        return found if found and found["state"] == "active" else None

    patch.setattr(Users, "_survivor", survivor)


def acknowledge_by_state(patch: pytest.MonkeyPatch) -> None:
    async def finish(self: Merging, user_id: str) -> None:
        return None

    patch.setattr(Merging, "finish_merge", finish)


def forget_the_absorbed(patch: pytest.MonkeyPatch) -> None:
    whole = Merging.finish_delete

    async def finish_delete(self: Merging, user_id: str) -> None:
        hasty = copy.copy(self)

        async def skip(_: str) -> None:
            return None

        hasty.finish_merge = skip  # type: ignore[assignment, method-assign]
        await whole(hasty, user_id)

    patch.setattr(Merging, "finish_delete", finish_delete)


MUTATIONS: list[tuple[Mutation, str]] = [
    (delete_without_token, "one is freed and linked again"),
    (pass_on_without_token, "two log in on one device"),
    (settle_nothing, "a device between two"),
    (embed_without_second_look, "a device between two"),
    (write_over_newer_revisions, "one links and frees"),
    (join_without_breaking_off, "a merge while the other joins"),
    (follow_before_absorbed, "who is being absorbed is always found"),
    (acknowledge_by_state, "a merge while one counts"),
    (forget_the_absorbed, "the older goes with whom it absorbed"),
]
"""Each with a scenario that finds it."""


@pytest.mark.parametrize(
    ("mutate", "name"), MUTATIONS, ids=[mutate.__name__ for mutate, _ in MUTATIONS]
)
def test_a_missing_guard_is_found(monkeypatch: pytest.MonkeyPatch, mutate: Mutation, name: str):
    (scenario,) = (each for each in (*ATOMIC, *LOGINS) if each.name == name)
    mutate(monkeypatch)

    with pytest.raises(Violation):
        all_schedules_of(scenario, Budget(interruptions=1, crashes=1), at_most=2_000)
