"""Texts within their bounds, counted in bytes of UTF-8."""

import pytest

from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.text import bounded, name, size_bytes
from tests.builders import HERE


@pytest.mark.parametrize(
    ("text", "size"), [("", 0), ("a", 1), ("é", 2), ("中", 3), ("👩", 4), ("\ud7ff", 3)]
)
def test_size_is_counted_in_utf_8(text, size):
    assert size_bytes(text, HERE) == size


@pytest.mark.parametrize(
    ("text", "fault"),
    [("a\0", r"U\+0000"), ("\ud800", "lone surrogate"), ("a\udfff", "lone surrogate")],
)
@pytest.mark.parametrize(
    "read", [size_bytes, lambda text, path: bounded(text, path, 9), lambda t, p: name(t, p, 9)]
)
def test_what_no_store_can_keep_is_refused(read, text, fault):
    with pytest.raises(InvalidInput, match=fault) as refused:
        read(text, HERE)

    assert refused.value.path == HERE


@pytest.mark.parametrize("text", ["", " ", "abcd", "éé", "👩", "\tab\n"])
def test_a_text_up_to_the_limit_stays_as_it_is(text):
    assert bounded(text, HERE, 4) == text


@pytest.mark.parametrize("text", ["abcde", "ééa", "👩a"])
def test_a_text_of_one_byte_too_many_is_refused(text):
    with pytest.raises(LimitExceeded, match="longer than 4 bytes") as refused:
        bounded(text, HERE, 4)

    assert (refused.value.path, refused.value.limit) == (HERE, 4)


@pytest.mark.parametrize(
    ("raw", "trimmed"),
    [
        ("a", "a"),
        (" a b \n", "a b"),
        ("\u3000éé\u00a0", "éé"),
        ("A" * 4, "AAAA"),
        ("\u200b", "\u200b"),
    ],
)
def test_a_name_is_trimmed_and_keeps_its_case(raw, trimmed):
    assert name(raw, HERE, 4) == trimmed


@pytest.mark.parametrize("raw", ["", " ", "\t\n", "\u3000"])
def test_a_blank_name_is_refused(raw):
    with pytest.raises(InvalidInput, match="name is empty") as refused:
        name(raw, HERE, 4)

    assert refused.value.path == HERE


@pytest.mark.parametrize("raw", ["abcde", " ééa ", "👩a"])
def test_a_name_of_one_byte_too_many_is_refused(raw):
    with pytest.raises(LimitExceeded, match="longer than 4 bytes") as refused:
        name(raw, HERE, 4)

    assert (refused.value.path, refused.value.limit) == (HERE, 4)


@pytest.mark.parametrize("raw", ["a\tb", "a\nb", "a\x7fb", "a\x9fb", "\x01"])
def test_a_name_with_control_characters_is_refused(raw):
    with pytest.raises(InvalidInput, match="control character") as refused:
        name(raw, HERE, 4)

    assert refused.value.path == HERE
