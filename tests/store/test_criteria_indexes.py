"""Which declared index each kind of criterion can use on MongoDB, and which can use none."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from app.domain.criteria_input import parse_criteria
from app.domain.windows import Moment
from app.store.mongo.collections import INDEXES
from app.store.mongo.criteria import compiled
from tests.builders import HERE, LIMITS, NOON

MOMENT: Final = Moment(NOON, ZoneInfo("UTC"))
LEADING: Final = [
    (next(iter(index.document["key"])), index.document["name"]) for index in INDEXES["users"]
]
"""The field with which each index begins, and the index's name."""

NARROWING: Final = {"$in", "$gt", "$gte", "$lt", "$lte", "$regex", "$all", "$size"}


def indexes_of(condition: dict[str, Any], within: str = "") -> set[str]:
    """Return the indexes that narrow a filter down; an `$or` needs one for each alternative."""
    found: set[str] = set()
    for field, value in condition.items():
        if field == "$and":
            found = found.union(*(indexes_of(part) for part in value))
        elif field == "$or":
            alternatives = [indexes_of(part) for part in value]
            found |= set().union(*alternatives) if all(alternatives) else set()
        elif field != "$nor":
            found |= _of_field(within + field, value)
    return found


def _of_field(field: str, value: Any) -> set[str]:
    if isinstance(value, dict) and "$elemMatch" in value:
        return indexes_of(value["$elemMatch"], f"{field}.")
    narrows = not isinstance(value, dict) or not NARROWING.isdisjoint(value)
    return {name for leading, name in LEADING if narrows and leading == field}


def prop(name: str, **filter: Any) -> dict[str, Any]:
    return {"property": {"name": name, "is": filter}}


def did(**more: Any) -> dict[str, Any]:
    return {"did": {"name": "V", **more}}


def used(raw: dict[str, Any]) -> set[str]:
    criterion = parse_criteria(raw, HERE, LIMITS, {"s": {"age": {"min": 25}}})
    return indexes_of(compiled(criterion, MOMENT).possible)


@pytest.mark.parametrize(
    ("raw", "index"),
    [
        ({"type": ["CUSTOMER"]}, "by_event"),
        ({"age": {"min": 25, "max": 30}}, "by_birthday"),
        ({"language": ["de"]}, "by_language"),
        ({"location": {"country": ["CH"], "city": ["Bern"]}}, "by_place"),
        ({"identity": {"kind": "EMAIL"}}, "by_identity"),
        ({"identity": {"kind": "EMAIL", "value": "a@example.org"}}, "by_identity"),
        ({"createdAt": {"lastDays": 1}}, "by_createdAt"),
        ({"segment": "s"}, "by_birthday"),
        (did(), "by_event"),
        (did(during={"lastDays": 30}, count={"min": 2}), "by_event"),
        (did(where=[{"name": "p", "is": {"exists": True}}]), "by_event"),
        (did(sum={"property": "n", "min": 1}), "by_event"),
        *((prop("p", **{kind: "x"}), "by_property") for kind in ("equals", "gt", "lte")),
        (prop("p", **{"in": [1, "x"]}), "by_property"),
        (prop("p", between=[1, 2]), "by_property"),
        (prop("p", within={"lastDays": 2}), "by_property"),
        (prop("p", exists=True), "by_property"),
        *((prop(name, equals="x"), f"by_{name}") for name in ("name", "email", "phone")),
        (prop("birthday", within={"on": "2000-01-01"}), "by_birthday"),
    ],
)
def test_an_index_narrows_down(raw: dict[str, Any], index: str):
    assert index in used(raw)


@pytest.mark.parametrize("kind", ["contains", "startsWith"])
def test_folded_text_has_an_index(kind: str):
    assert {"properties.k", "properties.f"} in [
        set(index.document["key"]) for index in INDEXES["users"]
    ]
    assert used(prop("p", **{kind: "x"}))


@pytest.mark.parametrize(
    "raw",
    [
        {"all": []},
        {"type": ["ANONYMOUS"]},
        {"type": ["ADDRESSABLE"]},
        {"gender": ["OTHER"]},
        {"location": {"region": ["ZH"]}},
        {"location": {"city": ["Bern"]}},
        {"location": {"near": {"latitude": 0, "longitude": 0, "radiusMetres": 9}}},
        {"reachableBy": "EMAIL"},
        {"reachableBy": "PUSH"},
        {"lastSeenAt": {"lastDays": 1}},  # alone; but `state`, always given, leads to it
        {"didNot": {"name": "V"}},
        did(count={"max": 2}),
        did(sum={"property": "n", "max": 2}),
        {"not": {"age": {"min": 25}}},
        {"any": [{"age": {"min": 25}}, {"gender": ["OTHER"]}]},
        prop("p", notEquals=1),
        prop("timezone", equals="UTC"),
        prop("email", contains="x"),
        prop("name", startsWith="x"),
    ],
)
def test_these_look_at_everybody(raw: dict[str, Any]):
    assert used(raw) == set()


def test_last_seen_has_the_index_of_its_order():
    keys = [list(index.document["key"]) for index in INDEXES["users"]]

    assert ["state", "lastSeenAt", "_id"] in keys


def test_one_narrow_part_is_enough_for_all():
    assert used({"all": [{"gender": ["OTHER"]}, {"age": {"min": 25}}]}) == {"by_birthday"}
