"""How large a document may be, and what an operation may cost, before anything of it is done."""

import pytest
from graphql import get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from app.limits import RequestLimits
from app.schema import schema
from app.schema.cost import price_of
from app.settings import Settings
from tests.api import serving
from tests.schema.documents import ADA, COUNT
from tests.schema.resolution import EVERYONE

TIGHT = RequestLimits(
    tokens=150, fields=30, root_fields=10, aliases=8, fragments=5, cost=2_000, depth=15
)


@pytest.fixture
async def tight(sqlite_url, clock):
    """The API with limits that short documents reach."""
    async with serving(Settings(database=sqlite_url, requests=TIGHT), clock) as api:
        yield api


def nested(levels):
    opening, closing = "{ users { nodes { segments " * levels, " } } }" * levels
    return f"{{ segments {opening} {{ id }} {closing} }}"


def chain(length):
    """Return fragments of which each spreads the next two: short, but long if written out."""
    fragments = (
        f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 2} userCount }}" for i in range(length)
    )
    ends = (f"fragment f{i} on Query {{ userCount }}" for i in (length, length + 1))
    return f"{{ ...f0 }} {' '.join(fragments)} {' '.join(ends)}"


def refusal(answer):
    (error,) = answer["errors"]
    assert "data" not in answer
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert f"({error['extensions']['name']})" in error["message"]
    return error["extensions"]["name"], error["extensions"]["limit"]


@pytest.mark.parametrize(
    ("name", "limit", "document"),
    [
        ("tokens", 150, "{ " + "userCount " * 149 + "}"),
        ("tokens", 150, "{ user(by: {id: [" + "1 " * 200),
        ("fields", 30, "{ " + "userCount " * 31 + "}"),
        ("root_fields", 10, "{ " + "userCount " * 11 + "}"),
        ("root_fields", 10, "{ ...A ...A } fragment A on Query {" + "userCount " * 11 + "}"),
        ("aliases", 8, "{ user(by: {id: 1}) { " + " ".join(f"a{i}: id" for i in range(9)) + "} }"),
        ("fragments", 5, chain(4)),
        ("directives", 5, "{ userCount " + "@skip(if: false) " * 6 + "}"),
        ("directives", 5, "{ userCount " + "@nope " * 6 + "}"),
        ("directives", 5, "query " + "@nope " * 6 + "{ userCount }"),
        ("directives", 5, "query($a: Int " + "@nope " * 6 + ") { userCount }"),
        ("depth", 15, nested(5)),
        ("depth", 15, "{" + "a{" * 40),
        ("depth", 15, "{" + "... {" * 31),
    ],
)  # fmt: skip
async def test_a_document_over_a_bound_is_refused_by_its_name_and_number(
    tight, name, limit, document
):
    assert refusal(await tight.raw(document)) == (name, limit)


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "userCount " * 10 + "}",
        "{ " + "...A " * 20 + "} fragment A on Query { userCount }",
        "{ " + " ".join(f"a{i}: userCount" for i in range(8)) + "}",
        "{ userCount @skip(if: false) @include(if: true) }",
        nested(4),
    ],
)
async def test_a_document_at_its_bounds_is_executed(sqlite_url, clock, document):
    limits = TIGHT.model_copy(update={"cost": 10**30})
    async with serving(Settings(database=sqlite_url, requests=limits), clock) as api:
        assert "errors" not in await api.raw(document)


async def test_what_graphiql_asks_of_the_schema_is_within_all_bounds(api):
    answer = await api.raw(
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        )
    )

    assert "errors" not in answer


async def test_a_hundred_whole_people_are_within_all_bounds(api):
    assert "errors" not in await api.raw(EVERYONE)


@pytest.mark.parametrize(
    "document",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A userCount }",
        chain(80),
        "{ " + "userCount " * 1_000 + "}",
    ],
)
async def test_a_document_that_leads_in_circles_or_multiplies_is_judged_at_once(api, document):
    answer = await api.raw(document)

    assert {error["extensions"]["code"] for error in answer["errors"]} <= {
        "INVALID_INPUT",
        "LIMIT_EXCEEDED",
    }


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("aliases", "{ " + "\n".join(f"alias{i}: __typename" for i in range(101)) + " }"),
        ("root_fields", "{ " + "__typename \n" * 500 + "}"),
        ("directives", "query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }"),
    ],
)
async def test_what_scanners_probe_for_is_refused(api, name, document):
    assert refusal(await api.raw(document))[0] == name


async def test_the_schema_cannot_be_walked_in_circles(api):
    answer = await api.raw(
        "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + " } }" * 4 + " } }"
    )

    assert "data" not in answer


# ---------------------------------------------------------------- what it costs


PAGE = "users(first: {0}) {{ nodes {{ id events(first: {1}) {{ nodes {{ id }} }} }} }}"
PAGE_BY_VARIABLE = """
query($n: Int!, $m: Int = 2) {
  users(first: $n) { nodes { id events(first: $m) { nodes { id } } } }
}
"""


