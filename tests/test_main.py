"""The command line: what it prints, what it refuses in one line, and that it serves."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from typer.testing import CliRunner

from app.__main__ import cli
from app.domain.limits import Limits
from app.limits import RequestLimits
from app.schema import schema_text
from tests.server_process import server_process

ROOT: Final = Path(__file__).parents[1]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, and an environment that decides nothing."""
    for name in [name for name in os.environ if name.startswith("PROFILEGRAPH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, **environment):
    return CliRunner().invoke(
        cli, arguments, env={f"PROFILEGRAPH_{name}": text for name, text in environment.items()}
    )


# ---------------------------------------------------------------- printing


def test_the_schema_is_printed(here):
    result = run("schema")

    assert (result.exit_code, result.stdout, result.stderr) == (0, schema_text(), "")
    assert list(here.iterdir()) == []


def test_every_setting_is_printed_by_its_name_in_the_environment(here):
    result = run("settings", PORT="9", LIMITS_PROPERTIES="3", TIME_ZONE="Asia/Tokyo")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "PROFILEGRAPH_HOST=127.0.0.1",
        "PROFILEGRAPH_PORT=9",
        "PROFILEGRAPH_DATABASE=sqlite:///profilegraph.db",
        "PROFILEGRAPH_TIME_ZONE=Asia/Tokyo",
        *(
            f"PROFILEGRAPH_LIMITS_{name.upper()}={value}"
            for name, value in Limits(properties=3).model_dump().items()
        ),
        "PROFILEGRAPH_PLANS=True",
        "PROFILEGRAPH_WORKERS=1",
        *(
            f"PROFILEGRAPH_REQUESTS_{name.upper()}={value}"
            for name, value in RequestLimits().model_dump().items()
        ),
        "PROFILEGRAPH_CORS_ORIGINS=",
        "PROFILEGRAPH_DOCUMENTS=",
        "PROFILEGRAPH_SERVICE_KEY=",
        "PROFILEGRAPH_INGEST_KEY=",
        "PROFILEGRAPH_JWT_SECRET=",
        "PROFILEGRAPH_JWT_PUBLIC_KEY=",
        "PROFILEGRAPH_JWT_JWKS=",
        "PROFILEGRAPH_JWT_ISSUER=",
        "PROFILEGRAPH_JWT_AUDIENCE=",
        "PROFILEGRAPH_HOSTS=",
    ]


def test_what_is_printed_sets_the_same_again(here):
    printed = run("settings", PORT="9", LIMITS_BUSY_S="0.5", LIMITS_TEST_MAIL_DOMAINS="yes").stdout
    environment = dict(
        line.removeprefix("PROFILEGRAPH_").split("=", 1) for line in printed.splitlines()
    )

    assert run("settings", **environment).stdout == printed


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("mongodb://ada:secret@h/x", "mongodb://***@h/x"),
        ("mongodb://:secret@h/x", "mongodb://***@h/x"),
        ("mongodb+srv://ada:secret@h/x", "mongodb+srv://***@h/x"),
        ("mongodb://ada:p%40secret@h1:1,h2:2/x?tls=true", "mongodb://***@h1:1,h2:2/x?***"),
        ("mongodb://h/x", "mongodb://h/x"),
    ],
)
def test_a_password_is_not_printed(here, database, shown):
    result = run("settings", DATABASE=database)

    assert f"PROFILEGRAPH_DATABASE={shown}\n" in result.stdout


@pytest.mark.parametrize(
    "database",
    [
        "mongodb://ada:sec/ret@h/x",
        "mongodb://ada:a@sec/ret@h/x",
        "mongodb://ada:sec?ret@h/x",
        "mongodb://h/x?tlsCertificateKeyFilePassword=sec/ret",
        "mongodb://h/x?authMechanismProperties=AWS_SESSION_TOKEN:sec/ret",
    ],
)
def test_no_password_is_printed_however_it_is_written(here, database):
    assert "ret" not in run("settings", DATABASE=database).stdout


@pytest.mark.parametrize("name", ["SERVICE_KEY", "INGEST_KEY", "JWT_SECRET"])
def test_no_secret_is_printed(here, name):
    result = run("settings", **{name: "secret"})

    assert f"PROFILEGRAPH_{name}=***\n" in result.stdout
    assert "secret" not in result.stdout + result.stderr


