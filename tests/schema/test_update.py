"""Changing the fields that every person has: what is taken, what is refused, and when at all."""

from datetime import timedelta

import pytest

from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    CATALOG,
    COUNT,
    EVA,
    UPDATE,
    USER,
    error,
    exceeded,
    fault,
    invalid,
    known,
)

LATER = NOON + timedelta(hours=1)
SHOWN_LATER = "2026-01-31T13:00:00.000Z"
FIELDS = [
    "name", "email", "phone", "birthday", "gender", "language", "timezone", "photoUrl", "location",
]  # fmt: skip
NOT_FOUND = {"__typename": "UserNotFoundError"}
HOME = {
    "country": "CH", "region": "ZH", "city": "Zürich", "latitude": 47.37, "longitude": 8.54,
}  # fmt: skip
EMPTY_LOCATION = dict.fromkeys(["country", "region", "city", "latitude", "longitude"])


def conflict(version):
    return {"__typename": "VersionConflictError", "currentVersion": version}


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("field", "sent", "read"),
    [
        ("name", " Ada Lovelace ", "Ada Lovelace"),
        ("name", "é" * 256, "é" * 256),
        ("name", "😀", "😀"),
        ("email", " Ada.L@Example.ORG ", "Ada.L@example.org"),
        ("email", "ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
        ("phone", "+41 44 668-18-00", "+41446681800"),
        ("birthday", "2026-01-31", "2026-01-31"),
        ("birthday", "1876-01-31", "1876-01-31"),
        ("birthday", "2000-02-29", "2000-02-29"),
        ("gender", "OTHER", "OTHER"),
        ("language", "de-ch", "de-CH"),
        ("language", "zh-hant-tw", "zh-Hant-TW"),
        ("timezone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("photoUrl", "http://example.org/a.png", "http://example.org/a.png"),
        ("photoUrl", f"https://example.org/{'a' * 2028}", f"https://example.org/{'a' * 2028}"),
        ("location", {"country": "ch"}, EMPTY_LOCATION | {"country": "CH"}),
        ("location", {"city": "Bern", "region": None}, EMPTY_LOCATION | {"city": "Bern"}),
        (
            "location",
            {"latitude": -90, "longitude": 180},
            EMPTY_LOCATION | {"latitude": -90.0, "longitude": 180.0},
        ),
        (
            "location",
            {"latitude": 0, "longitude": 0},
            EMPTY_LOCATION | {"latitude": 0.0, "longitude": 0.0},
        ),
    ],
)
async def test_a_field_takes(api, field, sent, read):
    changed = await known(api, **{field: sent})

    assert changed[field] == read
    assert await api(USER, by=ADA) == changed


@pytest.mark.parametrize(
    ("field", "sent", "path"),
    [
        ("name", "", []),
        ("name", "  ", []),
        ("name", "a\u0000b", []),
        ("name", "a\u0007b", []),
        ("email", "", []),
        ("email", "ada", []),
        ("email", "ada@localhost", []),
        ("email", "ada@shop.test", []),
        ("phone", "", []),
        ("phone", "044 668 18 00", []),
        ("phone", "+41 44 668 18 00 x3", []),
        ("phone", "+41 1", []),
        ("birthday", "2026-02-01", []),
        ("birthday", "1876-01-30", []),
        ("language", "", []),
        ("language", "german", []),
        ("language", "de_CH", []),
        ("timezone", "", []),
        ("timezone", "Mars/Olympus", []),
        ("timezone", "../../etc/passwd", []),
        ("timezone", "CEST", []),
        ("photoUrl", "", []),
        ("photoUrl", "ftp://example.org/a.png", []),
        ("photoUrl", "javascript:alert(1)", []),
        ("photoUrl", "example.org/a.png", []),
        ("location", {"country": ""}, ["country"]),
        ("location", {"country": "XX"}, ["country"]),
        ("location", {"country": "CHE"}, ["country"]),
        ("location", {"region": ""}, ["region"]),
        ("location", {"city": " "}, ["city"]),
        ("location", {"latitude": 90.001, "longitude": 0}, ["latitude"]),
        ("location", {"latitude": 0, "longitude": -180.001}, ["longitude"]),
        ("location", {"latitude": 1e308, "longitude": 0}, ["latitude"]),
        ("location", {"latitude": 1}, []),
        ("location", {"latitude": None, "longitude": 1}, []),
    ],
)
async def test_a_field_refuses_and_all_stays_as_it_was(api, ada, field, sent, path):
    changes = {"properties": {"set": {"fresh": 1}}, "channels": {"push": False}, field: sent}

    answer = await fault(api, UPDATE, user=ADA, changes=changes)

    assert answer == invalid("changes", field, *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    ("changes", "limit", "path"),
    [
        ({"name": "é" * 256 + "a"}, 512, ["name"]),
        ({"photoUrl": f"https://example.org/{'a' * 2029}"}, 2048, ["photoUrl"]),
        ({"location": {"city": "a" * 513}}, 512, ["location", "city"]),
        ({"location": {"region": "é" * 257}}, 512, ["location", "region"]),
    ],
)
async def test_a_field_that_is_too_long_names_its_limit(api, ada, changes, limit, path):
    answer = await fault(api, UPDATE, user=ADA, changes={"email": None} | changes)

    assert answer == exceeded(limit, "changes", *path)
    assert await api(USER, by=ADA) == ada


@pytest.mark.parametrize(
    "changes",
    [
        {"gender": "female"},
        {"gender": 1},
        {"name": 1},
        {"birthday": 20000101},
        {"location": "Bern"},
        {"location": {"latitude": "1", "longitude": 1}},
        {"channels": {"email": "yes"}},
        {"channels": {"post": True}},
        {"age": 7},
        {"id": "x"},
    ],
)
async def test_what_the_schema_does_not_know_is_an_error(api, ada, changes):
    answer = await error(api, UPDATE, user=ADA, changes={"name": "Eva"} | changes)

    assert answer["extensions"] == {"code": "INVALID_INPUT"}
    assert await api(USER, by=ADA) == ada


# ---------------------------------------------------------------- null and absent


@pytest.mark.parametrize("field", FIELDS)
async def test_null_clears_a_field_and_leaves_the_others(api, ada, clock, field):
    clock.now = LATER

    cleared = await known(api, ADA, **{field: None})

    assert cleared[field] is None
    others = [name for name in FIELDS if name != field]
    assert [cleared[name] for name in others] == [ada[name] for name in others]
    assert (cleared["version"], cleared["updatedAt"]) == (ada["version"] + 1, SHOWN_LATER)


@pytest.mark.parametrize("field", [*FIELDS, "properties", "channels"])
async def test_a_variable_that_is_absent_leaves_its_field_alone(api, ada, field):
    kinds = {
        "birthday": "Date", "gender": "Gender", "location": "LocationInput",
        "properties": "PropertyChanges", "channels": "ChannelChanges",
    }  # fmt: skip
    kind = kinds.get(field, "String")
    document = f"""mutation($value: {kind}) {{
      userUpdate(user: {{custom: "ada"}}, changes: {{{field}: $value}}) {{ __typename }}
    }}"""

    await api(document)

    assert await api(USER, by=ADA) == ada


async def test_a_location_replaces_the_whole(api, ada):
    changed = await known(api, location={"city": "Bern"})

    assert changed["location"] == EMPTY_LOCATION | {"city": "Bern"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "Ada", "email": "ada@example.org", "birthday": "1990-05-17"},
        {"name": " Ada ", "email": " ada@EXAMPLE.org", "phone": "+41 44 668 18 00"},
        {"location": HOME | {"country": "ch"}},
        {"channels": {"email": True, "sms": False, "push": None}},
        {"channels": {}},
        {"properties": {}},
        {"properties": {"set": {}, "unset": []}},
        {"properties": {"set": {"plan": "pro", "points": 7.0}, "setOnce": {"tags": []}}},
        {"properties": {"increment": {"points": 0}, "append": {"tags": ["vip"]}}},
        {"properties": {"remove": {"tags": ["old"], "none": ["x"]}, "unset": ["nothing"]}},
    ],
)  # fmt: skip
async def test_a_change_that_changes_nothing_leaves_version_and_time(api, ada, clock, changes):
    clock.now = LATER

    changed = await known(api, **changes)

    assert changed == ada


