"""The standard fields of a person, and what each accepts."""

from datetime import date

import pytest

from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.fields import Gender, Location, parse_field
from tests.builders import HERE, LIMITS

TODAY = date(2026, 1, 31)
TEXT_FIELDS = ["name", "email", "phone", "birthday", "language", "timezone", "photoUrl"]
LABEL = "b" * 61


def read(name, raw, today=TODAY):
    return parse_field(name, raw, HERE, today, LIMITS)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("name", " Ada\u3000", "Ada"),
        ("name", "é" * 256, "é" * 256),
        ("email", " Ada.Byron@BÜCHER.ch ", "Ada.Byron@xn--bcher-kva.ch"),
        ("phone", "+41 44 668 18 00", "+41446681800"),
        ("birthday", "2000-02-29", date(2000, 2, 29)),
        ("birthday", date(2000, 2, 29), date(2000, 2, 29)),
        ("gender", "FEMALE", Gender.FEMALE),
        ("gender", Gender.OTHER, Gender.OTHER),
        ("language", "de", "de"),
        ("language", " DE-ch ", "de-CH"),
        ("language", "zh-hans-cn", "zh-Hans-CN"),
        ("language", "de-1996", "de-1996"),
        ("language", "en-US-u-ca-gregory", "en-US-u-ca-gregory"),
        ("timezone", " Europe/Zurich ", "Europe/Zurich"),
        ("timezone", "UTC", "UTC"),
        ("photoUrl", "http://example.org", "http://example.org"),
        ("photoUrl", "HTTPS://example.org/ä.png?q#f", "HTTPS://example.org/ä.png?q#f"),
        ("photoUrl", "https://x.org/" + "a" * 2_034, "https://x.org/" + "a" * 2_034),
        ("photoUrl", "https://x.org/" + "é" * 2_034, "https://x.org/" + "é" * 2_034),
    ],
)
def test_a_field_takes(name, raw, value):
    assert read(name, raw) == value


@pytest.mark.parametrize("name", [*TEXT_FIELDS, "gender", "location"])
def test_null_clears(name):
    assert read(name, None) is None


@pytest.mark.parametrize("raw", ["", " ", "\u3000\n"])
@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_empty_text_is_refused(name, raw):
    with pytest.raises(InvalidInput, match="empty; null clears") as refused:
        read(name, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("name", "raw", "fault"),
    [
        ("email", "ada", "no e-mail"),
        ("email", "ada@localhost", "no e-mail"),
        ("email", "ada@example.test", "no e-mail"),
        ("email", f"{'a' * 65}@{LABEL}.{LABEL}.{LABEL}.org", "254"),
        ("phone", "044 668 18 00", "country code"),
        ("phone", "+41 44 668 18 00 x7", "extension"),
        ("phone", "+41 44", "length"),
        ("birthday", "2023-02-29", "no day"),
        ("birthday", "yesterday", "no day"),
        ("gender", "female", "FEMALE, MALE, OTHER"),
        ("gender", ["FEMALE"], "FEMALE, MALE, OTHER"),
        ("language", "german", "BCP 47"),
        ("language", "de_CH", "BCP 47"),
        ("language", "xx", "BCP 47"),
        ("language", "de-", "BCP 47"),
        ("timezone", "Europe/Bern", "IANA"),
        ("timezone", "+02:00", "IANA"),
        ("timezone", "localtime", "IANA"),
        ("timezone", "../UTC", "IANA"),
        ("photoUrl", "example.org/a.png", "http"),
        ("photoUrl", "ftp://example.org/a.png", "http"),
        ("photoUrl", "javascript:alert(1)", "http"),
        ("photoUrl", "data:image/png;base64,AA", "http"),
        ("photoUrl", "https://", "http"),
        ("photoUrl", "https://exa mple.org", "http"),
        ("name", "A\0", r"U\+0000"),
        ("name", "\ud800", "surrogate"),
    ],
)
def test_a_field_refuses(name, raw, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read(name, raw)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("name", "raw", "limit"),
    [
        ("name", "é" * 256 + "a", 512),
        ("photoUrl", "https://x.org/" + "a" * 2_035, 2_048),
    ],
)
def test_a_longer_field_is_refused(name, raw, limit):
    with pytest.raises(LimitExceeded, match=str(limit)) as refused:
        read(name, raw)

    assert (refused.value.path, refused.value.limit) == (HERE, limit)


