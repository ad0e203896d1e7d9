"""Days, instants and cursors as clients may and may not write them."""

import base64
import json

import pytest

from tests.schema.documents import EVA, USERS, error, known

BORN = """
mutation($day: Date) {
  userUpdate(user: {custom: "ada"}, createIfMissing: true, changes: {birthday: $day}) {
    ... on UserUpdatePayload { user { birthday } }
  }
}
"""
SINCE = """
query($since: DateTime) {
  user(by: {custom: "ada"}) { events(since: $since) { nodes { at } } }
}
"""
RECORDED = """
mutation($at: DateTime) {
  userRecordEvents(user: {custom: "ada"}, createIfMissing: true, events: [{name: "V", at: $at}]) {
    ... on UserRecordEventsPayload { user { lastSeenAt } }
  }
}
"""
EVENTS = """
query($after: Cursor) {
  user(by: {custom: "ada"}) { events(after: $after) { nodes { id } } }
}
"""
NO_TEXTS = [True, 1, 1.5, [], ["2026-01-31"], {}, {"date": "2026-01-31"}]


@pytest.mark.parametrize("day", ["2000-02-29", "1900-01-01", None])
async def test_a_day_is_read_back(api, day):
    assert (await api(BORN, day=day))["user"]["birthday"] == day


@pytest.mark.parametrize(
    "day",
    [
        *NO_TEXTS,
        "",
        "today",
        "2001-02-29",
        "2000-2-1",
        "20000201",
        "2000-02",
        "2000-W05-2",
        " 2000-02-01",
        "2000-02-01\n",
        "2000-02-01T00:00:00Z",
        "-2000-02-01",
        "+002000-02-01",
        "0000-01-01",
        "2000-13-01",
        "２０００-02-01",
    ],
)
async def test_what_is_no_day_is_a_graphql_error(api, day):
    answer = await error(api, BORN, day=day)

    assert answer["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-01-31T11:00:00Z", "2026-01-31T11:00:00.000Z"),
        ("2026-01-31t11:00:00z", "2026-01-31T11:00:00.000Z"),
        ("2026-01-31T11:00:00.1Z", "2026-01-31T11:00:00.100Z"),
        ("2026-01-31T11:00:00.123456789Z", "2026-01-31T11:00:00.123Z"),
        ("2026-01-31T11:00:00.9999Z", "2026-01-31T11:00:00.999Z"),
        ("2026-01-31T11:00:00+01:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T00:30:00-11:30", "2026-01-31T12:00:00.000Z"),
        ("2024-02-29T23:59:59.999-00:00", "2024-02-29T23:59:59.999Z"),
        (None, "2026-01-31T12:00:00.000Z"),
    ],
)
async def test_an_instant_is_answered_in_utc_to_the_millisecond(api, at, shown):
    assert (await api(RECORDED, at=at))["user"]["lastSeenAt"] == shown


