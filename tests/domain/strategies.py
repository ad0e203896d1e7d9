"""What Hypothesis draws: everything that the domain can hold, and everything that JSON can say."""

from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import reject
from hypothesis import strategies as st

from app.domain.changes import UserChanges
from app.domain.devices import Device, Platform, Push, PushService
from app.domain.errors import InvalidInput
from app.domain.events import Event, counted
from app.domain.fields import DERIVED_FIELDS, STANDARD_FIELDS, Gender, Location
from app.domain.identity import Identity, IdentityKind, LinkedIdentity, normalised
from app.domain.properties import (
    AnyOperation,
    Append,
    Increment,
    Properties,
    PropertyValue,
    Remove,
    Set,
    SetOnce,
    Unset,
)
from app.domain.reach import Channel, Choice
from app.domain.times import to_utc_ms
from app.domain.user import User
from tests.builders import HERE

_ODD: Final = "ßİıΐΰŉﬀσςΣ\u0301é👩\u200d\u200b\ufeff\u202e\U0010ffff\ud7ff\u00a0\t\n "
_STANDARD: Final = {name.casefold() for name in (*STANDARD_FIELDS, *DERIVED_FIELDS)}

# ---------------------------------------------------------------- values

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(_ODD),
    max_size=20,
)
names = (
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(_ODD.replace("\t\n", "")),
        min_size=1,
        max_size=20,
    )
    .map(str.strip)
    .filter(lambda name: name and name.casefold() not in _STANDARD)
)
numbers = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53).map(float)
    | st.sampled_from([1.0, 0.0, 1e308, 5e-324])
).map(lambda number: number + 0.0)
instants = st.datetimes(timezones=st.just(UTC)).map(to_utc_ms)
lists = st.lists(texts, max_size=5, unique=True).map(tuple)
values: st.SearchStrategy[PropertyValue] = st.one_of(
    texts, numbers, st.booleans(), st.dates(), instants, lists
)
properties: st.SearchStrategy[Properties] = st.dictionaries(names, values, max_size=5).map(
    lambda drawn: dict(sorted(drawn.items()))
)

json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**53 + 1, -0.0, float("inf"), float("nan")])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", "a\0", "2026-01-31", "2026-01-31T12:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["date", "dateTime", "name", "", "\ud800", "\0", "a"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)

# ---------------------------------------------------------------- operations

_few_names = st.sampled_from(["a", "b", "c"])
_few_texts = st.lists(st.sampled_from("xyz"), max_size=3, unique=True).map(tuple)
_few_values: st.SearchStrategy[PropertyValue] = st.one_of(
    st.sampled_from([True, False, 1.0, 0.0, "x", ""]), _few_texts, values
)
few_properties: st.SearchStrategy[Properties] = st.dictionaries(_few_names, _few_values)

repeatable: st.SearchStrategy[AnyOperation] = st.one_of(
    st.builds(Set, _few_names, st.just(HERE), _few_values),
    st.builds(SetOnce, _few_names, st.just(HERE), _few_values),
    st.builds(Append, _few_names, st.just(HERE), _few_texts),
    st.builds(Remove, _few_names, st.just(HERE), _few_texts),
    st.builds(Unset, _few_names, st.just(HERE)),
)
any_operation = repeatable | st.builds(Increment, _few_names, st.just(HERE), numbers)


def calls(operation: st.SearchStrategy[AnyOperation]) -> st.SearchStrategy[list[AnyOperation]]:
    """Draw what one call does: each property is named once."""
    return st.lists(operation, max_size=3, unique_by=lambda drawn: drawn.name)


user_changes = calls(any_operation).map(lambda drawn: UserChanges(operations=tuple(drawn)))

# ---------------------------------------------------------------- identities

_ascii = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,10}[A-Za-z0-9])?", fullmatch=True).filter(
    lambda local: ".." not in local
)
_local = st.text(
    st.sampled_from("aZ9.+_-ßİıΐΣςéñЖ中") | st.characters(categories=["L"]), max_size=64
)
_domain = st.sampled_from(
    ["example.org", "EXAMPLE.org", "BÜCHER.ch", "xn--bcher-kva.ch", "faß.de", "例え.jp", "x。org"]
)
ascii_emails = st.builds("{}@{}".format, _ascii, _domain)
phones = st.from_regex(r"\+[1-9][0-9]{6,13}", fullmatch=True)
spellings: dict[IdentityKind, st.SearchStrategy[str]] = {
    IdentityKind.EMAIL: ascii_emails | st.builds("{}@{}".format, _local, _domain),
    IdentityKind.PHONE: phones,
    IdentityKind.CUSTOM: texts,
    IdentityKind.FACEBOOK: texts,
    IdentityKind.GOOGLE: texts,
    IdentityKind.DEVICE: texts,
}


def identities_of(kind: IdentityKind, spelling: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Draw a spelling that is an identity, together with that identity."""

    def read(text: str) -> tuple[str, Identity]:
        try:
            return text, normalised(kind, text, HERE, test_mail_domains=False)
        except InvalidInput:
            reject()

    return spelling.map(read)


# ---------------------------------------------------------------- people

few_events = st.builds(
    Event,
    id=st.sampled_from("abcdefghijklmnop"),
    name=st.sampled_from(["Viewed", "viewed", " V i e w e d", "Charged", "Straße", "STRASSE"]),
    at=st.sampled_from([datetime(2026, 1, 31, hour, tzinfo=UTC) for hour in range(5)]),
    properties=st.just({}),
)
events = st.builds(
    Event,
    id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
    name=names,
    at=instants,
    properties=properties,
    items=st.lists(properties, max_size=2).map(tuple),
)
_devices = st.builds(
    Device,
    id=names,
    platform=st.sampled_from(Platform),
    model=st.none() | texts,
    os_version=st.none() | texts,
    app_version=st.none() | texts,
    push=st.none() | st.builds(Push, service=st.sampled_from(PushService), token=names),
    last_seen_at=instants,
)
_locations = st.builds(
    Location,
    country=st.sampled_from([None, "CH"]),
    region=st.none() | names,
    city=st.none() | names,
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
)
_some_instant = st.none() | instants
_some_text = st.none() | names
users = st.builds(
    User,
    id=st.text("0123456789ABCDEF", min_size=26, max_size=26),
    version=st.integers(0, 2**31 - 1),
    identified=st.booleans(),
    name=_some_text,
    email=_some_text,
    phone=_some_text,
    birthday=st.none() | st.dates(),
    gender=st.sampled_from([None, *Gender]),
    language=_some_text,
    timezone=_some_text,
    photo_url=_some_text,
    location=st.none() | _locations,
    identities=st.lists(
        st.builds(
            LinkedIdentity, kind=st.sampled_from(IdentityKind), value=names, linked_at=instants
        ),
        max_size=3,
    ).map(tuple),
    properties=properties,
    devices=st.lists(_devices, max_size=2).map(tuple),
    choices=st.dictionaries(
        st.sampled_from(Channel),
        st.builds(Choice, subscribed=st.booleans(), changed_at=instants),
    ),
    activity=st.lists(events, max_size=3).map(lambda drawn: counted({}, drawn)),
    events=st.lists(events, max_size=3).map(tuple),
    archived=st.integers(0, 10**6),
    archived_until=_some_instant,
    absorbed=st.lists(names, max_size=2).map(tuple),
    request_ids=st.lists(names, max_size=2).map(tuple),
    record_ids=st.lists(names, max_size=2).map(tuple),
    created_at=instants,
    updated_at=instants,
    last_seen_at=_some_instant,
)
