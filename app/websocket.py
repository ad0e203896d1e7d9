"""GraphQL over WebSocket: the protocol `graphql-transport-ws`, where Strawberry is lenient."""

from typing import Final, cast

from graphql import GraphQLError
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    Message,
    SubscribeMessage,
)

from app.schema.context import Context

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

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        limit = self.max_subscriptions_per_connection
        is_new = self.connection_acknowledged and message["id"] not in self.operations
        if is_new and limit is not None and len(self.operations) >= limit:
            error = GraphQLError(
                f"There are at most {limit} operations on a connection at once.",
                extensions={"code": "LIMIT_EXCEEDED", "limit": limit},
            )
            refusal = {"id": message["id"], "type": "error", "payload": [error.formatted]}
            await self.send_message(cast("Message", refusal))
        else:
            await super().handle_subscribe(message)

    @staticmethod
    def _get_pre_execution_close_reason(_: GraphQLError) -> None:
        """Never close for an operation that cannot be executed: its error is answered."""


def _is_well_formed(message: dict[str, object]) -> bool:
    match message:
        case {"type": "connection_init" | "ping" | "pong"} | {"type": "complete", "id": str()}:
            return True
        case {"type": "subscribe", "id": str(), "payload": {"query": str(), **more}}:
            variables, name = more.get("variables"), more.get("operationName")
            return isinstance(variables, dict | None) and isinstance(name, str | None)
        case _:
            return False
