"""The quick way in: requests that are so plain that they can be read at a glance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request

_PLAIN_TYPE: Final = b"application/json"
_ONE_ANSWER: Final = frozenset({b"*/*", b"application/json", b"application/graphql-response+json"})
"""What clients say they accept when they want one answer, and no page and no stream."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a plain request asks."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


async def question_of(request: Request) -> Question | None:
    """Return what a plain POST asks; None if it has to be looked at closely, or be refused."""
    scope = request.scope
    if scope["method"] != "POST" or scope["query_string"] or not _are_plain(scope["headers"]):
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


def _are_plain(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether JSON comes, and one answer is wanted; ASGI gives names in lower case."""
    is_json = False
    for name, value in headers:
        if name == b"content-type":
            is_json = value == _PLAIN_TYPE
        elif name == b"accept" and value not in _ONE_ANSWER:
            return False
    return is_json
