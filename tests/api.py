"""The API as a client has it: GraphQL over the ASGI application, without a socket between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from httpx import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from app.server import create_app
from app.settings import Settings


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Api:
    """Sends GraphQL documents and returns what comes back."""

    def __init__(self, http: AsyncClient, credential: str | None = None) -> None:
        self.http = http
        self.headers = {} if credential is None else {"authorization": f"Bearer {credential}"}

    def by(self, credential: str | None) -> "Api":
        """Return the API as it is to whoever has this key or token, or none."""
        return Api(self.http, credential)

    async def raw(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the whole answer, errors included."""
        body = {"query": document, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=self.headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def __call__(self, document: str, **variables: Any) -> Any:
        """Return the one root field of an answer without errors."""
        answer = await self.raw(document, **variables)
        assert "errors" not in answer, answer["errors"]
        (field,) = answer["data"].values()
        return field


@asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncIterator[Api]:
    """Run the application for as long as the block runs."""
    app = create_app(settings, clock)

    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with AsyncClient(
            transport=ASGITransport(with_state), base_url="http://localhost"
        ) as http:
            yield Api(http)
