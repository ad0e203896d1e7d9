"""What a plan does is done once, whoever shows what came of it."""

from typing import Any

import pytest

from app.domain.errors import Busy
from app.plans import Plan
from app.plans.parts import Surprise
from tests.api import Api
from tests.schema.documents import ADA, known

RECORD = """
mutation($user: UserBy!, $events: [EventInput!]!) {
  userRecordEvents(user: $user, events: $events, createIfMissing: true) {
    __typename
    ... on UserRecordEventsPayload { recorded user { version events { nodes { name } } } }
    ... on Error { message }
    ... on InvalidInputError { path }
  }
}
"""
VISITS = 'query($by: UserBy!) { user(by: $by) { property(name: "visits") version } }'
IDENTIFY = """
mutation($identities: [IdentityInput!]!, $changes: UserChanges) {
  userIdentify(identities: $identities, changes: $changes) {
    ... on UserIdentifyPayload { outcome user { name type identities { kind value } } }
    ... on Error { __typename message }
  }
}
"""
IMPORT = """
mutation($records: [RecordInput!]!) {
  recordsImport(records: $records) { accepted rejected { index error { __typename message } } }
}
"""
INCREMENT = """
mutation($user: UserBy!, $changes: UserChanges!) {
  userUpdate(user: $user, changes: $changes) {
    ... on UserUpdatePayload { user { version property(name: "visits") } }
    ... on Error { message }
  }
}
"""
ONE_MORE = {"user": ADA, "changes": {"properties": {"increment": {"visits": 1}}}}


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a plan answered, each time it was asked."""
    answers: list[bool] = []
    finish = Plan.finish

    async def noted(plan: Plan, begun: Any) -> Any:
        data = await finish(plan, begun)
        answers.append(data is not None)
        return data

    monkeypatch.setattr(Plan, "finish", noted)
    return answers


async def test_the_commonest_mutations_are_planned_the_first_time_and_later(
    api: Api, planned: list[bool]
):
    for time in (1, 2):
        recorded = await api(RECORD, user=ADA, events=[{"name": "Charged"}])
        assert recorded["user"]["events"]["nodes"] == [{"name": "Charged"}] * time
    for visits in (1, 2):
        assert (await api(INCREMENT, **ONE_MORE))["user"]["property"] == visits
    for outcome in ("CREATED", "FOUND"):
        identified = await api(IDENTIFY, identities=[{"custom": "eva"}], changes={"name": "Eva"})
        assert identified["outcome"] == outcome
        assert identified["user"]["name"] == "Eva"
    for _ in range(2):
        imported = await api(IMPORT, records=[{"id": "1", "user": ADA, "events": [{"name": "A"}]}])
        assert imported == {"accepted": 1, "rejected": []}

    assert planned == [True] * 8


@pytest.mark.parametrize(
    ("selection", "fragments"),
    [
        ("... on UserUpdateResult { __typename ... on UserUpdatePayload { user { name } } }", ""),
        (
            "...Result ... on InvalidInputError { path }",
            """
            fragment Result on UserUpdateResult { ...Named __typename ...Shown ...Refused }
            fragment Named on UserUpdateResult { __typename }
            fragment Shown on UserUpdatePayload { user { name } }
            fragment Refused on Error { message }
            """,
        ),
    ],
)
async def test_a_fragment_on_every_result_shows_what_was_done(
    api: Api, planned: list[bool], selection: str, fragments: str
):
    await known(api)
    del planned[:]
    document = f"""
    mutation($user: UserBy!) {{
      userUpdate(user: $user, changes: {{ name: "Ada" }}) {{ {selection} }}
    }} {fragments}
    """
    for _ in range(2):
        shown = await api(document, user=ADA)
        assert shown == {"__typename": "UserUpdatePayload", "user": {"name": "Ada"}}

    assert planned == [True, True]


async def test_what_was_done_and_cannot_be_shown_by_a_plan_is_shown_by_the_executor(
    api: Api, planned: list[bool], monkeypatch: pytest.MonkeyPatch
):
    await known(api)
    await api(INCREMENT, **ONE_MORE)

    def surprised(*_: Any) -> Any:
        raise Surprise

    monkeypatch.setattr("app.plans.mutations.part_of_document", surprised)
    shown = [await api(INCREMENT, **ONE_MORE) for _ in range(2)]

    assert [one["user"]["property"] for one in shown] == [2, 3]
    assert planned[-2:] == [False, False]
    assert (await api(VISITS, by=ADA))["property"] == 3


class Failing:
    """Stands for an update that fails, and counts how often it is tried."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault
        self.tried = 0

    async def __call__(self, *_: Any, **__: Any) -> Any:
        self.tried += 1
        raise self.fault


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (Busy(), "BUSY", str(Busy())),
        (ValueError("ada@example.org"), "INTERNAL", "Unexpected error."),
    ],
)
async def test_a_fault_after_which_nobody_knows_is_told_and_nothing_done_again(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    fault: Exception,
    code: str,
    message: str,
):
    await known(api)
    for _ in range(times - 1):
        await api(INCREMENT, **ONE_MORE)
    failing = Failing(fault)

    monkeypatch.setattr("app.schema.writes.update", failing)
    answer = await api.raw(INCREMENT, **ONE_MORE)

    assert answer["data"] == {"userUpdate": None}
    (error,) = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, code)
    assert failing.tried == 1


async def test_what_is_refused_is_shown_in_the_result(api: Api):
    await known(api)
    for _ in range(2):
        refused = await api(RECORD, user=ADA, events=[{"name": "A"}, {"name": ""}])

        assert refused["__typename"] == "InvalidInputError"
        assert refused["path"] == ["events", "1", "name"]
        assert (await api(VISITS, by=ADA))["version"] == 1


async def test_rejected_records_are_told_and_the_others_taken_in_once(api: Api):
    for time in (1, 2):
        records = [
            {"user": ADA, "changes": {"properties": {"increment": {"visits": 1}}}},
            {"user": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}},
        ]
        answer = await api(IMPORT, records=records)

        assert answer["accepted"] == 1
        assert [one["index"] for one in answer["rejected"]] == [1]
        assert (await api(VISITS, by=ADA))["property"] == time


async def test_several_fields_are_done_by_the_executor_each(api: Api, planned: list[bool]):
    document = """
    mutation($user: UserBy!, $changes: UserChanges!) {
      a: userUpdate(user: $user, changes: $changes) { __typename }
      b: userUpdate(user: $user, changes: $changes) { __typename }
    }
    """
    await known(api)
    del planned[:]
    for _ in range(2):
        answer = await api.raw(document, **ONE_MORE)
        assert answer["data"] == {name: {"__typename": "UserUpdatePayload"} for name in "ab"}

    assert planned == []
    assert (await api(VISITS, by=ADA))["property"] == 4
