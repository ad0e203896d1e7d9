"""How a user is laid out as one document, the same in every store.

Only instants differ between stores: each passes how it keeps them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime
from functools import partial
from typing import Any, Final, cast

import orjson

from app.domain.devices import Device, Platform, Push, PushService
from app.domain.events import Activity, Event
from app.domain.fields import Gender, Location
from app.domain.frozen import made
from app.domain.identity import IdentityKind, LinkedIdentity
from app.domain.membership import Leadership, Scan
from app.domain.properties import Properties, PropertyKind, PropertyValue, kind_of
from app.domain.reach import Channel, Choice
from app.domain.recent import Recent
from app.domain.segment import Segment
from app.domain.user import User, replaced
from app.store.unread import ListedEvents, StoredEvents, WrittenEvents

Document = dict[str, Any]
FromInstant = Callable[[datetime], Any]
ToInstant = Callable[[Any], datetime]


def to_document(user: User, instant: FromInstant) -> Document:
    """Return the user as a document, its id under `_id`.

    Its events are a list of documents, or the JSON text of one if they were read from a text.
    """
    return {field: write(user, instant) for field, (_, write) in _FIELDS.items()}


def part_of_document(user: User, fields: Set[str] | None, instant: FromInstant) -> Document:
    """Return fields of the user's document, for None all; events are always a list of documents."""
    wanted = _FIELDS.keys() if fields is None else _FIELDS.keys() & fields
    document = {field: _FIELDS[field][1](user, instant) for field in wanted - {"events"}}
    if "events" in wanted:
        document["events"] = [from_event(event, instant) for event in user.events]
    return document


def rewritten(document: Document, before: User, after: User, instant: FromInstant) -> Document:
    """Return `after` as a document, given the one that `before` was read from.

    Most writes change little of a person: what is the same object as before is taken from there.
    """
    if not _FIELDS.keys() <= document.keys():  # an older version wrote it
        return to_document(after, instant)
    fields = {field for name in replaced(before, after) for field in _FIELDS_OF[name]}
    written = {field: _FIELDS[field][1](after, instant) for field in fields}
    return {field: document[field] for field in _FIELDS} | written


def _folded(user: User) -> Document:
    """Return the texts that are compared without case, case-folded: not every database can."""
    place = user.location or _NOWHERE
    texts = {
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "timezone": user.timezone,
        "region": place.region,
        "city": place.city,
    }
    return {field: text and text.casefold() for field, text in texts.items()}


_NOWHERE: Final = Location()


def to_user(document: Mapping[str, Any], instant: ToInstant) -> User:
    """Return the user that a document of ours holds, which is trusted to be valid."""
    d = document
    return made(
        User,
        {
            "id": d["_id"],
            "version": d["version"],
            "identified": d["identified"],
            "name": d["name"],
            "email": d["email"],
            "phone": d["phone"],
            "birthday": d["birthday"] and date.fromisoformat(d["birthday"]),
            "gender": d["gender"] and Gender(d["gender"]),
            "language": d["language"],
            "timezone": d["timezone"],
            "photo_url": d["photoUrl"],
            "location": d["location"] and made(Location, dict(d["location"])),
            "identities": tuple(_to_identity(identity, instant) for identity in d["identities"]),
            "properties": to_properties(d["properties"], instant),
            "devices": tuple(to_device(device, instant) for device in d["devices"]),
            "choices": {
                Channel(channel): _to_choice(choice, instant)
                for channel, choice in d["channels"].items()
            },
            "activity": {total["key"]: _to_activity(total, instant) for total in d["activity"]},
            "events": _to_recent(d["events"], d.get("eventBytes"), instant),
            "archived": d["archived"],
            "archived_until": None if d["archivedUntil"] is None else instant(d["archivedUntil"]),
            "absorbed": tuple(d["absorbed"]),
            "request_ids": tuple(d["requestIds"]),
            "record_ids": tuple(d.get("recordIds", ())),
            "created_at": instant(d["createdAt"]),
            "updated_at": instant(d["updatedAt"]),
            "last_seen_at": None if d["lastSeenAt"] is None else instant(d["lastSeenAt"]),
        },
    )


def _to_choice(document: Mapping[str, Any], instant: ToInstant) -> Choice:
    changed_at = instant(document["changedAt"])
    return made(Choice, {"subscribed": document["subscribed"], "changed_at": changed_at})


def _from_activity(key: str, total: Activity, instant: FromInstant) -> Document:
    return {
        "key": key,
        "name": total.name,
        "count": total.count,
        "firstAt": instant(total.first_at),
        "lastAt": instant(total.last_at),
    }


