"""A database in memory: of the driver's calls those that the MongoDB adapter makes, each one step.

Before each call whoever makes it waits for its turn, then the call happens at once. Documents are
copied on their way in and out, so that nobody shares any.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from pymongo.errors import BulkWriteError, DuplicateKeyError

Document = dict[str, Any]
Turn = Callable[[str, str], Awaitable[None]]
"""Waits until a call may happen, which it is told by the collection's name and the method's."""

Seen = Callable[[int], None]
"""Is told a digest of what a call answered."""

DUPLICATE_KEY: Final = 11_000


class Memory:
    """What is stored: collections by name, documents by id.

    Attributes:
        turn: Waits until a call may happen.
        seen: Is told of every answer.
        digest: Of all that is stored; equal contents have equal digests.
        watcher: Is told of every document written to a collection; None for one that went.
    """

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, tuple[Document, int]]] = defaultdict(dict)
        self.digest = 0
        self.turn: Turn = _at_once
        self.seen: Seen = lambda digest: None
        self.watcher: Callable[[str, str, Document | None], None] = lambda *_: None

    def copy(self) -> "Memory":
        """Return the same contents; nobody shares what is written from now on."""
        other = Memory()
        for name, documents in self._documents.items():
            other._documents[name] = dict(documents)
        other.digest = self.digest
        return other

    def documents(self, collection: str) -> list[Document]:
        """Return what a collection holds, by id; not to be changed."""
        stored = self._documents[collection]
        return [stored[id][0] for id in sorted(stored)]

    def get(self, collection: str, id: str) -> Document | None:
        """Return one document, not to be changed."""
        stored = self._documents[collection].get(id)
        return stored and stored[0]

    def items(self, collection: str, only: str | None = None) -> list[tuple[Document, int]]:
        """Return documents, all or one, each with its digest; not to be changed."""
        stored = self._documents[collection]
        if only is None:
            return [stored[id] for id in sorted(stored)]
        return [stored[only]] if only in stored else []

    def put(self, collection: str, document: Document) -> None:
        id = document["_id"]
        stored = self._documents[collection]
        if id in stored:
            self.digest ^= stored[id][1]
        copied = _copied(document)
        digest = hash((collection, _frozen(copied)))
        stored[id] = (copied, digest)
        self.digest ^= digest
        self.watcher(collection, id, copied)

    def remove(self, collection: str, id: str) -> None:
        _, digest = self._documents[collection].pop(id)
        self.digest ^= digest
        self.watcher(collection, id, None)

    def collections(self) -> Any:
        """Return what stands for the adapter's `Collections`."""
        return Collections(self)


