"""Judges what schedules leave behind: nothing half done, nothing doubled, nothing lost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from app.domain.errors import Busy
from app.domain.user import Edit
from app.operations.find import create as create_user
from app.store.mongo import MongoStore
from app.store.mongo.users import State, keys_of
from tests.builders import identity
from tests.protocol.memory import Document, Memory
from tests.protocol.scenario import Operation, Scenario, terms
from tests.protocol.schedule import Clockwork, Process, Run, Violation, program

Answers = tuple[Any, ...]
UNKNOWN = "crashed"


@dataclass(frozen=True)
class Outcome:
    """What several processes answered, and what is there then."""

    answers: tuple[Answers, ...]
    people: Any


class Trial:
    """A scenario whose schedules can be tried and judged."""

    def __init__(self, scenario: Scenario, clockwork: Clockwork) -> None:
        self.scenario = scenario
        self._clockwork = clockwork
        self._start = self._set_up()
        self._allowed = dict(self._in_turn()) if scenario.is_atomic else {}
        self._sound: set[Any] = set()

    # ------------------------------------------------------------ runs

    def begin(self) -> Run:
        memory = self._connected(self._start.copy())
        memory.watcher = _Watch(memory)
        processes = [self._process(memory, n) for n in range(len(self.scenario.programs))]
        return Run(self._clockwork, memory, processes)

    def _connected(self, memory: Memory) -> Memory:
        memory.turn, memory.seen = self._clockwork.turn, self._clockwork.seen
        return memory

    def _store(self, memory: Memory) -> MongoStore:
        """Return the store of a process that does one thing at a time, on no event loop.

        It has no reads to gather.
        """
        store = MongoStore(memory.collections(), self.scenario.limits)
        patched: Any = store
        patched._readings.owners = _at_once(lambda keys, _: store._claims.owners(keys))
        patched._readings._standing = _at_once(store._users.standing)
        patched._readings._revisions = _at_once(lambda ids, _: store._users.revisions(ids))
        return store

    def _process(
        self, memory: Memory, number: int, first: int = 0, end: int | None = None
    ) -> Process:
        """Return a process that runs its program, or the operations from `first` to `end`."""
        store, limits = self._store(memory), self.scenario.limits

        def bound(operation: Operation, minute: int) -> Callable[[], Any]:
            return lambda: operation.do(store, terms(limits, minute))

        operations = self.scenario.programs[number]
        calls = [bound(each, 10 * number + n + 20) for n, each in enumerate(operations)]
        name = f"P{number + 1}" + (f".{first}" if end else "")
        process: Process
        process = Process(name, program(lambda: process, calls[first:end]))
        return process

    def _set_up(self) -> Memory:
        memory = self._connected(Memory())
        store = self._store(memory)
        limits = self.scenario.limits

        async def happen() -> None:
            for minute, (id, keys) in enumerate(self.scenario.people.items()):
                self._clockwork.given_ids = ["", id]
                named = [identity(key) for key in keys]
                await create_user(store, named, Edit, terms(limits, minute))
            for minute, operation in enumerate(self.scenario.before, start=10):
                await operation.do(store, terms(limits, minute))

        self._alone("before", happen())
        return memory

    def _alone(self, name: str, work: Any) -> Any:
        return self._clockwork.run_alone(name, work)

    # ------------------------------------------------------------ one after the other

    def _in_turn(self) -> Iterator[tuple[Outcome, None]]:
        """Yield what comes of the operations if each happens alone, in every order."""
        programs = self.scenario.programs

        def follow(
            memory: Memory, answers: tuple[Answers, ...], over: frozenset[int]
        ) -> Iterator[Outcome]:
            """Yield outcomes; processes in `over` have crashed."""
            open_ = [
                n for n, p in enumerate(programs) if n not in over and len(answers[n]) < len(p)
            ]
            if not open_:
                yield Outcome(answers, self._people(self._repaired(memory.copy())))
            for n in open_:
                # A crash leaves the operation undone, or done without an answer.
                crashed = (*answers[n], UNKNOWN)
                yield from follow(memory, _with(answers, n, crashed), over | {n})
                after = self._connected(memory.copy())
                process = self._process(after, n, len(answers[n]), len(answers[n]) + 1)
                self._alone(process.name, process.work)
                yield from follow(after, _with(answers, n, (*answers[n], *process.answers)), over)
                yield from follow(after, _with(answers, n, crashed), over | {n})

        for outcome in follow(self._start, ((),) * len(programs), frozenset()):
            yield outcome, None

    # ------------------------------------------------------------ judging

    def look(self, run: Run) -> None:
        """Judge what readers see at a moment of a run."""
        memory = run.memory.copy()
        memory.turn = self._clockwork.turn
        may_go = any(operation.deletes for p in self.scenario.programs for operation in p)
        ids = [d["_id"] for d in memory.documents("users")]
        found = self._alone("reader", self._store(memory).find_many(ids))
        seen = {user.id: user for user in found if user}
        _refuse_shared({user.id: [each.key for each in user.identities] for user in seen.values()})
        if not may_go:
            for id, user in zip(ids, found, strict=True):
                _require(user or id not in self.scenario.people, f"{id} is found by nobody.")

    def conclude(self, run: Run) -> None:
        """Judge the end of a run: repaired, it is sound and as if one had come after the other."""
        answers = tuple(
            (*p.answers, UNKNOWN) if p.has_crashed else tuple(p.answers) for p in run.processes
        )
        key = (run.memory.digest, answers)
        if key in self._sound:
            return
        nobody_crashed = not any(p.has_crashed for p in run.processes)
        _require(Busy.__name__ not in str(answers), "Somebody was told Busy.")
        self._check_emptied(run.memory)
        if nobody_crashed:
            self._check_deleted(run.memory, "before a repair")
        memory = self._repaired(run.memory)
        self._check_sound(memory)
        people = self._people(memory)
        if self.scenario.is_atomic:
            outcome = Outcome(answers, people)
            _require(
                outcome in self._allowed,
                f"No order explains it: {outcome.people}\n instead of "
                + "\n or ".join(str(o.people) for o in self._allowed if o.answers == answers),
            )
        else:
            _refuse_doubled(people)
        self._sound.add(key)

    def _repaired(self, memory: Memory) -> Memory:
        self._connected(memory)
        self._alone("repair", self._store(memory).repair())
        again = self._alone("repair again", self._store(memory).repair())
        _require(not again, f"A second repair found {again}.")
        return memory

    def _check_sound(self, memory: Memory) -> None:
        users = {d["_id"]: d for d in memory.documents("users")}
        embedded = {id: sorted(keys_of(d)) for id, d in users.items() if d["state"] == State.ACTIVE}
        _refuse_shared(embedded)
        owners = {key: id for id, keys in embedded.items() for key in keys}
        claims = {c["_id"]: c["user"] for c in memory.documents("claims")}
        _require(owners == claims, f"Embedded {owners}, claimed {claims}.")
        for claim in memory.documents("claims"):
            _require(claim["payload"] is None, f"A payload is left: {claim}.")
        for user in users.values():
            _check_finished(user)
        self._check_deleted(memory, "after a repair")
        for user in users.values():
            if user["state"] == State.ACTIVE:
                _check_log(user, memory)

    def _check_deleted(self, memory: Memory, when: str) -> None:
        """Nothing is left of people who are deleted."""
        for user in memory.documents("users"):
            if user["state"] != State.DELETED:
                continue
            gone = {user["_id"], *user["absorbed"]}
            for name in ("event_archive", "event_batches"):
                left = [d["_id"] for d in memory.documents(name) if _names(d, gone)]
                _require(not left, f"{when}, of {gone} is left: {left}.")
        self._check_emptied(memory)

    def _check_emptied(self, memory: Memory) -> None:
        """A deletion that is done has emptied the document, and those of all who were absorbed."""
        for user in memory.documents("users"):
            if user["state"] != State.DELETED or not user["done"]:
                continue
            gone = {user["_id"], *user["absorbed"]}
            for each in memory.documents("users"):
                if each["_id"] in gone:
                    content = [each[n] for n in ("properties", "devices", "events", "activity")]
                    _require(not any(content), f"Of {each['_id']} is left: {content}.")

    def _people(self, memory: Memory) -> Any:
        """Return who is there, without what may differ from run to run."""
        memory = self._connected(memory)
        store = self._store(memory)
        ids = list(self.scenario.people)
        found = self._alone("reader", store.find_many(ids))
        leads_to = tuple(
            (id, user and _name(user.id, ids)) for id, user in zip(ids, found, strict=True)
        )
        people = sorted(
            _person(d, ids, memory) for d in memory.documents("users") if d["state"] == State.ACTIVE
        )
        return leads_to, tuple(people)


def _at_once(read: Any) -> Any:
    async def found(keys: Collection[str], fields: frozenset[str] | None = None) -> Any:
        return await read(keys, fields) if keys else {}

    return found


class _Watch:
    """Sees every write: no identity may stand in two people's documents."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def __call__(self, collection: str, id: str, document: Document | None) -> None:
        if collection != "users" or not document or document["state"] != State.ACTIVE:
            return
        for other in self._memory.documents("users"):
            if other["_id"] != id and other["state"] == State.ACTIVE:
                both = keys_of(other) & keys_of(document)
                _require(not both, f"{both} are embedded in {id} and {other['_id']}.")


