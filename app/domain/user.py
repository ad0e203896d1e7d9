"""A user: everything known about one person, kept as one document."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from app.domain.catalog import EVENTS, Coiner, Sightings, names_in_changes, names_in_events
from app.domain.change import SEEN, ChangeKind
from app.domain.changes import UserChanges
from app.domain.devices import Device, Registration, registered
from app.domain.errors import LimitExceeded, Path
from app.domain.events import Activities, Event, counted
from app.domain.fields import Gender, Location
from app.domain.frozen import made
from app.domain.identity import Identity, IdentityKind, LinkedIdentity
from app.domain.limits import MAX_IDEMPOTENCY_KEYS, Limits
from app.domain.properties import Properties, all_same, applied
from app.domain.reach import CHARGED, Channel, Choice, Choices, ProfileType, profile_type
from app.domain.reach import reachable_by as channels_that_reach
from app.domain.recent import Recent, divided, newest_first

SEEN_STEP: Final = timedelta(minutes=1)
"""`last_seen_at` of a device moves in steps no smaller than this."""


class User(BaseModel):
    """One person.

    Attributes:
        version: Grows by one whenever something readable changes.
        identified: Whether the person ever had a strong identity.
        identities: Oldest first.
        choices: Of the channels for which the person chose.
        events: The newest ones, newest first; older ones are in the archive.
        archived: How many events are in the archive.
        archived_until: When the newest event in the archive happened.
        absorbed: Ids of the users merged into this one.
        request_ids: The newest idempotency keys, newest last.
        record_ids: The ids of the newest records imported, newest last; kept apart from the keys,
            so that one text may be both.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    version: int = 0
    identified: bool = False
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: date | None = None
    gender: Gender | None = None
    language: str | None = None
    timezone: str | None = None
    photo_url: str | None = None
    location: Location | None = None
    identities: tuple[LinkedIdentity, ...] = ()
    properties: Properties = {}
    devices: tuple[Device, ...] = ()
    choices: Choices = {}
    activity: Activities = {}
    events: Sequence[Event] = ()
    archived: int = 0
    archived_until: datetime | None = None
    absorbed: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime
    last_seen_at: datetime | None = None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy in which what `update` names has other values.

        Pydantic's own does the same, with much that a frozen model without extras does not need;
        every change to a person goes through here several times.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        return made(self.__class__, {**self.__dict__, **(update or {})})

    @property
    def reachable_by(self) -> list[Channel]:
        return channels_that_reach(
            email=self.email,
            phone=self.phone,
            has_push_token=any(device.push for device in self.devices),
            chosen={channel: choice.subscribed for channel, choice in self.choices.items()},
        )

    @property
    def type(self) -> ProfileType:
        return profile_type(was_charged=CHARGED in self.activity, reachable=self.reachable_by)

    def has(self, identity: Identity) -> bool:
        return any(
            linked.kind == identity.kind and linked.value == identity.value
            for linked in self.identities
        )


@dataclass(frozen=True)
class Edit:
    """What one step makes of a user.

    Attributes:
        user: The user after it.
        recorded: The events it added.
        spilled: The events that no longer fit into the document, newest first.
        sightings: The names it uses, which the service's catalog is to know.
        duplicates: How many events were known before.
        coiner: Whose new names are counted; None if anybody's may come.
    """

    user: User
    recorded: tuple[Event, ...] = ()
    spilled: tuple[Event, ...] = ()
    sightings: Sightings = field(default_factory=dict)
    duplicates: int = 0
    coiner: Coiner | None = None


def new_user(user_id: str, now: datetime) -> User:
    """Return a user of whom nothing is known, of version 0: one that nobody has created yet."""
    return NOBODY.model_copy(update={"id": user_id, "created_at": now, "updated_at": now})


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
NOBODY: Final = User(id="", created_at=_NEVER, updated_at=_NEVER)
"""Of whom nothing is known, not even an id."""


# ---------------------------------------------------------------- what changes a user


Difference = dict[str, Any]
"""What is different about a user, by attribute."""


def updated(user: User, changes: UserChanges, now: datetime, limits: Limits) -> User:
    """Return the user with all changes applied, of the same version still; see `revised`."""
    return user.model_copy(update=difference_by_changes(user, changes, now, limits))


def difference_by_changes(
    user: User, changes: UserChanges, now: datetime, limits: Limits
) -> Difference:
    """Return what `updated` makes different."""
    fields = {ATTRIBUTES.get(name, name): value for name, value in changes.fields.items()}
    return fields | {
        "properties": applied(changes.operations, user.properties, limits),
        "choices": _chosen(user.choices, changes.channels, now),
    }


ATTRIBUTES: Final = {"photoUrl": "photo_url"}
"""Of the standard fields, those whose attribute has another name."""


def _chosen(before: Choices, changes: Mapping[Channel, bool | None], now: datetime) -> Choices:
    if not changes:
        return before
    after = dict(before)
    for channel, subscribed in changes.items():
        if subscribed is None:
            after.pop(channel, None)
        elif channel not in before or before[channel].subscribed != subscribed:
            after[channel] = Choice(subscribed=subscribed, changed_at=now)
    return after


