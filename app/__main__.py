"""The command line: `python -m app [serve | schema | settings | repair]`."""

import asyncio
import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from app.demo import fill
from app.domain.errors import Unavailable
from app.logs import keep_people_out
from app.operations.terms import Terms
from app.schema import schema_text
from app.settings import Settings
from app.store import open_store
from app.workers import serve as serve_here
from app.workers import serve_with_workers

_SECRETS = re.compile(r"(?<=://)\S*(?=@)|(?<=\?).*")

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,  # they show variables, and those hold people's data
    help="Profilegraph: one profile per person, over GraphQL.",
)

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
            text = (
                ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
            )
            typer.echo(f"PROFILEGRAPH_{name.upper()}={_SECRETS.sub('***', text)}")


@cli.command("repair")
def repair_store(context: typer.Context, database: Database = None) -> None:
    """Finish what crashes left unfinished, and say what that was."""
    found = asyncio.run(_repair(_settings(context, database=database)))
    for kind, count in found.items():
        typer.echo(f"{kind}: {count} finished")
    if not found:
        typer.echo("Nothing was unfinished.")


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
            if demo:
                filled = await fill(store, Terms(datetime.now(UTC), settings.limits))
                typer.echo(f"{filled} sample people were added.", err=True)
    except (Unavailable, ValueError) as fault:
        _fail(str(fault))


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