def _to_activity(document: Mapping[str, Any], instant: ToInstant) -> Activity:
    return made(
        Activity,
        {
            "name": document["name"],
            "count": document["count"],
            "first_at": instant(document["firstAt"]),
            "last_at": instant(document["lastAt"]),
        },
    )


def _to_recent(form: Any, size_bytes: int | None, instant: ToInstant) -> Recent:
    """Return events, unread, from the form in which they stand in a document."""
    read = partial(to_event, instant=instant)
    match form:
        case str():
            return Recent((), WrittenEvents(form, read), size_bytes)
        case list():
            return Recent((), ListedEvents(form, read), size_bytes)
        case _:  # a store's own
            return Recent((), form, size_bytes)


def _from_recent(events: Sequence[Event], instant: FromInstant) -> Any:
    """Return events in the form of a document; what nobody read stays as it came.

    So a user whom one store read is not written by another: they keep instants differently.
    """
    recent = Recent.of(events)
    front = [from_event(event, instant) for event in recent.front]
    unread = cast("StoredEvents | None", recent.unread)
    if unread is None:
        return front
    return unread.preceded_by(front) if front else unread.form


def from_event(event: Event, instant: FromInstant) -> Document:
    return {
        "id": event.id,
        "key": event.key,
        "name": event.name,
        "at": instant(event.at),
        "properties": from_properties(event.properties, instant, folded=False),
        "items": [from_properties(item, instant, folded=False) for item in event.items],
    }


def to_event(document: Mapping[str, Any], instant: ToInstant) -> Event:
    return made(
        Event,
        {
            "id": document["id"],
            "name": document["name"],
            "at": instant(document["at"]),
            "properties": to_properties(document["properties"], instant),
            "items": tuple(to_properties(item, instant) for item in document["items"]),
        },
    )


def from_properties(
    properties: Properties, instant: FromInstant, *, folded: bool
) -> list[Document]:
    """Return properties as an array of name `k`, value `v`, kind `t`.

    Names are values, never field names, so that no name means anything to a database. With `folded`
    each text also has the form `f` that comparisons without case use, for an index.
    """
    documents = []
    for name, value in properties.items():
        document: Document = {"k": name, "v": value, "t": str(kind_of(value))}
        match value:
            case str():
                if folded:
                    document["f"] = value.casefold()
            case tuple():
                document["v"] = list(value)
                if folded:
                    document["f"] = [text.casefold() for text in value]
            case datetime():
                document["v"] = instant(value)
            case date():
                document["v"] = value.isoformat()
            case bool() | float() | int():
                pass
        documents.append(document)
    return documents


def to_properties(
    documents: Iterable[Mapping[str, Any]], instant: ToInstant
) -> dict[str, PropertyValue]:
    properties: dict[str, PropertyValue] = {}
    for document in documents:
        value, read = document["v"], _READS.get(document["t"])
        properties[document["k"]] = value if read is None else read(value, instant)
    return properties


_READS: Final[Mapping[str, Callable[[Any, ToInstant], PropertyValue]]] = {
    PropertyKind.DATE_TIME.value: lambda stored, instant: instant(stored),
    PropertyKind.DATE.value: lambda stored, _: date.fromisoformat(stored),
    PropertyKind.TEXT_LIST.value: lambda stored, _: tuple(stored),
    PropertyKind.NUMBER.value: lambda stored, _: float(stored),
}
"""What reads the values of those kinds that a document cannot hold as they are."""


def _from_identity(identity: LinkedIdentity, instant: FromInstant) -> Document:
    return {
        "kind": str(identity.kind),
        "value": identity.value,
        "linkedAt": instant(identity.linked_at),
    }


def _to_identity(document: Mapping[str, Any], instant: ToInstant) -> LinkedIdentity:
    return made(
        LinkedIdentity,
        {
            "kind": IdentityKind(document["kind"]),
            "value": document["value"],
            "linked_at": instant(document["linkedAt"]),
        },
    )


def from_device(device: Device, instant: FromInstant) -> Document:
    return {
        "id": device.id,
        "platform": device.platform.value,
        "model": device.model,
        "osVersion": device.os_version,
        "appVersion": device.app_version,
        "push": device.push and {"service": device.push.service.value, "token": device.push.token},
        "lastSeenAt": instant(device.last_seen_at),
    }


def to_device(document: Mapping[str, Any], instant: ToInstant) -> Device:
    push = document["push"]
    return made(
        Device,
        {
            "id": document["id"],
            "platform": Platform(document["platform"]),
            "model": document["model"],
            "os_version": document["osVersion"],
            "app_version": document["appVersion"],
            "push": push
            and made(Push, {"service": PushService(push["service"]), "token": push["token"]}),
            "last_seen_at": instant(document["lastSeenAt"]),
        },
    )