def linked(
    user: User, identities: Collection[Identity], now: datetime, limits: Limits, path: Path
) -> User:
    """Return the user with the identities; a contact field that is empty takes an address on.

    One device more than a user may have releases the one seen longest ago.

    Raises:
        LimitExceeded: there would be too many strong identities.
    """
    new = [identity for identity in dict.fromkeys(identities) if not user.has(identity)]
    after = user.model_copy(update=difference_by_names(user, new, now)) if new else user
    if limits.identities < _strong(after) > _strong(user):
        raise LimitExceeded(
            f"A user has at most {limits.identities} identities.", path, limits.identities
        )
    return within_device_limit(after, new, limits)


def _strong(user: User) -> int:
    return sum(identity.is_strong for identity in user.identities)


def difference_by_names(user: User, new: Collection[Identity], now: datetime) -> Difference:
    """Return what identities that the user did not have make different."""
    linked = [
        made(LinkedIdentity, {"kind": one.kind, "value": one.value, "linked_at": now})
        for one in new
    ]
    difference: Difference = {
        "identities": (*user.identities, *linked),
        "identified": user.identified or any(identity.is_strong for identity in new),
    }
    for identity in new:
        field = _CONTACTS.get(identity.kind)
        if field and getattr(user, field) is None:
            difference.setdefault(field, identity.value)
    return difference


_CONTACTS: Final = {IdentityKind.EMAIL: "email", IdentityKind.PHONE: "phone"}
"""The contact fields that an identity may fill."""


def unlinked(user: User, identity: Identity) -> User:
    """Return the user without the identity; with a DEVICE goes the device itself."""
    update: dict[str, Any] = {
        "identities": tuple(held for held in user.identities if held.identity != identity)
    }
    if identity.kind is IdentityKind.DEVICE:
        update["devices"] = tuple(held for held in user.devices if held.id != identity.value)
    return user.model_copy(update=update)


def within_device_limit(user: User, new: Collection[Identity], limits: Limits) -> User:
    """Return the user without the devices past the limit: seen longest ago, and not in `new`."""
    held = [identity for identity in user.identities if not identity.is_strong]
    surplus = len(held) - limits.devices
    if surplus <= 0:
        return user
    seen = {device.id: device.last_seen_at for device in user.devices}
    older = [identity for identity in held if identity.identity not in new]
    oldest_first = sorted(older, key=lambda device: seen.get(device.value, device.linked_at))
    for device in oldest_first[:surplus]:
        user = unlinked(user, device.identity)
    return user


def with_device(user: User, registration: Registration, now: datetime) -> User:
    """Return the user, who has the device's identity, after the device registered itself."""
    held = {device.id: device for device in user.devices}
    before = held.get(registration.identity.value)
    after = registered(before, registration, now)
    if before and now - before.last_seen_at < SEEN_STEP:
        after = after.model_copy(update={"last_seen_at": before.last_seen_at})
    devices = tuple((held | {after.id: after}).values())
    seen = max(filter(None, (user.last_seen_at, after.last_seen_at)))
    return user.model_copy(update={"devices": devices, "last_seen_at": seen})


def remembered(user: User, idempotency_key: str | None) -> User:
    """Return the user with the key among the newest; older ones are forgotten."""
    if idempotency_key is None or idempotency_key in user.request_ids:
        return user
    keys = (*user.request_ids, idempotency_key)[-MAX_IDEMPOTENCY_KEYS:]
    return user.model_copy(update={"request_ids": keys})


# ---------------------------------------------------------------- edits


def change_edit(before: User, after: User, changes: UserChanges, now: datetime) -> Edit:
    """Return the edit from `before` to `after`, which `changes` were applied to."""
    return Edit(
        user=revised(before, after, now),
        sightings=names_in_changes(changes.operations, after.properties),
    )


def recorded(
    user: User, events: Sequence[Event], known: Set[str], now: datetime, limits: Limits
) -> Edit:
    """Return the edit that records every event whose id is new.

    Args:
        user: Who did it.
        events: In the order of the call.
        known: Which of the events' ids are in the user's archive.
        now: When this is recorded.
        limits: How many events stay in the document.
    """
    edit = with_events(user, events, known, limits)
    return replace(edit, user=revised(user, edit.user, now))


def with_events(user: User, events: Sequence[Event], known: Set[str], limits: Limits) -> Edit:
    """Return the edit that `recorded` does, of the same version still."""
    happened = happening(user, events, known, limits)
    after = user.model_copy(update=happened.difference)
    return Edit(after, *happened[1:])


class Happening(NamedTuple):
    """What comes of events.

    Attributes:
        difference: What they make different about the user.
        recorded: Those whose ids are new.
        spilled: Those that no longer fit into the document, newest first.
        sightings: The names in those that are new.
        duplicates: How many were known before.
    """

    difference: Difference
    recorded: tuple[Event, ...]
    spilled: tuple[Event, ...]
    sightings: Sightings
    duplicates: int


