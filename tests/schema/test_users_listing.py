"""Listing everyone: orders, pages, cursors, and how many there are."""

from datetime import timedelta

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.builders import NOON
from tests.schema.documents import COUNT, IDENTIFY, RECORD, USERS, error, known

ORDERS = ["NEWEST", "OLDEST", "LAST_SEEN"]


def by(name):
    return {"custom": name}


async def create(api, clock, *names):
    """Create people a second apart."""
    for name in names:
        clock.now += timedelta(seconds=1)
        await known(api, by(name), name=name)


async def seen(api, name, at):
    await api(RECORD, user=by(name), events=[{"name": "V", "at": at}])


async def read_all(api, **arguments):
    pages = [await api(USERS, **arguments)]
    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await api(USERS, **arguments | {"after": pages[-1]["pageInfo"]["endCursor"]}))
    return pages


def names(*pages):
    return "".join(user["name"] for page in pages for user in page["nodes"])


@pytest.fixture
async def people(api, clock):
    """Created from a to g; seen: d, then b and f at one time, a; c, e and g never."""
    await create(api, clock, *"abcdefg")
    for name, at in [
        ("a", "2026-01-01T00:00:00Z"),
        ("b", "2026-01-02T00:00:00Z"),
        ("f", "2026-01-02T00:00:00Z"),
        ("d", "2026-01-03T00:00:00Z"),
    ]:
        await seen(api, name, at)


@pytest.mark.parametrize(
    ("order", "expected"),
    [("NEWEST", "gfedcba"), ("OLDEST", "abcdefg"), ("LAST_SEEN", "dfbagec")],
)
@pytest.mark.parametrize("first", [1, 3, 7, 100])
async def test_everyone_is_listed_in_order_in_pages(api, people, order, expected, first):
    pages = await read_all(api, orderBy=order, first=first)

    assert names(*pages) == expected
    assert {len(page["nodes"]) for page in pages[:-1]} <= {first}


async def test_a_page_says_where_it_stands(api, people):
    first, second, last = await read_all(api, first=3)

    assert [edge["node"] for edge in first["edges"]] == first["nodes"]
    assert first["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": first["edges"][0]["cursor"],
        "endCursor": first["edges"][2]["cursor"],
    }
    assert second["pageInfo"]["hasPreviousPage"] is True
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert [page["totalCount"] for page in (first, second, last)] == [7, 7, 7]


async def test_the_newest_twenty_are_a_page_unless_asked_otherwise(api, clock):
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    await create(api, clock, *alphabet)

    page = await api("{ users { nodes { name } } }")

    assert names(page) == alphabet[:5:-1]


async def test_nobody_is_an_empty_page(api):
    page = await api(USERS)

    assert page == {
        "edges": [],
        "nodes": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "totalCount": 0,
    }


async def test_after_null_is_the_first_page(api, people):
    page = await api(USERS, after=None, first=2)

    assert names(page) == "gf"
    assert page["pageInfo"]["hasPreviousPage"] is False


async def test_the_count_is_exact(api, people):
    assert await api(COUNT) == 7

    await api(IDENTIFY, identities=[by("a")])
    await api(IDENTIFY, identities=[by("h")])

    assert await api(COUNT) == 8


@pytest.mark.parametrize(("order", "expected"), [("NEWEST", "gfedcba"), ("OLDEST", "abcdefghi")])
async def test_people_created_while_paging_move_nobody(api, clock, people, order, expected):
    first = await api(USERS, orderBy=order, first=3)
    await create(api, clock, "h", "i")

    rest = await read_all(api, orderBy=order, first=3, after=first["pageInfo"]["endCursor"])

    assert names(first, *rest) == expected


async def test_whoever_is_seen_while_paging_is_not_repeated(api, people):
    first = await api(USERS, orderBy="LAST_SEEN", first=3)
    await seen(api, "d", "2026-01-05T00:00:00Z")
    await seen(api, "c", "2026-01-06T00:00:00Z")

    rest = await read_all(api, orderBy="LAST_SEEN", first=3, after=first["pageInfo"]["endCursor"])

    assert names(first, *rest) == "dfbage"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("first", [0, -1])
async def test_a_page_of_none_is_refused(api, order, first):
    answer = await api.raw(USERS, orderBy=order, first=first)

    (only,) = answer["errors"]
    assert answer["data"] == {"users": None}
    assert only["path"] == ["users"]
    assert only["extensions"] == {"code": "INVALID_INPUT", "path": ["first"]}


@pytest.mark.parametrize("first", [101, 2**31 - 1])
async def test_a_page_over_100_is_refused(api, first):
    answer = await error(api, USERS, first=first)

    assert answer["extensions"] == {"code": "LIMIT_EXCEEDED", "path": ["first"], "limit": 100}


@pytest.mark.parametrize("first", [2**31, 1.5, "1", None])
async def test_a_page_of_no_whole_number_is_an_error(api, first):
    assert (await error(api, USERS, first=first))["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize("order", ["newest", "NAME", None, 1])
async def test_an_order_nobody_knows_is_an_error(api, order):
    assert (await error(api, USERS, orderBy=order))["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("other", ORDERS)
async def test_a_cursor_belongs_to_its_order(api, people, order, other):
    cursor = (await api(USERS, orderBy=order, first=1))["pageInfo"]["endCursor"]

    answer = await api.raw(USERS, orderBy=other, first=1, after=cursor)

    codes = [fault["extensions"]["code"] for fault in answer.get("errors", [])]
    assert codes == ([] if order == other else ["INVALID_INPUT"])


async def test_how_long_a_page_may_be_is_a_setting(sqlite_url, clock):
    async with serving(Settings(database=sqlite_url, limits=Limits(page=2)), clock) as api:
        answer = await error(api, USERS, first=3)

        assert answer["extensions"] == {"code": "LIMIT_EXCEEDED", "path": ["first"], "limit": 2}


async def test_a_listed_person_is_read_whole(api, clock):
    clock.now = NOON
    await create(api, clock, "a")

    page = await api(
        "{ users(first: 1) { nodes { name identities { value } events { nodes { id } } } } }"
    )

    assert page["nodes"] == [{"name": "a", "identities": [{"value": "a"}], "events": {"nodes": []}}]