# ---------------------------------------------------------------- whom


@pytest.mark.parametrize("kind", ["id", "custom", "email", "google", "device"])
async def test_nobody_is_changed_unless_asked_to_create(api, kind):
    answer = await fault(api, UPDATE, user={kind: "x@example.org"}, changes={"name": "X"})

    assert answer == NOT_FOUND
    assert await api(COUNT) == 0


@pytest.mark.parametrize("user", [{"email": "x"}, {"custom": "null"}, {"phone": "1"}])
async def test_what_could_not_exist_finds_nobody_and_creates_nobody(api, user):
    finding = await fault(api, UPDATE, user=user, changes={})
    creating = await fault(api, UPDATE, user=user, changes={}, createIfMissing=True)

    (kind,) = user
    assert (finding, creating) == (NOT_FOUND, invalid("user", kind))


async def test_an_id_creates_nobody(api):
    answer = await fault(
        api, UPDATE, user={"id": "01KG9C2D000000000000000000"}, changes={}, createIfMissing=True
    )

    assert answer == NOT_FOUND


@pytest.mark.parametrize(
    ("user", "kind", "value"),
    [
        ({"custom": " Ada "}, "CUSTOM", "Ada"),
        ({"email": "ADA@example.org"}, "EMAIL", "ada@example.org"),
        ({"phone": "+41 44 668 18 00"}, "PHONE", "+41446681800"),
        ({"facebook": "f"}, "FACEBOOK", "f"),
        ({"google": "g"}, "GOOGLE", "g"),
        ({"device": "D1"}, "DEVICE", "D1"),
    ],
)
async def test_an_identity_that_is_nobodys_creates_a_person_with_it_alone(api, user, kind, value):
    created = await known(api, user, name="X")

    now = "2026-01-31T12:00:00.000Z"
    assert created["identities"] == [{"kind": kind, "value": value, "linkedAt": now}]
    assert (created["name"], created["version"]) == ("X", 1)


