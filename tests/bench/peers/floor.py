"""The floor: answers written by hand for the very questions of the race, on Starlette, from memory.

It parses no GraphQL and validates nothing: what is left is HTTP, JSON and the fields.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_LIST_FIELDS: Final = (
    "id",
    "name",
    "birthday",
    "email",
    "gender",
    "language",
    "timezone",
    "createdAt",
)
_USER_FIELDS: Final = (*_LIST_FIELDS, "phone", "version")
_FIND_FIELDS: Final = ("id", "name", "email", "language")

_PEOPLE: Final = orjson.loads(Path(os.environ["PEOPLE"]).read_bytes())
_NEWEST: Final = _PEOPLE[::-1]
_BY_EMAIL: Final = {person["email"]: person for person in _PEOPLE}
_PLACE: Final = {person["id"]: place for place, person in enumerate(_NEWEST)}


async def answer(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    data = _ANSWERS[asked["operationName"]](asked["variables"])
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def _user(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {"user": _shown(_BY_EMAIL[variables["email"]], _USER_FIELDS)}


def _users(variables: Mapping[str, Any]) -> dict[str, Any]:
    after, first = variables.get("after"), variables["first"]
    start = _PLACE[after] + 1 if after else 0
    nodes = [
        {
            **_shown(person, _LIST_FIELDS),
            "identities": person["identities"],
            "activity": [
                {"name": total["name"], "count": total["count"], "lastAt": total["lastAt"]}
                for total in person["activity"]
            ],
        }
        for person in _NEWEST[start : start + first]
    ]
    return {"users": {"nodes": nodes, "pageInfo": {"hasNextPage": len(_NEWEST) > start + first}}}


def _ends(variables: Mapping[str, Any]) -> dict[str, Any]:
    after, first = variables.get("after"), variables["first"]
    start = _PLACE[after] + 1 if after else 0
    page = _NEWEST[start : start + first]
    more = len(_NEWEST) > start + first
    return {"users": {"pageInfo": {"hasNextPage": more, "endCursor": page[-1]["id"]}}}


def _find(variables: Mapping[str, Any]) -> dict[str, Any]:
    having, did = variables["where"]["all"]
    plan, name = having["property"]["is"]["equals"], did["did"]["name"]
    nodes = []
    for person in _NEWEST:
        if person["properties"]["plan"] != plan:
            continue
        if any(total["name"] == name for total in person["activity"]):
            nodes.append(_shown(person, _FIND_FIELDS))
            if len(nodes) == variables["first"]:
                break
    return {"users": {"nodes": nodes}}


def _shown(person: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    chosen = {field: person[field] for field in fields}
    chosen["type"] = _type_of(person)
    chosen["age"] = _age_of(person)
    return chosen


def _type_of(person: Mapping[str, Any]) -> str:
    if any(total["name"] == "Charged" for total in person["activity"]):
        return "CUSTOMER"
    return "ADDRESSABLE" if person["email"] and person["subscribedToEmail"] else "ANONYMOUS"


def _age_of(person: Mapping[str, Any]) -> int:
    born, today = date.fromisoformat(person["birthday"]), datetime.now(UTC).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


_ANSWERS: Final = {"User": _user, "Users": _users, "Ends": _ends, "Find": _find}

app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)
