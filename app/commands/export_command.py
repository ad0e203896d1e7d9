"""`export`: everybody, those who match, or one person, out of the store."""

import csv
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import IO, Any

import orjson

from app.commands.columns import cell_of, check_columns
from app.commands.exported import Deleted, Names, Profile, Segments, show_line
from app.commands.opening import opened_store
from app.domain.criteria import Question
from app.domain.errors import UserNotFound
from app.domain.identity import IdentityKind, normalised
from app.domain.profile import show_profile
from app.domain.times import to_utc_ms
from app.domain.windows import Moment
from app.operations.export import export_deleted_ids, export_user, export_users
from app.operations.segments import ask
from app.settings import Settings
from app.store import Store, UserRef


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        path: Where to; None for standard output.
        criteria: Only those of whom these are true.
        user: Only this person, as `email:ada@example.org` or an id.
        columns: Of a table; None for lines that `import` reads back.
    """

    path: Path | None
    criteria: Mapping[str, Any] | None
    user: str | None
    columns: Sequence[str] | None


async def export(asked: Asked, settings: Settings) -> None:
    """Write what was asked for.

    Raises:
        UserNotFound, InvalidInput, Unavailable: there is no such person, or something is wrong.
        OSError: it cannot be written.
    """
    check_columns(asked.columns or ())
    # Whoever exports waits as long as it takes: the budget of questions is for those who do not.
    limits = settings.limits.model_copy(update={"candidates": sys.maxsize})
    async with opened_store(settings.database, limits) as store:
        if asked.user is not None:
            profile = await _one(store, asked.user, settings)
            with _written(asked.path) as file:
                file.write(orjson.dumps(profile, option=orjson.OPT_INDENT_2) + b"\n")
            return
        lines = _lines(store, asked, await _question(store, asked, settings))
        with _written(asked.path) as file:
            async for line in lines:
                file.write(line)


async def _one(store: Store, name: str, settings: Settings) -> dict[str, Any]:
    user = await export_user(store, _ref(name, settings))
    if user is None:
        raise UserNotFound
    return show_profile(user)


def _ref(name: str, settings: Settings) -> UserRef:
    kind, colon, value = name.partition(":")
    if not colon or kind == "id":
        return value or name
    if kind not in list(IdentityKind):
        raise UserNotFound
    domains = settings.limits.test_mail_domains
    return normalised(IdentityKind(kind), value, ("user",), test_mail_domains=domains)


async def _question(store: Store, asked: Asked, settings: Settings) -> Question | None:
    if asked.criteria is None:
        return None
    moment = Moment(to_utc_ms(datetime.now(UTC)), settings.time_zone)
    return await ask(store, asked.criteria, ("criteria",), moment, settings.limits)


async def _lines(store: Store, asked: Asked, question: Question | None) -> AsyncIterator[bytes]:
    """Yield the lines of an export; of part of the people, their profiles alone."""
    if asked.columns is not None:
        yield _row(asked.columns)
        async for user in export_users(store, question):
            yield _row([cell_of(user, column) for column in asked.columns])
        return
    if question is None:
        yield show_line(Names(await store.catalog()))
        yield show_line(Segments(tuple((await store.segments()).values())))
    async for user in export_users(store, question):
        yield show_line(Profile(user))
    if question is None:
        async for user_id in export_deleted_ids(store):
            yield show_line(Deleted(user_id))


def _row(cells: Sequence[str]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


@contextmanager
def _written(path: Path | None) -> Iterator[IO[bytes]]:
    """Open what is written, readable by its owner alone; a file is whole, or not there."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    aside = path.with_name(f".{path.name}.part")
    try:
        with open(aside, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            yield file
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
