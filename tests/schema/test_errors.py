"""How faults are shown: coded if the caller can do something, masked if nobody planned for them."""

import logging
import re

import pytest

from app.domain.errors import Busy, CursorExpired, Unavailable, UserNotFound
from app.store.sqlite import SqliteStore
from tests.schema.documents import ADA, IDENTIFY, RECORD, UPDATE, USER, USERS, error, known

SECRET = "secret ada@example.org"
PLANNED = {"find": "read", "find_many": "read", "page": "read_page"}


def failing(fault):
    """Return a method that fails with the fault."""

    async def method(*_args, **_more):
        raise fault

    return method


def broken(monkeypatch, method, fault):
    """Let a method of the store fail with the fault, and that by which plans read the same."""
    for name in {method, PLANNED.get(method, method)}:
        monkeypatch.setattr(SqliteStore, name, failing(fault))


# ---------------------------------------------------------------- unexpected


async def test_a_bug_is_masked_and_found_in_the_log_by_its_id(api, monkeypatch, caplog):
    broken(monkeypatch, "find", RuntimeError(SECRET))

    answer = await api.raw('{\n  user(by: {custom: "ada"}) { id }\n}')

    (only,) = answer["errors"]
    id = only["extensions"].pop("id")
    assert answer == {
        "data": {"user": None},
        "errors": [
            {
                "message": "Unexpected error.",
                "locations": [{"line": 2, "column": 3}],
                "path": ["user"],
                "extensions": {"code": "INTERNAL"},
            }
        ],
    }
    assert re.fullmatch("[0-9a-f]{32}", id)
    assert f"Unexpected RuntimeError, id {id}, at " in caplog.text


async def test_a_bug_of_the_executor_is_masked_as_well(api, monkeypatch, caplog):
    def broken_down(*_, **__):
        raise RuntimeError(SECRET)

    monkeypatch.setattr("app.schema.execute", broken_down)

    answer = await error(api, "{ __schema { queryType { name } } }")

    assert (answer["message"], answer["extensions"]["code"]) == ("Unexpected error.", "INTERNAL")
    assert answer["extensions"]["id"] in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("method", "document", "variables"),
    [
        ("find", USER, {"by": ADA}),
        ("find_many", "query($by: [UserBy!]!) { usersBy(by: $by) { id } }", {"by": [ADA]}),
        ("page", USERS, {}),
        ("count", "{ userCount }", {}),
        ("count", "{ users { totalCount } }", {}),
        ("catalog", "{ catalog { properties { name } } }", {}),
        ("change", UPDATE, {"user": ADA, "changes": {"name": SECRET}}),
        ("find_many", IDENTIFY, {"identities": [ADA]}),
        ("create", IDENTIFY, {"identities": [{"email": "new@example.org"}]}),
        ("change", RECORD, {"user": ADA, "events": [{"name": SECRET}]}),
    ],
)
async def test_nothing_of_a_bug_is_told_or_logged(
    api, monkeypatch, caplog, method, document, variables
):
    caplog.set_level(logging.DEBUG)
    await known(api)
    caplog.clear()
    broken(monkeypatch, method, RuntimeError(SECRET))

    answer = await error(api, document, **variables)

    assert (answer["message"], answer["extensions"]["code"]) == ("Unexpected error.", "INTERNAL")
    assert "secret" not in str(answer)
    assert "secret" not in caplog.text
    assert "example.org" not in caplog.text


async def test_each_bug_has_an_id_of_its_own(api, monkeypatch):
    broken(monkeypatch, "find", ValueError())

    answer = await api.raw("{ a: user(by: {id: 1}) { id } b: user(by: {id: 1}) { id } }")

    assert len({fault["extensions"]["id"] for fault in answer["errors"]}) == 2


async def test_a_failing_field_leaves_its_siblings_alone(api, monkeypatch):
    await known(api)
    broken(monkeypatch, "count", RuntimeError())

    answer = await api.raw('{ userCount user(by: {custom: "ada"}) { version } userCount }')

    assert answer["data"] == {"userCount": None, "user": {"version": 1}}


async def test_a_failing_mutation_leaves_the_next_alone(api, monkeypatch):
    broken(monkeypatch, "create", RuntimeError())
    document = """mutation {
      bug: userUpdate(user: {custom: "ada"}, changes: {}, createIfMissing: true) { __typename }
      none: userUpdate(user: {custom: "ada"}, changes: {}) { __typename }
    }"""

    answer = await api.raw(document)

    assert answer["data"] == {"bug": None, "none": {"__typename": "UserNotFoundError"}}


