"""What goes back over HTTP when nothing was executed, and in which media type anything does."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"


class Refused(Exception):
    """A request that is not executed, and the answer to it.

    Attributes:
        status: The HTTP status.
        message: What a developer reads.
        extensions: What a program reads; its code is INVALID_INPUT unless it says another.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        extensions: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.extensions = {"code": "INVALID_INPUT", **(extensions or {})}
        self.headers = headers or {}

    @property
    def error(self) -> dict[str, Any]:
        """The fault as a GraphQL error."""
        return {"message": self.message, "extensions": self.extensions}


def over_limit(
    status: int,
    name: str,
    limit: float,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> Refused:
    """Return the refusal of a request that passes one of its limits."""
    extensions = {"code": "LIMIT_EXCEEDED", "name": name, "limit": limit}
    return Refused(status, f"{message} ({name}).", extensions, headers)


def refusal(request: HTTPConnection, refused: Refused) -> Response:
    """Return a well-formed answer to what is not executed."""
    return Response(
        orjson.dumps({"errors": [refused.error]}),
        refused.status,
        {"vary": "accept", **refused.headers},
        media_type=media_type(request),
    )


def media_type(request: HTTPConnection) -> str:
    """Return the one of our two media types that the client accepts more gladly."""
    accepted = dict(map(_with_quality, request.headers.get("accept", "").lower().split(",")))
    quality = accepted.get(GRAPHQL_JSON, 0.0)
    return GRAPHQL_JSON if quality > 0 and quality >= accepted.get(JSON, 0.0) else JSON


def _with_quality(part: str) -> tuple[str, float]:
    """Return a media range and its weight (RFC 9110, section 12.4.2)."""
    media_range, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_range, float(value)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0
