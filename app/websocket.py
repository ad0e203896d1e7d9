"""GraphQL over WebSocket: the protocol `graphql-transport-ws`, where Strawberry is lenient."""

from typing import Any, Final, cast

from graphql import GraphQLError
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from app.answers import Refused, over_limit
from app.domain.errors import Unavailable
from app.gate import Gate
from app.schema.context import Context
from app.schema.telling import Told

TRY_AGAIN_LATER: Final = 1013
"""The code for a server that is there, but cannot serve now (RFC 6455, registered)."""

MAX_REASON_BYTES: Final = 123
"""The longest reason a close frame can carry (RFC 6455, section 5.5)."""


class Socket(ASGIWebSocketAdapter):
    """A WebSocket whose reasons for closing always fit."""

    async def close(self, code: int, reason: str) -> None:
        await super().close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))


class Conversation(BaseGraphQLTransportWSHandler[Context, None]):
    """What one client and the server tell each other; a message of a wrong shape closes it."""

    async def handle_message(self, message: Message) -> None:
        fields = cast("dict[str, object]", message)
        if fields.get("type") == "connection_init" and fields.get("payload") is None:
            fields.pop("payload", None)  # the protocol allows null, too
        if _is_well_formed(fields):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("This is no message of graphql-transport-ws.")

    async def send_message(self, message: Message) -> None:
        if message["type"] == "next" and isinstance(told := message["payload"]["data"], Told):
            message["payload"]["data"] = cast("Any", told.json)
        await super().send_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            await super().handle_connection_init(message)
        except Unavailable:
            await self.websocket.close(TRY_AGAIN_LATER, "The database does not answer.")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if not self.connection_acknowledged or message["id"] in self.operations:
            await super().handle_subscribe(message)  # closes the socket
            return
        try:
            self._admit(message)
        except Refused as refused:
            refusal = {"id": message["id"], "type": "error", "payload": [refused.error]}
            await self.send_message(cast("Message", refusal))
            return
        await super().handle_subscribe(message)
        if task := self.operations[message["id"]].task:
            self._gate.take_place()
            task.add_done_callback(lambda _: self._gate.leave_place())

    @property
    def _gate(self) -> Gate:
        gate: Gate = cast("Any", self.view).gate
        return gate

    def _admit(self, message: SubscribeMessage) -> None:
        """Put in the document that an operation means by its hash, if it may start at all.

        Raises:
            Refused: it may not.
        """
        limit = self.context.requests.socket_operations
        if len(self.operations) >= limit:
            raise over_limit(
                429, "socket_operations", limit,
                f"There are at most {limit} operations on a socket at once",
            )  # fmt: skip
        self._gate.check_places()
        self._gate.charge(cast("Socket", self.websocket).ws, self.context.caller)
        payload = cast("dict[str, Any]", message["payload"])
        document = self._gate.document(payload.get("query"), payload.get("extensions"))
        payload["query"] = document or ""

    @staticmethod
    def _get_pre_execution_close_reason(_: GraphQLError) -> None:
        """Never close for an operation that cannot be executed: its error is answered."""


def _is_request(payload: dict[str, object]) -> bool:
    query, extensions = payload.get("query"), payload.get("extensions")
    by_hash = isinstance(extensions, dict) and "persistedQuery" in extensions
    return (
        (isinstance(query, str) or (query is None and by_hash))
        and isinstance(extensions, dict | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _is_well_formed(message: dict[str, object]) -> bool:
    match message:
        case {"type": "connection_init" | "ping" | "pong"} | {"type": "complete", "id": str()}:
            return True
        case {"type": "subscribe", "id": str(), "payload": dict() as payload}:
            return _is_request(payload)
        case _:
            return False