async def test_a_refused_change_creates_nobody(api):
    changes = {"name": "", "properties": {"set": {"a": 1}}}

    answer = await fault(api, UPDATE, user=ADA, changes=changes, createIfMissing=True)

    assert answer == invalid("changes", "name")
    assert (await api(COUNT), await api(CATALOG)) == (0, {"properties": [], "events": []})


@pytest.mark.parametrize(
    "user", [{}, {"id": "a", "custom": "b"}, {"custom": None}, {"custom": None, "id": "a"}, None]
)
async def test_a_person_is_named_in_exactly_one_way(api, user):
    answer = await error(api, UPDATE, user=user, changes={})

    assert answer["extensions"] == {"code": "INVALID_INPUT"}


# ---------------------------------------------------------------- version


async def test_each_change_is_a_version(api, clock):
    first = await known(api, name="Ada")
    clock.now = LATER

    second = await known(api, name="Eva")

    assert second == first | {"name": "Eva", "version": 2, "updatedAt": SHOWN_LATER}


@pytest.mark.parametrize("expected", [{}, {"expectedVersion": None}, {"expectedVersion": 3}])
async def test_the_expected_version_is_changed(api, ada, expected):
    answer = await api(UPDATE, user=ADA, changes={"name": "Eva"}, **expected)

    assert (answer["user"]["name"], answer["user"]["version"]) == ("Eva", 4)


@pytest.mark.parametrize("version", [-(2**31), -1, 0, 2, 4, 2**31 - 1])
@pytest.mark.parametrize("changes", [{"name": "Eva"}, {}])
async def test_another_version_is_a_conflict(api, ada, version, changes):
    answer = await fault(api, UPDATE, user=ADA, changes=changes, expectedVersion=version)

    assert answer == conflict(3)
    assert await api(USER, by=ADA) == ada


# ---------------------------------------------------------------- idempotency


@pytest.mark.parametrize("expected", [{}, {"expectedVersion": 3}, {"expectedVersion": 99}])
async def test_a_repeat_answers_the_person_as_they_now_are(api, ada, expected):
    await api(UPDATE, user=ADA, changes={"name": "Eva"}, idempotencyKey="k", expectedVersion=3)
    now = await known(api, name="Zoe")

    answer = await api(UPDATE, user=ADA, changes={"name": "Eva"}, idempotencyKey="k", **expected)

    assert answer["user"] == now


async def test_a_repeat_is_one_whatever_it_says(api, ada):
    first = await api(
        UPDATE, user=ADA, changes={"properties": {"increment": {"points": 1}}}, idempotencyKey="k"
    )

    again = await api(
        UPDATE, user=ADA, changes={"properties": {"increment": {"points": 9}}}, idempotencyKey="k"
    )

    assert again == first
    assert again["user"]["properties"]["points"] == 8


