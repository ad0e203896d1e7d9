"""Lines out of files of every kind, and what is wrong with them."""

import gzip
from pathlib import Path

import pytest

from app.commands import source
from app.commands.source import Line, opened


def lines_of(path: Path) -> list[Line]:
    with opened(path) as file:
        return list(file.lines())


def written(tmp_path: Path, content: bytes, name: str = "file") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"a\nb\n", b"a\r\nb", b"\xef\xbb\xbfa\nb\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_have_numbers_and_no_ends(tmp_path, content, pack):
    assert lines_of(written(tmp_path, pack(content))) == [Line(1, "a"), Line(2, "b")]


def test_an_empty_file_has_none(tmp_path):
    assert lines_of(written(tmp_path, b"")) == []


def test_a_line_in_another_encoding_is_said_to_be_wrong_and_the_next_is_read(tmp_path):
    first, second, third = lines_of(written(tmp_path, b"a\nZ\xfcrich\nb\n"))

    assert (first, third) == (Line(1, "a"), Line(3, "b"))
    assert second.fault == "Byte 2 of the line is not UTF-8."


def test_a_file_in_utf_16_is_said_to_be_so_at_once(tmp_path):
    (line,) = lines_of(written(tmp_path, "a\nb\n".encode("utf-16")))

    assert line.fault == "The file is in UTF-16 or UTF-32; save it in UTF-8."


def test_a_line_that_is_too_long_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 10)

    first, second, third = lines_of(written(tmp_path, b"a\n" + b"x" * 50 + b"\nb\n"))

    assert (first, third) == (Line(1, "a"), Line(3, "b"))
    assert second.fault == "The line is longer than 10 bytes."


@pytest.mark.parametrize("cut", [30, 60])
def test_a_gzip_file_that_ends_too_early_is_read_as_far_as_it_goes(tmp_path, cut):
    content = b"".join(b"%d\n" % (n * 7919) for n in range(9_000))
    packed = gzip.compress(content)

    *whole, last = lines_of(written(tmp_path, packed[: len(packed) - len(packed) * cut // 100]))

    assert last.fault == "The gzip file is damaged, or ends too early."
    assert last.number == len(whole) + 1
    assert whole[0] == Line(1, "0")


def test_files_are_the_same_by_content_packed_or_not(tmp_path):
    paths = [
        written(tmp_path, b"a\nb\n", "one"),
        written(tmp_path, gzip.compress(b"a\nb\n"), "two.gz"),
        written(tmp_path, b"a\nc\n", "three"),
    ]
    identities = []
    for path in paths:
        with opened(path) as file:
            identities.append(file.identity)

    assert identities[0] == identities[1] != identities[2]
