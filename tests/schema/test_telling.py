"""Messages of subscriptions: executed once for all who are told of them and asked alike."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import orjson
import pytest
from graphql import ExecutionResult, GraphQLSchema, build_schema, parse, subscribe

from app.auth import EVERYBODY, Caller, Role
from app.live.once import Once
from app.schema.telling import Telling, Told

SCHEMA: Final = """
type Query { nothing: Int }
type Subscription { changed(by: String): Person }
type Person { name(suffix: String): String, broken: String }
"""
WATCH: Final = """
subscription($by: String, $suffix: String) { changed(by: $by) { name(suffix: $suffix) } }
"""


@dataclass(eq=False)
class Person:
    """A message.

    Attributes:
        shown: How often the name was.
    """

    name: str
    shown: list[str] = field(default_factory=list)

    def named(self, suffix: str | None) -> str:
        self.shown.append(self.name)
        return self.name + (suffix or "")


@pytest.fixture
def schema() -> GraphQLSchema:
    def fail(person: Person, _: Any) -> str:
        raise ValueError(person.name)

    async def only_the_root(person: Person, _: Any, **arguments: str) -> AsyncIterator[Person]:
        yield person

    schema: Any = build_schema(SCHEMA)
    changed = schema.type_map["Subscription"].fields["changed"]
    changed.subscribe, changed.resolve = only_the_root, lambda person, *_, **__: person
    fields = schema.type_map["Person"].fields
    fields["name"].resolve = lambda person, _, suffix=None: person.named(suffix)
    fields["broken"].resolve = fail
    checked: GraphQLSchema = schema
    return checked


@pytest.fixture
def tell(schema: GraphQLSchema) -> Any:
    """Tell whoever asks so of a person."""
    once = Once(lambda: 0)

    async def tell(
        person: Person, document: str = WATCH, caller: Caller = EVERYBODY, **variables: str
    ) -> ExecutionResult:
        context = SimpleNamespace(caller=caller, feed=SimpleNamespace(once=once), messages=None)
        answers: Any = subscribe(
            schema, parse(document), person, context, variables, executor_class=Telling
        )
        result: ExecutionResult = await anext(answers)
        return result

    return tell


async def test_who_asks_alike_shares_the_answer(tell: Any):
    ada = Person("Ada")

    first, second = await tell(ada), await tell(ada)

    assert first.data == {"changed": {"name": "Ada"}}
    assert second.data is first.data
    assert ada.shown == ["Ada"]


async def test_it_is_encoded_as_any_answer_is(tell: Any):
    data = (await tell(Person("Ada"))).data

    assert isinstance(data, Told)
    assert orjson.dumps({"data": data.json}) == b'{"data":{"changed":{"name":"Ada"}}}'


async def test_the_arguments_that_choose_the_message_do_not_count(tell: Any):
    ada = Person("Ada")

    await tell(ada, by="ada")
    await tell(ada, by="ada@example.org")

    assert ada.shown == ["Ada"]


async def test_other_variables_do(tell: Any):
    ada = Person("Ada")

    await tell(ada, suffix="!")

    assert (await tell(ada, suffix="?")).data == {"changed": {"name": "Ada?"}}


@pytest.mark.parametrize(
    "document",
    [
        "subscription($a: Boolean!) { changed { name @include(if: $a) __typename } }",
        "subscription($a: Boolean!) { ...P } "
        "fragment P on Subscription { changed { name @include(if: $a) __typename } }",
        "subscription($a: Boolean!) { ... { changed { __typename name @include(if: $a) } } }",
    ],
)
async def test_variables_of_directives_and_fragments_do_too(tell: Any, document: str):
    ada = Person("Ada")

    await tell(ada, document, a=True)

    assert (await tell(ada, document, a=False)).data == {"changed": {"__typename": "Person"}}


async def test_another_message_is_executed(tell: Any):
    await tell(Person("Ada"))

    assert (await tell(Person("Bob"))).data == {"changed": {"name": "Bob"}}


@pytest.mark.parametrize(
    "other",
    [Caller(Role.SERVICE, key_id="k"), Caller(Role.PERSON), Caller(Role.INGEST)],
)
async def test_callers_share_nothing_with_others(tell: Any, other: Caller):
    ada = Person("Ada")

    await tell(ada)
    await tell(ada, caller=other)

    assert ada.shown == ["Ada", "Ada"]


async def test_a_fault_is_shown_to_each(tell: Any):
    ada = Person("Ada")
    document = "subscription { changed { name broken } }"

    first, second = await tell(ada, document), await tell(ada, document)

    assert first == second
    assert [error.path for error in second.errors] == [["changed", "broken"]]
