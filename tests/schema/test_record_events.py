"""Recording what a person did: what an event is, duplicates, totals, and what is refused."""

from datetime import timedelta

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import serving
from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    CATALOG,
    COUNT,
    EVA,
    RECORD,
    USER,
    error,
    exceeded,
    fault,
    invalid,
    known,
)

LATER = NOON + timedelta(hours=1)
SHOWN_NOON = "2026-01-31T12:00:00.000Z"
SHOWN_LATER = "2026-01-31T13:00:00.000Z"


async def recorded(api, *events, by=ADA):
    """Return the person after the events."""
    answer = await api(RECORD, user=by, events=list(events), createIfMissing=True)
    assert answer["__typename"] == "UserRecordEventsPayload", answer
    return answer["user"]


# ---------------------------------------------------------------- recording


async def test_an_event_is_recorded_with_all_it_says(api, ada, clock):
    clock.now = LATER
    event = {
        "id": "e2",
        "name": " Added To Cart ",
        "at": "2026-01-31T13:30:00.0009+01:00",
        "properties": {"total": 2.5, "day": {"date": "2026-01-31"}, "a": ["x"]},
        "items": [{"sku": "a", "price": 1}, {}],
    }

    answer = await api(RECORD, user=ADA, events=[event])

    at = "2026-01-31T12:30:00.000Z"
    shown = {
        "id": "e2",
        "name": "Added To Cart",
        "at": at,
        "properties": {"a": ["x"], "day": {"date": "2026-01-31"}, "total": 2.5},
        "items": [{"price": 1, "sku": "a"}, {}],
    }
    added = {"name": "Added To Cart", "count": 1, "firstAt": at, "lastAt": at}
    assert answer == {
        "__typename": "UserRecordEventsPayload",
        "recorded": 1,
        "duplicates": 0,
        "user": ada
        | {
            "events": answer["user"]["events"],
            "activity": [added, *ada["activity"]],
            "lastSeenAt": at,
            "updatedAt": SHOWN_LATER,
            "version": ada["version"] + 1,
        },
    }
    assert answer["user"]["events"]["nodes"] == [shown, *ada["events"]["nodes"]]
    assert await api(USER, by=ADA) == answer["user"]


@pytest.mark.parametrize(
    "absent",
    [
        {},
        {"id": None, "at": None, "properties": None, "items": None},
        {"properties": {}, "items": []},
    ],
)
async def test_an_event_needs_a_name_alone(api, absent):
    user = await recorded(api, {"name": "Viewed"} | absent)

    (event,) = user["events"]["nodes"]
    id = event.pop("id")
    assert event == {"name": "Viewed", "at": SHOWN_NOON, "properties": {}, "items": []}
    assert len(id) == 26


async def test_events_without_an_id_are_all_different(api):
    user = await recorded(api, *[{"name": "Viewed"}] * 100)

    assert len({event["id"] for event in user["events"]["nodes"]}) == 100


async def test_a_call_records_a_thousand_events_as_one_version(api):
    user = await recorded(api, *({"id": f"e{number}", "name": "V"} for number in range(1000)))

    assert [(total["name"], total["count"]) for total in user["activity"]] == [("V", 1000)]
    assert user["version"] == 1


# ---------------------------------------------------------------- duplicates


async def test_a_repeated_id_is_counted_and_nothing_else(api, ada, clock):
    clock.now = LATER
    repeated = {"id": "e1", "name": "Other", "properties": {"new name": 1}}

    answer = await api(RECORD, user=ADA, events=[repeated])

    assert answer == {
        "__typename": "UserRecordEventsPayload", "recorded": 0, "duplicates": 1, "user": ada,
    }  # fmt: skip


async def test_of_two_with_one_id_in_a_call_the_first_counts(api):
    answer = await api(
        RECORD,
        user=ADA,
        createIfMissing=True,
        events=[{"id": "x", "name": "A"}, {"id": "y", "name": "B"}, {"id": "x", "name": "C"}],
    )

    assert (answer["recorded"], answer["duplicates"]) == (2, 1)
    assert [total["name"] for total in answer["user"]["activity"]] == ["A", "B"]


