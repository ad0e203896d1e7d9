"""Changes of one user that are asked for at once, kept by one write.

In a process, one write to a user is on its way at a time: two would race each other. What is asked
for meanwhile waits, and is then done together, each step on what the one before it left. So a user
to whom many write at once takes a few writes, not one for each, and the writers of other processes
get their chance in between.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from app.domain.errors import Busy, DomainError, Unavailable, UserNotFound
from app.domain.user import Edit, User, followed, spelled
from app.store import Step, UserRef

MOST_CHANGES: Final = 100
MOST_EVENTS: Final = 1_000
"""How many changes one write keeps; and after how many events in them it keeps no further one."""

Change = Callable[[str, Step, Collection[str]], Awaitable[Edit]]
"""Changes a user, whose id comes first, as `Store.change` does, alone."""


def as_found_by(ref: UserRef, step: Step) -> Step:
    """Return the step, which refuses whoever does not have the identity that they were found by.

    It may be claimed, but on its way to them, or away; or have gone while the step waited.
    """
    if isinstance(ref, str):
        return step

    def step_if_still_found(user: User, archived: frozenset[str]) -> Edit:
        if not user.has(ref):
            raise UserNotFound
        return step(user, archived)

    return step_if_still_found


@dataclass(eq=False)
class _Asked:
    """A change that waits.

    Attributes:
        outcome: What becomes of it; it is done before if whoever asked has left.
        has_begun: Whether it may be written now.
        is_late: Whether it has waited for too long.
    """

    step: Step
    event_ids: Collection[str]
    outcome: asyncio.Future[Edit] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    has_begun: bool = False
    is_late: bool = False

    def tell(self, outcome: Edit | Exception) -> None:
        if self.outcome.done():
            return
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
            self.outcome.exception()  # looked at, or the loop would complain where nobody waits
        else:
            self.outcome.set_result(outcome)

    def be_late(self) -> None:
        self.is_late = True
        self.give_up_if_late()

    def give_up_if_late(self) -> None:
        if self.is_late and not self.has_begun:
            self.tell(Busy())


class Together:
    """Makes changes of users; nothing is kept of anybody whom nobody changes now."""

    def __init__(self, change: Change, patience_s: float) -> None:
        """Make changes by `change`; what has not begun after `patience_s` is given up."""
        self._change = change
        self._patience_s = patience_s
        self._waiting: dict[str, deque[_Asked]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    async def change(self, user_id: str, step: Step, event_ids: Collection[str]) -> Edit:
        """Change a user, alone if nobody else does.

        Raises:
            Busy: it took too long; nothing was written.
            DomainError: as `Store.change` says.
        """
        waiting = self._waiting.get(user_id)
        if waiting is not None:
            return await self._told(_Asked(step, event_ids), waiting)
        waiting = self._waiting[user_id] = deque()
        try:
            return await self._change(user_id, step, event_ids)
        finally:
            if waiting:
                # A task of nobody's: who leaves must not leave the others in doubt.
                serving = asyncio.create_task(self._serve(user_id, waiting))
                self._serving.add(serving)
                serving.add_done_callback(self._serving.discard)
            else:
                del self._waiting[user_id]

    async def _told(self, asked: _Asked, waiting: deque[_Asked]) -> Edit:
        """Wait until what is asked for is done, with whatever else is."""
        waiting.append(asked)
        timer = asyncio.get_running_loop().call_later(self._patience_s, asked.be_late)
        try:
            return await asked.outcome
        finally:
            timer.cancel()

    async def _serve(self, user_id: str, waiting: deque[_Asked]) -> None:
        """Make all changes of a user that wait, and those that come meanwhile."""
        try:
            while some := _first_of(waiting):
                try:
                    rest = await self._make(user_id, some)
                except Exception as fault:  # whatever it is, all who wait for it meet it
                    for asked in some:
                        asked.tell(fault)
                else:
                    _put_back(waiting, rest)
        finally:
            del self._waiting[user_id]

    async def _make(self, user_id: str, some: list[_Asked]) -> list[_Asked]:
        """Make the first of these changes, with as many others as can be; return the rest.

        Raises:
            Busy: others were faster for too long; none was made.
            Unavailable: whether they were made is not known.
        """
        if len(some) > 1:
            changes = _Changes(some)
            try:
                kept = await self._change(user_id, changes.step, changes.event_ids)
            except (Busy, Unavailable):
                raise
            except DomainError:
                pass  # for the sake of one of them none was made: whose, it will find out alone
            else:
                return changes.told(kept)
        first, *rest = some
        try:
            first.tell(await self._change(user_id, first.step, first.event_ids))
        except Exception as fault:  # a step may raise what it likes: whoever asked for it meets it
            first.tell(fault)
        return rest


class _Changes:
    """Changes of one user, made as one."""

    def __init__(self, some: list[_Asked]) -> None:
        self._some = some
        self._outcomes: list[Edit | Exception] = []

    @property
    def event_ids(self) -> frozenset[str]:
        return frozenset(event_id for asked in self._some for event_id in asked.event_ids)

    def step(self, user: User, archived: frozenset[str]) -> Edit:
        """Make as many of the changes as one write can keep, whatever was made of them before."""
        self._outcomes = []
        kept: Edit | None = None
        for asked in self._some:
            if kept and _relinks(user, kept):
                break
            before = kept.user if kept else user
            spilled = frozenset(event.id for event in kept.spilled) if kept else frozenset()
            try:
                edit = asked.step(before, archived | spilled)
            except Exception as fault:  # what one asks for in vain leaves the others theirs
                self._outcomes.append(fault)
                continue
            if kept and (_coins_apart(kept, edit) or _relinks(before, edit)):
                break
            self._outcomes.append(edit)
            kept = followed(kept, edit) if kept else edit
        return kept or Edit(user)

    def told(self, kept: Edit) -> list[_Asked]:
        """Tell those whose changes were made by now, or refused; return the others."""
        names = {event.key: event.name for event in kept.recorded}
        recorded = [e for edit in self._outcomes if isinstance(edit, Edit) for e in edit.recorded]
        # Each has the events of those before it, named as they were asked for.
        is_misspelt = any(names[event.key] != event.name for event in recorded)
        for asked, outcome in zip(self._some, self._outcomes, strict=False):
            if is_misspelt and isinstance(outcome, Edit):
                asked.tell(spelled(outcome, names))
            else:
                asked.tell(outcome)
        return self._some[len(self._outcomes) :]


def _coins_apart(kept: Edit, edit: Edit) -> bool:
    """Return whether new names in two edits would be counted as different callers'."""
    return bool(kept.sightings and edit.sightings) and kept.coiner != edit.coiner


def _first_of(waiting: deque[_Asked]) -> list[_Asked]:
    """Take as many as one write may keep, of those whom somebody still waits for."""
    some: list[_Asked] = []
    events = 0
    while waiting and len(some) < MOST_CHANGES and events < MOST_EVENTS:
        asked = waiting.popleft()
        if not asked.outcome.done():
            asked.has_begun = True
            some.append(asked)
            events += len(asked.event_ids)
    return some


def _put_back(waiting: deque[_Asked], rest: list[_Asked]) -> None:
    """Let those whom a write did not keep wait on, unless they have for too long."""
    for asked in rest:
        asked.has_begun = False
        asked.give_up_if_late()
    waiting.extendleft(reversed(rest))


def _relinks(before: User, edit: Edit) -> bool:
    """Return whether an edit changes who the user is: others may be in its way."""
    return edit.user.identities != before.identities
