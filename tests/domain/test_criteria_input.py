"""Criteria as clients write them: what is refused, and where the fault is."""

import pytest

from app.domain.criteria import All, Any, InSegment
from app.domain.criteria_input import parse_criteria, to_json
from app.domain.errors import InvalidInput, LimitExceeded
from tests.builders import HERE, LIMITS, NOON, TODAY


def parsed(raw, segments=None, chain=()):
    return parse_criteria(raw, HERE, LIMITS, segments or {}, chain)


def deep(levels):
    return {"all": []} if levels == 1 else {"not": deep(levels - 1)}


def chained(length):
    chain = {f"s{n}": {"segment": f"s{n + 1}"} for n in range(1, length)}
    return {**chain, f"s{length}": {"all": []}}


def did(**more):
    return {"did": {"name": "V", **more}}


def prop(**filter):
    return {"property": {"name": "p", "is": filter}}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"all": [{"createdAt": {"lastDays": -1}}]}, "all.0.createdAt.lastDays"),
        (
            {"not": {"lastSeenAt": {"between": {"from": "2026-02-02", "to": "2026-02-01"}}}},
            "not.lastSeenAt.between",
        ),
        (did(count={"min": 1}, sum={"property": "n", "min": 1}), "did.sum"),
        (did(count={"min": 2, "max": 1}), "did.count"),
        (did(count={}), "did.count"),
        (did(count={"min": None, "max": None}), "did.count"),
        (did(count={"min": -1}), "did.count.min"),
        (did(count={"max": -1}), "did.count.max"),
        (did(sum={"property": "n"}), "did.sum"),
        (did(sum={"property": "n", "min": 2.0, "max": 1.0}), "did.sum"),
        (did(where=[{"name": "p", "is": {"between": [1]}}]), "did.where.0.is.between"),
        (did(during={"last": "1h"}), "did.during.last"),
        ({"didNot": {"name": " "}}, "didNot.name"),
        ({"age": {}}, "age"),
        ({"age": {"min": 30, "max": 25}}, "age"),
        ({"any": [{"all": []}, {"segment": "s"}]}, "any.1.segment"),
        (prop(between=[1, 2, 3]), "property.is.between"),
        (prop(between=[1, "a"]), "property.is.between"),
        (prop(between=[2, 1]), "property.is.between"),
        (prop(between=[True, False]), "property.is.between.0"),
        (prop(gt=["a"]), "property.is.gt"),
        (prop(equals={"date": "2026-02-30"}), "property.is.equals"),
        (prop(**{"in": [1, None]}), "property.is.in.1"),
        ({"location": {}}, "location"),
        ({"location": {"country": None}}, "location"),
        ({"location": {"near": {"latitude": 91, "longitude": 0, "radiusMetres": 1}}},
         "location.near.latitude"),
        ({"location": {"near": {"latitude": 0, "longitude": 0, "radiusMetres": -1}}},
         "location.near.radiusMetres"),
        ({"identity": {"kind": "EMAIL", "value": "nobody"}}, "identity.value"),
        ({"identity": {"kind": "CUSTOM", "value": "null"}}, "identity.value"),
        ({"language": ["de", "not a tag"]}, "language.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_its_place(raw, path):
    with pytest.raises(InvalidInput) as refused:
        parsed(raw)

    assert refused.value.path == (*HERE, *path.split("."))
    assert str(refused.value).endswith(".")


def test_ten_levels_and_a_hundred_nodes_are_allowed():
    assert parsed(deep(10))
    assert parsed({"all": [{"all": []}] * 99})
    assert parsed(did(where=[{"name": "p", "is": {"exists": True}}] * 99))


@pytest.mark.parametrize(
    ("raw", "path", "limit"),
    [
        (deep(11), ["not"] * 10, 10),
        ({"all": [{"all": []}] * 100}, ["all", "99"], 100),
        (
            did(where=[{"name": "p", "is": {"exists": True}}] * 100),
            ["did", "where", "99"],
            100,
        ),
    ],
)
def test_more_is_refused(raw, path, limit):
    with pytest.raises(LimitExceeded) as refused:
        parsed(raw)

    assert (refused.value.path, refused.value.limit) == ((*HERE, *path), limit)


def test_a_segment_counts_as_one_node_and_one_level():
    segments = {"s1": deep(10), "s2": {"all": [{"all": []}] * 99}}

    assert parsed({"all": [{"segment": "s1"}, *[{"segment": "s2"}] * 98]}, segments)


def test_a_segment_means_its_criteria():
    assert parsed({"segment": "s"}, {"s": {"all": []}}) == InSegment("s", All(()))


def test_ten_segments_make_a_chain_and_eleven_are_too_long():
    assert parsed({"segment": "s1"}, chained(10))

    with pytest.raises(LimitExceeded):
        parsed({"segment": "s1"}, chained(11))


@pytest.mark.parametrize("chain", [(), ("s2",)])
def test_a_circle_of_segments_is_refused(chain):
    with pytest.raises(InvalidInput):
        parsed(
            {"segment": "s1"}, {"s1": {"not": {"segment": "s2"}}, "s2": {"segment": "s1"}}, chain
        )


def test_segments_made_of_segments_do_not_multiply_without_bound():
    """Each alone is within its bounds; spelled out, they are eight thousand criteria."""
    many = {f"s{n}": {"any": [{"segment": f"s{n + 1}"}] * 20} for n in range(1, 3)}
    segments = {**many, "s3": {"any": [{"age": {"min": 1}}] * 20}}

    one = parsed({"segment": "s1"}, segments)

    assert isinstance(one, InSegment)
    assert isinstance(one.criterion, Any)
    assert len({id(part) for part in one.criterion.criteria}) == 1, "each is read once"


def test_what_was_read_is_kept_as_json():
    raw = {"createdAt": {"before": NOON}, "lastSeenAt": {"on": TODAY}}

    assert to_json(raw) == {
        "createdAt": {"before": "2026-01-31T12:00:00.000Z"},
        "lastSeenAt": {"on": "2026-01-31"},
    }