def _with(answers: tuple[Answers, ...], n: int, new: Answers) -> tuple[Answers, ...]:
    return (*answers[:n], new, *answers[n + 1 :])


def _require(holds: object, message: str) -> None:
    if not holds:
        raise Violation(message)


def _names(document: Document, ids: set[str]) -> bool:
    return any(isinstance(value, str) and value in ids for value in document.values())


def _refuse_shared(identities: dict[str, list[str]]) -> None:
    shared = Counter(key for keys in identities.values() for key in keys)
    _require(all(n == 1 for n in shared.values()), f"An identity is two people's: {identities}.")


def _check_finished(user: Document) -> None:
    state = user["state"]
    _require(state != State.PENDING, f"{user['_id']} is still being created.")
    _require(state == State.ACTIVE or user["done"], f"{user['_id']} is {state}, not done.")
    left = [user["joining"], *user["releasing"], *user["batches"]]
    _require(not any(left), f"{user['_id']} has left: {left}.")


def _log(user: Document, memory: Memory) -> list[str]:
    ids = [event["id"] for event in user["events"]]
    history = {user["_id"], *user["absorbed"]}
    archived = [d["id"] for d in memory.documents("event_archive") if d.get("user") in history]
    return sorted([*ids, *archived])


def _check_log(user: Document, memory: Memory) -> None:
    found = set(_log(user, memory))
    count = sum(total["count"] for total in user["activity"])
    _require(
        len(found) == count, f"{user['_id']} counts {count} events, {sorted(found)} are there."
    )
    history = {user["_id"], *user["absorbed"]}
    embedded = {event["id"] for event in user["events"]}
    lying = [d["id"] for d in memory.documents("event_archive") if d.get("user") in history]
    only = [id for id in lying if id not in embedded]
    _require(len(only) == len(set(only)), f"{user['_id']} has events twice in the archive: {only}.")
    _require(
        len(only) == user["archived"], f"{user['_id']} counts {user['archived']} archived: {only}."
    )


def _name(id: str, ids: list[str]) -> str:
    return id if id in ids else "new"


def _person(user: Document, ids: list[str], memory: Memory) -> tuple[Any, ...]:
    return (
        _name(user["_id"], ids),
        tuple(sorted(keys_of(user))),
        user["identified"],
        user["email"] or "",
        tuple((p["k"], p["v"]) for p in user["properties"]),
        tuple((a["key"], a["count"]) for a in user["activity"]),
        tuple(sorted(set(_log(user, memory)))),
        tuple(sorted((d["id"], str(d["push"] and d["push"]["token"])) for d in user["devices"])),
        tuple(sorted(_name(id, ids) for id in user["absorbed"])),
    )


def _refuse_doubled(people: Any) -> None:
    counts: Counter[str] = Counter()
    for person in people[1]:
        for name, value in person[4]:
            counts[name] += value
    doubled = {name: n for name, n in counts.items() if n > 1}
    _require(not doubled, f"What was done once counts more: {doubled}.")