def _or_none(value: datetime | None, instant: FromInstant) -> Any:
    return None if value is None else instant(value)


_FIELDS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[User, FromInstant], Any]]]] = {
    "_id": (("id",), lambda user, _: user.id),
    "version": (("version",), lambda user, _: user.version),
    "identified": (("identified",), lambda user, _: user.identified),
    "name": (("name",), lambda user, _: user.name),
    "email": (("email",), lambda user, _: user.email),
    "phone": (("phone",), lambda user, _: user.phone),
    "birthday": (("birthday",), lambda user, _: user.birthday and user.birthday.isoformat()),
    "gender": (("gender",), lambda user, _: user.gender and user.gender.value),
    "language": (("language",), lambda user, _: user.language),
    "timezone": (("timezone",), lambda user, _: user.timezone),
    "photoUrl": (("photo_url",), lambda user, _: user.photo_url),
    "location": (("location",), lambda user, _: user.location and dict(vars(user.location))),
    "folded": (("name", "email", "phone", "timezone", "location"), lambda user, _: _folded(user)),
    "identities": (
        ("identities",),
        lambda user, instant: [_from_identity(one, instant) for one in user.identities],
    ),
    "properties": (
        ("properties",),
        lambda user, instant: from_properties(user.properties, instant, folded=True),
    ),
    "devices": (
        ("devices",),
        lambda user, instant: [from_device(device, instant) for device in user.devices],
    ),
    "channels": (
        ("choices",),
        lambda user, instant: {
            channel.value: {"subscribed": c.subscribed, "changedAt": instant(c.changed_at)}
            for channel, c in user.choices.items()
        },
    ),
    "activity": (
        ("activity",),
        lambda user, instant: [
            _from_activity(key, total, instant) for key, total in user.activity.items()
        ],
    ),
    "events": (("events",), lambda user, instant: _from_recent(user.events, instant)),
    "archived": (("archived",), lambda user, _: user.archived),
    "archivedUntil": (
        ("archived_until",),
        lambda user, instant: _or_none(user.archived_until, instant),
    ),
    "absorbed": (("absorbed",), lambda user, _: list(user.absorbed)),
    "requestIds": (("request_ids",), lambda user, _: list(user.request_ids)),
    "recordIds": (("record_ids",), lambda user, _: list(user.record_ids)),
    "createdAt": (("created_at",), lambda user, instant: instant(user.created_at)),
    "updatedAt": (("updated_at",), lambda user, instant: instant(user.updated_at)),
    "lastSeenAt": (("last_seen_at",), lambda user, instant: _or_none(user.last_seen_at, instant)),
    "eventBytes": (("events",), lambda user, _: Recent.of(user.events).size_bytes),
}
"""The fields of a user's document: the attributes from which each follows, and how.

On SQLite, `events` is found in a document's text by the fields beside it.
"""

_FIELDS_OF: Final = {
    attribute: tuple(field for field, (attributes, _) in _FIELDS.items() if attribute in attributes)
    for attribute in User.model_fields
}
"""The fields of a document that follow from each attribute."""


def from_segment(segment: Segment, instant: FromInstant) -> Document:
    return {
        "id": segment.id,
        "name": segment.name,
        "description": segment.description,
        "criteria": orjson.dumps(segment.criteria).decode(),
        "createdAt": instant(segment.created_at),
        "updatedAt": instant(segment.updated_at),
    }


def to_segment(document: Mapping[str, Any], instant: ToInstant) -> Segment:
    return Segment.model_construct(
        id=document["id"],
        name=document["name"],
        description=document["description"],
        criteria=orjson.loads(document["criteria"]),
        created_at=instant(document["createdAt"]),
        updated_at=instant(document["updatedAt"]),
    )


def from_leadership(leadership: Leadership) -> Document:
    return {
        "holder": leadership.holder,
        "beat": leadership.beat,
        "cursor": leadership.cursor,
        "lagMs": leadership.lag_ms,
        "scans": [
            {"segment": id, "meaning": scan.meaning, "after": scan.after, "done": scan.done}
            for id, scan in leadership.scans.items()
        ],
    }


def to_leadership(document: Mapping[str, Any]) -> Leadership:
    return Leadership(
        holder=document["holder"],
        beat=document["beat"],
        cursor=document["cursor"],
        lag_ms=document["lagMs"],
        scans={
            scan["segment"]: Scan(scan["meaning"], scan["after"], scan["done"])
            for scan in document["scans"]
        },
    )
