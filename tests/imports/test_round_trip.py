"""What was exported is read back into an equal store, of either kind."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.segment import Segments, saved
from app.operations.terms import Terms
from app.store import Store, open_store
from tests.builders import LIMITS, NOON, event, identity, push, registration
from tests.imports.conftest import Run
from tests.store.steps import (
    changing,
    incrementing,
    linking,
    newcomer,
    newcomer_with,
    recording,
    setting,
)
from tests.stores import NewDatabase

TERMS = Terms(NOON, LIMITS)
OLD_ID, NEW_ID = "01KG9C2D000000000000000000", "01KG9C2D000000000000000001"


async def fill(store: Store) -> None:
    """Keep people of every sort: merged, deleted, with archives, with devices, anonymous."""
    events = [event(id=f"e{n}", at=NOON - timedelta(minutes=n)) for n in range(250)]
    ada = (await store.create(newcomer("custom:ada", "email:ada@example.org"))).user
    await store.change(ada.id, recording(*events))
    await store.change(
        ada.id, recording(event(id="late", name="charged", at=NOON - timedelta(days=400)))
    )
    changes = {"name": "Ada", "location": {"city": "Bern"}, "channels": {"sms": False}}
    await store.change(ada.id, changing(**changes, properties={"set": {"tags": ["a", "b"]}}))
    eve = (await store.create(newcomer_with(setting(plan="pro", on=True), "device:phone"))).user
    await store.change(eve.id, recording(event(id="e1"), event(id="x", name="Bought")))
    await store.merge(ada.id, eve.id, NOON)
    gone = (await store.create(newcomer("custom:gone"))).user
    other = (await store.create(newcomer("custom:other"))).user
    await store.merge(gone.id, other.id, NOON)
    await store.change(gone.id, setting(forgotten=1))
    await store.delete(gone.id, NOON)
    for number in range(120):
        await store.create(newcomer(f"custom:c{number}"))
    await save(store, OLD_ID, "Young", {"age": {"max": 30}})
    await save(store, NEW_ID, "Both", {"any": [{"segment": OLD_ID}]})


async def save(store: Store, id: str, name: str, criteria: Any) -> None:
    def step(segments: Segments) -> tuple[Segments, None]:
        return saved(segments, id, None, name, "d", criteria, NOON, LIMITS)[0], None

    await store.change_segments(step)


def filled(url: str) -> None:
    async def run() -> None:
        async with open_store(url, LIMITS) as store:
            await fill(store)

    asyncio.run(run())


def exported(run: Run, url: str) -> str:
    result = run("export", "--database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.fixture(params=["sqlite", "mongodb"])
def urls(
    request: pytest.FixtureRequest, here: Path, new_mongodb: NewDatabase
) -> Iterator[tuple[str, str, str]]:
    """A store to export from, one of the other kind, and one of the first kind again."""
    sqlite = [f"sqlite:///{here}/people{n}.db" for n in range(2)]
    with new_mongodb() as one, new_mongodb() as another:
        mongodb = [one, another]
        mine, others = (sqlite, mongodb) if request.param == "sqlite" else (mongodb, sqlite)
        yield mine[0], others[0], mine[1]


@pytest.mark.slow
def test_a_store_goes_to_one_of_the_other_kind_and_back(here, run, urls):
    first, second, third = urls
    filled(first)
    everything = exported(run, first)
    (here / "all.ndjson").write_text(everything)

    assert run("import", "all.ndjson", "--database", second).exit_code == 0
    assert exported(run, second) == everything
    assert run("import", "-", "--database", third, stdin=everything.encode()).exit_code == 0
    assert exported(run, third) == everything
    kinds = [
        next(key for key in json.loads(line) if key != "profilegraph")
        for line in everything.splitlines()
    ]
    assert kinds == ["names", "segments", *["profile"] * 121, "deleted", "deleted"]

    again = run("import", "all.ndjson", "--database", second, "--again")
    assert again.exit_code == 0
    assert again.stdout.startswith("125 lines: 4 taken in, 121 here already, 0 rejected")
    assert exported(run, second) == everything


def test_old_ids_find_who_survived_and_deleted_ids_nobody(here, run, urls):
    first, second, _ = urls
    filled(first)
    everything = exported(run, first)
    run("import", "-", "--database", second, stdin=everything.encode())

    async def look() -> None:
        async with open_store(second, LIMITS) as store:
            ada = await store.find(identity("custom:ada"))
            assert ada
            assert [await store.find(id) for id in ada.absorbed] == [ada]
            for id in await store.deleted_ids(10):
                assert await store.find(id) is None
            assert await store.find(identity("device:phone")) == ada
            await store.change(ada.id, incrementing())
            await store.change(ada.id, linking("email:new@example.org"))
            assert await store.repair() == {}

    asyncio.run(look())


def test_somebody_who_differs_is_rejected(here, run):
    line: dict[str, Any] = {}
    run("import", "-", stdin=b'{"user": {"custom": "ada"}}')
    for text in run("export").stdout.splitlines():
        line = json.loads(text)
    line["profile"]["name"] = "Eve"

    for arguments in ([], ["--dry-run"]):
        result = run("import", "-", *arguments, stdin=json.dumps(line).encode())

        assert result.exit_code == 1
        said = json.loads((here / "import.rejects.ndjson").read_text())
        assert said["reason"] == "A person with this id is here, and differs."


@pytest.mark.parametrize(
    "line",
    [
        {"profilegraph": 2, "profile": {}},
        {"profilegraph": 1},
        {"profilegraph": 1, "profile": {}, "more": 1},
        {"profilegraph": 1, "profile": {}},
        {"profilegraph": 1, "deleted": "x"},
        {"profilegraph": 1, "names": {"properties": [{"name": "x", "kinds": ["y"]}]}},
        {"profilegraph": 1, "segments": [{"id": "x"}]},
        {"profilegraph": 1, "segments": [{
            "id": "01KG9C2D000000000000000000", "name": "x", "criteria": {"nonsense": 1},
            "createdAt": "2026-01-31T12:00:00Z", "updatedAt": "2026-01-31T12:00:00Z",
        }]},
    ],
)  # fmt: skip
def test_what_is_no_line_of_an_export_is_rejected(here, run, line):
    assert run("import", "-", stdin=json.dumps(line).encode()).exit_code == 1
    assert (here / "import.rejects.ndjson").exists()


def test_those_who_match_are_exported_alone(here, run):
    records = (
        b'{"user": {"custom": "ada"}, "changes": {"name": "Ada"}, "events": [{"name": "Bought"}]}\n'
        b'{"user": {"custom": "eve"}, "changes": {"properties": {"set": {"n": 5}}}}\n'
    )
    run("import", "-", stdin=records)

    (line,) = run("export", "--criteria", '{"did": {"name": "bought"}}').stdout.splitlines()
    assert json.loads(line)["profile"]["name"] == "Ada"
    table = run(
        "export", "--format", "csv", "--columns", "custom,name,properties.n,activity.bought"
    )
    assert table.stdout == "custom,name,properties.n,activity.bought\nada,Ada,,1\neve,,5,0\n"


def test_one_person_is_exported_with_the_push_token(here, run):
    async def make() -> None:
        from app.operations.devices import register_device

        async with open_store(f"sqlite:///{here}/people.db", LIMITS) as store:
            await register_device(
                store, identity("device:d1"), registration(push=push("secret")), TERMS
            )

    asyncio.run(make())

    result = run("export", "--user", "device:d1", "-o", "one.json")
    assert result.exit_code == 0
    assert json.loads((here / "one.json").read_text())["devices"][0]["push"]["token"] == "secret"
    assert (here / "one.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "arguments",
    [
        ["--user", "custom:nobody"],
        ["--user", "fax:1"],
        ["--criteria", "nonsense"],
        ["--criteria", '{"nonsense": 1}'],
        ["--criteria", '{"age": {}}'],
        ["--columns", "nonsense"],
    ],
)
def test_what_cannot_be_exported_is_one_line(here, run, arguments):
    result = run("export", *arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Profilegraph: ")