async def test_an_id_is_a_duplicate_however_late(api):
    events = [
        {"id": f"e{n}", "name": "V", "at": f"2026-01-30T{n // 60:02}:{n % 60:02}:00Z"}
        for n in range(350)
    ]
    before = await recorded(api, *events)

    answer = await api(RECORD, user=ADA, events=[*events, {"id": "new", "name": "V"}])

    assert (answer["recorded"], answer["duplicates"]) == (1, 350)
    assert answer["user"]["activity"][0]["count"] == 351
    assert answer["user"]["version"] == before["version"] + 1


async def test_an_id_is_one_persons_own(api):
    await recorded(api, {"id": "x", "name": "V"})

    eva = await recorded(api, {"id": "x", "name": "V"}, by=EVA)

    assert [event["id"] for event in eva["events"]["nodes"]] == ["x"]


# ---------------------------------------------------------------- names, types, totals


async def test_the_spelling_first_seen_in_the_service_is_shown(api):
    await recorded(api, {"name": "Added To Cart"})

    eva = await recorded(
        api, {"name": "ADDEDTOCART"}, {"name": " added to\u00a0cart"}, {"name": "Other"}, by=EVA
    )

    assert [(total["name"], total["count"]) for total in eva["activity"]] == [
        ("Added To Cart", 2),
        ("Other", 1),
    ]
    assert {event["name"] for event in eva["events"]["nodes"]} == {"Added To Cart", "Other"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Charged", "CUSTOMER"),
        (" c H a r g e d ", "CUSTOMER"),
        ("CHARGED", "CUSTOMER"),
        ("Charge", "ANONYMOUS"),
        ("Un charged", "ANONYMOUS"),
    ],
)
async def test_a_charged_event_makes_a_customer(api, name, kind):
    assert (await recorded(api, {"name": name}))["type"] == kind


async def test_who_was_charged_once_stays_a_customer(api):
    charged = {"name": "Charged", "at": "2016-02-01T12:00:00Z"}
    await recorded(api, charged)

    user = await recorded(api, *[{"name": "Viewed"}] * 350)

    assert user["type"] == "CUSTOMER"
    assert "Charged" not in {event["name"] for event in user["events"]["nodes"]}


async def test_totals_and_last_seen_go_by_when_it_happened(api, clock):
    await recorded(api, {"name": "V"})
    clock.now = LATER

    instants = ["2020-01-01T00:00:00Z", "2026-01-31T12:30:00Z"]
    user = await recorded(api, *({"name": "V", "at": at} for at in instants))

    last = "2026-01-31T12:30:00.000Z"
    total = {"name": "V", "count": 3, "firstAt": "2020-01-01T00:00:00.000Z", "lastAt": last}
    assert user["activity"] == [total]
    assert user["lastSeenAt"] == last


async def test_a_late_event_does_not_turn_last_seen_back(api):
    await recorded(api, {"name": "V"})

    user = await recorded(api, {"name": "V", "at": "2020-01-01T00:00:00Z"})

    assert user["lastSeenAt"] == SHOWN_NOON


async def test_totals_are_read_all_or_by_name(api):
    await recorded(api, {"name": "b"}, {"name": "Added To Cart"}, {"name": "a"})
    document = """{ user(by: {custom: "ada"}) {
      all: activity { name }
      null: activity(names: null) { name }
      some: activity(names: ["addedtocart", "none", " B "]) { name }
      none: activity(names: []) { name }
    } }"""

    answer = await api(document)

    everything = [{"name": "Added To Cart"}, {"name": "a"}, {"name": "b"}]
    assert answer == {
        "all": everything,
        "null": everything,
        "some": [{"name": "Added To Cart"}, {"name": "b"}],
        "none": [],
    }


