"""People's documents whose events stay packed: as the bytes in which the database keeps them.

Most of a document are its events, and most changes need not know what is in them. So the events are
taken out of what was read before it is decoded, and put back after what is written was encoded.

BSON, as far as this needs to know it: a document is its length in four bytes, its elements, and a
zero. An element is a byte for the type of its value, its name, a zero, and the value. A text is its
length in four bytes, itself, and a zero; an array is a document with the names 0, 1, 2 and so on.
"""

from collections.abc import Collection
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Any, Final

from bson import decode, encode
from bson.raw_bson import RawBSONDocument

from app.domain.events import Event
from app.store.document import Document, to_event
from app.store.mongo.collections import CODEC, from_bson
from app.store.unread import FEW

Written = Any
"""A document as the driver takes it: a dictionary, or the bytes of one."""

_LENGTH: Final = Struct("<i")
_ID: Final = b"\2_id\0"
_EVENTS: Final = b"\4events\0"
_BEFORE_ID: Final = 4 + len(_ID)


class PackedEvents:
    """The array of a document's events.

    Attributes:
        array: Its bytes.
    """

    __slots__ = ("_documents", "array")

    def __init__(self, array: bytes) -> None:
        self.array = array
        self._documents: list[bytes] | None = None

    @property
    def form(self) -> "PackedEvents":
        return self

    @property
    def documents(self) -> list[bytes]:
        """The bytes of each event."""
        if self._documents is None:
            self._documents = _members(self.array)
        return self._documents

    def __len__(self) -> int:
        return len(self.documents)

    def listed(self) -> list[Document]:
        """Return the events as a list of documents."""
        return list(decode(self.array, CODEC).values())

    def read(self) -> tuple[Event, ...]:
        return tuple(to_event(document, from_bson) for document in self.listed())

    def newest(self) -> Event | None:
        return _event(self.documents[0]) if self.documents else None

    def among(self, ids: Collection[str]) -> set[str]:
        # An id that is not in the bytes is in no event; one that is may be in a text.
        if len(ids) <= FEW and not any(encode({"id": id})[4:-1] in self.array for id in ids):
            return set()
        return {event["id"] for event in self.listed()}.intersection(ids)

    def preceded_by(self, events: list[Document]) -> "PackedEvents":
        """Return these events with others in front."""
        documents = [*(encode(event, codec_options=CODEC) for event in events), *self.documents]
        named = zip(_names(len(documents)), documents, strict=True)
        return PackedEvents(_document(b"".join(chain.from_iterable(named))))


def _members(array: bytes) -> list[bytes]:
    """Return the bytes of each document in an array."""
    members, at, end = [], _LENGTH.size, len(array) - 1
    length_at = _LENGTH.unpack_from
    while at < end:
        begin = array.index(0, at) + 1
        at = begin + length_at(array, begin)[0]
        members.append(array[begin:at])
    return members


@lru_cache(128)
def _names(count: int) -> tuple[bytes, ...]:
    """Return what stands before each document in an array of so many."""
    return tuple(b"\3%d\0" % place for place in range(count))


def _event(raw: bytes) -> Event:
    document: Document = decode(raw, CODEC)
    return to_event(document, from_bson)


class _Sealed(RawBSONDocument):
    """A document as the bytes in which it is sent."""

    def __bool__(self) -> bool:
        return True  # the driver asks whether it is empty, and would decode it to find out


def opened(document: RawBSONDocument) -> Document:
    """Return a document, decoded; its events are packed if they come right after the id."""
    raw = bytes(document.raw)
    at = _BEFORE_ID + _LENGTH.size + _length(raw, _BEFORE_ID)
    if not raw.startswith(_EVENTS, at):
        return decode(raw, CODEC)
    begin = at + len(_EVENTS)
    end = begin + _length(raw, begin)
    others: Document = decode(_document(raw[_LENGTH.size : at] + raw[end:-1]), CODEC)
    return others | {"events": PackedEvents(raw[begin:end])}


def sealed(document: Document) -> Written:
    """Return a document as it is written: its events right after the id, where they are found."""
    events = document["events"]
    if not isinstance(events, PackedEvents):
        return {"_id": document["_id"], "events": events, **document}
    others = {"_id": document["_id"], **document}
    del others["events"]
    raw = encode(others, codec_options=CODEC)
    at = _BEFORE_ID + _LENGTH.size + _length(raw, _BEFORE_ID)
    parts = (raw[_LENGTH.size : at], _EVENTS, events.array, raw[at:-1])
    return _Sealed(_document(b"".join(parts)))


def unpacked(document: Document) -> Document:
    """Return a document, or a part of one, with its events as a list."""
    events = document["events"]
    return document | {"events": events.listed()} if isinstance(events, PackedEvents) else document


def _length(raw: bytes, at: int) -> int:
    length: int = _LENGTH.unpack_from(raw, at)[0]
    return length


def _document(elements: bytes) -> bytes:
    return b"%b%b\0" % (_LENGTH.pack(_LENGTH.size + len(elements) + 1), elements)