class Collections:
    """The collections by the adapter's names for them; all are read as of this instant."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __getattr__(self, name: str) -> "Collection":
        return Collection(self._memory, name.removesuffix("_now").removesuffix("_packed"))


class Collection:
    def __init__(self, memory: Memory, name: str) -> None:
        self._memory = memory
        self._name = name

    async def _turn(self, call: str) -> None:
        await self._memory.turn(self._name, call)

    def _matching(self, query: Document) -> list[tuple[Document, int]]:
        id = query.get("_id")
        items = self._memory.items(self._name, id if isinstance(id, str) else None)
        return [item for item in items if _matches(item[0], query)]

    async def find_one(
        self, query: Document, projection: Mapping[str, int] | None = None
    ) -> Document | None:
        await self._turn("find_one")
        found = self._matching(query)
        self._memory.seen(found[0][1] if found else 0)
        return _projected(found[0][0], projection) if found else None

    def find(
        self, query: Document | None = None, projection: Mapping[str, int] | None = None
    ) -> "Cursor":
        async def read() -> list[Document]:
            await self._turn("find")
            found = self._matching(query or {})
            self._memory.seen(hash(tuple(digest for _, digest in found)))
            return [document for document, _ in found]

        return Cursor(read, projection)

    async def count_documents(self, query: Document) -> int:
        await self._turn("count_documents")
        count = len(self._matching(query))
        self._memory.seen(count)
        return count

    async def insert_one(self, document: Document) -> None:
        await self._turn("insert_one")
        taken = self._memory.get(self._name, document["_id"]) is not None
        self._memory.seen(taken)
        if taken:
            raise DuplicateKeyError(f"duplicate key {document['_id']!r}", DUPLICATE_KEY)
        self._memory.put(self._name, document)

    async def insert_many(self, documents: Sequence[Document], *, ordered: bool) -> None:
        await self._turn("insert_many")
        assert not ordered
        faults = []
        for index, document in enumerate(documents):
            if self._memory.get(self._name, document["_id"]) is None:
                self._memory.put(self._name, document)
            else:
                faults.append({"index": index, "code": DUPLICATE_KEY})
        self._memory.seen(len(faults))
        if faults:
            raise BulkWriteError({"writeErrors": faults})

    async def replace_one(self, query: Document, document: Document) -> Any:
        await self._turn("replace_one")
        found = self._matching(query)[:1]
        self._memory.seen(len(found))
        if found:
            self._memory.put(self._name, {**document, "_id": found[0][0]["_id"]})
        return SimpleNamespace(matched_count=len(found))

    async def update_one(self, query: Document, change: Document, *, upsert: bool = False) -> Any:
        await self._turn("update_one")
        found = [document for document, _ in self._matching(query)[:1]]
        self._memory.seen(len(found))
        for document in found or ([{"_id": query["_id"]}] if upsert else []):
            highest = {
                name: max(document.get(name, value), value)
                for name, value in change.get("$max", {}).items()
            }
            self._memory.put(self._name, {**document, **change.get("$set", {}), **highest})
        return SimpleNamespace(matched_count=len(found))

    async def delete_one(self, query: Document) -> Any:
        await self._turn("delete_one")
        return self._delete(self._matching(query)[:1])

    async def delete_many(self, query: Document) -> Any:
        await self._turn("delete_many")
        return self._delete(self._matching(query))

    def _delete(self, found: Iterable[tuple[Document, int]]) -> Any:
        ids = [document["_id"] for document, _ in found]
        for id in ids:
            self._memory.remove(self._name, id)
        self._memory.seen(len(ids))
        return SimpleNamespace(deleted_count=len(ids))


class Cursor:
    """Documents of a query, all read in one step when the first is asked for."""

    def __init__(
        self, read: Callable[[], Awaitable[list[Document]]], projection: Mapping[str, int] | None
    ) -> None:
        self._read = read
        self._projection = projection
        self._order: list[tuple[str, int]] = []
        self._limit: int | None = None
        self._rest: Iterator[Document] | None = None

    def sort(self, by: str | Sequence[tuple[str, int]], direction: int = 1) -> "Cursor":
        self._order = [(by, direction)] if isinstance(by, str) else list(by)
        return self

    def limit(self, count: int) -> "Cursor":
        self._limit = count
        return self

    async def to_list(self, _: int | None) -> list[Document]:
        return [document async for document in self]

    def __aiter__(self) -> "Cursor":
        return self

    async def __anext__(self) -> Document:
        if self._rest is None:
            found = await self._read()
            for name, direction in reversed(self._order):
                found.sort(key=lambda d: (d[name] is not None, d[name]), reverse=direction < 0)
            self._rest = iter(found[: self._limit])
        for document in self._rest:
            return _projected(document, self._projection)
        raise StopAsyncIteration


async def _at_once(collection: str, call: str) -> None:
    return None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _frozen(member)) for name, member in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _projected(document: Document, projection: Mapping[str, int] | None) -> Document:
    kept = projection and {"_id", *projection}
    shown: Document = {n: v for n, v in document.items() if not kept or n in kept}
    return {name: _copied(value) for name, value in shown.items()}


def _matches(document: Document, query: Document) -> bool:
    return all(_holds(document, name, wanted) for name, wanted in query.items())


def _holds(document: Document, name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(_matches(document, part) for part in wanted)
    if name == "$or":
        return any(_matches(document, part) for part in wanted)
    value = _member(document, name)
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    return all(_compares(value, operator, operand) for operator, operand in wanted.items())


_ABSENT: Final = object()


def _member(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else _ABSENT
        else:
            value = value.get(part, _ABSENT)
    return value


def _compares(value: Any, operator: str, operand: Any) -> bool:
    match operator:
        case "$in":
            return value in operand
        case "$nin":
            return value not in operand
        case "$ne":
            return bool(value != operand)
        case "$exists":
            return bool((value is not _ABSENT) == operand)
        case "$lt":
            return value not in (None, _ABSENT) and bool(value < operand)
        case "$gt":
            return value not in (None, _ABSENT) and bool(value > operand)
        case "$gte":
            return value not in (None, _ABSENT) and bool(value >= operand)
        case _:
            raise AssertionError(f"No such operator: {operator}")
