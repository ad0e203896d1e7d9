"""Looking people up: by id and by every identity, one and many."""

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.schema.documents import ADA, EVA, IDENTIFY, USER, error, known

USERS_BY = "query($by: [UserBy!]!) { usersBy(by: $by) { id name } }"
NAMES = [
    {"custom": "Ada"}, {"email": "ada@example.org"}, {"phone": "+41446681800"}, {"facebook": "f"},
    {"google": "g"},
]  # fmt: skip


@pytest.mark.parametrize(
    "by",
    [
        {"custom": " Ada"},
        {"email": "ADA@Example.org "},
        {"phone": "+41 44 668 18 00"},
        {"facebook": "f"},
        {"google": "g"},
    ],
)
async def test_a_person_is_found_by_every_identity(api, by):
    created = (await api(IDENTIFY, identities=NAMES))["user"]

    assert await api(USER, by=by) == created
    assert await api(USER, by={"id": created["id"]}) == created


@pytest.mark.parametrize(
    "by",
    [
        {"id": ""},
        {"id": "x"},
        {"id": "01KG9C2D000000000000000000"},
        {"id": "custom:ada"},
        {"id": "a\u0000"},
        {"id": "a" * 100_000},
        {"custom": "ADA"},
        {"custom": ""},
        {"custom": "null"},
        {"custom": "a" * 100_000},
        {"custom": "a\u0000"},
        {"google": "ada"},
        {"email": "ada"},
        {"email": "@"},
        {"phone": "ada"},
        {"phone": "0446681800"},
        {"device": "ada"},
        {"device": "0"},
    ],
)
async def test_who_is_not_there_is_null(api, by):
    await known(api)

    assert await api(USER, by=by) is None
    assert await api(USERS_BY, by=[by]) == [None]


async def test_an_id_may_be_written_as_a_number(api):
    assert await api("{ user(by: {id: 123}) { id } }") is None


async def test_many_are_answered_in_the_order_asked_for(api):
    ada = await known(api, name="Ada")
    eva = await known(api, EVA, name="Eva")
    by = [EVA, {"id": ada["id"]}, {"email": "impossible"}, {"custom": "nobody"}, ADA, EVA]

    found = await api(USERS_BY, by=by)

    shown_ada, shown_eva = ({"id": one["id"], "name": one["name"]} for one in (ada, eva))
    assert found == [shown_eva, shown_ada, None, None, shown_ada, shown_eva]


async def test_asking_for_nobody_answers_nobody(api):
    assert await api(USERS_BY, by=[]) == []


async def test_a_hundred_are_looked_up_at_once_and_not_one_more(api):
    await known(api)

    hundred = await api(USERS_BY, by=[ADA] * 100)
    answer = await api.raw(USERS_BY, by=[ADA] * 101)

    assert len({one["id"] for one in hundred}) == 1
    assert answer["data"] == {"usersBy": None}
    assert answer["errors"][0]["extensions"] == {
        "code": "LIMIT_EXCEEDED", "path": ["by"], "limit": 100,
    }  # fmt: skip


async def test_how_many_at_once_is_a_setting(sqlite_url, clock):
    async with serving(Settings(database=sqlite_url, limits=Limits(page=1)), clock) as api:
        answer = await error(api, USERS_BY, by=[ADA, EVA])

        assert answer["extensions"] == {"code": "LIMIT_EXCEEDED", "path": ["by"], "limit": 1}


@pytest.mark.parametrize("document", [USER, USERS_BY], ids=["one", "many"])
@pytest.mark.parametrize(
    "by",
    [
        {},
        {"id": "a", "custom": "b"},
        {"id": None},
        {"id": "a", "custom": None},
        {"name": "Ada"},
        {"custom": 1},
        {"custom": ["ada"]},
        "ada",
        1,
        None,
        [None],
    ],
)
async def test_a_person_is_named_in_exactly_one_known_way(api, document, by):
    answer = await api.raw(document, by=by)

    assert {fault["extensions"]["code"] for fault in answer["errors"]} == {"INVALID_INPUT"}
    assert "data" not in answer


@pytest.mark.parametrize(
    "by", ["{}", "{id: null}", '{id: "a", custom: "b"}', "{custom: $absent}", "null", "[]"]
)
async def test_literals_are_judged_as_variables_are(api, by):
    answer = await api.raw(f"query($absent: String) {{ user(by: {by}) {{ id }} }}")

    assert {fault["extensions"]["code"] for fault in answer["errors"]} == {"INVALID_INPUT"}


async def test_an_error_of_an_input_speaks_of_graphql_and_not_of_python(api):
    answer = await api.raw("{ user(by: {id: null}) { id } }")

    assert "Maybe" not in str(answer)
