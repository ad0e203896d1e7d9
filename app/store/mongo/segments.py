"""All segments in one document, so that no two of them can come to be made of each other."""

from collections.abc import Callable
from typing import TypeVar

from pymongo.errors import DuplicateKeyError

from app.domain.segment import Segments
from app.store.document import Document, from_segment, to_segment
from app.store.mongo.collections import Collections, from_bson, to_bson

Result = TypeVar("Result")

_ALL = {"_id": "all"}


class SegmentsDocument:
    """The one document of the collection `segments`."""

    def __init__(self, collections: Collections) -> None:
        self._segments = collections.segments

    async def read(self) -> Segments:
        return _to_segments(await self._segments.find_one(_ALL))

    async def change(self, step: Callable[[Segments], tuple[Segments, Result]]) -> Result:
        """Keep what `step` makes of all segments, and return what it returns beside them."""
        while True:
            document = await self._segments.find_one(_ALL)
            after, result = step(_to_segments(document))
            if await self._replaced(document, after):
                return result

    async def _replaced(self, before: Document | None, after: Segments) -> bool:
        document = {
            **_ALL,
            "revision": before["revision"] + 1 if before else 1,
            "segments": [from_segment(segment, to_bson) for segment in after.values()],
        }
        if before is None:
            try:
                await self._segments.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        only_if = {**_ALL, "revision": before["revision"]}
        return bool((await self._segments.replace_one(only_if, document)).matched_count)


def _to_segments(document: Document | None) -> Segments:
    stored = document["segments"] if document else []
    segments = (to_segment(one, from_bson) for one in stored)
    return {segment.id: segment for segment in segments}