def test_a_language_tag_is_not_as_long_as_one_likes():
    with pytest.raises((InvalidInput, LimitExceeded)):
        read("language", "de-x" + "-private" * 100_000)


@pytest.mark.parametrize(
    ("today", "birthday"),
    [
        (TODAY, date(2026, 1, 31)),
        (TODAY, date(1876, 1, 31)),
        (date(2024, 2, 29), date(1874, 3, 1)),
    ],
)
def test_a_birthday_is_at_most_150_calendar_years_ago(today, birthday):
    assert read("birthday", birthday, today) == birthday


@pytest.mark.parametrize(
    ("today", "birthday", "fault"),
    [
        (TODAY, date(2026, 2, 1), "future"),
        (TODAY, date(1876, 1, 30), "150 years"),
        (date(2024, 2, 29), date(1874, 2, 27), "150 years"),
        (TODAY, date(1, 1, 1), "150 years"),
        (TODAY, date(9999, 12, 31), "future"),
    ],
)
def test_another_birthday_is_refused(today, birthday, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read("birthday", birthday, today)

    assert refused.value.path == HERE


@pytest.mark.parametrize(
    ("raw", "location"),
    [
        ({"country": " ch "}, Location(country="CH")),
        ({"city": " Bern ", "region": "BE"}, Location(city="Bern", region="BE")),
        ({"city": "é" * 256}, Location(city="é" * 256)),
        ({"latitude": 90, "longitude": -180}, Location(latitude=90, longitude=-180)),
        ({"latitude": -90, "longitude": 180}, Location(latitude=-90, longitude=180)),
        ({"latitude": 0.0, "longitude": 0.0}, Location(latitude=0, longitude=0)),
        ({"country": "CH", "latitude": None, "longitude": None}, Location(country="CH")),
    ],
)
def test_a_location_is_read(raw, location):
    assert read("location", raw) == location


@pytest.mark.parametrize(
    ("raw", "path", "fault"),
    [
        ({"country": "CHE"}, ("country",), "3166"),
        ({"country": "XX"}, ("country",), "3166"),
        ({"country": "UK"}, ("country",), "3166"),
        ({"country": "ß"}, ("country",), "3166"),
        ({"country": "ﬁ"}, ("country",), "3166"),
        ({"country": ""}, ("country",), "empty"),
        ({"country": " "}, ("country",), "empty"),
        ({"region": ""}, ("region",), "empty"),
        ({"city": " "}, ("city",), "empty"),
        ({"city": "a\0"}, ("city",), r"U\+0000"),
        ({"latitude": 90.1, "longitude": 0}, ("latitude",), "-90 to 90"),
        ({"latitude": -90.1, "longitude": 0}, ("latitude",), "-90 to 90"),
        ({"latitude": 0, "longitude": 180.1}, ("longitude",), "-180 to 180"),
        ({"latitude": 0, "longitude": -180.1}, ("longitude",), "-180 to 180"),
        ({"latitude": float("nan"), "longitude": 0}, ("latitude",), "-90 to 90"),
        ({"latitude": 0, "longitude": float("inf")}, ("longitude",), "-180 to 180"),
        ({"latitude": 1}, (), "together"),
        ({"longitude": 1, "latitude": None}, (), "together"),
    ],
)
def test_a_location_refuses(raw, path, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read("location", raw)

    assert refused.value.path == (*HERE, *path)


@pytest.mark.parametrize("part", ["region", "city"])
def test_a_longer_place_is_refused(part):
    with pytest.raises(LimitExceeded, match="512 bytes") as refused:
        read("location", {part: "a" * 513})

    assert (refused.value.path, refused.value.limit) == ((*HERE, part), 512)
