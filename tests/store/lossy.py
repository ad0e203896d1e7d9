"""A wire to a MongoDB server that loses answers, or falls silent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

LoseAnswer = Callable[[bytes], bool]


class Wire:
    """Carries bytes between clients and a server, until it is cut.

    Attributes:
        url: How clients reach the server by this wire.
        lose_answer_to: Whether the answer to these bytes of a client is lost: the server has got
            them, and the connection ends without an answer.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self._listening: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.lose_answer_to: LoseAnswer = lambda _: False

    async def start(self) -> None:
        self._listening = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = self._listening.sockets[0].getsockname()[1]
        self.url = f"mongodb://127.0.0.1:{port}{self._server.path}"

    async def cut(self) -> None:
        """Let nothing through any more."""
        if self._listening:
            self._listening.close()
        for end in list(self._ends):
            end.transport.abort()
        await asyncio.sleep(0)

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._server.hostname, self._server.port)
        ends = {to_client, to_server}
        self._ends |= ends
        losing = asyncio.Event()
        answers = asyncio.create_task(_forward(server, to_client, losing))
        try:
            while asked := await client.read(1 << 20):
                if self.lose_answer_to(asked):
                    losing.set()
                to_server.write(asked)
                await to_server.drain()
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            with suppress(asyncio.CancelledError):
                await answers
            self._ends -= ends
            for end in ends:
                end.close()


async def _forward(
    from_server: asyncio.StreamReader, to_client: asyncio.StreamWriter, losing: asyncio.Event
) -> None:
    """Carry answers until one is to be lost; that one ends the connection."""
    with suppress(ConnectionError):
        while (answer := await from_server.read(1 << 20)) and not losing.is_set():
            to_client.write(answer)
            await to_client.drain()
        to_client.transport.abort()


@asynccontextmanager
async def wire_to(server: str) -> AsyncIterator[Wire]:
    """Lay a wire to the server, whose URL names a database."""
    wire = Wire(server)
    await wire.start()
    try:
        yield wire
    finally:
        await wire.cut()
