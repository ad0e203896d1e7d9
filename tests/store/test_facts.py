"""What Find People looks for follows from a person, whichever way the person came to be so."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from app.domain.user import User
from app.store.sqlite import facts
from app.store.sqlite.connection import connect, prepare
from tests.domain.strategies import users

_EACH_TAKES_THE_SAME_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def connection(tmp_path: Path):
    prepare(tmp_path / "people.db", 1.0)
    connection = connect(tmp_path / "people.db", 1.0)
    yield connection
    connection.close()


@_EACH_TAKES_THE_SAME_FILE
@given(user=users)
def test_the_rows_of_somebody_new_are_those_of_somebody_who_became_so(
    connection: sqlite3.Connection, user: User
):
    bare = user.model_copy(update={"properties": {}, "activity": {}})

    assert _rows(connection, None, user) == _rows(connection, bare, user)


def _rows(connection: sqlite3.Connection, before: User | None, after: User) -> list[list[object]]:
    connection.execute("BEGIN")
    facts.index(connection, before, after)
    rows = [
        sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
        for table in ("user_properties", "user_activity")
    ]
    connection.execute("ROLLBACK")
    return rows