# ---------------------------------------------------------------- refusing


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", [["settings"], ["serve"], []])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "x"),
        ("PORT", "65536"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("LIMITS", "x"),
        ("LIMITS", "[]"),
        ("LIMITS_PROPERTIES", "0"),
        ("LIMITS_BUSY_S", "inf"),
        ("LIMITS_NOBODY_KNOWS", "1"),
        ("JWT_PUBLIC_KEY", "nowhere.pem"),
        ("JWT_JWKS", "nowhere.json"),
        ("HOSTS", "https://example.org"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(here, command, name, text):
    result = run(*command, **{name: text})

    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Profilegraph: PROFILEGRAPH_{name} cannot be used: ")
    assert line.endswith(".")
    assert (result.exit_code, result.stdout) == (1, "")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "database",
    [
        "",
        "people.db",
        "postgres://ada:secret@h/x",
        "sqlite://people.db",
        "sqlite:///",
        "sqlite:///missing/people.db",
        "sqlite:///.",
        "mongodb://ada:se:cr@et@h/x",
        "mongodb://ada:secret@h:port/x",
        "mongodb://[::1/x",
        "mongodb://ada:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=50",
    ],
)
@pytest.mark.parametrize("command", [["serve"], []])
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(here, command, database):
    result = run(*command, "--port", "0", "--database", database)

    (line,) = result.stderr.splitlines()
    assert line.startswith("Profilegraph: ")
    assert "secret" not in line
    assert result.exit_code == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "nobody.invalid"])
def test_an_address_that_cannot_be_listened_on_is_one_line(here, taken_port, host):
    result = run("--host", host, "--port", str(taken_port))

    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Profilegraph: Cannot listen on {host} port {taken_port}: ")
    assert (result.exit_code, list(here.iterdir())) == (1, [])


def test_a_file_of_something_else_is_left_alone(here):
    (here / "notes.txt").write_text("not a database, but a long enough text to look at" * 10)

    result = run("--port", "0", "--database", "sqlite:///notes.txt")

    (line,) = result.stderr.splitlines()
    assert line.startswith("Profilegraph: The database file 'notes.txt' cannot be used: ")
    assert (here / "notes.txt").read_text().startswith("not a database")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["--port", "x"]])
def test_what_is_no_command_is_a_usage_error(here, arguments):
    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_a_key_no_address_is_served_that_others_reach(here, host):
    result = run("--host", host, "--port", "0")

    (line,) = result.stderr.splitlines()
    assert line.startswith("Profilegraph: No key is configured, ")
    assert "keys add" in line
    assert (result.exit_code, result.stdout) == (1, "")


# ---------------------------------------------------------------- serving


@pytest.mark.parametrize("command", [[], ["serve", "--port", "0"]], ids=["default", "serve"])
def test_it_serves_on_a_free_port(here, command, monkeypatch):
    database = f"sqlite:///{here}/people.db"
    monkeypatch.setenv("PROFILEGRAPH_DATABASE", database)

    with server_process(database, *command) as server:
        healthy = httpx.get(f"{server.url}/health")
        answer = httpx.post(f"{server.url}/graphql", json={"query": "{ userCount }"})

    assert (healthy.status_code, answer.json()) == (200, {"data": {"userCount": 0}})
    assert [path.name for path in here.iterdir()] == ["people.db"]


@pytest.mark.slow
def test_sample_people_are_served_if_asked_for(here):
    with server_process(f"sqlite:///{here}/people.db", "--demo") as server:
        answer = httpx.post(f"{server.url}/graphql", json={"query": "{ userCount }"})

    assert answer.json() == {"data": {"userCount": 200}}


@pytest.mark.slow
def test_options_before_the_command_count_as_well(here):
    with server_process(f"sqlite:///{here}/people.db", "serve", "--port", "0"):
        pass

    assert (here / "people.db").exists()


@pytest.mark.slow
def test_an_ipv6_address_is_served_and_shown_in_brackets(here):
    with server_process(f"sqlite:///{here}/people.db", "--host", "::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(f"{server.url}/health").status_code == 200