@pytest.mark.parametrize(
    ("first", "events", "fits"), [(2, 100, True), (100, 2, True), (20, 20, True), (50, 50, False)]
)
async def test_lists_within_lists_multiply(tight, first, events, fits):
    literal = await tight.raw(f"{{ {PAGE.format(first, events)} }}")
    by_variable = await tight.raw(PAGE_BY_VARIABLE, n=first, m=events)

    assert ("data" in literal, "data" in by_variable) == (fits, fits)
    if not fits:
        assert refusal(literal) == refusal(by_variable) == ("cost", 2_000)


async def test_a_variable_that_is_not_given_has_its_default(tight):
    assert "errors" not in await tight.raw(PAGE_BY_VARIABLE, n=100)


async def test_a_list_is_as_long_as_it_is_by_default(tight):
    document = "{ users { nodes { events { nodes { id name %s } } } } }"

    assert "errors" not in await tight.raw(document % "")
    assert refusal(await tight.raw(document % "at properties items")) == ("cost", 2_000)


@pytest.mark.parametrize("n", [2**31, -(2**31), 0, 10**400, 1.5, "9", True, None, [], {}])
async def test_a_length_that_cannot_be_is_refused_as_before(tight, n):
    answer = await tight.raw(PAGE_BY_VARIABLE, n=n)

    assert {error["extensions"]["code"] for error in answer["errors"]} <= {
        "INVALID_INPUT",
        "LIMIT_EXCEEDED",
    }


async def test_people_asked_for_by_name_count_each(tight):
    document = "query($by: [UserBy!]!) { usersBy(by: $by) { events(first: 20) { nodes { id } } } }"

    few = await tight.raw(document, by=[ADA] * 10)
    many = await tight.raw(document, by=[ADA] * 100)

    assert few["data"] == {"usersBy": [None] * 10}
    assert refusal(many) == ("cost", 2_000)


async def test_lists_of_one_person_are_counted_as_lists(tight):
    one = 'user(by: {custom: "ada"}) { segments { users(first: 30) { nodes { id name } } } }'

    assert refusal(await tight.raw(f"{{ {one} }}")) == ("cost", 2_000)


@pytest.mark.parametrize(
    ("plain", "dear"),
    [
        ("version", "personalised(template: \"Hi\")"),
        ("version", "matches(criteria: {all: []})"),
        ("version", "segments { id }"),
    ],
)  # fmt: skip
async def test_what_does_more_than_read_costs_more(tight, plain, dear):
    document = "{ users(first: 90) { nodes { id email name %s } } }"

    assert "errors" not in await tight.raw(document % f"{plain} a: {plain}")
    assert refusal(await tight.raw(document % f"{dear} a: {dear}")) == ("cost", 2_000)


async def test_counting_costs_more(tight):
    counts = " ".join(f"c{i}: userCount" for i in range(5))
    events = "events(first: 100) { nodes { id name at properties items } }"
    document = f"{{ %s user(by: {{id: 1}}) {{ a: {events} b: {events} c: {events} }} }}"

    assert "errors" not in await tight.raw(document % counts.replace("userCount", "__typename"))
    assert refusal(await tight.raw(document % counts)) == ("cost", 2_000)


async def test_a_fragment_costs_wherever_it_is_spread(tight):
    fragment = "fragment E on User { events(first: 100) { nodes { id name at } } }"
    by = "(by: {id: 1})"

    once = await tight.raw(f"{{ a: user{by} {{ ...E ...E }} }} {fragment}")
    everywhere = " ".join(f"u{i}: user{by} {{ ...E }}" for i in range(8))

    assert "errors" not in once
    assert refusal(await tight.raw(f"{{ {everywhere} }} {fragment}")) == ("cost", 2_000)


async def test_an_operation_costs_only_itself(tight):
    dear = "query Dear { users(first: 100) { nodes { events(first: 100) { nodes { id } } } } }"
    body = {"query": f"{COUNT.replace('{', 'query Cheap {', 1)} {dear}"}

    cheap = (await tight.http.post("/graphql", json=body | {"operationName": "Cheap"})).json()
    refused = (await tight.http.post("/graphql", json=body | {"operationName": "Dear"})).json()

    assert cheap == {"data": {"userCount": 0}}
    assert refusal(refused) == ("cost", 2_000)


async def test_a_mutation_that_costs_too_much_writes_nothing(tight):
    refused = await tight.raw(
        """mutation($by: UserBy!) {
          userUpdate(user: $by, changes: {}, createIfMissing: true) {
            ... on UserUpdatePayload {
              user { segments { users(first: 100) { nodes { id name } } } }
            }
          }
        }""",
        by=ADA,
    )

    assert refusal(refused) == ("cost", 2_000)
    assert await tight(COUNT) == 0


@given(first=st.integers(1, 100), events=st.integers(1, 100))
def test_a_price_is_the_number_of_fields_that_would_be_answered(first, events):
    answered = 2 + first * (3 + events)

    price = price_of(schema._schema, parse(PAGE_BY_VARIABLE), None)

    assert not price.exceeds(answered, {"n": first, "m": events}, 100)
    assert price.exceeds(answered - 1, {"n": first, "m": events}, 100)
