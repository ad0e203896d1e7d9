"""Find People over GraphQL: a marketer's sentence, pages, counts, and refusals."""

from datetime import UTC, datetime, timedelta

import pytest

from app.demo import fill
from app.domain.limits import Limits
from app.operations.terms import Terms
from app.settings import Settings
from app.store import open_store
from tests.api import serving
from tests.builders import NOON
from tests.schema.documents import ADA, RECORD, error, known

FIND = """
query($where: Criteria, $orderBy: UserOrder! = NEWEST, $first: Int! = 20, $after: Cursor) {
  users(where: $where, orderBy: $orderBy, first: $first, after: $after) {
    nodes { id name }
    pageInfo { hasNextPage hasPreviousPage endCursor }
    totalCount
  }
}
"""
EVERYBODY = """
query($since: DateTime!, $after: Cursor) {
  users(first: 100, after: $after) {
    nodes { id age type events(since: $since, first: 100) { nodes { name } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
COUNT = "query($where: Criteria) { userCount(where: $where) }"
MATCHES = "query($by: UserBy!, $c: Criteria!) { user(by: $by) { matches(criteria: $c) } }"
LATELY = {"lastDays": 30}
SENTENCE = {
    "all": [
        {"type": ["CUSTOMER"]},
        {"age": {"min": 25, "max": 30}},
        {"did": {"name": "Added To Cart", "during": LATELY}},
        {"didNot": {"name": "Charged", "during": LATELY}},
    ]
}
TODAY = {"did": {"name": "V", "during": {"lastDays": 0}}}


async def everyone(api, document, **variables):
    """Return the nodes of every page."""
    page = await api(document, **variables)
    nodes = page["nodes"]
    while page["pageInfo"]["hasNextPage"]:
        page = await api(document, **variables, after=page["pageInfo"]["endCursor"])
        nodes += page["nodes"]
    return nodes


def is_meant(person):
    """Return whether the sentence is true, as a person's own events tell it."""
    done = {event["name"] for event in person["events"]["nodes"]}
    return (
        person["type"] == "CUSTOMER"
        and person["age"] in range(25, 31)
        and "Added To Cart" in done
        and "Charged" not in done
    )


async def test_a_marketers_sentence_finds_whom_it_means(store_url, clock):
    async with open_store(store_url, Limits()) as store:
        await fill(store, Terms(NOON, Limits()))
    since = datetime(2026, 1, 1, tzinfo=UTC).isoformat()

    async with serving(Settings(database=store_url), clock) as api:
        found = await everyone(api, FIND, where=SENTENCE, first=7)
        people = await everyone(api, EVERYBODY, since=since)
        count = await api(COUNT, where=SENTENCE)

    meant = [person["id"] for person in people if is_meant(person)]
    assert meant
    assert [person["id"] for person in found] == meant
    assert count == len(meant)


@pytest.fixture
async def visitors(api, clock):
    """Five people from a to e, who did something today."""
    for name in "abcde":
        clock.now += timedelta(seconds=1)
        await known(api, {"custom": name}, name=name)
        await api(RECORD, user={"custom": name}, events=[{"name": "V"}])


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST", "LAST_SEEN"])
async def test_pages_keep_the_now_of_their_question(api, clock, visitors, order):
    first = await api(FIND, where=TODAY, orderBy=order, first=2)
    clock.now += timedelta(days=1)
    after = first["pageInfo"]["endCursor"]

    rest = await api(FIND, where=TODAY, orderBy=order, first=20, after=after)
    anew = await api(FIND, where=TODAY, orderBy=order)

    names = "".join(person["name"] for page in (first, rest) for person in page["nodes"])
    assert names == ("abcde" if order == "OLDEST" else "edcba")
    assert (first["totalCount"], rest["totalCount"], anew["totalCount"]) == (5, 5, 0)
    assert (first["pageInfo"]["hasPreviousPage"], rest["pageInfo"]["hasPreviousPage"]) == (
        False,
        True,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"where": {"all": []}},
        {"where": {"not": TODAY}},
        {"where": None},
        {"where": TODAY, "orderBy": "OLDEST"},
    ],
)
async def test_a_cursor_belongs_to_its_question(api, visitors, other):
    page = await api(FIND, where=TODAY, first=2)

    fault = await error(api, FIND, **other, after=page["pageInfo"]["endCursor"])

    assert fault["extensions"]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"age": {"min": 35, "max": 35}}, True),
        ({"did": {"name": "charged", "where": [{"name": "total", "is": {"gt": 19}}]}}, True),
        ({"didNot": {"name": "C H A R G E D"}}, False),
        ({"language": ["de"]}, True),
        ({"location": {"city": ["ZÜRICH"]}}, True),
        ({"property": {"name": "email", "is": {"startsWith": "ADA@"}}}, True),
        ({"property": {"name": "tags", "is": {"equals": ["vip", "new"]}}}, True),
        ({"reachableBy": "SMS"}, False),
    ],
)
async def test_a_person_matches_where_they_are_counted(api, ada, criteria, expected):
    assert await api(MATCHES, by=ADA, c=criteria) == {"matches": expected}
    assert await api(COUNT, where=criteria) == int(expected)


async def test_without_criteria_everybody_is_counted(api, visitors):
    assert await api(COUNT) == await api(COUNT, where={"all": []}) == 5


@pytest.mark.parametrize(
    "where",
    [
        {"did": {"name": "V", "count": {"min": 2, "max": 1}}},
        {"createdAt": {"lastDays": -1}},
        {"all": [], "any": []},
        {},
        {"all": None},
        {"segment": "nobody's"},
    ],
)
async def test_what_cannot_be_asked_is_an_error(api, where):
    assert await error(api, COUNT, where=where)
