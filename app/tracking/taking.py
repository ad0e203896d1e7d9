"""Take the messages of a call: read them all, then do what each person's ask for, in order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from ulid import ULID

from app.domain.errors import IdentityTaken, InvalidInput, LimitExceeded
from app.operations.terms import Terms
from app.store import Store
from app.tracking.batches import Run, Task, as_one, per_person, writes
from app.tracking.body import MAX_MESSAGE_BYTES
from app.tracking.delivery import deliver
from app.tracking.messages import Kind, kind_of, read_message
from app.tracking.outcomes import Refusal
from app.tracking.paths import as_sent
from app.tracking.translation import Reading, translated

MESSAGES_IN_A_ROW: Final = 50
"""How many messages are read before others have a turn."""


@dataclass(frozen=True)
class Sent:
    """A message as it came.

    Attributes:
        body: What is said to be one.
        batch: What it came in.
        kind: What its address says it is; in a batch, it says so itself.
    """

    body: Any
    batch: Mapping[str, Any]
    kind: Kind | None = None


async def take(store: Store, sent: Sequence[Sent], terms: Terms, today: date) -> list[Refusal]:
    """Do what messages ask for; return which are refused, in their order.

    Raises:
        Busy, Unavailable: some of them have to be sent again, and all of them may be.
    """
    read = await _read_all(sent, terms, today)
    refused = [one for one in read if isinstance(one, Refusal)]
    for run in per_person([one for one in read if isinstance(one, Task)]):
        for part in writes(run):
            refused += await _done(store, part, terms)
    return sorted(refused, key=lambda one: one.index)


async def _read_all(sent: Sequence[Sent], terms: Terms, today: date) -> list[Task | Refusal]:
    read = []
    for index, message in enumerate(sent, 1):
        read.append(_read(index - 1, message, terms, today))
        if index % MESSAGES_IN_A_ROW == 0:
            await asyncio.sleep(0)
    return read


def _read(index: int, sent: Sent, terms: Terms, today: date) -> Task | Refusal:
    """Return what a message asks for, or why it cannot be read."""
    try:
        body = _checked(sent.body)
        message = read_message(sent.kind or kind_of(body), body, sent.batch, terms.now)
    except (InvalidInput, LimitExceeded) as fault:
        return Refusal(index, fault, fault.path)
    reading = Reading(terms.now, today, terms.limits, str(ULID.from_datetime(terms.now)))
    try:
        return Task(index, message, translated(message, reading))
    except (InvalidInput, LimitExceeded) as fault:
        return Refusal(index, fault, as_sent(fault.path, message.traits_path))


def _checked(body: Any) -> Mapping[str, Any]:
    """Return a message that is an object of the allowed size."""
    if not isinstance(body, dict):
        raise InvalidInput("The message is no object.")
    try:
        size = len(orjson.dumps(body))
    except orjson.JSONEncodeError:
        raise InvalidInput("The message nests too deep.") from None
    if size > MAX_MESSAGE_BYTES:
        raise LimitExceeded(
            f"The message is larger than {MAX_MESSAGE_BYTES} bytes.", (), MAX_MESSAGE_BYTES
        )
    return body


async def _done(store: Store, part: Run, terms: Terms) -> list[Refusal]:
    """Do what messages ask for, in one write if none of them is refused."""
    try:
        await deliver(store, as_one(part), terms)
    except (InvalidInput, LimitExceeded, IdentityTaken) as fault:
        if len(part) == 1:
            path = () if isinstance(fault, IdentityTaken) else fault.path
            (task,) = part
            return [Refusal(task.index, fault, as_sent(path, task.message.traits_path))]
        return [refused for task in part for refused in await _done(store, [task], terms)]
    return []
