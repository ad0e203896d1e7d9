"""Messages that are something a person did, as events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.domain.errors import InvalidInput
from app.domain.events import Event, parse_events
from app.domain.limits import Limits
from app.tracking.messages import Kind, Message
from app.tracking.values import flattened, members, without_nulls

PAGE_EVENT: Final = "Loaded a Page"
SCREEN_EVENT: Final = "Loaded a Screen"
GROUP_EVENT: Final = "Joined a Group"
"""Events of messages that have no name for one: few names, with what was loaded as properties."""


def events_of(message: Message, now: datetime, new_id: str, limits: Limits) -> tuple[Event, ...]:
    """Return the event that a message is, if it is one.

    Args:
        message: What came in.
        now: When it did.
        new_id: The id of the event, should the message have none.
        limits: What an event may hold.
    """
    if message.kind is Kind.IDENTIFY:
        return ()
    event: dict[str, Any] = {"id": message.id, "name": _event_name(message), "at": message.at}
    if message.kind is Kind.GROUP:
        told = flattened(message.object("traits"), ("traits",)) | {"groupId": group_id(message)}
    else:
        told, event["items"] = _properties_and_items(message)
    event["properties"] = without_nulls(told)
    return parse_events([event], now, [new_id], limits)


def _event_name(message: Message) -> str:
    match message.kind:
        case Kind.PAGE:
            return PAGE_EVENT
        case Kind.SCREEN:
            return SCREEN_EVENT
        case Kind.GROUP:
            return GROUP_EVENT
        case _:
            name = message.body.get("event")
            if not isinstance(name, str):
                raise InvalidInput("The event has no name.", ("event",))
            return name


def group_id(message: Message) -> str:
    """Return which group somebody joined."""
    id = message.text("groupId")
    if id is None:
        raise InvalidInput("There is no groupId.", ("groupId",))
    return id


def _properties_and_items(message: Message) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """Return an event's properties, and the lines of an order, which come as `products`."""
    path = ("properties",)
    told = dict(message.object("properties"))
    if message.kind is not Kind.TRACK:
        named = {"name": message.text("name"), "category": message.text("category")}
        return flattened(told, path) | without_nulls(named), None
    products = told.get("products")
    if not (isinstance(products, list) and products and isinstance(products[0], Mapping)):
        return flattened(told, path), None
    del told["products"]
    items = [
        without_nulls(flattened(members(item, here), here))
        for position, item in enumerate(products)
        for here in [(*path, "products", str(position))]
    ]
    return flattened(told, path), items
