"""GraphQL over HTTP, as its specification says, and how a request becomes a Context."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.http.types import QueryParams
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType

from app import graphiql
from app.plans import Plans
from app.schema import schema
from app.schema.context import Context
from app.settings import Settings
from app.shutdown import until
from app.websocket import Conversation, Socket

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
CONNECTION_INIT_WAIT: Final = timedelta(seconds=10)

Clock = Callable[[], datetime]

_NO_RESPONSE: Final = Response()
"""What a context is made beside where the response is not known yet."""

_PLAIN_ANSWERS: Final = frozenset({"*/*", JSON, GRAPHQL_JSON})
"""What clients accept who want one answer, and no page and no stream."""


_ONE_ANSWER: Final = {
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}


class _RequestAdapter(StarletteRequestAdapter):
    """A request whose media type is compared without case (RFC 9110, section 8.3.1)."""

    @property
    def content_type(self) -> str | None:
        content_type = super().content_type
        return content_type and content_type.lower()


class GraphQLEndpoint(GraphQL[Context, None]):
    """The schema at one address: POST, GET, Server-Sent Events, WebSocket, and a page to try it."""

    graphql_transport_ws_handler_class = Conversation
    websocket_adapter_class = Socket
    request_adapter_class = _RequestAdapter

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(
            schema,
            subscription_protocols=[
                GRAPHQL_TRANSPORT_WS_PROTOCOL,
                GRAPHQL_SSE_PROTOCOL,
                MULTIPART_SUBSCRIPTION_PROTOCOL,  # as Apollo Client asks for
            ],
            connection_init_wait_timeout=CONNECTION_INIT_WAIT,
        )
        self._settings = settings
        self._clock = clock
        self._plans = Plans(schema._schema) if settings.plans else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except HTTPException as fault:
            response = _refusal(request, fault.status_code, fault.reason)
        except MissingQueryError:
            response = _refusal(request, 400, "There is no `query`.")
        except CannotGetOperationTypeError as fault:
            # The one media type answers well-formed requests with 200, whatever comes of them.
            status = 400 if _media_type(request) == GRAPHQL_JSON else 200
            response = _refusal(request, status, fault.as_http_error_reason())
        except InvalidOperationTypeError as fault:
            response = _wrong_operation(request, fault)
        await response(scope, receive, send)

    # ------------------------------------------------------------ the quick way

    async def run(
        self,
        request: Request | WebSocket,
        context: Context | UnsetType = UNSET,
        root_value: UnsetType | None = UNSET,
    ) -> Any:
        """Answer by a plan what was let through before, and is asked plainly; else go all the way.

        Who asks, and how much they may send, is found out the same way in both.
        """
        if self._plans and isinstance(request, Request) and _asks_plainly(request):
            context = await self.get_context(request, _NO_RESPONSE)
            if asked := _asked(await self.request_adapter_class(request).get_body()):
                data = await self._plans.answer_known(*asked, context)
                if data is not None:
                    body = orjson.dumps({"data": data})
                    return Response(body, 200, {"vary": "accept"}, _media_type(request))
        return await super().run(request, context, root_value)  # type: ignore[arg-type]

    # ------------------------------------------------------------ the request

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(
            store=request.state.store,
            feed=request.state.feed,
            crossings=request.state.crossings,
            leader=request.state.leader,
            limits=self._settings.limits,
            time_zone=self._settings.time_zone,
            clock=self._clock,
        )

    def parse_query_params(self, params: QueryParams) -> dict[str, Any]:
        given = {name: value for name, value in dict(params).items() if value != ""}
        return super().parse_query_params(given)

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        content_type = _content_type(request.content_type or "")
        if request.method != "GET" and content_type != JSON:
            raise HTTPException(415, f"The request's content type is not {JSON}.")
        data = await super().parse_http_body(request)
        if isinstance(data, GraphQLRequestData) and not isinstance(data.operation_name, str | None):
            raise HTTPException(400, "The `operationName` is neither a text nor null.")
        return data

    def decode_json(self, data: str | bytes) -> object:
        decoded = orjson.loads(data)
        if not isinstance(decoded, dict):
            raise json.JSONDecodeError("A message is an object.", "", 0)
        return decoded

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
        context.shortcut = self._plans.answer if self._plans else None
        result: ExecutionResult = await self.schema.execute(
            request_data.query,
            variable_values=request_data.variables,
            context_value=context,
            operation_name=request_data.operation_name,
            allowed_operation_types=_ONE_ANSWER[request.method],
            operation_extensions=request_data.extensions,
        )
        return result

    # ------------------------------------------------------------ the answer

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

    def _stream_result(
        self, request: Request, result: Any, transport: Any
    ) -> Callable[[], AsyncGenerator[str, None]]:
        stream = super()._stream_result(request, result, transport)
        stopping = request.app.state.stopping
        return lambda: until(stopping, stream())

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

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # as text, since WebSocket messages must be


@lru_cache(1_000)
def _content_type(header: str) -> str:
    media_type, _ = parse_content_type(header)
    return media_type


def _asks_plainly(request: Request) -> bool:
    """Return whether JSON is posted, and one answer is wanted: no page, and no stream."""
    headers = request.headers
    return (
        request.method == "POST"
        and headers.get("content-type") == JSON
        and headers.get("accept", "*/*") in _PLAIN_ANSWERS
    )


def _asked(body: bytes | str) -> tuple[str, str | None, Mapping[str, Any]] | None:
    """Return a query, its operation's name and its variables; None for what takes a closer look."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match asked:
        case {"query": str(query), **more} if "extensions" not in more:
            name, variables = more.get("operationName"), more.get("variables")
            if isinstance(name, str | None) and isinstance(variables, dict | None):
                return query, name, variables or {}
    return None


def _media_type(request: Request | WebSocket) -> str:
    return _best_of(request.headers.get("accept", ""))


@lru_cache(1_000)
def _best_of(accept: str) -> str:
    """Return the one of our two media types that the client accepts more gladly."""
    accepted = dict(map(_with_quality, accept.lower().split(",")))
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
