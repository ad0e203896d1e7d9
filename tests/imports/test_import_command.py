"""`import`: what it takes in, what it rejects, where it goes on."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.imports.conftest import Run

PEOPLE = [
    {"user": {"custom": "ada"}, "changes": {"properties": {"increment": {"n": 1}}}},
    {"user": {"custom": "eve"}, "events": [{"name": "Viewed"}]},
    {"user": {"custom": "ada"}, "changes": {"properties": {"increment": {"n": 1}}}},
]


def ndjson(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def rejected(path: Path) -> list[tuple[int, str]]:
    return [
        (said["line"], said["reason"]) for said in map(json.loads, path.read_text().splitlines())
    ]


def people(run: Run) -> list[Any]:
    """Return all profiles, as `export` writes them."""
    lines = map(json.loads, run("export").stdout.splitlines())
    return [line["profile"] for line in lines if "profile" in line]


def one(run: Run, who: str) -> Any:
    return json.loads(run("export", "--user", who).stdout)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_is_taken_in_and_may_be_taken_in_again(here, run, pack):
    (here / "people.ndjson").write_bytes(pack(ndjson(*PEOPLE)))

    result = run("import", "people.ndjson")
    assert result.exit_code == 0
    assert result.stdout.startswith("3 lines: 3 taken in, 0 rejected, in ")
    before = people(run)
    assert [profile["properties"] for profile in before] == [{"n": 2}, {}]

    again = run("import", "people.ndjson")
    assert again.exit_code == 0
    assert again.stdout.startswith("This file was imported before: 3 lines, 0 rejected.")
    assert run("import", "people.ndjson", "--again").exit_code == 0
    assert people(run) == before
    assert [path.name for path in here.glob("*.rejects*")] == []


def test_standard_input_is_a_file_too(here, run):
    assert run("import", "-", stdin=ndjson(*PEOPLE)).exit_code == 0
    assert run("import", "-", stdin=ndjson(*PEOPLE)).stdout.startswith("This file was imported")
    assert one(run, "custom:ada")["properties"] == {"n": 2}


def test_what_is_rejected_is_told_with_line_and_reason(here, run):
    lines = [
        b'{"user": {"custom": "ada"}}',
        b"not json",
        b"",
        b'{"user": {"custom": "null"}}',
        b'{"user": {"id": "01KG9C2D000000000000000000"}}',
        b'{"user": {"custom": "ada"}, "nonsense": 1}',
        b'{"user": {"custom": "ada"}, "changes": {"email": 5}}',
        b'{"user": {}}',
        b"[]",
        b'"Z\xfcrich"',
        b'{"user": {"custom": "eve"}}',
    ]
    (here / "people.ndjson").write_bytes(b"\n".join(lines))

    result = run("import", "people.ndjson")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("11 lines: 2 taken in, 8 rejected, in ")
    assert [line for line, _ in rejected(here / "people.ndjson.rejects.ndjson")] == [
        2, 4, 5, 6, 7, 8, 9, 10,
    ]  # fmt: skip
    said = [
        json.loads(line)
        for line in (here / "people.ndjson.rejects.ndjson").read_text().splitlines()
    ]
    assert said[3] == {
        "line": 6,
        "reason": "There is no such field.",
        "path": ["nonsense"],
        "text": lines[5].decode(),
    }
    assert len(people(run)) == 2
    assert run("import", "people.ndjson").exit_code == 1


def test_a_file_of_rejects_is_for_its_owner_alone(here, run):
    run("import", "-", "--rejects", "wrong", stdin=b"x\n")

    assert (here / "wrong").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_says_what_would_be_rejected_and_writes_nothing(here, run):
    records = [*PEOPLE, {"user": {"custom": "x"}, "identities": [{"custom": "ada"}]}]
    (here / "people.ndjson").write_bytes(ndjson(*records))

    result = run("import", "--dry-run", "people.ndjson")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("4 lines: 3 would be taken in, 1 rejected")
    assert [line for line, _ in rejected(here / "people.ndjson.rejects.ndjson")] == [4]
    assert people(run) == []
    assert run("import", "people.ndjson").exit_code == 1
    assert len(people(run)) == 2


def test_a_person_with_more_records_than_are_remembered_is_counted_once(here, run):
    records = [PEOPLE[0]] * 200
    (here / "people.ndjson").write_bytes(ndjson(*records))

    assert run("import", "people.ndjson").exit_code == 0

    ada = one(run, "custom:ada")
    assert (ada["properties"], ada["version"]) == ({"n": 200}, 200)


def test_a_table_is_taken_in(here, run):
    (here / "people.csv").write_text(
        "Customer,name,properties.zip,properties.score\nada,Ada,01234,5\neve,Eve,8001,7.5\n"
    )
    (here / "map.json").write_text('{"Customer": "custom"}')

    assert run("import", "people.csv", "--map", "map.json").exit_code == 0
    assert [(p["name"], p["properties"]) for p in people(run)] == [
        ("Ada", {"score": 5, "zip": "01234"}),
        ("Eve", {"score": 7.5, "zip": "8001"}),
    ]


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (["missing.ndjson"], b""),
        (["people.csv"], b"nonsense,name\na,b\n"),
        (["people.csv", "--map", "missing.json"], b"custom\nada\n"),
        (["people.csv", "--map", "people.csv"], b"custom\nada\n"),
        (["people.csv", "--database", "sqlite:////missing/people.db"], b"custom\nada\n"),
    ],
)
def test_what_cannot_be_imported_at_all_is_one_line(here, run, arguments, content):
    (here / "people.csv").write_bytes(content)

    result = run("import", *arguments)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Profilegraph: ")


def test_a_damaged_gzip_file_is_taken_in_as_far_as_it_goes(here, run):
    records = [{"user": {"custom": f"u{n}"}} for n in range(2_000)]
    packed = gzip.compress(ndjson(*records))
    (here / "people.ndjson.gz").write_bytes(packed[: len(packed) // 2])

    result = run("import", "people.ndjson.gz")

    assert result.exit_code == 1
    ((line, reason),) = rejected(here / "people.ndjson.gz.rejects.ndjson")
    assert reason == "The gzip file is damaged, or ends too early."
    assert 0 < len(people(run)) == line - 1
