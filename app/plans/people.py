"""The root fields: whom to read from the store, and how each is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from graphql import FieldNode, GraphQLField
from graphql.execution.values import VariableValues

from app.domain.errors import LimitExceeded
from app.domain.identity import Impossible
from app.domain.listing import UserOrder, UserPosition
from app.lasting import lasting_json
from app.operations.segments import ask
from app.plans.compiler import Compiler, Nodes, Special
from app.plans.criteria import raw_criteria
from app.plans.parts import (
    Make,
    Part,
    Pending,
    Run,
    Surprise,
    Unplanned,
    after,
    all_fields,
    list_of,
    object_of,
)
from app.schema.inputs import whoever
from app.schema.pages import page_info
from app.schema.scalars import Cursor
from app.schema.types import UserPaging
from app.store.reading import Document, Reading

_POSITION: Final = frozenset({"_id", "lastSeenAt"})
_ROW_BYTES: Final = 300
"""About what a row takes beside its texts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person, shown.

    Attributes:
        id: The person's.
        seen_at: When they were last seen, as the store holds instants.
        texts: What each part made of them, as JSON, if that lasts.
        document: The document to make it of, if it does not.
    """

    id: str
    seen_at: Any
    texts: tuple[bytes, ...] | None
    document: Document | None

    @property
    def size_bytes(self) -> int | None:
        return None if self.texts is None else _ROW_BYTES + sum(map(len, self.texts))


class View:
    """Shows people by some parts: as lasting texts where that can be, else document by document."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        fields = all_fields(parts)
        self._fields = None if fields is None else fields | _POSITION
        self._lasts = all(part.lasts for part in parts)
        self._current = self._reading(lambda _: None)
        self._day: date | None = None

    def reading(self, run: Run) -> Reading[Row]:
        """Return how people are to be read; another one every day, since ages change."""
        if self._lasts and self._day != run.day:
            once = run._replace(variables=_NO_VARIABLES)
            self._day, self._current = run.day, self._reading(lambda d: self._texts(d, once))
        return self._current

    def made(self, index: int) -> Make:
        """Return what makes of a row what a part makes of the person."""
        make_of_document = self._parts[index].make

        def make(row: Row, run: Run) -> Any:
            if row.texts is not None:
                return orjson.Fragment(row.texts[index])
            return make_of_document(row.document, run)

        return make

    def _reading(self, texts: Callable[[Document], tuple[bytes, ...] | None]) -> Reading[Row]:
        def show(document: Document) -> Row:
            made = texts(document)
            return Row(
                document["_id"], document["lastSeenAt"], made, document if made is None else None
            )

        return Reading(self._fields, show, lambda row: row.size_bytes, self._lasts)

    def _texts(self, document: Document, run: Run) -> tuple[bytes, ...] | None:
        made = [part.make(document, run) for part in self._parts]
        if any(type(value) is Pending for value in made):
            return None
        return tuple(map(lasting_json, made))


_NO_VARIABLES: Final = VariableValues({}, {})


def _person(compiler: Compiler, nodes: Nodes) -> tuple[View, Make]:
    """Return how a person is read, and what makes the answer of a row, or of nobody's None."""
    view = View([compiler.object("User", nodes)])
    made = view.made(0)
    return view, lambda row, run: None if row is None else made(row, run)


def _user(compiler: Compiler, field: GraphQLField, nodes: Nodes) -> Part:
    arguments, _ = compiler.arguments(field, nodes[0])
    view, made = _person(compiler, nodes)

    def found(_: None, run: Run) -> Any:
        ref = whoever(arguments(run)["by"], run.context.limits, ("by",))
        if isinstance(ref, Impossible):
            return None
        store, reading = run.context.store, view.reading(run)
        row = store.at_hand(ref, reading)
        if row is not None:
            return row

        async def read() -> Row | None:
            rows = await store.read([ref], reading)
            return rows[0]

        return Pending(read)

    return Part(after(found, made), lasts=False, waits=True)


def _users_by(compiler: Compiler, field: GraphQLField, nodes: Nodes) -> Part:
    arguments, _ = compiler.arguments(field, nodes[0])
    view, made = _person(compiler, nodes)

    def found(_: None, run: Run) -> Pending:
        by, limits = arguments(run)["by"], run.context.limits
        if len(by) > limits.page:
            raise LimitExceeded(f"At most {limits.page} at once.", ("by",), limits.page)
        refs = [whoever(one, limits, ("by", str(i))) for i, one in enumerate(by)]
        possible = [ref for ref in refs if not isinstance(ref, Impossible)]

        async def read() -> list[Row | None]:
            rows = await run.context.store.read(possible, view.reading(run))
            found = iter(rows)
            return [None if isinstance(ref, Impossible) else next(found) for ref in refs]

        return Pending(read)

    return Part(after(found, list_of(Part(made, waits=True)).make), lasts=False, waits=True)


# ---------------------------------------------------------------- pages


