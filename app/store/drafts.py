"""People as many changes make them, one after the other, before any of it is written.

Drafts are decided in memory from what a store tells when asked, so that a dry run and a real one
decide alike, and one write keeps all that became of a person.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

from app.domain.catalog import EVENTS, Entries, Name, Sightings, extended
from app.domain.errors import IdentityTaken, UserNotFound
from app.domain.events import Event
from app.domain.identity import Identity
from app.domain.limits import Limits
from app.domain.user import Edit, User, respelled
from app.store import Entry, UserRef


class Reading(Protocol):
    """What a store knows; it may raise whatever it likes to make the caller ask again later."""

    def user(self, user_id: str) -> User | None:
        """Return the user, or the survivor of a merged one."""

    def owner_id(self, identity: Identity) -> str | None:
        """Return the id of the user who has the identity."""

    def archived_among(self, user: User, event_ids: Collection[str]) -> frozenset[str]:
        """Return those of the events that are in the user's archive."""

    def entries(self, subject: str) -> Entries:
        """Return the names of a subject of the catalog."""


@dataclass
class Draft:
    """A person, before and after.

    Attributes:
        before: As stored; None for somebody new.
        after: As they are to be.
        recorded: The events that came, in order.
        spilled: Those that no longer fit into the document, newest first.
        entries: Where, among all entries, those stand that made it.
    """

    before: User | None
    after: User
    recorded: list[Event] = field(default_factory=list)
    spilled: list[Event] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)

    @property
    def edit(self) -> Edit:
        return Edit(self.after, tuple(self.recorded), tuple(self.spilled))


_NONE: Final[frozenset[str]] = frozenset()


class Drafts:
    """Everybody whom the entries so far changed, who has which identity, and which names exist.

    Attributes:
        people: By id.
        owners: Who has an identity, by its key; None for nobody.
        subjects: The names of those subjects of the catalog that were asked for.
        sightings: The names that are new.
    """

    def __init__(self, reading: Reading, limits: Limits, entries_of: Counter[str]) -> None:
        self._reading = reading
        self._limits = limits
        self._known: set[Name] = set()
        self._ids: dict[str, str | None] = {}
        self._entries_of = entries_of
        self.people: dict[str, Draft] = {}
        self.owners: dict[str, str | None] = {}
        self.subjects: dict[str, Entries] = {}
        self.sightings: dict[Name, tuple[str, tuple[str, ...]]] = {}

    def is_full(self, entry: Entry, most: int | None) -> bool:
        """Return whether so many entries are of the entry's user already."""
        user_id = None if most is None else self._find(entry.ref)
        return user_id is not None and most is not None and self._entries_of[user_id] >= most

    def take(self, entry: Entry, position: int) -> None:
        """Take one entry in.

        Raises:
            DomainError: it was refused; nothing changed.
        """
        user_id = self._find(entry.ref)
        draft = None if user_id is None else self._draft(user_id)
        before = draft.after if draft else None
        edit = self._edit(entry, draft)
        user_id = edit.user.id
        self._entries_of[user_id] = self._entries_of.get(user_id, 0) + 1
        if before and (edit.user is before or edit.user == before):
            return
        owners = self._owners_after(before, edit.user)
        edit = self._named(edit)
        self.owners.update(owners)
        if draft is None:
            draft = self.people[user_id] = Draft(None, edit.user)
        draft.after = edit.user
        draft.recorded += edit.recorded
        draft.spilled[:0] = edit.spilled
        draft.entries.append(position)

    def _find(self, ref: UserRef) -> str | None:
        """Return the id of the user whom a reference finds."""
        if isinstance(ref, Identity):
            return self._owner(ref)
        if ref not in self._ids:
            user = self.people[ref].after if ref in self.people else self._reading.user(ref)
            self._ids[ref] = user.id if user else None
            if user:
                self.people.setdefault(user.id, Draft(user, user))
        return self._ids[ref]

    def _owner(self, identity: Identity) -> str | None:
        key = identity.key
        if key not in self.owners:
            self.owners[key] = self._reading.owner_id(identity)
        return self.owners[key]

    def _draft(self, user_id: str) -> Draft:
        if user_id not in self.people:
            user = self._reading.user(user_id)
            if user is None:
                raise UserNotFound
            self.people[user_id] = Draft(user, user)
        return self.people[user_id]

    def _edit(self, entry: Entry, draft: Draft | None) -> Edit:
        if draft:
            return entry.step(draft.after, self._archived(draft, entry.event_ids))
        if entry.newcomer is None:
            raise UserNotFound
        return entry.newcomer()

    def _archived(self, draft: Draft, event_ids: frozenset[str]) -> frozenset[str]:
        if not (event_ids and draft.after.archived):
            return frozenset()
        spilled = event_ids.intersection(event.id for event in draft.spilled)
        if draft.before is None or not draft.before.archived:
            return spilled
        return spilled | self._reading.archived_among(draft.before, event_ids)

    def _owners_after(self, before: User | None, after: User) -> dict[str, str | None]:
        """Return who has the identities that come to a user or leave."""
        held = {linked.key for linked in before.identities} if before else _NONE
        owners: dict[str, str | None] = dict.fromkeys(held)
        for linked in after.identities:
            key = linked.key
            if key not in held:
                owner = self.owners[key] if key in self.owners else self._owner(linked)
                if owner is not None and owner != after.id:
                    raise IdentityTaken(linked.identity, owner)
            owners[key] = after.id
        return owners

    # ------------------------------------------------------------ names

    def _named(self, edit: Edit) -> Edit:
        """Return the edit with every event named as the service first saw it, and note its names.

        Raises:
            LimitExceeded: there would be too many names; none was noted.
        """
        unknown = {name: seen for name, seen in edit.sightings.items() if name not in self._known}
        if unknown:
            self._note_names(self._subjects_with(unknown), unknown)
        return respelled(edit, self._spellings(edit.sightings))

    def _subjects_with(self, unknown: Sightings) -> dict[str, Entries]:
        """Return the subjects with names that are new in them."""
        return {
            subject: extended(subject, self._subject(subject), unknown, self._limits)
            for subject in {name.subject for name in unknown}
        }

    def _subject(self, subject: str) -> Entries:
        if subject not in self.subjects:
            self.subjects[subject] = self._reading.entries(subject)
        return self.subjects[subject]

    def _note_names(self, subjects: dict[str, Entries], sightings: Sightings) -> None:
        for name, seen in sightings.items():
            if subjects[name.subject] is not self.subjects.get(name.subject):
                self.sightings.setdefault(name, seen)
        self._known.update(sightings)
        self.subjects.update(subjects)

    def _spellings(self, sightings: Sightings) -> dict[str, str]:
        events = self.subjects.get(EVENTS, {})
        return {name.key: events[name.key].name for name in sightings if name.subject == EVENTS}


def changed(drafts: Drafts) -> list[Draft]:
    """Return those whom an entry changed."""
    return [draft for draft in drafts.people.values() if draft.entries]
