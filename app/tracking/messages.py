"""One message as it came in: its kind, who is meant, and when it happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.errors import InvalidInput, Path
from app.domain.times import parse_instant
from app.tracking.values import members


class Kind(StrEnum):
    IDENTIFY = "identify"
    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    ALIAS = "alias"
    GROUP = "group"


@dataclass(frozen=True)
class Message:
    """A message whose shape was looked at as far as every kind shares it.

    Attributes:
        kind: What it is.
        body: The whole of it.
        context: What its sender noticed beside.
        user_id: Of whoever is logged in, as the sender knows them.
        anonymous_id: Of the browser or installation.
        id: Its own; a repeat has the same.
        at: When it happened, by our clock.
    """

    kind: Kind
    body: Mapping[str, Any]
    context: Mapping[str, Any]
    user_id: str | None
    anonymous_id: str | None
    id: str | None
    at: datetime

    @property
    def traits_path(self) -> Path:
        """Where it says what is known of the person; a group's traits are not the person's."""
        return ("traits",) if self.kind is Kind.IDENTIFY else ("context", "traits")

    def object(self, name: str) -> Mapping[str, Any]:
        """Return the members of one of its objects; where none was given, there are none."""
        return members(self.body.get(name), (name,))

    def text(self, name: str) -> str | None:
        """Return one of its texts; empty is as if not given."""
        return text_or_none(self.body.get(name), (name,))


def read_message(
    kind: Kind, body: Mapping[str, Any], batch: Mapping[str, Any], received_at: datetime
) -> Message:
    """Return the message.

    Args:
        kind: What it is.
        body: All of it.
        batch: What it came in, whose `context` and `sentAt` hold for messages without their own.
        received_at: When it came in.

    Raises:
        InvalidInput: it has no such shape.
    """
    context = {
        **members(batch.get("context"), ("context",)),
        **members(body.get("context"), ("context",)),
    }
    original = _instant(body, "originalTimestamp") or _instant(body, "timestamp")
    sent_at = _instant(body, "sentAt") or _instant(batch, "sentAt")
    return Message(
        kind=kind,
        body=body,
        context=context,
        user_id=text_or_none(body.get("userId"), ("userId",)),
        anonymous_id=text_or_none(body.get("anonymousId"), ("anonymousId",)),
        id=text_or_none(body.get("messageId"), ("messageId",)),
        at=occurred_at(original, sent_at, received_at),
    )


def kind_of(body: Mapping[str, Any]) -> Kind:
    """Return which kind a message in a batch says it is."""
    try:
        return Kind(str(body.get("type")))
    except ValueError:
        kinds = ", ".join(Kind)
        raise InvalidInput(f"The type is none of {kinds}.", ("type",)) from None


def occurred_at(
    original: datetime | None, sent_at: datetime | None, received_at: datetime
) -> datetime:
    """Return when it happened by our clock, however wrong the sender's is.

    That is as long before it was received as, by the sender's clock, it was before being sent.

    Args:
        original: When it happened, by the sender's clock.
        sent_at: When it was sent, by the same clock; without it, that clock is believed.
        received_at: When it was received, by ours.
    """
    if original is None:
        return received_at
    if sent_at is None:
        return original
    try:
        return received_at - (sent_at - original)
    except OverflowError:
        raise InvalidInput("There is no such instant.", ("timestamp",)) from None


def text_or_none(raw: Any, path: Path) -> str | None:
    """Return an id or a name; empty is as if not given, and whole numbers are taken as text."""
    match raw:
        case None:
            return None
        case bool():
            raise InvalidInput("This is not a text.", path)
        case str() | int():
            return str(raw) if str(raw).strip() else None
        case _:
            raise InvalidInput("This is not a text.", path)


def _instant(body: Mapping[str, Any], name: str) -> datetime | None:
    text = text_or_none(body.get(name), (name,))
    return None if text is None else parse_instant(text, (name,))
