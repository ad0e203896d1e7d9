"""The README's programs do what it says."""

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import HERE, run, tool
from tests.clients.readme import programs
from tests.processes.servers import Client, client_of
from tests.server_process import server_process

LANGUAGES = "From your language"
SDKS = "Segment's SDKs"
SCHEMA = HERE.parents[1] / "schema.graphql"

VISITS = '{ user(by: {email: "ada@example.org"}) { property(name: "visits") } }'
GRACE = """
{ user(by: {custom: "grace-8"}) { email activity { name count } properties } }
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server with the sample people, whom these programs change."""
    folder = tmp_path_factory.mktemp("readme")
    with server_process(f"sqlite:///{folder}/demo.db", "--demo") as server:
        yield server.url


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    async with client_of(url) as client:
        yield client


async def node(folder: Path, program: str) -> str:
    """Return what a program prints that Node.js runs to its good end."""
    (folder / "program.mjs").write_text(program)
    status, printed = await run(tool("node"), "program.mjs", cwd=folder)
    assert status == 0, printed
    return printed


async def python(program: str) -> str:
    status, printed = await run(sys.executable, "-c", program)
    assert status == 0, printed
    return printed


async def visits(client: Client) -> Any:
    return (await client(VISITS))["property"]


@pytest.mark.slow
async def test_python_changes_somebody(url: str, client: Client):
    before = await visits(client)

    printed = await python(programs(LANGUAGES, "python", url)[0])

    assert "UserUpdatePayload" in printed
    assert await visits(client) == before + 1


@pytest.mark.slow
async def test_javascript_changes_somebody(url: str, client: Client, workplace: Path):
    before = await visits(client)

    printed = await node(workplace, programs(LANGUAGES, "js", url)[0])

    assert json.loads(printed)["data"]["userUpdate"]["user"]["name"] == "Ada Lovelace"
    assert await visits(client) == before + 1


@pytest.mark.slow
async def test_segments_sdks_send_to_us(url: str, client: Client, workplace: Path):
    (in_python,) = programs(SDKS, "python", url)
    (in_javascript,) = programs(SDKS, "js", url)

    await python(in_python)
    await node(workplace, in_javascript)

    assert await client(GRACE) == {
        "email": "grace@example.org",
        "activity": [{"name": "Charged", "count": 1}, {"name": "Searched", "count": 1}],
        "properties": {"plan": "pro"},
    }


# ---------------------------------------------------------------- types


@pytest.fixture
async def package(url: str, workplace: Path) -> Path:
    """A folder with the README's program, and the types made for it."""
    config, program = programs(LANGUAGES, "ts", url)
    (workplace / "package.json").write_text('{"type": "module"}')
    (workplace / "schema.graphql").write_text(SCHEMA.read_text())
    (workplace / "codegen.ts").write_text(config)
    (workplace / "program.ts").write_text(program)
    status, printed = await run(*commands(url)[0], cwd=workplace)
    assert status == 0, printed
    return workplace


def commands(url: str) -> list[list[str]]:
    """Return the README's commands, with the tools as they are installed here."""
    (block,) = programs(LANGUAGES, "bash", url)
    lines = [line.removeprefix("npx ").split() for line in block.splitlines()]
    return [
        [tool("node"), f"node_modules/.bin/{name}" if name != "node" else "--", *rest]
        for name, *rest in lines
    ]


@pytest.mark.slow
async def test_a_program_compiles_with_types_made_from_our_schema_and_runs(url: str, package: Path):
    _, compile_it, run_it = commands(url)

    status, printed = await run(*compile_it, cwd=package)
    assert (status, printed) == (0, "")

    status, printed = await run(*run_it, cwd=package)
    assert (status, printed.split()[:3]) == (0, ["Ada", "Lovelace", "CUSTOMER"])


@pytest.mark.slow
async def test_a_program_that_breaks_our_schema_does_not_compile(url: str, package: Path):
    program = (package / "program.ts").read_text()
    mistakes = {
        "variable.ts": ("{ who }", "{ whom: who }"),
        "kind.ts": ('{ email: "ada@example.org" }', "{ email: 1 }"),
        "two.ts": ('{ email: "ada@example.org" }', '{ email: "ada@example.org", custom: "ada" }'),
        "field.ts": ("user?.name", "user?.nickname"),
    }
    for name, (right, wrong) in mistakes.items():
        assert program.count(right) == 1
        (package / name).write_text(program.replace(right, wrong))

    status, printed = await run(*commands(url)[1], "--noEmit", *mistakes, cwd=package)

    assert status != 0
    assert set(re.findall(r"^([a-z]+\.ts)\(\d+,\d+\): error TS", printed, re.MULTILINE)) == {
        *mistakes
    }
