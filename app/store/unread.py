"""Events as they stand in a document, which most often nobody has to read."""

from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

import orjson

from app.domain.events import Event
from app.domain.recent import Unread

Read = Callable[[dict[str, Any]], Event]

_ID: Final = '{"id":'
"""Begins each event in a JSON text of them, and nothing else: a text within it has no quotation
mark without a backslash before it, and no other of its objects begins with an id."""

FEW: Final = 10
"""So many ids are found faster by searching a text for each than by reading the text."""


class StoredEvents(Unread, Protocol):
    """Events as they stand in a document of some store."""

    @property
    def form(self) -> Any:
        """Return what stands there."""

    def preceded_by(self, events: list[dict[str, Any]]) -> Any:
        """Return what stands there once others are in front."""


class ListedEvents:
    """A list of documents, one an event.

    Attributes:
        form: The list, as it stands in a person's document.
    """

    __slots__ = ("_read", "form")

    def __init__(self, form: list[dict[str, Any]], read: Read) -> None:
        self.form = form
        self._read = read

    def __len__(self) -> int:
        return len(self.form)

    def read(self) -> tuple[Event, ...]:
        return tuple(map(self._read, self.form))

    def newest(self) -> Event | None:
        return self._read(self.form[0]) if self.form else None

    def among(self, ids: Collection[str]) -> set[str]:
        return {event["id"] for event in self.form}.intersection(ids)

    def preceded_by(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the form of these events with others in front."""
        return [*events, *self.form]


class WrittenEvents:
    """A JSON text of such a list.

    Attributes:
        form: The text, as it stands in a person's document.
    """

    __slots__ = ("_read", "form")

    def __init__(self, form: str, read: Read) -> None:
        self.form = form
        self._read = read

    def __len__(self) -> int:
        return self.form.count(_ID)

    def read(self) -> tuple[Event, ...]:
        return tuple(map(self._read, orjson.loads(self.form)))

    def newest(self) -> Event | None:
        end = self.form.find(f",{_ID}")
        first = orjson.loads(self.form if end < 0 else f"{self.form[:end]}]")
        return self._read(first[0]) if first else None

    def among(self, ids: Collection[str]) -> set[str]:
        if len(ids) > FEW:
            return {event["id"] for event in orjson.loads(self.form)}.intersection(ids)
        return {id for id in ids if f"{_ID}{orjson.dumps(id).decode()}," in self.form}

    def preceded_by(self, events: list[dict[str, Any]]) -> str:
        """Return the form of these events with others in front."""
        parts = (orjson.dumps(events).decode()[1:-1], self.form[1:-1])
        return f"[{','.join(filter(None, parts))}]"