# ---------------------------------------------------------------- expected


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Busy(), "BUSY"),
        (Unavailable("The database does not answer."), "TIMEOUT"),
        (CursorExpired(), "CURSOR_EXPIRED"),
    ],
)
@pytest.mark.parametrize(
    ("method", "document", "variables"),
    [("find", USER, {"by": ADA}), ("change", UPDATE, {"user": ADA, "changes": {}})],
    ids=["query", "mutation"],
)
async def test_a_fault_of_the_service_is_an_error_with_its_code(
    api, monkeypatch, caplog, fault, code, method, document, variables
):
    await known(api)
    broken(monkeypatch, method, fault)

    answer = await error(api, document, **variables)

    assert (answer["message"], answer["extensions"]) == (str(fault), {"code": code})
    assert "Unexpected" not in caplog.text


async def test_a_fault_that_a_mutation_can_name_is_its_result(api, monkeypatch):
    await known(api)
    broken(monkeypatch, "change", UserNotFound())

    answer = await api(UPDATE, user=ADA, changes={})

    assert answer == {"__typename": "UserNotFoundError", "message": "There is no such user."}


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "}",
        "hello",
        "{ userCount ",
        "query query query",
        '{ user(by: {custom: "ada) { id } }',
        "{ \u0000 }",
        "#",
        "{ nope }",
        "{ userCount { x } }",
        "{ user }",
        "{ user(by: {custom: 1}) { id } }",
        '{ user(by: {custom: "a"}, by: {custom: "b"}) { id } }',
        "query($x: Nope) { userCount }",
        "query($x: Int, $x: Int) { userCount }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...Missing }",
        "fragment A on Query { userCount }",
        "{ userCount } fragment Unused on Query { userCount }",
        "query A { userCount } query A { userCount }",
        "query A { userCount } query B { userCount }",
        "{ userCount } { userCount }",
        "{ userCount @nope }",
        "{ userCount @skip }",
        "type Query { x: Int }",
        'subscription { userChanged(by: {id: "x"}) { kind } }',
    ],
)
async def test_a_document_that_cannot_run_is_invalid_input_and_runs_not(api, document):
    answer = await api.raw(document)

    assert {fault["extensions"]["code"] for fault in answer["errors"]} == {"INVALID_INPUT"}
    assert answer.get("data") is None


@pytest.mark.parametrize("name", ["all", "did", "gender", "language", "not", "reachableBy"])
async def test_a_null_where_none_may_be_is_refused_without_a_word_of_python(api, name):
    answer = await api.raw(f"{{ userCount(where: {{ {name}: null }}) }}")

    assert [fault["message"] for fault in answer["errors"]] == [
        f"Field '{name}' cannot be null.",
        f"Field 'Criteria.{name}' must be non-null.",
    ]


async def test_one_of_several_operations_has_to_be_named(api):
    document = "query A { a: userCount } query B { b: userCount }"

    named = await api.http.post("/graphql", json={"query": document, "operationName": "B"})

    assert named.json() == {"data": {"b": 0}}


MISFITS = [{}, {"by": None}, {"by": 1}, {"by": {"id": "x", "y": 1}}, {"by": {"İ": None}}]


@pytest.mark.parametrize("variables", MISFITS)
async def test_variables_that_do_not_fit_are_invalid_input(api, variables):
    answer = await api.raw(USER, **variables)

    assert {fault["extensions"]["code"] for fault in answer["errors"]} == {"INVALID_INPUT"}
    assert "data" not in answer


@pytest.mark.parametrize("variables", MISFITS)
async def test_so_are_those_of_a_subscription(api, variables):
    watch = "subscription($by: UserBy!) { userChanged(by: $by) { kind } }"
    answer = await api.http.post(
        "/graphql",
        json={"query": watch, "variables": variables},
        headers={"accept": "text/event-stream"},
    )

    assert '"code":"INVALID_INPUT"' in answer.text
    assert answer.text.count('"message"') == 1


async def test_variables_nobody_asked_for_are_ignored(api):
    assert await api("{ userCount }", unused={"deep": [{"er": None}]}) == 0


async def test_a_document_may_ask_the_same_thing_a_hundred_times(api):
    await known(api, name="Ada")
    fields = " ".join(f'a{number}: user(by: {{custom: "ada"}}) {{ name }}' for number in range(100))

    answer = await api.raw(f"{{ {fields} }}")

    assert list(answer["data"].values()) == [{"name": "Ada"}] * 100
