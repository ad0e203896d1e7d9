"""Where people are kept: the contract of every store, and how one is opened."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from app.domain.catalog import Catalog, Sightings
from app.domain.change import Change, Crossing
from app.domain.criteria import Question
from app.domain.errors import DomainError, Unavailable
from app.domain.events import Event
from app.domain.identity import Identity
from app.domain.keys import Key
from app.domain.limits import Limits
from app.domain.listing import EventQuery, UserOrder, UserPosition
from app.domain.membership import Judge, Leadership
from app.domain.segment import Segments
from app.domain.user import Edit, User
from app.store.reading import Instants, Reading, Shown

Result = TypeVar("Result")
Entry_co = TypeVar("Entry_co", covariant=True)

UserRef = str | Identity
"""A user's id, or any identity of the user."""

Step = Callable[[User, frozenset[str]], Edit]
"""A pure step: from the user as stored, and which of the events asked about are in the archive."""


@dataclass(frozen=True)
class Merged:
    """Two users who became one.

    Attributes:
        user: The one that is left.
        absorbed_id: The id of the other, which finds this one now.
    """

    user: User
    absorbed_id: str


class Entry(NamedTuple):
    """One of many changes that are made together.

    Attributes:
        ref: Whom to change.
        step: What to do; it may refuse.
        newcomer: Returns the edit that creates a user if `ref` finds nobody; it may refuse. None
            if nobody is to be created.
        brings: The identities that it links, so that a store can look for their owners ahead.
        event_ids: Events about which the step has to know whether they are in the archive.
    """

    ref: UserRef
    step: Step
    newcomer: Callable[[], Edit] | None = None
    brings: tuple[Identity, ...] = ()
    event_ids: frozenset[str] = frozenset()


Outcome = DomainError | None
"""Why an entry was refused; None if it was made."""


@dataclass(frozen=True)
class Progress:
    """How far a file was taken in.

    Attributes:
        line: Up to which line; all before it are settled.
        rejected: How many of them were rejected.
        finished: Whether that was the last.
    """

    line: int = 0
    rejected: int = 0
    finished: bool = False


class Log(Protocol[Entry_co]):
    """What happened, in order; an entry's cursor is its place.

    Every method raises CursorExpired if the log does not reach back to a cursor, or never was
    there, and Unsupported if the store, as it was set up, keeps no log.
    """

    async def cursor(self) -> str:
        """Return where the log ends now."""

    def is_after(self, cursor: str, other: str) -> bool:
        """Return whether the entry of a cursor follows another place; if unknown, it does."""

    async def recently(self, limit: int) -> str:
        """Return a place not far back, after which about `limit` entries follow at the most."""

    async def page(self, after: str, limit: int) -> Sequence[Entry_co]:
        """Return up to `limit` entries after a cursor; none if the log, for now, ends there."""

    def follow(self, after: str) -> AsyncIterator[Entry_co]:
        """Yield every entry after a cursor, and go on for ever."""