@dataclass(frozen=True)
class UserPage:
    """A page of people.

    Attributes:
        paging: Which page was asked for.
        rows: Who is on it.
        more: Whether others follow.
        after: Where the page before ended.
    """

    paging: UserPaging
    rows: list[Row]
    more: bool
    after: Cursor | None

    def cursor(self, row: Row, run: Run) -> Cursor:
        by_seen = self.paging.order is UserOrder.LAST_SEEN and row.seen_at is not None
        seen_at = run.instants.read(row.seen_at) if by_seen else None
        return self.paging.cursor(UserPosition(seen_at, row.id))


def _users(compiler: Compiler, field: GraphQLField, nodes: Nodes) -> Part:
    arguments, _ = compiler.arguments(field, nodes[0])
    people: list[Part] = []
    connection = _connection(compiler, nodes, people)
    view = View(people)
    whole = connection(view)

    def found(_: None, run: Run) -> Pending:
        given = arguments(run)

        async def read() -> UserPage:
            where, order, first = given.get("where"), given["orderBy"], given["first"]
            criteria = None if where is None else raw_criteria(where)
            paging = await UserPaging.of(run.context, criteria, order, first, given.get("after"))
            rows = await run.context.store.read_page(
                order, first + 1, paging.after, paging.question, view.reading(run)
            )
            return UserPage(paging, rows[:first], len(rows) > first, given.get("after"))

        return Pending(read)

    return Part(after(found, whole.make), lasts=False, waits=True)


def _connection(compiler: Compiler, nodes: Nodes, people: list[Part]) -> Callable[[View], Part]:
    """Return what makes a page's part once people can be viewed; `people` takes their parts."""
    made: dict[str, Callable[[View], Part]] = {}
    for key, each in compiler.fields("UserConnection", nodes).items():
        match each[0].name.value:
            case "__typename":
                made[key] = _always(Part(lambda _, __: "UserConnection"))
            case "nodes":
                made[key] = _nodes(_added(people, compiler.object("User", each)))
            case "edges":
                made[key] = _edges(compiler, each, people)
            case "pageInfo":
                info = compiler.object("PageInfo", each)
                made[key] = _always(Part(after(_page_info, info.make)))
            case "totalCount":
                made[key] = _always(Part(_total_count, waits=True))
            case _:
                raise Unplanned
    return lambda view: object_of({key: part(view) for key, part in made.items()})


def _always(part: Part) -> Callable[[View], Part]:
    return lambda _: part


def _added(people: list[Part], person: Part) -> int:
    people.append(person)
    return len(people) - 1


def _nodes(index: int) -> Callable[[View], Part]:
    def part(view: View) -> Part:
        rows = list_of(Part(view.made(index), waits=True))
        return Part(after(lambda page, _: page.rows, rows.make), waits=True)

    return part


def _edges(compiler: Compiler, nodes: Nodes, people: list[Part]) -> Callable[[View], Part]:
    selected = compiler.fields("UserEdge", nodes)
    places = {
        key: _added(people, compiler.object("User", each))
        for key, each in selected.items()
        if each[0].name.value == "node"
    }

    def of_edge(view: View, key: str, each: Sequence[FieldNode]) -> Part:
        match each[0].name.value:
            case "__typename":
                return Part(lambda _, __: "UserEdge")
            case "cursor":
                return Part(lambda edge, run: edge[0].cursor(edge[1], run))
            case "node":
                made = view.made(places[key])
                return Part(lambda edge, run: made(edge[1], run), waits=True)
            case _:
                raise Unplanned

    def part(view: View) -> Part:
        edge = object_of({key: of_edge(view, key, each) for key, each in selected.items()})
        return Part(
            after(lambda page, _: [(page, row) for row in page.rows], list_of(edge).make),
            waits=True,
        )

    return part


def _page_info(page: UserPage, run: Run) -> Any:
    ends = [page.cursor(row, run) for row in (*page.rows[:1], *page.rows[-1:])]
    return page_info(ends, more=page.more, after=page.after)


def _total_count(page: UserPage, run: Run) -> Pending:
    return Pending(lambda: run.context.store.count(page.paging.question))


# ---------------------------------------------------------------- numbers and segments


def _user_count(compiler: Compiler, field: GraphQLField, nodes: Nodes) -> Part:
    arguments, _ = compiler.arguments(field, nodes[0])

    def counted(_: None, run: Run) -> Pending:
        where = arguments(run).get("where")

        async def read() -> int:
            context = run.context
            if where is None:
                return await context.store.count()
            criteria = raw_criteria(where)
            question = await ask(
                context.store, criteria, ("where",), context.moment, context.limits
            )
            return await context.store.count(question)

        return Pending(read)

    return Part(after(counted, _int), lasts=False, waits=True)


def _int(value: Any, _: Run) -> int:
    if not -(2**31) <= value < 2**31:
        raise Surprise
    return int(value)


ROOTS: Final[dict[tuple[str, str], Special]] = {
    ("Query", "user"): _user,
    ("Query", "usersBy"): _users_by,
    ("Query", "users"): _users,
    ("Query", "userCount"): _user_count,
}
"""The root fields that are planned."""
