"""What was shown of people, kept in memory within bounds. Whether it still holds, stores know."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from app.store.reading import Reading, Shown

MAX_BYTES: Final = 24 * 1024 * 1024
MAX_READINGS: Final = 8
"""In how many ways one person is kept."""

_PERSON_BYTES: Final = 1_000
"""About what it takes to keep somebody, beside what was shown."""


@dataclass
class _Person:
    """What is kept of one person.

    Attributes:
        revision: That of the document it was read off, where a store counts them.
        names: The ids and identities that found them.
        shown: What each reading showed.
        size_bytes: How much that takes.
    """

    revision: int
    names: set[str] = field(default_factory=set)
    shown: dict[Reading[Any], Any] = field(default_factory=dict)
    size_bytes: int = _PERSON_BYTES


class Kept:
    """People as they were shown, those asked for last; each as of one revision."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._people: OrderedDict[str, _Person] = OrderedDict()
        self._owners: dict[str, str] = {}
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def owner(self, name: str, reading: Reading[Any]) -> str | None:
        """Return the id of whom this id or identity found, if they are kept as a reading shows."""
        owner = self._owners.get(name)
        return owner if owner is not None and reading in self._people[owner].shown else None

    def shown(
        self, name: str, user_id: str, revision: int | None, reading: Reading[Shown]
    ) -> Shown | None:
        """Return what is kept of a user as of a revision in which the name finds them, if it is."""
        person = self._people.get(user_id)
        if person is None or person.revision != revision or name not in person.names:
            return None
        self._people.move_to_end(user_id)
        shown: Shown | None = person.shown.get(reading)
        return shown

    def keep(
        self, name: str, user_id: str, revision: int, reading: Reading[Shown], shown: Shown
    ) -> None:
        """Keep what a reading showed of a user whom a name finds, as of a revision."""
        size_bytes = reading.size_bytes(shown)
        if size_bytes is None:
            return
        person = self._person(user_id, revision, reading)
        if reading not in person.shown:
            person.size_bytes += size_bytes
            self._size_bytes += size_bytes
        person.shown[reading] = shown
        person.names.add(name)
        self._owners[name] = user_id
        while self._size_bytes > self._max_bytes:
            self.forget(next(iter(self._people)))

    def _person(self, user_id: str, revision: int, reading: Reading[Any]) -> _Person:
        """Return what is kept of a user, with room for one more reading."""
        person = self._people.get(user_id)
        if person is not None:
            is_full = len(person.shown) >= MAX_READINGS and reading not in person.shown
            if person.revision == revision and not is_full:
                return person
            self.forget(user_id)
        person = self._people[user_id] = _Person(revision)
        self._size_bytes += person.size_bytes
        return person

    def forget(self, user_id: str) -> None:
        person = self._people.pop(user_id, None)
        if person:
            self._size_bytes -= person.size_bytes
            for name in person.names:
                if self._owners.get(name) == user_id:
                    del self._owners[name]

    def forget_all(self) -> None:
        self._people.clear()
        self._owners.clear()
        self._size_bytes = 0