@pytest.mark.parametrize(
    "at",
    [
        *NO_TEXTS,
        "",
        "now",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00 Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-01-31T12:00:00Z",
        "1769860800",
        "2026-01-31T12:00:00Z\n",
    ],
)
@pytest.mark.parametrize(
    ("document", "variable"), [(SINCE, "since"), (RECORDED, "at")], ids=["since", "at"]
)
async def test_what_is_no_instant_is_a_graphql_error(api, document, variable, at):
    answer = await error(api, document, **{variable: at})

    assert answer["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("birthday", '"2001-02-29"'), ("birthday", "2001"), ("birthday", "TODAY"),
        ("birthday", '{date: "2001-02-28"}'), ("birthday", '["2001-02-28"]'),
    ],
)  # fmt: skip
async def test_literals_are_judged_as_variables_are(api, argument, value):
    document = f"""mutation {{
      userUpdate(user: {{custom: "ada"}}, changes: {{{argument}: {value}}}) {{ __typename }}
    }}"""

    assert (await error(api, document))["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize("value", [True, 1, 1.5, [], {}])
@pytest.mark.parametrize("document", [USERS, EVENTS], ids=["users", "events"])
async def test_what_is_no_cursor_at_all_is_a_graphql_error(api, document, value):
    assert (await error(api, document, after=value))["extensions"] == {"code": "INVALID_INPUT"}


def forged(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def opened(cursor):
    """Return what a cursor holds, as whoever forges one would find out."""
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


@pytest.mark.parametrize(
    "cursor",
    [
        "", " ", "x", "é", "====", "AAAA", "W10", "bnVsbA", "e30", "\u0000", "a" * 100_000,
        forged(), forged(1), forged(1, 2), forged(1, 2, 3), forged(None, None, None),
        forged("a", "b", "c"), forged([], {}, []), forged("a", None, "b", "c"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("document", [USERS, EVENTS], ids=["users", "events"])
async def test_what_is_no_cursor_of_ours_is_refused(api, document, cursor):
    await known(api)

    answer = await error(api, document, after=cursor)

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["after"]}


@pytest.fixture
async def people(api):
    """Ada and Eva; Ada viewed something twice."""
    await known(api, EVA)
    document = """mutation { userRecordEvents(
      user: {custom: "ada"}, createIfMissing: true, events: [{name: "V"}, {name: "V"}]
    ) { __typename } }"""
    await api(document)


@pytest.mark.parametrize(
    "position",
    [
        [None, None],
        ["2026-01-31T12:00:00.000Z", None],
        [None, "x"],
        ["yesterday", "x"],
        ["", "x"],
        ["0001-01-01T00:00:00+14:00", "x"],
        [1, 2],
        [True, False],
        [["2026-01-31T12:00:00.000Z"], "x"],
        ["2026-01-31T12:00:00.000Z", "x", "y"],
        ["2026-01-31T12:00:00.000Z"],
    ],
)
async def test_a_forged_position_among_events_is_refused(api, people, position):
    page = await api('{ user(by: {custom: "ada"}) { events { pageInfo { endCursor } } } }')
    digest, *_ = opened(page["events"]["pageInfo"]["endCursor"])

    answer = await error(api, EVENTS, after=forged(digest, *position))

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["after"]}


@pytest.mark.parametrize("order", ["NEWEST", "OLDEST", "LAST_SEEN"])
@pytest.mark.parametrize(
    "position",
    [
        [None, None],
        ["2026-01-31T12:00:00.000Z", None],
        ["yesterday", "x"],
        ["", "x"],
        ["0001-01-01T00:00:00+14:00", "x"],
        [1, 2],
        [True, False],
        [None, {"$gt": ""}],
        [None, "x", "y"],
        [None],
    ],
)
async def test_a_forged_position_among_people_is_refused(api, people, order, position):
    page = await api(USERS, orderBy=order)
    *question, _, _ = opened(page["pageInfo"]["endCursor"])

    answer = await error(api, USERS, orderBy=order, after=forged(*question, *position))

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["after"]}


async def test_a_forged_beginning_of_the_question_is_refused(api, people):
    page = await api(USERS)
    digest, _, *position = opened(page["pageInfo"]["endCursor"])

    answers = [
        await error(api, USERS, after=forged(digest, moment, *position))
        for moment in (None, "", "yesterday", 1)
    ]

    assert [answer["extensions"] for answer in answers] == [
        {"code": "INVALID_INPUT", "path": ["after"]}
    ] * 4


async def test_a_cursor_survives_being_used_twice(api, people):
    cursor = (await api(USERS, first=1))["pageInfo"]["endCursor"]

    first = await api(USERS, after=cursor)
    second = await api(USERS, after=cursor)

    assert len(first["nodes"]) == 1
    assert second == first


async def test_an_empty_answer_needs_no_cursor(api):
    await known(api)

    answer = await api(EVENTS, after=None)

    assert answer == {"events": {"nodes": []}}
