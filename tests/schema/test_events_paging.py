"""Reading the log of events in pages, document and archive without a seam."""

import pytest

from tests.schema.documents import ADA, RECORD, USERS, error, known

EVENTS = """
query($name: String, $since: DateTime, $until: DateTime, $first: Int! = 20, $after: Cursor) {
  user(by: {custom: "ada"}) {
    events(name: $name, since: $since, until: $until, first: $first, after: $after) {
      edges { cursor node { id } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""


def at(minute):
    """Return an instant so many minutes after New Year, as it is shown."""
    return f"2026-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"


async def record(api, *events):
    await api(RECORD, user=ADA, events=list(events), createIfMissing=True)


async def page(api, **arguments):
    return (await api(EVENTS, **arguments))["events"]


async def read_whole(api, **arguments):
    """Return every page from the first to the last."""
    pages = [await page(api, **arguments)]
    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await page(api, after=pages[-1]["pageInfo"]["endCursor"], **arguments))
    return pages


def ids(*pages):
    return [event["id"] for one in pages for event in one["nodes"]]


@pytest.fixture
async def log(api):
    """350 events of two names, recorded in no order; their ids, newest first."""
    events = [
        {"id": f"e{minute:03}", "name": "Even" if minute % 2 == 0 else "Odd", "at": at(minute)}
        for minute in range(350)
    ]
    shuffled = sorted(events, key=lambda event: event["id"][::-1])
    await record(api, *shuffled[:120])
    await record(api, *shuffled[120:300])
    await record(api, *shuffled[300:])
    return [event["id"] for event in reversed(events)]


@pytest.mark.parametrize(
    ("first", "lengths"),
    [(100, [100, 100, 100, 50]), (50, [50] * 7), (99, [99, 99, 99, 53]), (70, [70] * 5)],
)
async def test_the_whole_log_is_read_back_in_pages(api, log, first, lengths):
    pages = await read_whole(api, first=first)

    assert ids(*pages) == log
    assert [len(one["nodes"]) for one in pages] == lengths


async def test_a_page_says_where_it_stands(api, log):
    first, second, third, last = await read_whole(api, first=100)

    assert [one["pageInfo"]["hasNextPage"] for one in (first, second, third, last)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert [one["pageInfo"]["hasPreviousPage"] for one in (first, second, last)] == [
        False, True, True,
    ]  # fmt: skip
    assert second["pageInfo"]["startCursor"] == second["edges"][0]["cursor"]
    assert second["pageInfo"]["endCursor"] == second["edges"][-1]["cursor"]
    assert [edge["node"] for edge in second["edges"]] == second["nodes"]


async def test_twenty_are_a_page_unless_asked_otherwise(api, log):
    assert ids(await page(api)) == log[:20]


async def test_after_null_is_the_first_page(api, log):
    one = await page(api, after=None, first=3)

    assert ids(one) == log[:3]
    assert one["pageInfo"]["hasPreviousPage"] is False


async def test_a_page_goes_on_from_any_event(api, log):
    cursor = (await page(api, first=100))["edges"][41]["cursor"]

    assert ids(await page(api, first=2, after=cursor)) == log[42:44]


@pytest.mark.parametrize("name", ["Odd", " o D d "])
async def test_one_name_is_read_in_pages(api, log, name):
    pages = await read_whole(api, name=name, first=60)

    assert ids(*pages) == [id for id in log if int(id[1:]) % 2 == 1]


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ({"since": at(100)}, 100, 349),
        ({"until": at(100)}, 0, 99),
        ({"since": at(100), "until": at(300)}, 100, 299),
        ({"since": at(100), "until": at(101)}, 100, 100),
        ({"since": "2026-01-01T00:00:00.001Z"}, 1, 349),
        ({"since": None, "until": None}, 0, 349),
    ],
)
async def test_since_includes_its_instant_and_until_does_not(api, log, window, first, last):
    pages = await read_whole(api, first=100, **window)

    assert ids(*pages) == [f"e{minute:03}" for minute in range(last, first - 1, -1)]


@pytest.mark.parametrize(
    "question",
    [
        {"name": "none"},
        {"name": ""},
        {"since": at(400)},
        {"until": at(0)},
        {"since": at(100), "until": at(100)},
        {"since": at(200), "until": at(100)},
    ],
)
async def test_an_empty_page_has_no_cursors(api, log, question):
    assert await page(api, **question) == {
        "edges": [],
        "nodes": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


async def test_the_page_after_the_last_is_empty_and_has_a_previous(api, log):
    last = (await read_whole(api, first=100))[-1]

    beyond = await page(api, after=last["pageInfo"]["endCursor"])

    assert beyond["nodes"] == []
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


async def test_of_events_at_one_instant_the_larger_id_comes_first(api):
    names = [f"{letter}{number:03}" for number in range(150) for letter in "aZé"]
    await record(api, *({"id": name, "name": "V", "at": at(0)} for name in names))

    pages = await read_whole(api, first=40)

    assert ids(*pages) == sorted(names, reverse=True)


async def test_events_recorded_while_paging_neither_skip_nor_repeat(api, log):
    first = await page(api, first=100)
    newer = [{"id": f"n{minute}", "name": "V", "at": at(minute)} for minute in range(400, 520)]
    await record(api, *newer, {"id": "late", "name": "V", "at": at(10)})

    after = first["pageInfo"]["endCursor"]
    rest = [await page(api, first=100, after=after)]
    while rest[-1]["pageInfo"]["hasNextPage"]:
        rest.append(await page(api, first=100, after=rest[-1]["pageInfo"]["endCursor"]))

    seen = ids(first, *rest)
    assert [id for id in seen if id != "late"] == log
    assert seen.index("late") == log.index("e010")


@pytest.mark.parametrize("first", [0, -1, -(2**31)])
async def test_a_page_of_none_is_refused(api, first):
    await known(api)

    answer = await error(api, EVENTS, first=first)

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["first"]}
    assert answer["path"] == ["user", "events"]


@pytest.mark.parametrize("first", [101, 2**31 - 1])
async def test_a_page_over_100_is_refused(api, first):
    await known(api)

    answer = await error(api, EVENTS, first=first)

    assert answer["extensions"] == {"code": "LIMIT_EXCEEDED", "path": ["first"], "limit": 100}


@pytest.mark.parametrize("first", [2**31, 1.5, "1", None, True])
async def test_a_page_of_no_whole_number_is_an_error(api, first):
    answer = await error(api, EVENTS, first=first)

    assert answer["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize(
    "question",
    [
        {"name": "Odd"},
        {"since": at(0)},
        {"until": at(500)},
        {"name": "Odd", "since": at(0), "until": at(500)},
    ],
)
async def test_a_cursor_of_another_question_is_refused(api, log, question):
    cursor = (await page(api, **question))["pageInfo"]["endCursor"]

    answer = await error(api, EVENTS, after=cursor)

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["after"]}


async def test_a_cursor_belongs_to_a_question_however_it_is_written(api, log):
    one = await page(api, name="Odd", since="2026-01-01T01:00:00Z", first=3)

    other = await page(
        api, name="o d d", since="2026-01-01T02:00:00+01:00", after=one["pageInfo"]["endCursor"]
    )

    assert ids(one, other)[:6] == ["e349", "e347", "e345", "e343", "e341", "e339"]


async def test_a_cursor_of_people_is_none_of_events(api, log):
    cursor = (await api(USERS))["pageInfo"]["endCursor"]

    answer = await error(api, EVENTS, after=cursor)

    assert answer["extensions"] == {"code": "INVALID_INPUT", "path": ["after"]}
