"""Clients of real servers: GraphQL over HTTP and over WebSocket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from httpx import AsyncClient, Limits
from websockets.asyncio.client import ClientConnection, connect

IDENTIFY = """
mutation ($email: String!) {
  userIdentify(identities: [{email: $email}]) {
    ... on UserIdentifyPayload { outcome user { id } }
    ... on IdentityTakenError { message }
  }
}
"""
INCREMENT = """
mutation ($email: String!) {
  userUpdate(
    user: {email: $email}, changes: {properties: {increment: {n: 1}}}
  ) { ... on UserUpdatePayload { user { version } } }
}
"""
RECORD = """
mutation ($email: String!, $id: ID!) {
  userRecordEvents(
    user: {email: $email}, events: [{id: $id, name: "Viewed"}], createIfMissing: true
  ) { ... on UserRecordEventsPayload { recorded } }
}
"""
USER = """
query ($email: String!) { user(by: {email: $email}) { id version properties } }
"""
EVENTS = """
query ($email: String!, $after: Cursor) {
  user(by: {email: $email}) {
    activity { count }
    events(first: 100, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor }
    }
  }
}
"""
WATCH = """
subscription ($email: String!) {
  userChanged(by: {email: $email}) { kind user { version properties } }
}
"""


class Client:
    """Sends GraphQL documents to one server."""

    def __init__(self, http: AsyncClient) -> None:
        self._http = http

    async def __call__(self, document: str, **variables: Any) -> Any:
        """Return the one root field of an answer without errors."""
        body = {"query": document, "variables": variables}
        answer = (await self._http.post("/graphql", json=body)).json()
        assert "errors" not in answer, answer
        (field,) = answer["data"].values()
        return field


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Client]:
    async with AsyncClient(
        base_url=url, timeout=20, limits=Limits(max_connections=12), trust_env=False
    ) as http:
        yield Client(http)


class Subscriber:
    """Watches over one WebSocket, as graphql-transport-ws says."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def next(self) -> Any:
        """Return the one root field of what comes next."""
        message = json.loads(await self._socket.recv())
        while message["type"] == "ping":
            await self._socket.send('{"type": "pong"}')
            message = json.loads(await self._socket.recv())
        assert message["type"] == "next", message
        (field,) = message["payload"]["data"].values()
        return field


@asynccontextmanager
async def subscribed(url: str, document: str, **variables: Any) -> AsyncIterator[Subscriber]:
    address = url.replace("http://", "ws://") + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send('{"type": "connection_init"}')
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": document, "variables": variables}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield Subscriber(socket)
