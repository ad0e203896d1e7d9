"""The command line: `python -m app serve`, `schema`, `settings`, `keys`, `repair`, `import`..."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from app.callers import has_keys
from app.commands import register
from app.demo import fill
from app.domain.errors import DomainError, Unavailable
from app.domain.keys import Key, KeyRole
from app.hosts import is_loopback
from app.logs import keep_people_out
from app.operations.keys import add_key, list_keys, revoke_key
from app.operations.terms import Terms
from app.schema import schema_text
from app.settings import Settings
from app.store import Store, open_store
from app.workers import serve as serve_here
from app.workers import serve_with_workers

Result = TypeVar("Result")

SAFE_SECRET_CHARACTERS: Final = 32
"""What HS256 asks of a secret (RFC 7518, section 3.2), and nobody guesses of a random key."""

_SECRETS = re.compile(r"(?<=://)\S*(?=@)|(?<=\?).*")

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,  # they show variables, and those hold people's data
    help="Profilegraph: one profile per person, over GraphQL.",
)

keys = typer.Typer(
    help="Keys, without which nobody but this machine is served.", no_args_is_help=True
)
cli.add_typer(keys, name="keys")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Database = Annotated[
    str | None, typer.Option(help="sqlite:///relative.db, or mongodb://host/database.")
]
Workers = Annotated[int | None, typer.Option(help="How many processes serve.")]
Demo = Annotated[bool, typer.Option("--demo", help="Fill an empty store with 200 sample people.")]


@cli.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    database: Database = None,
    workers: Workers = None,
    demo: Demo = False,
) -> None:
    """Serve, unless a command is given; options before the command count for it, too."""
    given = {"host": host, "port": port, "database": database, "workers": workers}
    context.obj = given | {"demo": demo}
    if context.invoked_subcommand is None:
        serve(context)


@cli.command()
def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    database: Database = None,
    workers: Workers = None,
    demo: Demo = False,
) -> None:
    """Serve the API; what is not given here comes from the environment."""
    settings = _settings(context, host=host, port=port, database=database, workers=workers)
    keep_people_out()
    demo = demo or context.obj["demo"]
    with _listen(settings.host, settings.port) as listening:
        asyncio.run(_prepare(settings, demo=demo))
        address, bound_port = listening.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        typer.echo(f"Profilegraph: http://{shown}:{bound_port}/graphql", err=True)
        if settings.workers > 1:
            serve_with_workers(settings, listening, settings.workers)
        else:
            serve_here(settings, listening)


@cli.command()
def schema() -> None:
    """Print the GraphQL schema."""
    typer.echo(schema_text(), nl=False)


@cli.command()
def settings(context: typer.Context) -> None:
    """Print every setting as it is, by the name it has in the environment."""
    for name, value in _settings(context).model_dump(mode="python").items():
        if isinstance(value, dict):
            for limit, number in value.items():
                typer.echo(f"PROFILEGRAPH_{name.upper()}_{limit.upper()}={number}")
        else:
            typer.echo(f"PROFILEGRAPH_{name.upper()}={_shown(value)}")


def _shown(value: Any) -> str:
    """Return a setting as the environment may have it, without what is secret in it."""
    match value:
        case None:
            return ""
        case SecretStr():
            return "***"
        case tuple():
            return ",".join(value)
        case _:
            return _SECRETS.sub("***", str(value)).replace("\n", "\\n")


@cli.command("repair")
def repair_store(context: typer.Context, database: Database = None) -> None:
    """Finish what crashes left unfinished, and say what that was."""
    found = asyncio.run(_repair(_settings(context, database=database)))
    for kind, count in found.items():
        typer.echo(f"{kind}: {count} finished")
    if not found:
        typer.echo("Nothing was unfinished.")


@keys.command("add")
def add(
    context: typer.Context,
    role: Annotated[KeyRole, typer.Option(help="What it is for.")],
    trusting: Annotated[
        bool, typer.Option("--trusting", help="An ingest key that may name strong identities.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    database: Database = None,
) -> None:
    """Make a key and print it; it is shown this once."""
    key = _done(
        _settings(context, database=database),
        lambda store, terms: add_key(store, role, terms, trusting=trusting, name=name),
    )
    typer.echo(key)


@keys.command("list")
def list_all(context: typer.Context, database: Database = None) -> None:
    """Print what is known of every key: not the keys themselves, which are not kept."""
    found = _done(_settings(context, database=database), lambda store, _: list_keys(store))
    table = [["ID", "ROLE", "TRUSTING", "CREATED", "REVOKED", "NAME"], *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _row(key: Key) -> list[str]:
    created, revoked = (
        at.isoformat(timespec="seconds") if at else "-" for at in (key.created_at, key.revoked_at)
    )
    trusting = "yes" if key.trusting else "no"
    return [key.id, key.role.value, trusting, created, revoked, key.name or "-"]


@keys.command("revoke")
def revoke(context: typer.Context, id: str, database: Database = None) -> None:
    """Let a key open nothing from now on, on every server within two seconds."""
    _done(_settings(context, database=database), lambda store, terms: revoke_key(store, id, terms))
    typer.echo(f"{id} is revoked.")


def _done(settings: Settings, job: Callable[[Store, Terms], Awaitable[Result]]) -> Result:
    """Return what a job on the store returns; a fault ends in one line."""

    async def run() -> Result:
        async with open_store(settings.database, settings.limits) as store:
            return await job(store, Terms(datetime.now(UTC), settings.limits))

    try:
        return asyncio.run(run())
    except (DomainError, ValueError) as fault:
        _fail(str(fault))


def _settings(context: typer.Context, **given: Any) -> Settings:
    """Return the settings: those given to the command, else before it, else the environment's."""
    before = {name: value for name, value in context.obj.items() if name != "demo"}
    chosen = before | {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except SettingsError as fault:
        name = "REQUESTS" if '"requests"' in str(fault) else "LIMITS"
        _fail(f"PROFILEGRAPH_{name} cannot be used: it is no JSON object of limits.")
    except ValidationError as fault:
        error = fault.errors()[0]
        name = "_".join(str(part) for part in error["loc"]).upper()
        _fail(f"PROFILEGRAPH_{name} cannot be used: {error['msg']}.")


register(cli, _settings)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # at once: until then, another could bind the port as well
    except (OSError, OverflowError) as fault:
        listening.close()
        _fail(f"Cannot listen on {host} port {port}: {fault}.")
    listening.set_inheritable(True)
    return listening


async def _prepare(settings: Settings, *, demo: bool) -> None:
    """Find out, before anything is served, whether the database can be used."""
    try:
        async with open_store(settings.database, settings.limits) as store:
            await store.ping()
            await _check_doors(store, settings)
            if demo:
                filled = await fill(store, Terms(datetime.now(UTC), settings.limits))
                typer.echo(f"{filled} sample people were added.", err=True)
    except (Unavailable, ValueError) as fault:
        _fail(str(fault))


async def _check_doors(store: Store, settings: Settings) -> None:
    """Let nobody but this machine be served without keys, and say what that means."""
    if await has_keys(store, settings):
        _warn_of_short_secrets(settings)
        return
    if not is_loopback(settings.host):
        _fail(
            f"No key is configured, and {settings.host} may be reached by others: make one with "
            "`python -m app keys add --role service`, or listen on 127.0.0.1."
        )
    typer.echo(
        "Profilegraph: No key is configured: whoever is on this machine may do all, and nobody "
        "else is served.",
        err=True,
    )


def _warn_of_short_secrets(settings: Settings) -> None:
    for name in ("service_key", "ingest_key", "jwt_secret"):
        secret: SecretStr | None = getattr(settings, name)
        if secret and len(secret) < SAFE_SECRET_CHARACTERS:
            typer.echo(
                f"Profilegraph: PROFILEGRAPH_{name.upper()} has under {SAFE_SECRET_CHARACTERS} "
                "characters, and may be guessed.",
                err=True,
            )


async def _repair(settings: Settings) -> Mapping[str, int]:
    try:
        async with open_store(settings.database, settings.limits) as store:
            return await store.repair()
    except (Unavailable, ValueError) as fault:
        _fail(str(fault))


def _fail(message: str) -> NoReturn:
    """End with one line."""
    typer.echo(f"Profilegraph: {message}", err=True)
    raise typer.Exit(1)


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