class Memberships(Protocol):
    """Remembers who belongs to which segment; only a process that leads writes here."""

    async def judge(self, user_ids: Collection[str], judge: Judge) -> None:
        """Keep, and log, what the judge says of users.

        Each crossing is logged once, whoever judges at the same time; who is there no longer
        leaves.
        """

    async def due(self, now: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Return up to `limit` users with a membership that is due, and since when; first first."""

    async def next_due(self) -> datetime | None:
        """Return when a membership next falls due."""

    async def user_ids(self, after: str, limit: int) -> list[str]:
        """Return up to `limit` ids of users, in order, that follow one."""

    async def forget_segments(self, kept: Collection[str]) -> None:
        """Drop the memberships of all segments but these."""

    async def leadership(self) -> Leadership | None:
        """Return which process leads; None if none ever did."""

    async def replace_leadership(self, before: Leadership | None, after: Leadership) -> bool:
        """Write who leads, and return whether nobody else wrote since `before` was read."""


class Store(Protocol):
    """Remembers people; every method is atomic and survives a crash of whoever called it.

    It holds no rules: what becomes of a person is decided by the steps it is given. Every method
    raises Unavailable if the store does not answer.

    Attributes:
        instants: How its documents hold instants.
    """

    instants: Instants

    async def find(self, ref: UserRef) -> User | None:
        """Return the user, or None for nobody."""

    async def find_many(self, refs: Sequence[UserRef]) -> list[User | None]:
        """Return a user or None for each reference, in their order."""

    async def whose(self, ref: UserRef) -> str | None:
        """Return the id of the user whom `find` returns."""

    async def read(self, refs: Sequence[UserRef], reading: Reading[Shown]) -> list[Shown | None]:
        """Return what a reading shows of each, or None for nobody, in their order."""

    def at_hand(self, ref: UserRef, reading: Reading[Shown]) -> Shown | None:
        """Return what a reading shows of a user, if that takes no waiting; None says nothing.

        It is as true as what `read` returns.
        """

    async def read_page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None,
        reading: Reading[Shown],
    ) -> list[Shown]:
        """Return what a reading shows of each user whom `page` returns."""

    async def create(self, edit: Edit) -> Edit:
        """Keep a new user, who appears at once with all identities.

        Raises:
            IdentityTaken: somebody has one of the identities; nothing was written.
            LimitExceeded: the service knows too many names.
            Busy: others were faster for too long; nothing was written.
        """

    async def change(self, ref: UserRef, step: Step, event_ids: Collection[str] = ()) -> Edit:
        """Keep what `step` makes of a user, identities that it links or unlinks included.

        The write holds only if nobody wrote since the read; otherwise the step runs again on the
        newer user. A step that changes nothing writes nothing.

        Args:
            ref: Whom to change; the id of a merged user stands for the survivor.
            step: What to do.
            event_ids: Events about which the step has to know whether they are in the archive.

        Raises:
            UserNotFound: there is no such user.
            IdentityTaken: somebody else has an identity that the step links.
            LimitExceeded: the service knows too many names.
            Busy: others were faster for too long; nothing was written.
        """

    async def take_in(
        self, entries: Sequence[Entry], *, dry_run: bool = False, most_per_user: int | None = None
    ) -> list[Outcome]:
        """Make many changes in order, each whole or not at all; a refused one leaves the others.

        Args:
            entries: What to do; each meets what those before it did.
            dry_run: Write nothing, return what would be.
            most_per_user: Stop before an entry that would be one more than this for its user.

        Returns:
            What became of each; of fewer than all where it stopped.
        """

    async def transfer(self, identity: Identity, from_id: str, to_id: str, now: datetime) -> bool:
        """Pass a device, with its push token, from one user to another.

        On its way it is nobody's, and cannot be taken. If the other user is deleted before it
        arrives, it stays nobody's.

        Returns:
            Whether the first user had it.

        Raises:
            UserNotFound: one of them is not there.
        """

    async def merge(
        self,
        into_id: str,
        other_id: str,
        now: datetime,
        *,
        anonymous_only: bool = False,
        keep: Identity | None = None,
        dry_run: bool = False,
    ) -> Merged | None:
        """Make one user of two, as `domain.merge` says.

        Args:
            into_id: Whose values win.
            other_id: The other; the older of the two ids survives.
            now: When this happens.
            anonymous_only: Merge only if `other_id` was never identified.
            keep: A device that stays, should there be too many.
            dry_run: Write nothing, return what would be.

        Returns:
            What came of it; None if the two are one already, or `anonymous_only` forbids it.

        Raises:
            UserNotFound: one of them is not there.
            LimitExceeded: together they would pass a limit; nothing was written.
        """

    async def delete(self, user_id: str, now: datetime) -> str:
        """Erase a user and all whom the user absorbed, for good; return the user's own id.

        Raises:
            UserNotFound: there is no such user.
        """

    async def repair(self) -> Mapping[str, int]:
        """Finish what crashes left unfinished; return how much of what was found, if anything."""

    async def page(
        self,
        order: UserOrder,
        first: int,
        after: UserPosition | None,
        question: Question | None = None,
    ) -> list[User]:
        """Return up to `first` users in order, those that follow `after`.

        Args:
            order: In which order.
            first: How many at the most.
            after: Where the last page ended.
            question: Only those of whom this is true.

        Raises:
            LimitExceeded: too many had to be looked at one by one.
        """

    async def count(self, question: Question | None = None) -> int:
        """Return how many users there are, or of how many a question is true, exactly.

        Raises:
            LimitExceeded: too many would have to be looked at one by one.
        """

    async def archived_by_key(self, user: User, keys: frozenset[str]) -> list[Event]:
        """Return the user's archived events of these names."""

    async def archived_by_id(self, user: User, event_ids: Sequence[str]) -> list[Event]:
        """Return those of the events that are in the user's archive."""

    async def archived_events(self, user: User, query: EventQuery, limit: int) -> list[Event]:
        """Return up to `limit` events of the archive that answer the query, newest first."""

    async def whole(self, user_id: str) -> User | None:
        """Return a user with all events, archived ones too, as of one instant, newest first.

        Raises:
            Busy: others wrote to the user without a pause.
        """

    async def restore(self, user: User, sightings: Sightings) -> bool:
        """Keep a user as `whole` returned it, here or elsewhere, with all ids that find it.

        Nobody is told of the user's events: they happened, and were told of, elsewhere.

        Args:
            user: With all events.
            sightings: The names that it uses.

        Returns:
            Whether it was kept now; not if the same user is here already.

        Raises:
            InvalidInput: somebody else, or the same otherwise, has or had one of the ids.
            IdentityTaken: somebody has one of the identities.
            LimitExceeded: the service knows too many names.
        """

    async def deleted_ids(self, first: int, after: str = "") -> list[str]:
        """Return up to `first` ids that find nobody any more, in order, those after one."""

    async def bury(self, user_id: str) -> None:
        """See to it that an id that was deleted elsewhere finds nobody here, for ever.

        Raises:
            InvalidInput: it is somebody's here.
        """

    async def coin(self, sightings: Sightings) -> None:
        """Enter names into the catalog.

        Raises:
            LimitExceeded: the service knows too many names.
        """

    async def progress(self, source: str) -> Progress:
        """Return how far a file, known by its content, was taken in."""

    async def note_progress(self, source: str, progress: Progress) -> None:
        """Remember how far a file was taken in."""

    async def segments(self) -> Segments:
        """Return all segments."""

    async def change_segments(self, step: Callable[[Segments], tuple[Segments, Result]]) -> Result:
        """Keep what `step` makes of all segments, and return what it returns beside them."""

    async def catalog(self) -> Catalog:
        """Return which names exist."""

    async def keys(self) -> list[Key]:
        """Return all keys, revoked ones too, oldest first."""

    async def add_key(self, key: Key) -> None:
        """Keep a new key."""

    async def revoke_key(self, id: str, now: datetime) -> bool:
        """Let a key open nothing from now on, for good, and return whether there is such a key."""

    @property
    def changes(self) -> Log[Change]:
        """What every process changed about people."""

    @property
    def crossings(self) -> Log[Crossing]:
        """Who entered or left a segment, as judged by whichever process."""

    @property
    def memberships(self) -> Memberships:
        """Who belongs to which segment, and until when that surely stays so."""

    async def ping(self) -> None:
        """Return if the store answers.

        Raises:
            Unavailable: it does not.
        """


def open_store(url: str, limits: Limits) -> AbstractAsyncContextManager[Store]:
    """Open the store at `url` for as long as the block runs, on the event loop that runs it.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, `mongodb://host/database` or
            `mongodb+srv://host/database`.
        limits: What a service may hold.

    Raises:
        Unavailable: on entering, if the store does not answer or holds data of a newer format.
        ValueError: there is no store for such a URL.
    """
    match urlsplit(url).scheme:
        case "sqlite":
            from app.store.sqlite import open_sqlite

            return open_sqlite(url, limits)
        case "mongodb" | "mongodb+srv":
            from app.store.mongo import open_mongo

            return open_mongo(url, limits)
        case _:
            raise ValueError("The database's URL starts with sqlite:/// or mongodb://.")


__all__ = [
    "Entry",
    "Instants",
    "Log",
    "Memberships",
    "Merged",
    "Outcome",
    "Progress",
    "Reading",
    "Step",
    "Store",
    "Unavailable",
    "UserRef",
    "open_store",
]
