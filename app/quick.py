"""The quick way in: requests that are so plain that they can be read at a glance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request

JSON: Final = "application/json"

_ONE_ANSWER: Final = frozenset({None, "*/*", JSON, "application/graphql-response+json"})
"""What clients say they accept when they want one answer, and no page and no stream."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a plain request asks."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


async def question_of(request: Request) -> Question | None:
    """Return what a plain POST asks; None if it has to be looked at closely, or be refused."""
    headers = request.headers
    if (
        request.method != "POST"
        or headers.get("content-type") != JSON
        or headers.get("accept") not in _ONE_ANSWER
        or request.url.query
    ):
        return None
    try:
        asked = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
    match asked:
        case {"query": str(query), **more} if more.keys() <= {"variables", "operationName"}:
            variables, name = more.get("variables"), more.get("operationName")
            if isinstance(variables, dict | None) and isinstance(name, str | None):
                return Question(query, name, variables or {})
    return None