def happening(user: User, events: Sequence[Event], known: Set[str], limits: Limits) -> Happening:
    """Return what comes of events that a user did, as `with_events` does it."""
    seen = known
    if user.events:
        seen = Recent.of(user.events).among([event.id for event in events]) | known
    new: dict[str, tuple[int, Event]] = {}
    for position, event in enumerate(events):
        if event.id not in seen and event.id not in new:
            new[event.id] = (position, event)
    fresh = tuple([event for _, event in new.values()])
    kept, spilled = divided(user.events, fresh, limits)
    difference = {
        "events": kept,
        "activity": counted(user.activity, fresh),
        "archived": user.archived + len(spilled),
        "archived_until": _latest(user.archived_until, spilled),
        "last_seen_at": _latest(user.last_seen_at, fresh),
    }
    names = names_in_events(new.values())
    return Happening(difference, fresh, spilled, names, len(events) - len(fresh))


def _latest(before: datetime | None, events: Sequence[Event]) -> datetime | None:
    """Return the latest of an instant, if there is one, and those of events."""
    if not events:
        return before
    latest = max([event.at for event in events])
    return latest if before is None else max(before, latest)


def unfolded(user: User, events: Iterable[Event]) -> User:
    """Return the user with all events, of which some were in the archive, newest first."""
    found = {event.id: event for event in (*events, *user.events)}
    ordered = newest_first(found.values())
    return user.model_copy(update={"events": ordered, "archived": 0, "archived_until": None})


def folded(user: User, limits: Limits) -> Edit:
    """Return the edit that keeps a user, given with all events, as a store does."""
    kept, spilled = divided(user.events, (), limits)
    until = max((event.at for event in spilled), default=None)
    update = {"events": kept, "archived": len(spilled), "archived_until": until}
    return Edit(user.model_copy(update=update), spilled=spilled)


def followed(edit: Edit, then: Edit) -> Edit:
    """Return two edits of a user, the second of what the first made of them, as one."""
    return Edit(
        user=then.user,
        recorded=edit.recorded + then.recorded,
        spilled=then.spilled + edit.spilled,
        sightings={**then.sightings, **edit.sightings},
        duplicates=edit.duplicates + then.duplicates,
        coiner=then.coiner if then.sightings else edit.coiner,
    )


def respelled(edit: Edit, spellings: Mapping[str, str]) -> Edit:
    """Return the edit with every event named as the service first saw it, by event key."""
    named = [(event.key, event.name) for event in edit.recorded]
    named += [(n.key, name) for n, (name, _) in edit.sightings.items() if n.subject == EVENTS]
    if all(spellings.get(key, name) == name for key, name in named):
        return edit
    return spelled(edit, spellings)


def spelled(edit: Edit, spellings: Mapping[str, str]) -> Edit:
    """Return the edit as `respelled` does, also where the events it recorded need it not."""
    activity = {
        key: total.model_copy(update={"name": spellings.get(key, total.name)})
        for key, total in edit.user.activity.items()
    }
    return Edit(
        user=edit.user.model_copy(
            update={"events": _spelled(edit.user.events, spellings), "activity": activity}
        ),
        recorded=_spelled(edit.recorded, spellings),
        spilled=_spelled(edit.spilled, spellings),
        sightings=edit.sightings,
        duplicates=edit.duplicates,
    )


def _spelled(events: Sequence[Event], spellings: Mapping[str, str]) -> tuple[Event, ...]:
    return tuple(
        event.model_copy(update={"name": spellings.get(event.key, event.name)}) for event in events
    )


# ---------------------------------------------------------------- versions

_READABLE: Final = frozenset(
    {
        "name", "email", "phone", "birthday", "gender", "language", "timezone", "photo_url",
        "location", "identities", "choices", "activity", "absorbed", "created_at",
    }
)  # fmt: skip


def replaced(before: User, after: User) -> set[str]:
    """Return the attributes of which `after` does not have the very object that `before` has.

    Most changes leave most of a person alone, and what they leave alone is not even compared.
    """
    known = vars(before)
    return {name for name, value in vars(after).items() if value is not known[name]}


def revised(before: User, after: User, now: datetime) -> User:
    """Return `after` as the next version of `before`, or as the same if nothing readable changed.

    Totals stand for events here: moving an event to the archive changes nothing that can be read.
    """
    if not _reads_differently(before, after):
        return after
    return after.model_copy(update={"version": before.version + 1, "updated_at": now})


def written_kind(before: User, after: User) -> str | None:
    """Return as what a store logs that a user was rewritten; None if nobody has to know."""
    if after.version != before.version:
        return ChangeKind.UPDATED.value
    return SEEN if after.last_seen_at != before.last_seen_at else None


def _reads_differently(before: User, after: User) -> bool:
    names = replaced(before, after)
    return (
        any(getattr(before, name) != getattr(after, name) for name in names & _READABLE)
        or ("properties" in names and not all_same(before.properties, after.properties))
        or ("devices" in names and _unseen(before.devices) != _unseen(after.devices))
    )


def _unseen(devices: tuple[Device, ...]) -> list[dict[str, Any]]:
    return [device.model_dump(exclude={"last_seen_at"}) for device in devices]
