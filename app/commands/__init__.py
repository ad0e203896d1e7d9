"""Commands that move people in and out: `import` and `export`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import orjson
import typer

from app.commands import export_command, import_command
from app.domain.errors import DomainError
from app.schema.plain import checked_criteria
from app.settings import Settings

Result = TypeVar("Result")

Database = Annotated[
    str | None, typer.Option(help="sqlite:///relative.db, or mongodb://host/database.")
]
File = Annotated[Path, typer.Argument(help="NDJSON or CSV, plain or gzip; - is standard input.")]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--map", help='JSON: what columns mean, {"Plan": "properties.plan", "Notes": null}.'
    ),
]
Rejects = Annotated[
    Path | None, typer.Option(help="Where rejected lines go; beside the file unless given.")
]
Format = Annotated[
    str | None, typer.Option("--format", help="ndjson or csv; by the file's name unless given.")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be rejected, and write nothing; a line is judged by what is stored "
        "and by the up to 1000 lines before it.",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again", help="Begin with the first line, wherever an earlier import of it ended."
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file; standard output unless given.")
]
Criteria = Annotated[
    str | None, typer.Option(help="Only those who match: the JSON of the API's Criteria.")
]
User = Annotated[
    str | None, typer.Option(help="Only one person: email:ada@example.org, custom:7, or an id.")
]
Columns = Annotated[
    str, typer.Option(help="Of a CSV file, with commas between: id,name,properties.plan.")
]


def register(cli: typer.Typer, settings_of: Callable[..., Settings]) -> None:
    """Add the commands to a command line, given what reads the settings."""

    @cli.command("import")
    def import_(
        context: typer.Context,
        file: File,
        database: Database = None,
        form: Format = None,
        mapping: Mapping = None,
        rejects: Rejects = None,
        dry_run: DryRun = False,
        again: Again = False,
    ) -> None:
        """Take in a file: records, a table, or what export wrote. Repeating it is harmless."""
        settings = settings_of(context, database=database)
        path = None if str(file) == "-" else file
        beside = Path("import.rejects.ndjson") if path is None else Path(f"{file}.rejects.ndjson")

        async def run() -> int:
            asked = import_command.Asked(
                path=path,
                rejects=rejects or beside,
                table=_is_table(form),
                mapping=import_command.read_mapping(mapping),
                dry_run=dry_run,
                again=again,
            )
            return await import_command.import_file(asked, settings)

        if code := _run(run):
            raise typer.Exit(code)

    @cli.command("export")
    def export(
        context: typer.Context,
        output: Output = None,
        database: Database = None,
        criteria: Criteria = None,
        user: User = None,
        form: Format = None,
        columns: Columns = "",
    ) -> None:
        """Write everybody, those who match, or one person, whole; import reads it back."""
        settings = settings_of(context, database=database)

        async def run() -> None:
            asked = export_command.Asked(
                path=output,
                criteria=None if criteria is None else checked_criteria(_json(criteria)),
                user=user,
                columns=_columns(columns, is_table=_is_table(form)),
            )
            await export_command.export(asked, settings)

        _run(run)


def _is_table(form: str | None) -> bool | None:
    if form not in (None, "ndjson", "csv"):
        raise typer.BadParameter("it is ndjson or csv", param_hint="--format")
    return None if form is None else form == "csv"


def _columns(columns: str, *, is_table: bool | None) -> list[str] | None:
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if is_table and not names:
        raise typer.BadParameter("a CSV file needs them", param_hint="--columns")
    return names if is_table or names else None


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        _fail(f"The criteria are no JSON: {fault}.")


def _run(work: Callable[[], Awaitable[Result]]) -> Result:
    """Run to the end; what cannot be done is one line."""
    try:
        return asyncio.run(_awaited(work))
    except DomainError as fault:
        _fail(str(fault))
    except OSError as fault:
        _fail(f"{fault.filename or 'The file'} cannot be used: {fault.strerror}.")


async def _awaited(work: Callable[[], Awaitable[Result]]) -> Result:
    return await work()


def _fail(message: str) -> NoReturn:
    """End with one line."""
    typer.echo(f"Profilegraph: {message}", err=True)
    raise typer.Exit(1)
