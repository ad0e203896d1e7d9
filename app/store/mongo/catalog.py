"""The catalog of names: a document a subject, replaced where nobody wrote since the read."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.catalog import (
    EVENTS,
    Catalog,
    Coiner,
    Entries,
    Entry,
    Sightings,
    assembled,
    check_coined,
    extended,
    new_names,
)
from app.domain.errors import Path
from app.domain.limits import Limits
from app.domain.properties import PropertyKind
from app.store.mongo.collections import Collections


class Names:
    """The collection `catalog`, and what this process has seen in it: names are never taken out."""

    def __init__(self, collections: Collections, limits: Limits) -> None:
        self._catalog = collections.catalog
        self._coined = collections.coined
        self._limits = limits
        self._seen: dict[str, Entries] = {}

    async def coin(self, sightings: Sightings, coiner: Coiner | None = None) -> Mapping[str, str]:
        """Enter the names that are new, and return how events are spelled, by key.

        Raises:
            LimitExceeded: there are too many names already, or from the coiner.
        """
        unknown = [
            subject
            for subject in {name.subject for name in sightings}
            if extended(subject, (seen := self._seen.get(subject, {})), sightings, self._limits)
            is not seen
        ]
        known: dict[str, Entries] = {}
        for subject in unknown:  # all are judged before any is written
            known[subject] = _to_entries(await self._catalog.find_one({"_id": subject}))
            extended(subject, known[subject], sightings, self._limits)
        if coiner:
            await self._count_coined(coiner, new_names(self._seen | known, sightings))
        for subject in unknown:
            self._remember(subject, await self._extend(subject, sightings))
        events = self._seen.get(EVENTS, {})
        return {name.key: events[name.key].name for name in sightings if name.subject == EVENTS}

    def _remember(self, subject: str, entries: Entries) -> None:
        """Note what was read, unless more was read meanwhile: names only ever come to it."""
        if len(entries) >= len(self._seen.get(subject, {})):
            self._seen[subject] = entries

    async def _extend(self, subject: str, sightings: Sightings) -> Entries:
        while True:
            document = await self._catalog.find_one({"_id": subject})
            before = _to_entries(document)
            after = extended(subject, before, sightings, self._limits)
            if after is before or await self._replaced(subject, document, after):
                return after

    async def _replaced(
        self, subject: str, before: Mapping[str, Any] | None, after: Entries
    ) -> bool:
        document = {
            "_id": subject,
            "revision": before["revision"] + 1 if before else 1,
            "entries": [
                {"key": key, "name": entry.name, "kinds": sorted(entry.kinds)}
                for key, entry in after.items()
            ],
        }
        if before is None:
            try:
                await self._catalog.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        only_if = {"_id": subject, "revision": before["revision"]}
        return bool((await self._catalog.replace_one(only_if, document)).matched_count)

    async def _count_coined(self, coiner: Coiner, places: list[Path]) -> None:
        """Count names before they come: who crashes in between has used them up for the hour."""
        while places:
            before = await self._coined.find_one({"_id": coiner.id})
            coined = before["count"] if before and before["hour"] == coiner.hour else 0
            check_coined(coiner, coined, places)
            after = {"_id": coiner.id, "hour": coiner.hour, "count": coined + len(places)}
            with suppress(DuplicateKeyError):  # of two who come first, one is faster
                if before is None:
                    await self._coined.insert_one(after)
                    return
                if (await self._coined.replace_one(before, after)).matched_count:
                    return

    async def read(self) -> Catalog:
        """Return the whole catalog."""
        documents = self._catalog.find({})
        return assembled({d["_id"]: _to_entries(d) async for d in documents})


def _to_entries(document: Mapping[str, Any] | None) -> Entries:
    if document is None:
        return {}
    return {
        entry["key"]: Entry(entry["name"], frozenset(map(PropertyKind, entry["kinds"])))
        for entry in document["entries"]
    }