# ---------------------------------------------------------------- whom


@pytest.mark.parametrize("kind", ["id", "custom", "device"])
async def test_nobody_records_unless_asked_to_create(api, kind):
    answer = await fault(api, RECORD, user={kind: "x"}, events=[{"name": "V"}])

    assert answer == {"__typename": "UserNotFoundError"}
    assert await api(COUNT) == 0


async def test_an_id_creates_nobody(api):
    answer = await fault(
        api, RECORD, user={"id": "x"}, events=[{"name": "V"}], createIfMissing=True
    )

    assert answer == {"__typename": "UserNotFoundError"}


async def test_what_could_not_exist_creates_nobody(api):
    answer = await fault(
        api, RECORD, user={"email": "x"}, events=[{"name": "V"}], createIfMissing=True
    )

    assert answer == invalid("user", "email")


async def test_a_device_without_a_person_makes_an_anonymous_one(api):
    user = await recorded(api, {"name": "V"}, by={"device": "d1"})

    assert user["type"] == "ANONYMOUS"
    assert user["devices"] == []
    assert user["identities"] == [{"kind": "DEVICE", "value": "d1", "linkedAt": SHOWN_NOON}]


# ---------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2016-01-31T12:00:00Z", "2016-01-31T12:00:00.000Z"),
        ("2026-02-01T12:00:00Z", "2026-02-01T12:00:00.000Z"),
        ("2026-02-01T02:00:00-10:00", "2026-02-01T12:00:00.000Z"),
    ],
)
async def test_an_event_lies_within_ten_years_and_a_day(api, at, shown):
    user = await recorded(api, {"name": "V", "at": at})

    assert user["lastSeenAt"] == shown


@pytest.mark.parametrize("at", ["2016-01-31T11:59:59.999Z", "2026-02-01T12:00:00.001Z"])
async def test_an_event_beyond_ten_years_or_a_day_is_refused(api, ada, at):
    answer = await fault(api, RECORD, user=ADA, events=[{"name": "V"}, {"name": "V", "at": at}])

    assert answer == invalid("events", "1", "at")
    assert await api(USER, by=ADA) == ada


async def test_how_far_ahead_is_a_setting(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(event_future_hours=0))
    async with serving(settings, clock) as api:
        await known(api)
        ahead = {"name": "V", "at": "2026-01-31T12:00:00.001Z"}

        answer = await fault(api, RECORD, user=ADA, events=[{"name": "V"}, ahead])

        assert answer == invalid("events", "1", "at")


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": " \n "}, ["name"]),
        ({"name": "a\u0000"}, ["name"]),
        ({"name": "a\u0007b"}, ["name"]),
        ({"name": "V", "id": ""}, ["id"]),
        ({"name": "V", "id": "a\u0000"}, ["id"]),
        ({"name": "V", "properties": {"p": None}}, ["properties", "p"]),
        ({"name": "V", "properties": {"": 1}}, ["properties", ""]),
        ({"name": "V", "properties": {"p": 1, "p ": 1}}, ["properties", "p "]),
        ({"name": "V", "properties": {"p": {"q": 1}}}, ["properties", "p"]),
        ({"name": "V", "properties": {"p": ["x", 1]}}, ["properties", "p", "1"]),
        ({"name": "V", "properties": []}, ["properties"]),
        ({"name": "V", "properties": "x"}, ["properties"]),
        ({"name": "V", "items": [{}, {"p": None}]}, ["items", "1", "p"]),
        ({"name": "V", "items": [{}, [{}]]}, ["items", "1"]),
        ({"name": "V", "items": ["x"]}, ["items", "0"]),
    ],
)
async def test_a_wrong_event_refuses_the_whole_call_by_its_path(api, ada, event, path):
    catalog = await api(CATALOG)
    good = {"name": "New", "properties": {"new": 1}}

    answer = await fault(api, RECORD, user=ADA, events=[good, good, event, good])

    assert answer == invalid("events", "2", *path)
    assert await api(USER, by=ADA) == ada
    assert await api(CATALOG) == catalog


