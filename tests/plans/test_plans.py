"""When a plan answers, and when the standard executor does."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from graphql import parse

from app.plans import Plan, Plans
from app.plans.plan import KEPT_PLANS, MAX_QUERY_CHARACTERS
from app.schema import schema
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.schema.documents import ADA, known

READ = "query($by: UserBy!) { user(by: $by) { name } }"


class Answers:
    """What plans were asked to read, and whether they answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[bool] = []
        finish = Plan.finish

        async def noted(plan: Plan, begun: Any) -> Any:
            data = await finish(plan, begun)
            if not plan.changes:
                self.given.append(data is not None)
            return data

        monkeypatch.setattr(Plan, "finish", noted)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


@pytest.fixture
async def unplanned(sqlite_url: str, clock: Clock) -> AsyncIterator[Api]:
    async with serving(Settings(database=sqlite_url, plans=False), clock) as api:
        yield api


async def test_a_query_is_planned_the_first_time_and_later(api: Api, answers: Answers):
    await known(api, name="Ada")

    assert [await api(READ, by=ADA) for _ in range(3)] == 3 * [{"name": "Ada"}]

    assert answers.given == [True] * 3


async def test_whoever_wrote_reads_it_through_a_plan(api: Api, answers: Answers):
    for name in ("Ada", "Eva", "Zoe"):
        await known(api, name=name)
        assert await api(READ, by=ADA) == {"name": name}

    assert answers.given == [True] * 3


async def test_plans_can_be_switched_off(unplanned: Api, answers: Answers):
    await known(unplanned, name="Ada")

    assert await unplanned(READ, by=ADA) == {"name": "Ada"}

    assert answers.given == []


async def test_an_age_is_a_day_older_the_next_day(api: Api, clock: Clock, answers: Answers):
    query = "query($by: UserBy!) { user(by: $by) { age } }"
    await known(api, birthday="1990-02-01")
    assert await api(query, by=ADA) == {"age": 35}

    clock.now = clock.now.replace(month=2, day=1)

    assert await api(query, by=ADA) == {"age": 36}
    assert answers.given == [True] * 2


@pytest.mark.parametrize(
    "document",
    [
        "{ catalog { properties { name } } }",
        '{ __type(name: "User") { name } }',
        "mutation { segmentDelete(id: 1) { __typename } }",
        "{ user(by: {custom: 1}) { name } }",
        "{ nobody }",
        "{",
    ],
)
async def test_what_has_no_plan_is_answered_as_ever(
    api: Api, unplanned: Api, answers: Answers, document: str
):
    for _ in range(2):
        assert await api.raw(document) == await unplanned.raw(document)

    assert True not in answers.given


@pytest.mark.parametrize("wrong", [{}, {"by": None}, {"by": 7}, {"by": {}}, {"by": {"nick": "x"}}])
async def test_wrong_variables_are_refused_as_ever_also_when_the_query_is_known(
    api: Api, unplanned: Api, wrong: dict[str, Any]
):
    await api(READ, by=ADA)

    assert await api.raw(READ, **wrong) == await unplanned.raw(READ, **wrong)


async def test_one_name_does_not_stand_for_another_operation(api: Api, unplanned: Api):
    document = "query A { user(by: {custom: 1}) { id } } query B { userCount }"
    body = {"query": "query A { __typename } query B { userCount }"}
    await known(api)

    for name in ("A", "B", None, "", "C"):
        sent = {**body, "operationName": name}
        for _ in range(2):
            one = await api.http.post("/graphql", json=sent)
            other = await unplanned.http.post("/graphql", json=sent)
            assert (one.status_code, one.content) == (other.status_code, other.content)
    assert "errors" in await api.raw(document)


@pytest.mark.parametrize("admitted", [True, False])
async def test_a_known_query_is_answered_if_its_variables_are_admitted(
    api: Api, monkeypatch: pytest.MonkeyPatch, answers: Answers, admitted: bool
):
    await known(api, name="Ada")
    asked: list[Any] = []

    def admits(_plan: Any, variables: Any, _: Any) -> bool:
        asked.append(variables)
        return admitted

    monkeypatch.setattr(Plan, "admits", admits)
    answered = [await api(READ, by=ADA) for _ in range(2)]

    assert answered == [{"name": "Ada"}] * 2
    assert asked == [{"by": ADA}]
    assert answers.given == [True, True]


async def test_only_so_many_plans_are_kept_and_none_of_long_documents():
    plans = Plans(schema._schema)
    for number in range(KEPT_PLANS + 10):
        text = f"{{ a{number}: userCount }}"
        assert plans.of(text, parse(text), None)
    long = "{ userCount }" + " " * MAX_QUERY_CHARACTERS

    assert plans.of(long, parse(long), None) is None
    assert len(plans._plans) == KEPT_PLANS


async def test_an_answer_is_the_same_in_both_media_types(api: Api, unplanned: Api):
    await known(api, name="Ada")
    body = {"query": READ, "variables": {"by": ADA}}

    for accept in ("application/json", "application/graphql-response+json", "*/*"):
        headers = {"accept": accept}
        for _ in range(2):
            one = await api.http.post("/graphql", json=body, headers=headers)
            other = await unplanned.http.post("/graphql", json=body, headers=headers)
            assert one.content == other.content
            assert one.headers == other.headers
    assert orjson.loads(one.content) == {"data": {"user": {"name": "Ada"}}}
