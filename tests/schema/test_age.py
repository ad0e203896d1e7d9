"""Age: turned when a day begins in the service's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.settings import Settings
from tests.api import Clock, serving
from tests.schema.documents import ADA, UPDATE, USER, fault, invalid, known

MS = timedelta(milliseconds=1)
EAST = "Pacific/Kiritimati"  # 14 hours ahead of UTC
WEST = "Pacific/Pago_Pago"  # 11 hours behind
AGE = 'query { user(by: {custom: "ada"}) { age } }'


@pytest.mark.parametrize("birthday", ["2000-02-29", "2000-03-01"])
@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", datetime(2026, 3, 1, tzinfo=UTC)),
        (EAST, datetime(2026, 2, 28, 10, tzinfo=UTC)),
        (WEST, datetime(2026, 3, 1, 11, tzinfo=UTC)),
    ],
)
async def test_in_a_common_year_1_march_makes_older(sqlite_url, birthday, zone, midnight):
    clock = Clock(midnight - MS)
    async with serving(Settings(database=sqlite_url, time_zone=ZoneInfo(zone)), clock) as api:
        await known(api, birthday=birthday)

        before = await api(AGE)
        clock.now = midnight
        after = await api(AGE)

        assert (before["age"], after["age"]) == (25, 26)


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", datetime(2028, 2, 29, tzinfo=UTC)),
        (EAST, datetime(2028, 2, 28, 10, tzinfo=UTC)),
        (WEST, datetime(2028, 2, 29, 11, tzinfo=UTC)),
    ],
)
async def test_in_a_leap_year_29_february_makes_older(sqlite_url, zone, midnight):
    clock = Clock(midnight - MS)
    async with serving(Settings(database=sqlite_url, time_zone=ZoneInfo(zone)), clock) as api:
        await known(api, birthday="2000-02-29")

        before = await api(AGE)
        clock.now = midnight
        after = await api(AGE)

        assert (before["age"], after["age"]) == (27, 28)


@pytest.mark.parametrize(
    ("zone", "noon", "today", "tomorrow"),
    [
        ("UTC", datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31", "2026-02-01"),
        (EAST, datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-02-01", "2026-02-02"),
        (WEST, datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-30", "2026-01-31"),
    ],
)
async def test_whoever_is_born_today_is_0_and_nobody_is_born_tomorrow(
    sqlite_url, zone, noon, today, tomorrow
):
    settings = Settings(database=sqlite_url, time_zone=ZoneInfo(zone))
    async with serving(settings, Clock(noon)) as api:
        born = await known(api, birthday=today)
        answer = await fault(api, UPDATE, user=ADA, changes={"birthday": tomorrow})

        assert born["age"] == 0
        assert answer == invalid("changes", "birthday")


@pytest.mark.parametrize(
    ("today", "oldest", "too_old"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), "1876-01-31", "1876-01-30"),
        (datetime(2028, 2, 29, tzinfo=UTC), "1878-02-28", "1878-02-27"),
    ],
)
async def test_150_calendar_years_are_the_oldest(sqlite_url, today, oldest, too_old):
    async with serving(Settings(database=sqlite_url), Clock(today)) as api:
        born = await known(api, birthday=oldest)
        answer = await fault(api, UPDATE, user=ADA, changes={"birthday": too_old})

        assert born["age"] == 150
        assert answer == invalid("changes", "birthday")


async def test_growing_older_is_no_change(api, ada, clock):
    clock.now = datetime(2026, 5, 17, tzinfo=UTC)

    older = await api(USER, by=ADA)

    assert older == ada | {"age": 36}


async def test_without_a_birthday_there_is_no_age(api):
    assert (await known(api))["age"] is None
