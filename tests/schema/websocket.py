"""A client of graphql-transport-ws over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from websockets import ClientConnection, ConnectionClosed, Subprotocol, connect

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
PATIENCE_S: Final = 3


class Socket:
    """An open connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        """Send text or bytes as they are, anything else as JSON."""
        raw = isinstance(message, str | bytes)
        await self.connection.send(message if raw else json.dumps(message))

    async def subscribe(self, document: str, id: str = "1", **variables: Any) -> None:
        payload = {"query": document, "variables": variables}
        await self.send({"type": "subscribe", "id": id, "payload": payload})

    async def receive(self) -> Any:
        """Return the next message, which has to be a text."""
        async with asyncio.timeout(PATIENCE_S):
            frame = await self.connection.recv()
        assert isinstance(frame, str)
        return json.loads(frame)

    async def told(self) -> Any:
        """Return the one field of the next result."""
        message = await self.receive()
        assert message["type"] == "next", message
        (field,) = message["payload"]["data"].values()
        return field

    async def close_code(self) -> int | None:
        """Return the code with which the server closes, whatever it says before."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


@asynccontextmanager
async def opened(url: str, query: str = "", **options: Any) -> AsyncIterator[Socket]:
    """Open a socket that has said nothing yet."""
    address = f"{url.replace('http', 'ws', 1)}/graphql{query}"
    async with connect(address, **{"subprotocols": [PROTOCOL]} | options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def initialised(url: str, credential: str | None = None) -> AsyncIterator[Socket]:
    """Open a socket that may subscribe."""
    payload = {"authorization": f"Bearer {credential}"} if credential else {}
    async with opened(url) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket
