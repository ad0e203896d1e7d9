"""Scenarios: who is there, and what several processes do to them at once."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from app.domain.limits import Limits
from app.domain.user import Edit
from app.operations.delete import delete as delete_user
from app.operations.devices import log_out_device, register_device
from app.operations.find import create as create_user
from app.operations.identify import identify
from app.operations.link_identity import link_identity, unlink_identity
from app.operations.merge import merge as merge_users
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.operations.update import update
from app.store.mongo import MongoStore
from tests.builders import NOON, changes, event, identity, push, registration

FEW: Final = Limits(embedded_events=2, devices=2, identities=3)
"""Limits so low that a few steps pass them."""


@dataclass(frozen=True)
class Operation:
    """Something done to people, and what it is called."""

    name: str
    do: Callable[[MongoStore, Terms], Coroutine[Any, Any, Any]]
    deletes: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Scenario:
    """Some people, and the programs of the processes that meet on them.

    Attributes:
        people: Id and identities of each, older first.
        before: What was done before.
        programs: What each process does.
        limits: What people may hold.
        is_atomic: Whether each operation happens at one instant, as if alone.
    """

    name: str
    people: Mapping[str, Sequence[str]]
    programs: Sequence[Sequence[Operation]]
    before: Sequence[Operation] = ()
    limits: Limits = field(default=FEW)
    is_atomic: bool = True

    def __str__(self) -> str:
        return self.name


def terms(limits: Limits, minute: int) -> Terms:
    return Terms(NOON + timedelta(minutes=minute), limits)


def create(*keys: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await create_user(store, [identity(key) for key in keys], lambda user: Edit(user), terms)

    return Operation(f"create({', '.join(keys)})", do)


def increment(ref: str, name: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await update(store, ref, changes(properties={"increment": {name: 1}}), terms)

    return Operation(f"increment({ref}, {name})", do)


def link(ref: str, key: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await link_identity(store, ref, identity(key), terms)

    return Operation(f"link({ref}, {key})", do)


def unlink(ref: str, key: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await unlink_identity(store, ref, identity(key), terms)

    return Operation(f"unlink({ref}, {key})", do)


def merge(other: str, into: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await merge_users(store, other, into, terms)

    return Operation(f"merge({other} into {into})", do)


def delete(ref: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await delete_user(store, ref, terms)

    return Operation(f"delete({ref})", do, deletes=True)


def record(ref: str, *ids: str) -> Operation:
    """Record events, as many minutes after noon as the number in the id says."""
    events = [
        event(id=id, at=NOON + timedelta(minutes=int("".join(filter(str.isdigit, id)))))
        for id in ids
    ]

    async def do(store: MongoStore, terms: Terms) -> int:
        return len((await record_events(store, ref, events, terms)).recorded)

    return Operation(f"record({ref}, {', '.join(ids)})", do)


def register(ref: str, device: str) -> Operation:
    """Register a device with a push token of its own name."""
    said = registration(device, push=push(f"push-{device}"))

    async def do(store: MongoStore, terms: Terms) -> None:
        await register_device(store, ref, said, terms)

    return Operation(f"register({ref}, {device})", do)


def log_out(device: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> None:
        await log_out_device(store, identity(f"device:{device}"), terms)

    return Operation(f"log_out({device})", do)


def transfer(device: str, giver: str, taker: str) -> Operation:
    async def do(store: MongoStore, terms: Terms) -> bool:
        return await store.transfer(identity(f"device:{device}"), giver, taker, terms.now)

    return Operation(f"transfer({device}, {giver} to {taker})", do)


def log_in(*keys: str, device: str | None = None, count: str | None = None) -> Operation:
    """Log in by strong identities, perhaps on a device, counting in a property."""
    raw = {"properties": {"increment": {count: 1}}} if count else {}

    async def do(store: MongoStore, terms: Terms) -> str:
        on = identity(f"device:{device}") if device else None
        named = [identity(key) for key in keys]
        return (await identify(store, named, on, changes(**raw), terms)).outcome.value

    on = f" on {device}" if device else ""
    return Operation(f"log_in({', '.join(keys)}{on}, {count})", do)


def seek(ref: str) -> Operation:
    """Find somebody who is there all the time, whatever happens to them."""

    async def do(store: MongoStore, terms: Terms) -> None:
        found = await store.find(identity(ref) if ":" in ref else ref)
        assert found is not None, f"{ref} is found by nobody."

    return Operation(f"seek({ref})", do)


class _Cut(BaseException):
    """The process ends here."""


def cut(operation: Operation, writes: int) -> Operation:
    """Do what a process does that crashes before it writes one more time to a user."""

    async def do(store: MongoStore, terms: Terms) -> None:
        memory: Any = vars(store._collections.users)["_memory"]
        turn, left = memory.turn, [writes]

        async def counted(collection: str, call: str) -> None:
            if (collection, call) == ("users", "replace_one"):
                left[0] -= 1
                if left[0] < 0:
                    raise _Cut
            await turn(collection, call)

        memory.turn = counted
        try:
            await operation.do(store, terms)
        except _Cut:
            return
        finally:
            memory.turn = turn
        raise AssertionError(f"{operation} wrote only {writes} times.")

    return Operation(f"{operation}, cut", do)
