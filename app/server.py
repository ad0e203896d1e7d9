"""The ASGI application: routes, start-up, shut-down, and how a request becomes a Context."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app import graphiql
from app.domain.errors import Unavailable
from app.live.feed import Feed
from app.schema import schema
from app.schema.context import Context
from app.settings import Settings
from app.store import Store, open_store

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
CONNECTION_INIT_WAIT: Final = timedelta(seconds=10)

Clock = Callable[[], datetime]


class State(TypedDict):
    """What lives as long as the application."""

    store: Store
    feed: Feed


class GraphQLEndpoint(GraphQL[Context, None]):
    """The schema over HTTP and WebSocket, as the GraphQL-over-HTTP specification says."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=CONNECTION_INIT_WAIT,
        )
        self._settings = settings
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except HTTPException as fault:
            status = 415 if fault.reason == "Unsupported content type" else fault.status_code
            response = _refusal(request, status, fault.reason)
        except MissingQueryError:
            response = _refusal(request, 400, "There is no `query`.")
        except CannotGetOperationTypeError as fault:
            response = _refusal(request, 400, fault.as_http_error_reason())
        except InvalidOperationTypeError as fault:
            response = _wrong_operation(request, fault)
        await response(scope, receive, send)

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Execute what has one answer; a subscription has a stream of them."""
        result: ExecutionResult = await self.schema.execute(
            request_data.query,
            variable_values=request_data.variables,
            context_value=context,
            operation_name=request_data.operation_name,
            allowed_operation_types=_ONE_ANSWER[request.method],
            operation_extensions=request_data.extensions,
        )
        return result

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(
            store=request.state.store,
            feed=request.state.feed,
            limits=self._settings.limits,
            time_zone=self._settings.time_zone,
            clock=self._clock,
        )

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        wants_page = "text/html" in request.headers.get("accept", "")
        return wants_page and super().should_render_graphql_ide(request)

    async def render_graphql_ide(self, request: Request) -> Response:
        return graphiql.page()

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Return what `create_response` is told of the request: its media type, later a status."""
        response = await super().get_sub_response(request)
        response.media_type = _media_type(request)
        request.state.sub_response = response
        return response

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        answer = await super().process_result(request, result)
        # Every root field is nullable: no data at all means that nothing was executed.
        if result.data is None:
            del answer["data"]
            if _media_type(request) == GRAPHQL_JSON:
                request.state.sub_response.status_code = 400
        return answer

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        return Response(
            self.encode_json(response_data),
            sub_response.status_code or 200,
            {"vary": "accept"},
            sub_response.media_type,
        )

    def decode_json(self, data: str | bytes) -> object:
        decoded = orjson.loads(data)
        if not isinstance(decoded, dict):
            raise json.JSONDecodeError("A message is an object.", "", 0)
        return decoded

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # as text, since WebSocket messages must be


def _media_type(request: Request | WebSocket) -> str:
    return GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON


_ONE_ANSWER: Final = {
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}


def _wrong_operation(request: Request, fault: InvalidOperationTypeError) -> Response:
    if fault.operation_type is OperationType.SUBSCRIPTION:
        message = "A subscription goes over a WebSocket, or with Accept: text/event-stream."
        return _refusal(request, 400, message)
    return _refusal(request, 405, fault.as_http_error_reason("GET"))


def _refusal(request: Request, status: int, message: str) -> Response:
    """Return a well-formed answer to what is no GraphQL request that can be executed."""
    headers = {"vary": "accept"}
    if status == 405:
        headers["allow"] = "POST" if request.method == "GET" else "GET, POST"
    error = {"message": message, "extensions": {"code": "INVALID_INPUT"}}
    return Response(
        orjson.dumps({"errors": [error]}), status, headers, media_type=_media_type(request)
    )


async def health(request: Request) -> Response:
    """Answer 200 if the store answers, else 503."""
    try:
        await request.state.store.ping()
    except Unavailable:
        return PlainTextResponse("The database does not answer.\n", 503)
    return PlainTextResponse("ok\n")


def create_app(settings: Settings, clock: Clock = lambda: datetime.now(UTC)) -> Starlette:
    """Return the application; it opens its store when it starts, and closes it when it stops."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with (
            open_store(settings.database, settings.limits) as store,
            Feed(store).running() as feed,
        ):
            yield {"store": store, "feed": feed}

    endpoint = GraphQLEndpoint(settings, clock)
    return Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            Route("/health", health),
            *graphiql.routes,
        ],
        lifespan=lifespan,
    )