@pytest.mark.parametrize(
    ("event", "limit", "path"),
    [
        ({"name": "é" * 256 + "a"}, 512, ["name"]),
        ({"name": "V", "id": "é" * 129}, 128, ["id"]),
        ({"name": "V", "properties": {f"p{n}": 1 for n in range(101)}}, 100, ["properties"]),
        ({"name": "V", "properties": {"é" * 61: 1}}, 120, ["properties", "é" * 61]),
        ({"name": "V", "properties": {"p": "a" * 513}}, 512, ["properties", "p"]),
        ({"name": "V", "items": [{}] * 51}, 50, ["items"]),
        ({"name": "V", "items": [{}, {f"p{n}": 1 for n in range(101)}]}, 100, ["items", "1"]),
        ({"name": "V", "items": [{"p": "a" * 512}] * 50 + [{}]}, 50, ["items"]),
        (
            {"name": "V", "properties": {f"p{n:02}": "a" * 512 for n in range(64)}},
            32 * 1024,
            [],
        ),
        ({"name": "V", "items": [{"p": "a" * 512, "q": "a" * 512}] * 50}, 32 * 1024, []),
    ],
)
async def test_an_event_that_is_too_large_names_its_limit(api, ada, event, limit, path):
    answer = await fault(api, RECORD, user=ADA, events=[{"name": "New"}, event])

    assert answer == exceeded(limit, "events", "1", *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    "event",
    [
        {"name": "é" * 256},
        {"name": "V", "id": "é" * 128},
        {"name": "V", "properties": {f"p{n}": 1 for n in range(100)}},
        {"name": "V", "items": [{"p": n} for n in range(50)]},
        {"name": "V", "properties": {f"p{n:02}": "a" * 509 for n in range(63)}},
    ],
)
async def test_an_event_as_large_as_may_be_is_recorded(api, event):
    user = await recorded(api, event)

    assert user["events"]["nodes"][0].items() >= event.items()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, invalid("events")), (1001, exceeded(1000, "events"))],
)
async def test_a_call_records_1_to_1000_events(api, ada, count, expected):
    answer = await fault(api, RECORD, user=ADA, events=[{"name": "V"}] * count)

    assert answer == expected
    assert await api(USER, by=ADA) == ada


async def test_a_refused_call_creates_nobody(api):
    answer = await fault(
        api, RECORD, user=ADA, events=[{"name": "V"}, {"name": ""}], createIfMissing=True
    )

    assert answer == invalid("events", "1", "name")
    assert (await api(COUNT), await api(CATALOG)) == (0, {"properties": [], "events": []})


@pytest.mark.parametrize(
    "event", [{}, {"name": None}, None, {"name": "V", "items": [None]}, 1, "V"]
)
async def test_what_the_schema_does_not_know_is_an_error(api, ada, event):
    answer = await error(api, RECORD, user=ADA, events=[{"name": "New"}, event])

    assert answer["extensions"] == {"code": "INVALID_INPUT"}
    assert await api(USER, by=ADA) == ada


async def test_the_service_knows_so_many_event_names_and_not_one_more(sqlite_url, clock):
    settings = Settings(database=sqlite_url, limits=Limits(event_names=2))
    async with serving(settings, clock) as api:
        before = await recorded(api, {"name": "A"}, {"name": "B"})
        new = [{"name": "a "}, {"name": "C", "properties": {"p": 1}}]

        answer = await fault(api, RECORD, user=ADA, events=new)
        creating = await fault(api, RECORD, user=EVA, events=new, createIfMissing=True)

        assert answer == creating == exceeded(2, "events", "1", "name")
        assert await api(USER, by=ADA) == before
        assert await api(COUNT) == 1
        assert [event["name"] for event in (await api(CATALOG))["events"]] == ["A", "B"]
