"""Where each field is read: off a person's document, by the domain's own rules."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from app.domain.events import event_key
from app.domain.listing import is_settled
from app.domain.properties import show_properties
from app.domain.reach import CHARGED, Channel, age_on, profile_type, reachable_by
from app.domain.user import User
from app.operations.personalise import personalised
from app.operations.record_events import read_events
from app.operations.segments import ask, is_true, segments_of
from app.plans.criteria import raw_criteria
from app.plans.parts import NOTHING, Pending, Run
from app.schema.pages import page_info
from app.schema.places import CROSSINGS, cursor_of
from app.schema.scalars import Cursor
from app.schema.types import EventPaging
from app.store.document import from_event, to_event, to_properties, to_user
from app.store.reading import Document

Arguments = Mapping[str, Any]
Read = Callable[[Any, Run, Arguments], Any]


@dataclass(frozen=True)
class Source:
    """How a field is read.

    Attributes:
        read: Returns the stored value, which may be `Pending`.
        fields: Those of a person's document that it looks at; None for all.
        lasts: Whether the document, the day and the arguments alone decide.
        waits: Whether the value may be `Pending`.
        key: Under which name the document holds just that, if it does.
    """

    read: Read
    fields: frozenset[str] | None = NOTHING
    lasts: bool = True
    waits: bool = False
    key: str | None = None


def _key(name: str) -> Source:
    """Return the source of what a document holds under this name."""
    return Source(lambda document, _, __: document[name], frozenset({name}), key=name)


def _attribute(name: str) -> Source:
    return Source(lambda model, _, __: getattr(model, name))


def _rule(read: Read, *fields: str) -> Source:
    return Source(read, frozenset(fields))


def _asking(read: Callable[[Document, Run, Arguments], Awaitable[Any]], *fields: str) -> Source:
    """Return the source of what is not in the document alone; it looks at all unless told."""

    def pending(document: Document, run: Run, arguments: Arguments) -> Pending:
        return Pending(lambda: read(document, run, arguments))

    return Source(pending, frozenset(fields) or None, lasts=False, waits=True)


# ---------------------------------------------------------------- what follows from a person


def _reach(document: Document) -> list[Channel]:
    return reachable_by(
        email=document["email"],
        phone=document["phone"],
        has_push_token=any(device["push"] for device in document["devices"]),
        chosen={channel: c["subscribed"] for channel, c in document["channels"].items()},
    )


def _type(document: Document, _: Run, __: Arguments) -> Any:
    was_charged = any(total["key"] == CHARGED for total in document["activity"])
    return profile_type(was_charged=was_charged, reachable=_reach(document))


def _age(document: Document, run: Run, _: Arguments) -> int | None:
    birthday = document["birthday"]
    return None if birthday is None else age_on(run.day, date.fromisoformat(birthday))


def _channels(document: Document, _: Run, __: Arguments) -> list[Document]:
    never = {"subscribed": True, "changedAt": None}
    chosen = document["channels"]
    return [{"channel": channel} | chosen.get(channel.value, never) for channel in Channel]


def _shown(properties: Iterable[Document], run: Run) -> dict[str, Any]:
    return show_properties(to_properties(properties, run.instants.read))


def _properties(document: Document, run: Run, arguments: Arguments) -> dict[str, Any]:
    names, properties = arguments.get("names"), document["properties"]
    if names is not None:
        among = frozenset(names)
        properties = [each for each in properties if each["k"] in among]
    return _shown(properties, run)


def _property(document: Document, run: Run, arguments: Arguments) -> Any:
    name = arguments["name"]
    return _shown((p for p in document["properties"] if p["k"] == name), run).get(name)


def _activity(document: Document, _: Run, arguments: Arguments) -> list[Document]:
    names, totals = arguments.get("names"), document["activity"]
    if names is not None:
        keys = {event_key(name) for name in names}
        totals = [total for total in totals if total["key"] in keys]
    return sorted(totals, key=lambda total: str(total["name"]))


# ---------------------------------------------------------------- what takes a model


def _model(document: Document, run: Run) -> User:
    return to_user(document, run.instants.read)


async def _segments(document: Document, run: Run, _: Arguments) -> Any:
    segments, criteria = await run.context.segments()
    store, moment = run.context.store, run.context.moment
    return await segments_of(store, _model(document, run), segments, criteria, moment)


async def _matches(document: Document, run: Run, arguments: Arguments) -> bool:
    context = run.context
    moment, raw = context.moment, raw_criteria(arguments["criteria"])
    question = await ask(context.store, raw, ("criteria",), moment, context.limits)
    return await is_true(context.store, question.criterion, _model(document, run), moment)


def _personalised(document: Document, run: Run, arguments: Arguments) -> str:
    return personalised(arguments["template"], _model(document, run), run.day)


# ---------------------------------------------------------------- the log


@dataclass(frozen=True)
class EventPage:
    """A page of stored events."""

    paging: EventPaging
    events: list[Document]
    more: bool
    after: Cursor | None

    def cursor(self, event: Document, run: Run) -> Cursor:
        return self.paging.cursor(run.instants.read(event["at"]), event["id"])


def _events(document: Document, run: Run, arguments: Arguments) -> EventPage | Pending:
    after, first = arguments.get("after"), arguments["first"]
    paging = EventPaging.of(
        run.context.limits,
        arguments.get("name"),
        arguments.get("since"),
        arguments.get("until"),
        first,
        after,
    )
    found = [event for event in document["events"] if _takes(paging, event, run)]
    page = EventPage(paging, found[:first], len(found) > first, after)
    if not document["archived"] or _is_settled(page, document["archivedUntil"], run):
        return page
    # With somebody else's history came copies, of which those that are not archived count.
    needed = document["events"] if document["absorbed"] else found
    return Pending(lambda: _with_archive(document, needed, paging, run, after))


def _is_settled(page: EventPage, archived_until: Any, run: Run) -> bool:
    read = run.instants.read
    oldest_at = read(page.events[-1]["at"]) if page.events else None
    until = None if archived_until is None else read(archived_until)
    return is_settled(oldest_at, until, more=page.more)


def _takes(paging: EventPaging, event: Document, run: Run) -> bool:
    return paging.query.takes_one(event["key"], run.instants.read(event["at"]), event["id"])


async def _with_archive(
    document: Document,
    embedded: list[Document],
    paging: EventPaging,
    run: Run,
    after: Cursor | None,
) -> EventPage:
    """Return a page that may reach into the archive, of which a store gives models."""
    kept, read = run.instants.kept, run.instants.read
    user = User.model_construct(
        id=document["_id"],
        absorbed=tuple(document["absorbed"]),
        archived=document["archived"],
        events=tuple(to_event(event, read) for event in embedded),
        created_at=read(document["createdAt"]),
        updated_at=read(document["updatedAt"]),
    )
    found, more = await read_events(run.context.store, user, paging.query)
    return EventPage(paging, [from_event(event, kept) for event in found], more, after)


def _event_edges(page: EventPage, run: Run, _: Arguments) -> list[Document]:
    return [{"cursor": page.cursor(event, run), "node": event} for event in page.events]


def _event_page_info(page: EventPage, run: Run, _: Arguments) -> Any:
    ends = [page.cursor(event, run) for event in (*page.events[:1], *page.events[-1:])]
    return page_info(ends, more=page.more, after=page.after)


def _items(event: Document, run: Run, _: Arguments) -> list[Any]:
    return [_shown(item, run) for item in event["items"]]


def _kept(read: Callable[[Any], datetime]) -> Source:
    """Return the source of an instant that a model has, as documents hold them."""
    return Source(lambda model, run, _: run.instants.kept(read(model)))


_OF_LOG: Final = (
    "_id", "events", "archived", "archivedUntil", "absorbed", "createdAt", "updatedAt"
)  # fmt: skip

_FROM_DOCUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "User": (
        "name", "email", "phone", "birthday", "gender", "language", "timezone", "photoUrl",
        "location", "identities", "devices", "createdAt", "updatedAt", "lastSeenAt", "version",
    ),
    "Identity": ("kind", "value", "linkedAt"),
    "Location": ("country", "region", "city", "latitude", "longitude"),
    "Device": ("id", "platform", "model", "osVersion", "appVersion", "lastSeenAt"),
    "ChannelStatus": ("channel", "subscribed", "changedAt"),
    "Event": ("id", "name", "at"),
    "EventActivity": ("name", "count", "firstAt", "lastAt"),
    "EventEdge": ("cursor", "node"),
}  # fmt: skip

_OTHERWISE: Final[Mapping[str, dict[str, Source]]] = {
    "User": {
        "id": _key("_id"),
        "type": _rule(_type, "activity", "email", "phone", "devices", "channels"),
        "age": _rule(_age, "birthday"),
        "properties": _rule(_properties, "properties"),
        "property": _rule(_property, "properties"),
        "channels": _rule(_channels, "channels"),
        "reachableBy": _rule(
            lambda document, _, __: _reach(document), "email", "phone", "devices", "channels"
        ),
        "activity": _rule(_activity, "activity"),
        "mergedIds": _key("absorbed"),
        "events": Source(_events, frozenset(_OF_LOG), waits=True),
        "segments": _asking(_segments),
        "matches": _asking(_matches),
        "personalised": Source(_personalised, None, lasts=False),  # Liquid knows what time it is
    },
    "Device": {
        "push": Source(lambda device, _, __: device["push"] and device["push"]["service"]),
        "pushEnabled": Source(lambda device, _, __: device["push"] is not None),
    },
    "Event": {
        "properties": Source(lambda event, run, _: _shown(event["properties"], run)),
        "items": Source(_items),
    },
    "EventConnection": {
        "nodes": Source(lambda page, _, __: page.events),
        "edges": Source(_event_edges),
        "pageInfo": Source(_event_page_info),
    },
    "PageInfo": {
        "hasNextPage": _attribute("has_next_page"),
        "hasPreviousPage": _attribute("has_previous_page"),
        "startCursor": _attribute("start_cursor"),
        "endCursor": _attribute("end_cursor"),
    },
    "Segment": {
        "id": _attribute("id"),
        "name": _attribute("name"),
        "description": _attribute("description"),
        "criteria": _attribute("criteria"),
        "createdAt": _kept(lambda segment: segment.created_at),
        "updatedAt": _kept(lambda segment: segment.updated_at),
    },
    "SegmentMembershipChange": {
        "kind": _attribute("kind"),
        "userId": _attribute("user_id"),
        "at": _kept(lambda change: change.at),
        "cursor": Source(lambda change, _, __: cursor_of(CROSSINGS, change.place)),
    },
}

SOURCES: Final[Mapping[str, Mapping[str, Source]]] = {
    type_: {name: _key(name) for name in _FROM_DOCUMENTS.get(type_, ())} | _OTHERWISE.get(type_, {})
    for type_ in {*_FROM_DOCUMENTS, *_OTHERWISE}
}
"""By type and field. What is not here, no plan is made for."""
