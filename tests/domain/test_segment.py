"""Segments: how they are saved, replaced, and why some stay."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.errors import InvalidInput, LimitExceeded, SegmentNotFound
from app.domain.segment import Segments, removed, saved
from tests.builders import LIMITS, NOON

ALL: dict[str, Any] = {"all": []}


def made(*criteria):
    """Return segments s1, s2, ... with these criteria."""
    segments: Segments = {}
    for number, raw in enumerate(criteria, start=1):
        segments, _ = saved(segments, f"s{number}", None, f"S{number}", None, raw, NOON, LIMITS)
    return segments


def edited(segments, id, criteria, most=200):
    later = NOON + timedelta(days=1)
    bounds = LIMITS.model_copy(update={"segments": most})
    return saved(segments, "new", id, "Renamed", "Why", criteria, later, bounds)


def test_an_edit_replaces_all_but_the_id_and_the_birth():
    before = made(ALL)["s1"]

    _, after = edited({"s1": before}, "s1", {"any": []})

    assert after == before.model_copy(
        update={
            "name": "Renamed",
            "description": "Why",
            "criteria": {"any": []},
            "updated_at": NOON + timedelta(days=1),
        }
    )


def test_an_unknown_id_is_not_found():
    with pytest.raises(SegmentNotFound):
        edited({}, "s1", ALL)
    with pytest.raises(SegmentNotFound):
        removed({}, "s1")


def test_one_too_many_is_refused_and_an_edit_is_not():
    segments = made(ALL)

    with pytest.raises(LimitExceeded) as refused:
        edited(segments, None, ALL, most=1)

    assert refused.value.limit == 1
    assert edited(segments, "s1", ALL, most=1)


@pytest.mark.parametrize("criteria", [{"segment": "s1"}, {"all": [{"not": {"segment": "s2"}}]}])
def test_what_would_be_made_of_itself_is_refused(criteria):
    segments = made(ALL, {"segment": "s1"})

    with pytest.raises(InvalidInput) as refused:
        edited(segments, "s1", criteria)

    assert refused.value.path[0] == "criteria"


def test_a_chain_that_becomes_too_long_is_refused_from_either_end():
    segments = made(ALL, *({"segment": f"s{n}"} for n in range(1, 10)))

    with pytest.raises(LimitExceeded):
        edited(segments, None, {"segment": "s10"})
    new, _ = edited(segments, None, ALL)
    with pytest.raises(LimitExceeded):
        edited(new, "s1", {"segment": "new"})


def test_what_others_refer_to_stays_and_they_are_named():
    segments = made(ALL, {"any": [{"not": {"segment": "s1"}}]}, {"segment": "s1"})

    with pytest.raises(InvalidInput, match=r"'S2', 'S3'") as refused:
        removed(segments, "s1")

    assert refused.value.path == ("id",)
    assert list(removed(segments, "s2")) == ["s1", "s3"]


def test_a_property_called_as_a_segment_is_no_reference():
    segments = made(ALL, {"property": {"name": "segment", "is": {"equals": "s1"}}})

    assert list(removed(segments, "s1")) == ["s2"]
