"""Criteria as MongoDB filters. What a client sent is only ever a value in them, or escaped."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from app.domain import criteria as c
from app.domain.due import is_timeless
from app.domain.properties import PropertyKind, PropertyValue, kind_of
from app.domain.reach import CHARGED, Channel, ProfileType
from app.domain.repetition import kept_by_text
from app.domain.windows import Moment, Span, span_of
from app.store import bounds
from app.store.bounds import Bounds, Total, exact
from app.store.document import Document

Filter = Document

EVERYONE: Final[Filter] = {}
NOBODY: Final[Filter] = {"_id": {"$in": []}}


class _Filters:
    """Logic over filters, simplified where one side is everyone or nobody."""

    everyone = EVERYONE
    nobody = NOBODY

    def both(self, conditions: Iterable[Filter]) -> Filter:
        parts = [part for part in conditions if part != EVERYONE]
        if NOBODY in parts:
            return NOBODY
        return {"$and": parts} if len(parts) > 1 else (parts[0] if parts else EVERYONE)

    def either(self, conditions: Iterable[Filter]) -> Filter:
        parts = [part for part in conditions if part != NOBODY]
        if EVERYONE in parts:
            return EVERYONE
        return {"$or": parts} if len(parts) > 1 else (parts[0] if parts else NOBODY)

    def negated(self, condition: Filter) -> Filter:
        if condition == EVERYONE:
            return NOBODY
        return EVERYONE if condition == NOBODY else {"$nor": [condition]}

    def total(self, key: str, alternatives: Sequence[Total]) -> Filter:
        as_asked = self.either(_of_total(each) for each in alternatives)
        return {"activity": {"$elemMatch": {"key": key} | as_asked}}


def _of_total(total: Total) -> Filter:
    """Return what has to be true of a total."""
    limits = {
        "count": _range(total.count.low, total.count.high) if total.count else {},
        "firstAt": _span(total.first_at) if total.first_at else {},
        "lastAt": _span(total.last_at) if total.last_at else {},
    }
    return {field: limit for field, limit in limits.items() if limit}


_LOGIC: Final = _Filters()


def compiled(criterion: c.Criterion, moment: Moment) -> Bounds[Filter]:
    """Return the filters for whom a criterion may be true of, and whom it surely is."""
    if is_timeless(criterion):
        return _compiled_once(criterion, bounds.ANY_MOMENT)
    return _compiled(criterion, moment)


def _compiled(criterion: c.Criterion, moment: Moment) -> Bounds[Filter]:
    return bounds.compiled(_LOGIC, criterion, moment, _leaf)


_compiled_once = kept_by_text(_compiled)


def _leaf(criterion: c.Leaf, moment: Moment) -> Bounds[Filter]:
    if isinstance(criterion, c.LivesIn):
        return _lives_in(criterion)
    return exact(_exactly(criterion, moment))


def _exactly(
    criterion: c.HasType
    | c.HasAge
    | c.HasGender
    | c.Speaks
    | c.HasIdentity
    | c.IsReachableBy
    | c.HasProperty
    | c.WasCreated
    | c.WasSeen,
    moment: Moment,
) -> Filter:
    match criterion:
        case c.HasType(types):
            return _LOGIC.either(_TYPES[type] for type in types)
        case c.HasAge(ages):
            after, until = bounds.birthdays(ages, moment.today)
            return {"birthday": _given({"$gt": after, "$lte": until})}
        case c.HasGender(genders):
            return {"gender": {"$in": sorted(genders)}}
        case c.Speaks(tags):
            # "." follows "-": all that begins with the tag and a hyphen lies between.
            narrower = ({"language": {"$gte": f"{tag}-", "$lt": f"{tag}."}} for tag in sorted(tags))
            return _LOGIC.either([{"language": {"$in": sorted(tags)}}, *narrower])
        case c.HasIdentity(kind, None):
            return {"identities.kind": kind.value}
        case c.HasIdentity(kind, value):
            return {"identities": {"$elemMatch": {"kind": kind.value, "value": value}}}
        case c.IsReachableBy(channel):
            return _REACHABLE[channel]
        case c.HasProperty(name, value_filter):
            return _has_property(name, value_filter, moment)
        case c.WasCreated(window):
            return {"createdAt": _span(span_of(window, moment))}
        case c.WasSeen(window):
            return {"lastSeenAt": _span(span_of(window, moment))}


def _subscribed(channel: Channel, condition: Filter) -> Filter:
    return condition | {f"channels.{channel.value}.subscribed": {"$ne": False}}


_REACHABLE: Final[Mapping[Channel, Filter]] = {
    Channel.EMAIL: _subscribed(Channel.EMAIL, {"email": {"$ne": None}}),
    Channel.PUSH: _subscribed(Channel.PUSH, {"devices": {"$elemMatch": {"push": {"$ne": None}}}}),
    Channel.SMS: _subscribed(Channel.SMS, {"phone": {"$ne": None}}),
    Channel.WHATSAPP: _subscribed(Channel.WHATSAPP, {"phone": {"$ne": None}}),
}
_CHARGED: Final = _LOGIC.total(CHARGED, [Total()])
_CONTACTED: Final = _LOGIC.either([_REACHABLE[Channel.EMAIL], _REACHABLE[Channel.PUSH]])
_TYPES: Final[Mapping[ProfileType, Filter]] = {
    ProfileType.CUSTOMER: _CHARGED,
    ProfileType.ADDRESSABLE: _LOGIC.both([_LOGIC.negated(_CHARGED), _CONTACTED]),
    ProfileType.ANONYMOUS: {"$nor": [_CHARGED, _CONTACTED]},
}


# ---------------------------------------------------------------- places


def _lives_in(criterion: c.LivesIn) -> Bounds[Filter]:
    named = _LOGIC.both(
        {field: {"$in": sorted(wanted)}}
        for field, wanted in (
            ("location.country", criterion.countries),
            ("folded.region", criterion.regions),
            ("folded.city", criterion.cities),
        )
        if wanted is not None
    )
    if criterion.near is None:
        return exact(named)
    return Bounds(_LOGIC.both([named, _box(criterion.near)]), NOBODY)


def _box(circle: c.Circle) -> Filter:
    """Return the latitudes and longitudes between which a circle lies."""
    angle = circle.radius_m / c.EARTH_RADIUS_M * (1 + 1e-9) + 1e-9
    height = math.degrees(angle)
    low, high = circle.latitude - height, circle.latitude + height
    latitudes: Filter = {"location.latitude": {"$gte": low, "$lte": high}}
    if low <= -90 or high >= 90:
        return latitudes
    width = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(circle.latitude))))
    west, east = circle.longitude - width - 1e-9, circle.longitude + width + 1e-9
    spans = [(west, east), (west + 360, east + 360), (west - 360, east - 360)]
    around = ({"location.longitude": {"$gte": w, "$lte": e}} for w, e in spans)
    return _LOGIC.both([latitudes, _LOGIC.either(around)])


# ---------------------------------------------------------------- properties


def _has_property(name: str, value_filter: c.ValueFilter, moment: Moment) -> Filter:
    if name in c.STANDARD_NAMES:
        return _has_standard(name, value_filter, moment)
    conditions = (
        {"properties": {"$elemMatch": {"k": name, **condition}}}
        for condition in _value_conditions(value_filter, moment)
    )
    return _LOGIC.either(conditions)


def _has_standard(name: str, value_filter: c.ValueFilter, moment: Moment) -> Filter:
    kind = PropertyKind.DATE if name == "birthday" else PropertyKind.TEXT
    alternatives = []
    for condition in _value_conditions(value_filter, moment):
        if condition.get("t", kind.value) != kind.value:
            continue
        if "f" in condition:
            alternatives.append({f"folded.{name}": condition["f"]})
        else:
            alternatives.append({name: condition.get("v", {"$ne": None})})
    return _LOGIC.either(alternatives)


def _value_conditions(value_filter: c.ValueFilter, moment: Moment) -> list[Document]:
    """Return conditions on a stored property's `t`, `v` and `f`, one of which has to hold."""
    match value_filter:
        case c.Exists():
            return [{}]
        case c.OneOf(values):
            return [_equal(value) for value in values]
        case c.Contains(text):
            folded = text.casefold()
            return [
                {"t": PropertyKind.TEXT.value, "f": {"$regex": re.escape(folded)}},
                {"t": PropertyKind.TEXT_LIST.value, "f": folded},
            ]
        case c.StartsWith(text):
            return [
                {"t": PropertyKind.TEXT.value, "f": {"$regex": f"^{re.escape(text.casefold())}"}}
            ]
        case c.Compares(order, value):
            return [{"t": kind_of(value).value, "v": {f"${order.value}": _stored(value)}}]
        case c.Between(low, high):
            limits = {"$gte": _stored(low), "$lte": _stored(high)}
            return [{"t": kind_of(low).value, "v": limits}]
        case c.Within(window):
            span = span_of(window, moment)
            first, last = bounds.days_in(span, moment)
            days = {"$gte": first and first.isoformat(), "$lte": last and last.isoformat()}
            return [
                {"t": PropertyKind.DATE_TIME.value, "v": _span(span)},
                {"t": PropertyKind.DATE.value, "v": _given(days)},
            ]


def _equal(value: PropertyValue) -> Document:
    kind = kind_of(value).value
    if isinstance(value, tuple):
        whole = {"$size": len(value)} | ({"$all": list(value)} if value else {})
        return {"t": kind, "v": whole}
    return {"t": kind, "v": _stored(value)}


def _stored(value: PropertyValue) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


def _span(span: Span) -> Document:
    return _given({"$gte": span.start, "$lt": span.end})


def _range(low: float | None, high: float | None) -> Document:
    return _given({"$gte": low, "$lte": high})


def _given(limits: Mapping[str, Any]) -> Document:
    return {operator: limit for operator, limit in limits.items() if limit is not None}
