"""Reads that several requests ask for in one tick of the event loop, sent as one."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

Found = TypeVar("Found")
Fields = frozenset[str] | None
Read = Callable[[Collection[str], Fields], Awaitable[Mapping[str, Found]]]

MAX_KEYS: Final = 1_000
"""How many keys one read asks for, at about the most."""


@dataclass
class _Batch:
    """What is asked for before the next tick.

    Attributes:
        fields: Of documents, those that somebody wants; None for all.
    """

    keys: set[str] = field(default_factory=set)
    fields: Fields = frozenset()
    waiting: list[asyncio.Future[Any]] = field(default_factory=list)


class Gathered(Generic[Found]):
    """A way to read by keys; each read begins after all who wait for it asked."""

    def __init__(self, read: Read[Found], max_keys: int = MAX_KEYS) -> None:
        self._read = read
        self._max_keys = max_keys
        self._batches: dict[bool, _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, keys: Collection[str], fields: Fields = None) -> dict[str, Found]:
        """Return what is found under some of the keys.

        Args:
            keys: What to look for.
            fields: Of documents, those that are wanted; None for all.
        """
        if not keys:
            return {}
        loop = asyncio.get_running_loop()
        whole = fields is None  # whole documents are not read for those who want a part
        batch = self._batches.get(whole)
        if batch is None:
            batch = self._batches[whole] = _Batch()
            loop.call_soon(self._begin, whole, batch)
        batch.keys.update(keys)
        batch.fields = None if fields is None or batch.fields is None else batch.fields | fields
        future: asyncio.Future[Mapping[str, Found]] = loop.create_future()
        batch.waiting.append(future)
        if len(batch.keys) >= self._max_keys:
            del self._batches[whole]
        found = await future
        return {key: found[key] for key in keys if key in found}

    def _begin(self, whole: bool, batch: _Batch) -> None:
        if self._batches.get(whole) is batch:
            del self._batches[whole]
        task = asyncio.get_running_loop().create_task(self._finish(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _finish(self, batch: _Batch) -> None:
        """Read, and tell all who wait what came of it; some may have gone."""
        try:
            found = await self._read(batch.keys, batch.fields)
        except BaseException as fault:
            for future in batch.waiting:
                if not future.done():
                    future.set_exception(fault)
            if not isinstance(fault, Exception):
                raise
        else:
            for future in batch.waiting:
                if not future.done():
                    future.set_result(found)
