"""Gives a database of ours the people of the race: `python -m tests.bench.filling URL COUNT`."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.domain.changes import parse_changes
from app.domain.events import parse_events
from app.domain.identity import IdentityKind, normalised
from app.domain.limits import Limits
from app.operations.identify import identify
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.store import Store, open_store
from tests.bench.people import Person, everyone

AT_ONCE: Final = 16

_STANDARD: Final = ("name", "birthday", "gender", "language", "timezone", "photoUrl", "location")


async def fill(url: str, people: Iterable[Person]) -> None:
    """Let everyone join, and do what they did, by the operations that the API calls.

    Not by the API itself: it would note today as the day on which they joined.
    """
    waiting = iter(people)
    async with open_store(url, Limits()) as store:
        await asyncio.gather(*(_join_in_turn(store, waiting) for _ in range(AT_ONCE)))


async def _join_in_turn(store: Store, waiting: Iterable[Person]) -> None:
    for person in waiting:
        await _join(store, person)


async def _join(store: Store, person: Person) -> None:
    joined = Terms(datetime.fromisoformat(person["createdAt"]), Limits())
    identities = [
        normalised(
            IdentityKind[name["kind"]],
            name["value"],
            ("identities",),
            test_mail_domains=joined.limits.test_mail_domains,
        )
        for name in person["identities"]
    ]
    raw_changes = {field: person[field] for field in _STANDARD}
    raw_changes["properties"] = {"set": person["properties"]}
    if not person["subscribedToEmail"]:
        raw_changes["channels"] = {"email": False}
    changes = parse_changes(raw_changes, joined.now.date(), joined.limits)
    await identify(store, identities, None, changes, joined)

    latest = replace(joined, now=datetime.fromisoformat(person["lastSeenAt"]))
    history = [
        {**event, "at": datetime.fromisoformat(event["at"])} for event in reversed(person["events"])
    ]
    ids = [event["id"] for event in history]
    events = parse_events(history, latest.now, ids, latest.limits)
    await record_events(store, identities[0], events, latest)


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], everyone(int(sys.argv[2]))))
