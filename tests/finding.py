"""People to be found, and questions about them, for tests that draw both."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.domain.criteria_input import to_json
from app.domain.devices import Device
from app.domain.events import Event
from app.domain.fields import Gender, Location
from app.domain.reach import Channel, Choice
from app.domain.times import show_instant
from app.domain.user import User, recorded
from app.domain.windows import Moment
from tests.builders import LIMITS, NOON, device, event, linked_identity, push, user

ROOM: Final = LIMITS.model_copy(update={"embedded_events": 4})
TICK: Final = timedelta(milliseconds=1)

# ---------------------------------------------------------------- what there is to find

ZONES: Final = [ZoneInfo(name) for name in ("UTC", "Pacific/Auckland", "America/St_Johns")]
LEAP: Final = datetime(2024, 2, 29, 12, tzinfo=UTC)
NOWS: Final = [
    NOON,
    LEAP,
    LEAP + timedelta(days=365),
    LEAP + timedelta(days=366),
    datetime(2026, 3, 8, 12, tzinfo=UTC),  # St John's turns its clocks forward
    datetime(2026, 4, 4, 14, 30, tzinfo=UTC),  # Auckland turns its clocks back
    datetime(2010, 11, 7, 3, tzinfo=UTC),  # St John's has midnight twice
]
_EDGES: Final = [
    *NOWS,
    *(Moment(now, zone).midnight(Moment(now, zone).today) for now in NOWS for zone in ZONES),
    NOON - timedelta(days=2),
    NOON - timedelta(hours=1),
]
INSTANTS: Final = sorted({edge + step for edge in _EDGES for step in (-TICK, 0 * TICK, TICK)})
DAYS: Final = sorted({edge.date() + timedelta(days=step) for edge in _EDGES for step in (-1, 0, 1)})
BIRTHDAYS: Final = [
    date(2000, 2, 28), date(2000, 2, 29), date(2000, 3, 1), date(1996, 2, 29), date(2001, 1, 31),
    date(2001, 2, 1), date(2024, 2, 29), date(1901, 1, 1),
]  # fmt: skip
# None is beyond the first 65 536 characters: mongo-java-server orders those by UTF-16.
TEXTS: Final = [
    "", "straße", "STRASSE", "Straße 1", "ss", "İstanbul", "i̇stanbul", "ΐ", "ΐ", "a.b*c", "a",
    "A", "%_", "^x$", "zürich", "1", "true", "a\nb", "\uffff", "2024-02-29", "Σς", "[", "\\", "'",
]  # fmt: skip
NUMBERS: Final = [0.0, -1.5, 1.0, 2.0, 1e308, float(2**53)]
LISTS: Final = [(), ("a",), ("a", "b"), ("b", "a"), ("STRASSE",), ("",), ("straße", "x"), ("1",)]
VALUES: Final = [*TEXTS, *NUMBERS, True, False, *LISTS]
NAMES: Final = ["p", "q", "$where", "a.b"]
EVENTS: Final = ["Charged", "Added To Cart", "V"]
EMAILS: Final = ["Ada@example.org", "eva@example.org"]
PHONE: Final = "+41446681800"
PLACES: Final = [
    Location(country="CH", region="ZH", city="Zürich", latitude=47.37, longitude=8.54),
    Location(country="DE", city="STRASSE"),
    Location(country="NZ", latitude=-36.85, longitude=179.99),
    Location(latitude=90.0, longitude=0.0),
    Location(city="straße", latitude=0.0, longitude=-180.0),
]
TAGS: Final = ["de", "de-CH", "den", "en-GB"]


def maybe(rng: random.Random, choices: Any) -> Any:
    """Return one of the choices, or None about every third time."""
    return None if rng.random() < 0.35 else rng.choice(choices)


def anything(rng: random.Random) -> Any:
    pool: Any = rng.choice([TEXTS, TEXTS, NUMBERS, [True, False], LISTS, DAYS, INSTANTS])
    return rng.choice(pool)


def somebody(rng: random.Random, number: int) -> User:
    keys = [f"custom:{number}"] if number % 3 else []
    keys += [f"email:u{number}@example.org"] if number % 4 == 1 else []
    devices: tuple[Device, ...] = ()
    if number % 5 == 0:
        keys.append(f"device:d{number}")
        devices = (device(id=f"d{number}", push=push() if number % 2 else None),)
    known = user(
        id=f"01KG9C2D{number:02d}",
        identified=bool(number % 3),
        photo_url=f"https://example.org/{number}",  # nothing asks for it; it tells who it is
        name=maybe(rng, TEXTS),
        email=maybe(rng, EMAILS),
        phone=maybe(rng, [PHONE]),
        birthday=maybe(rng, BIRTHDAYS),
        gender=maybe(rng, list(Gender)),
        language=maybe(rng, TAGS),
        timezone=maybe(rng, ["Europe/Zurich"]),
        location=maybe(rng, PLACES),
        identities=tuple(linked_identity(key) for key in keys),
        properties={name: anything(rng) for name in NAMES if rng.random() < 0.6},
        devices=devices,
        choices={
            channel: Choice(subscribed=rng.random() < 0.5, changed_at=NOON)
            for channel in Channel
            if rng.random() < 0.4
        },
        created_at=rng.choice(INSTANTS),
    )
    return recorded(known, deeds(rng, 3), frozenset(), NOON, ROOM).user


def deeds(rng: random.Random, most: int) -> list[Event]:
    """Return some events, of which two people may have the same ones."""
    return [
        event(
            id=f"e{rng.randrange(60)}",
            name=rng.choice(EVENTS),
            at=rng.choice(INSTANTS),
            properties={name: anything(rng) for name in ("p", "amount") if rng.random() < 0.7},
        )
        for _ in range(rng.randint(0, most))
    ]


# ---------------------------------------------------------------- what can be asked

a_day = st.sampled_from([*DAYS, date.min, date.max]).map(date.isoformat)
an_instant = st.sampled_from(INSTANTS).map(show_instant)
a_text = st.sampled_from([*TEXTS, "S", "i", "̇", "B", "tra"])
windows = st.one_of(
    st.sampled_from([0, 1, 2, 30, 4000]).map(lambda days: {"lastDays": days}),
    st.sampled_from(["PT0S", "PT1H", "P2D", "P1W", "P4000D"]).map(lambda last: {"last": last}),
    a_day.map(lambda day: {"on": day}),
    st.tuples(a_day, a_day).map(lambda ends: {"between": {"from": min(ends), "to": max(ends)}}),
    an_instant.map(lambda at: {"before": at}),
    an_instant.map(lambda at: {"since": at}),
)
ordered = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    a_day.map(lambda day: {"date": day}),
    an_instant.map(lambda at: {"dateTime": at}),
)
a_value = ordered | st.booleans() | st.sampled_from(LISTS).map(list)


@st.composite
def between(draw: st.DrawFn) -> dict[str, Any]:
    pool: Any = draw(st.sampled_from([TEXTS, NUMBERS, DAYS, INSTANTS]))
    ends = sorted(draw(st.tuples(st.sampled_from(pool), st.sampled_from(pool))))
    wrap = {id(DAYS): "date", id(INSTANTS): "dateTime"}.get(id(pool))
    plain = [to_json(end) for end in ends]
    return {"between": [{wrap: end} for end in plain] if wrap else plain}


filters = st.one_of(
    st.sampled_from(["equals", "notEquals"]).flatmap(
        lambda kind: a_value.map(lambda value: {kind: value})
    ),
    st.sampled_from(["in", "notIn"]).flatmap(
        lambda kind: st.lists(a_value, max_size=3).map(lambda values: {kind: values})
    ),
    st.sampled_from(["contains", "notContains", "startsWith"]).flatmap(
        lambda kind: a_text.map(lambda text: {kind: text})
    ),
    st.sampled_from(["gt", "gte", "lt", "lte"]).flatmap(
        lambda kind: ordered.map(lambda value: {kind: value})
    ),
    st.booleans().map(lambda given: {"exists": given}),
    between(),
    windows.map(lambda window: {"within": window}),
)


def ranges(pool: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    ends = st.tuples(st.sampled_from(pool), st.sampled_from(pool)).map(sorted)
    return st.one_of(
        st.sampled_from(pool).map(lambda low: {"min": low}),
        st.sampled_from(pool).map(lambda high: {"max": high}),
        ends.map(lambda both: {"min": both[0], "max": both[1]}),
    )


properties = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*NAMES, "name", "email", "phone", "timezone", "birthday", "zz"]),
        "is": filters,
    }
)
deed = st.fixed_dictionaries(
    {"name": st.sampled_from([*EVENTS, "addedtocart", "never"])},
    optional={
        "where": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(["p", "amount"]), "is": filters}),
            max_size=2,
        ),
        "during": windows,
    },
)
counted = st.one_of(
    st.just({}),
    ranges([0, 1, 2, 3, 6]).map(lambda bounds: {"count": bounds}),
    ranges([-1.5, 0.0, 1.0, 2.5]).map(lambda bounds: {"sum": {"property": "amount", **bounds}}),
)
deeds_asked = st.tuples(deed, counted).map(lambda parts: parts[0] | parts[1])
circles = st.builds(
    lambda place, radius: {"latitude": place[0], "longitude": place[1], "radiusMetres": radius},
    st.sampled_from([(47.37, 8.54), (-36.85, -179.99), (89.9, 180.0), (0.0, 180.0), (47.0, 8.0)]),
    st.sampled_from([0.0, 1.0, 2_000.0, 6e4, 1.2e7, 2.1e7, 1e300]),
)
places = st.fixed_dictionaries(
    {},
    optional={
        "country": st.lists(st.sampled_from(["ch", "DE"]), max_size=2),
        "region": st.lists(st.sampled_from(["zh", "ZH "]), max_size=2),
        "city": st.lists(st.sampled_from(["ZÜRICH", "Straße", "x"]), max_size=2),
        "near": circles,
    },
).filter(bool)
identities = st.sampled_from(
    [
        {"kind": "CUSTOM"},
        {"kind": "DEVICE"},
        {"kind": "PHONE", "value": None},
        {"kind": "CUSTOM", "value": "1"},
        {"kind": "EMAIL", "value": "U13@Example.org"},
        {"kind": "EMAIL", "value": "nobody@example.org"},
    ]
)


def named(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {kind: value})


def some(*members: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(members), max_size=2, unique=True)


leaves = st.one_of(
    named("property", properties),
    named("property", properties),
    named("did", deeds_asked),
    named("did", deeds_asked),
    named("didNot", deeds_asked),
    named("type", some("ANONYMOUS", "ADDRESSABLE", "CUSTOMER")),
    named("age", ranges([-1, 0, 1, 23, 24, 25, 26, 150])),
    named("gender", some("FEMALE", "MALE", "OTHER")),
    named("language", some("de", "DE-ch", "en")),
    named("location", places),
    named("identity", identities),
    named("reachableBy", st.sampled_from(["EMAIL", "PUSH", "SMS", "WHATSAPP"])),
    named("createdAt", windows),
    named("lastSeenAt", windows),
    st.sampled_from(["s1", "s2"]).map(lambda id: {"segment": id}),
)


@st.composite
def leaf(draw: st.DrawFn) -> Any:
    """Draw one criterion; it keeps Hypothesis from writing all of `leaves` out."""
    return draw(leaves)


criteria = st.recursive(
    leaf(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
SEGMENTS: Final = {
    "s1": {"any": [{"age": {"min": 24}}, {"not": {"property": {"name": "p", "is": {"gt": 0}}}}]},
    "s2": {"all": [{"not": {"segment": "s1"}}, {"did": {"name": "V", "during": {"lastDays": 2}}}]},
}
moments = st.builds(Moment, st.sampled_from(NOWS), st.sampled_from(ZONES))
