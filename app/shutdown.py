"""How the server stops: whoever watches is cut off in a way that makes clients come again.

WebSockets are closed with 1012, "service restart". A stream over HTTP just ends: clients take the
event `complete` for the end of the subscription, and its absence for a connection that was lost.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """A server that ends the application's streams before it waits for requests to end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app: Any = self.config.app
        app.state.stopping.set()
        await super().shutdown(sockets)


async def until(
    stopping: asyncio.Event, stream: AsyncGenerator[str, None]
) -> AsyncGenerator[str, None]:
    """Yield what a stream yields, until the server stops."""
    stopped = asyncio.create_task(stopping.wait(), name="stopping")
    try:
        while not stopping.is_set():
            item = asyncio.ensure_future(anext(stream))
            try:
                await asyncio.wait({item, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if item.done():
                    yield item.result()
            finally:
                item.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await item
    except StopAsyncIteration:
        return
    finally:
        stopped.cancel()
        await stream.aclose()
