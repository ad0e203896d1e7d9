"""Sample people for an empty store, who came in by the same operations as everybody."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ulid import ULID

from app.demo.ada import ada_lovelace
from app.demo.gadgets import Gadget
from app.demo.people import Person, everyone_but_ada
from app.demo.profiles import RawChanges, RawIdentity
from app.demo.shop import RawEvent
from app.domain.changes import UserChanges, parse_changes
from app.domain.devices import Registration, parse_registration
from app.domain.events import parse_events
from app.domain.identity import Identity, IdentityKind, normalised
from app.operations.devices import register_device
from app.operations.identify import identify
from app.operations.record_events import record_events
from app.operations.terms import Terms
from app.operations.update import update
from app.store import Store


async def fill(store: Store, terms: Terms) -> int:
    """Fill an empty store with sample people, and return how many; 0 if it is not empty.

    They are the same ones every time; their events reach from a year ago to `terms.now`.
    """
    if await store.count():
        return 0
    people = [ada_lovelace(terms.now), *everyone_but_ada(terms.now)]
    await asyncio.gather(*(_live(store, person, terms) for person in people))
    return len(people)


async def _live(store: Store, person: Person, terms: Terms) -> None:
    """Tell the store of a person's life, each call at its time."""
    joined = replace(terms, now=person.joined)
    names = [_identity(raw, terms) for raw in person.identities]
    gadgets = [_registration(gadget, terms) for gadget in person.gadgets]
    ref, *_ = (*names, *(gadget.identity for gadget in gadgets))
    if names:
        await identify(store, names, None, _changes(person.profile, joined), joined)
    for gadget in gadgets[:1]:
        await register_device(store, ref, gadget, joined)
    *history, latest = person.visits
    if history:
        await _record(store, ref, list(chain(*history)), terms)
    await _record(store, ref, latest, terms)
    lately = replace(terms, now=latest[-1]["at"])
    for gadget in gadgets:
        await register_device(store, ref, gadget, lately)
    await update(store, ref, _changes(person.later, lately), lately)


async def _record(store: Store, ref: Identity, events: Sequence[RawEvent], terms: Terms) -> None:
    """Record the events when the last of them has happened."""
    then = replace(terms, now=max(event["at"] for event in events))
    ids = [str(ULID.from_datetime(event["at"])) for event in events]
    await record_events(store, ref, parse_events(events, then.now, ids, terms.limits), then)


def _identity(raw: RawIdentity, terms: Terms) -> Identity:
    kind, text = raw
    return normalised(kind, text, ("identities",), test_mail_domains=terms.limits.test_mail_domains)


def _registration(gadget: Gadget, terms: Terms) -> Registration:
    identity = _identity((IdentityKind.DEVICE, gadget.id), terms)
    return parse_registration(identity, gadget.platform, gadget.details, terms.limits)


def _changes(raw: RawChanges, terms: Terms) -> UserChanges:
    return parse_changes(raw, terms.now.date(), terms.limits)