async def test_a_change_that_changes_nothing_uses_its_key_up(api, ada):
    await api(UPDATE, user=ADA, changes={"name": "Ada"}, idempotencyKey="k")

    answer = await api(UPDATE, user=ADA, changes={"name": "Eva"}, idempotencyKey="k")

    assert answer["user"] == ada


async def test_a_creation_is_repeated_harmlessly(api):
    variables = {"user": ADA, "createIfMissing": True, "idempotencyKey": "k"}
    first = await api(UPDATE, changes={"name": "Ada"}, **variables)

    again = await api(UPDATE, changes={"name": "Eva"}, **variables)

    assert again == first
    assert await api(COUNT) == 1


@pytest.mark.parametrize(
    "refused",
    [
        {"changes": {"name": ""}},
        {"changes": {"properties": {"increment": {"plan": 1}}}},
        {"changes": {"name": "Eva"}, "expectedVersion": 2},
    ],
)
async def test_a_refused_call_uses_up_no_key(api, ada, refused):
    await fault(api, UPDATE, user=ADA, idempotencyKey="k", **refused)

    answer = await api(UPDATE, user=ADA, changes={"name": "Eva"}, idempotencyKey="k")

    assert answer["user"]["name"] == "Eva"


async def test_keys_belong_to_one_person(api):
    await known(api)
    await known(api, EVA)
    await api(UPDATE, user=ADA, changes={"name": "Ada"}, idempotencyKey="k")

    answer = await api(UPDATE, user=EVA, changes={"name": "Eva"}, idempotencyKey="k")

    assert answer["user"]["name"] == "Eva"


async def test_without_a_key_a_repeat_happens_again(api, ada):
    by_one = {"properties": {"increment": {"points": 1}}}
    await api(UPDATE, user=ADA, changes=by_one, idempotencyKey=None)

    answer = await api(UPDATE, user=ADA, changes=by_one)

    assert answer["user"]["properties"]["points"] == 9


async def test_the_last_64_keys_are_remembered(api):
    await known(api)
    document = "mutation {" + "\n".join(_step(number) for number in range(65)) + "}"
    await api.raw(document)

    second = await api(UPDATE, user=ADA, changes={"name": "again"}, idempotencyKey="k1")
    first = await api(UPDATE, user=ADA, changes={"name": "again"}, idempotencyKey="k0")

    assert (second["user"]["name"], second["user"]["version"]) == ("n64", 66)
    assert (first["user"]["name"], first["user"]["version"]) == ("again", 67)


def _step(number):
    return f"""
      u{number}: userUpdate(
        user: {{custom: "ada"}}, changes: {{name: "n{number}"}}, idempotencyKey: "k{number}"
      ) {{ __typename }}"""


async def test_a_key_has_up_to_128_characters(api, ada):
    empty = await fault(api, UPDATE, user=ADA, changes={"name": "E"}, idempotencyKey="")
    long = await fault(api, UPDATE, user=ADA, changes={"name": "E"}, idempotencyKey="é" * 129)
    unchanged = await api(USER, by=ADA)
    fits = await api(UPDATE, user=ADA, changes={"name": "E"}, idempotencyKey="é" * 128)

    assert empty == invalid("idempotencyKey")
    assert long == exceeded(128, "idempotencyKey")
    assert unchanged == ada
    assert fits["user"]["name"] == "E"


# ---------------------------------------------------------------- contact and identity


async def test_contact_addresses_may_be_shared_and_touch_no_identity(api, ada):
    changed = await known(api, email="new@example.org", phone="+41446681801")
    await known(api, EVA, email="new@example.org", phone="+41446681801")

    assert changed["identities"] == ada["identities"]
    assert await api(USER, by={"email": "ada@example.org"}) == changed
    assert await api(USER, by={"email": "new@example.org"}) is None


async def test_aliases_change_one_after_the_other(api):
    document = """mutation {
      a: userUpdate(user: {custom: "ada"}, createIfMissing: true, changes: {name: "A"}) { ...V }
      b: userUpdate(user: {custom: "ada"}, changes: {name: ""}) { ...V }
      c: userUpdate(user: {custom: "ada"}, changes: {name: "C"}) { ...V }
    }
    fragment V on UserUpdateResult { __typename ... on UserUpdatePayload { user { version } } }"""

    answer = await api.raw(document)

    assert answer == {
        "data": {
            "a": {"__typename": "UserUpdatePayload", "user": {"version": 1}},
            "b": {"__typename": "InvalidInputError"},
            "c": {"__typename": "UserUpdatePayload", "user": {"version": 2}},
        }
    }
