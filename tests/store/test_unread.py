"""Events as they stand in a document: what can be known of them, and done, without reading them."""

from collections.abc import Sequence
from functools import partial

import bson
import orjson
import pytest
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.events import Event
from app.domain.recent import newest_first
from app.store.document import from_event, to_document, to_event, to_user
from app.store.mongo.collections import from_bson, to_bson
from app.store.mongo.packed import PackedEvents, opened, sealed, unpacked
from app.store.sqlite.connection import from_ms, to_ms
from app.store.sqlite.users import decode, encode
from app.store.unread import FEW, ListedEvents, StoredEvents, WrittenEvents
from tests.builders import NOON, event, user
from tests.domain.strategies import events, users

some_events = st.lists(events, max_size=4, unique_by=lambda event: event.id)
QUICK = settings(deadline=None, max_examples=50)

MISLEADING = ',"events":[{"id":"e2",]},"archived":{"id":"e3",'
"""What somebody might write to be taken for the frame of a document."""


def packed(events: Sequence[Event]) -> PackedEvents:
    kept = sealed({"_id": "", "events": [from_event(event, to_bson) for event in events]})
    events = opened(RawBSONDocument(bson.encode(kept)))["events"]
    assert isinstance(events, PackedEvents)
    return events


def every_form(events: Sequence[Event]) -> tuple[StoredEvents, ...]:
    read = partial(to_event, instant=from_ms)
    documents = [from_event(event, to_ms) for event in events]
    written = orjson.dumps(documents).decode()
    return ListedEvents(documents, read), WrittenEvents(written, read), packed(events)


@QUICK
@given(some_events)
def test_every_form_tells_the_same(drawn):
    events = newest_first(drawn)
    ids = [*(one.id for one in events), "nobody's"]

    for unread in every_form(events):
        assert len(unread) == len(events)
        assert unread.newest() == (events[0] if events else None)
        assert unread.read() == events
        assert unread.among(ids[:FEW]) == set(ids[:FEW]) - {"nobody's"}
        assert unread.among([*ids, *map(str, range(FEW))]) >= set(ids) - {"nobody's"}


@QUICK
@given(some_events, some_events)
def test_newer_events_are_put_in_front(held, fresh):
    listed, written, _ = every_form(held)
    documents = [from_event(one, to_ms) for one in fresh]

    assert listed.preceded_by(documents) == [*documents, *listed.form]
    assert orjson.loads(written.preceded_by(documents)) == listed.preceded_by(documents)
    in_front = [from_event(one, to_bson) for one in fresh]
    assert packed(held).preceded_by(in_front).read() == (*fresh, *held)
    assert packed(held).preceded_by(in_front).array == packed([*fresh, *held]).array


@pytest.mark.parametrize("id", ["e2", "e3", 'a"b', "a\\", "\\u0061"])
def test_no_text_in_an_event_is_taken_for_an_id(id):
    misleading = event(id="e1", name=MISLEADING, properties={MISLEADING: MISLEADING, "id": id})

    for unread in every_form([misleading]):
        assert len(unread) == 1
        assert unread.among([id]) == set()
        assert unread.newest() == misleading
    for unread in every_form([misleading, event(id=id)]):
        assert unread.among([id]) == {id}


# ---------------------------------------------------------------- the document around them


@QUICK
@given(users)
def test_a_document_is_sealed_as_it_was_opened(kept):
    document = to_document(kept, to_bson)
    stored = RawBSONDocument(bson.encode(sealed(document)))

    read = opened(stored)

    assert to_user(read, from_bson) == kept
    assert unpacked(read) == document
    assert sealed(read).raw == stored.raw


def test_a_document_whose_events_are_elsewhere_is_opened_all_the_same():
    document = to_document(user(events=(event(),)), to_bson)

    assert opened(RawBSONDocument(bson.encode(document))) == document


@QUICK
@given(users)
def test_a_user_is_read_from_the_text_as_it_was_kept(kept):
    assert decode(encode(kept)) == kept
    assert encode(decode(encode(kept))) == encode(kept)


def test_no_text_of_a_person_is_taken_for_the_events():
    misleading = user(
        name=MISLEADING,
        properties={MISLEADING: (MISLEADING,)},
        events=(event(name=MISLEADING, properties={MISLEADING: MISLEADING}),),
        request_ids=(MISLEADING,),
    )

    assert decode(encode(misleading)) == misleading


def test_a_document_that_does_not_say_how_much_its_events_take_is_read_all_the_same():
    kept = user(events=(event(id="e2", at=NOON), event(id="e1", at=NOON)))
    document = orjson.loads(encode(kept))
    del document["eventBytes"]

    read = decode(orjson.dumps(document).decode())

    assert read == kept
    assert encode(read) == encode(kept)
