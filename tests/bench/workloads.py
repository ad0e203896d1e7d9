"""What the servers race at: the requests of each workload, as JSON texts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.bench.documents import FIND, IMPORT, RECORD, UPDATE, USER, USERS
from tests.bench.load import NUMBER
from tests.bench.people import PLANS, email_of

PAGE: Final = 50
FOUND: Final = 20
RECORDS: Final = 1_000
SHUFFLED: Final = 2_000
"""How many different people are asked for, in random order."""

_VARIABLE: Final = int(NUMBER)


@dataclass(frozen=True)
class Workload:
    """One thing to be good at.

    Attributes:
        operation: The name of the operation in its document.
        writes: Whether it needs a server that keeps what it is told.
    """

    name: str
    title: str
    document: str
    operation: str
    writes: bool = False


READ_USER: Final = Workload("user", "one user", USER, "User")
READ_LIST: Final = Workload("list", "50 users", USERS, "Users")
FIND_PEOPLE: Final = Workload("find", "Find People", FIND, "Find")
UPDATE_PROPERTY: Final = Workload("update", "update a property", UPDATE, "Update", writes=True)
RECORD_EVENT: Final = Workload("record", "record an event", RECORD, "Record", writes=True)

WORKLOADS: Final = (READ_USER, READ_LIST, FIND_PEOPLE, UPDATE_PROPERTY, RECORD_EVENT)


def body(workload: Workload, variables: dict[str, Any]) -> str:
    return json.dumps(
        {
            "query": workload.document,
            "operationName": workload.operation,
            "variables": variables,
        }
    )


def bodies(workload: Workload, people: int, cursors: Sequence[str]) -> list[str]:
    """Return requests to send in turn.

    Args:
        workload: What they ask for.
        people: How many people there are.
        cursors: Where pages of 50 users begin, as this server says it.
    """
    return [body(workload, variables) for variables in _variables(workload, people, cursors)]


def _variables(workload: Workload, people: int, cursors: Sequence[str]) -> list[dict[str, Any]]:
    dice = Random(workload.name)
    numbers = [dice.randrange(people) for _ in range(SHUFFLED)]
    match workload.name:
        case "user":
            return [{"email": email_of(number)} for number in numbers]
        case "list":
            return [{"first": PAGE}, *({"first": PAGE, "after": cursor} for cursor in cursors)]
        case "find":
            return [_criteria(plan, did) for plan in PLANS for did in ("Charged", "Searched")]
        case "update":
            return [_update(email_of(number)) for number in numbers]
        case _:
            return [_record(email_of(number)) for number in numbers]


def _criteria(plan: str, did: str) -> dict[str, Any]:
    having = {"property": {"name": "plan", "is": {"equals": plan}}}
    return {"first": FOUND, "where": {"all": [having, {"did": {"name": did}}]}}


def _update(email: str) -> dict[str, Any]:
    changes = {"properties": {"set": {"visits": _VARIABLE}}}
    return {"user": {"email": email}, "changes": changes}


def _record(email: str) -> dict[str, Any]:
    event = {"name": "Searched", "properties": {"amount": _VARIABLE, "currency": "CHF"}}
    return {"user": {"email": email}, "events": [event]}


def import_body() -> str:
    """Return a request that imports people who are new at every number."""
    records = [_new_person(position) for position in range(RECORDS)]
    return json.dumps(
        {"query": IMPORT, "operationName": "Import", "variables": {"records": records}}
    )


def _new_person(position: int) -> dict[str, Any]:
    key = f"import-{_VARIABLE}-{position}"
    return {
        "user": {"custom": key},
        "identities": [{"email": f"{key}@example.org"}],
        "changes": {
            "name": f"Newcomer {position}",
            "language": "de-CH",
            "properties": {"set": {"plan": "free", "visits": position}},
        },
        "events": [{"name": "Searched", "properties": {"amount": position}}],
    }
