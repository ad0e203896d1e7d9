"""GraphQL over HTTP, as its specification says, and how a request becomes a Context."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
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
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from app import graphiql
from app.answers import GRAPHQL_JSON, JSON, Refused, media_type, refusal
from app.auth import NOBODY, Caller, Unauthenticated
from app.body import read_body
from app.callers import Callers
from app.domain.errors import Unavailable
from app.gate import Gate
from app.limits import body_bounds
from app.plans import Plans
from app.schema import schema
from app.schema.context import Context
from app.schema.errors import logged
from app.schema.telling import Told
from app.settings import Settings
from app.shutdown import until
from app.websocket import Conversation, Socket

PATH: Final = "/graphql"

CONNECTION_INIT_WAIT: Final = timedelta(seconds=10)

Clock = Callable[[], datetime]

_CHALLENGE: Final = {"www-authenticate": "Bearer"}

_ONE_ANSWER: Final = {
    "GET": {OperationType.QUERY},
    "POST": {OperationType.QUERY, OperationType.MUTATION},
}


class _RequestAdapter(StarletteRequestAdapter):
    """A request whose media type is compared without case (RFC 9110, section 8.3.1)."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._request = request

    async def get_body(self) -> bytes:
        return await read_body(self._request, self._request.state.body_bounds)

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
            max_subscriptions_per_connection=settings.requests.socket_operations,
            allowed_origins=settings.cors_origins,
        )
        self._settings = settings
        self._clock = clock
        self.plans = Plans(schema._schema) if settings.plans else None
        self.gate = Gate(settings.requests, settings.trusted_documents())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except Refused as refused:
            response = refusal(request, refused)
        except HTTPException as fault:
            response = refusal(request, _refused(request, fault))
        except Unauthenticated as fault:
            response = refusal(request, _unauthenticated(request, str(fault)))
        except Unavailable as fault:
            response = refusal(request, Refused(503, str(fault), {"code": "TIMEOUT"}))
        except MissingQueryError:
            response = refusal(request, Refused(400, "There is no `query`."))
        except CannotGetOperationTypeError as fault:
            # The one media type answers well-formed requests with 200, whatever comes of them.
            status = 400 if media_type(request) == GRAPHQL_JSON else 200
            response = refusal(request, Refused(status, fault.as_http_error_reason()))
        except InvalidOperationTypeError as fault:
            response = refusal(request, _refused(request, _wrong_operation(request, fault)))
        except Exception as bug:
            # The server would answer in a form of its own, and its log quote the fault.
            unexpected = {"code": "INTERNAL", "id": logged(bug)}
            response = refusal(request, Refused(500, "Unexpected error.", unexpected))
        try:
            await response(scope, receive, send)
        finally:
            if getattr(request.state, "has_place", False):
                self.gate.leave_place()

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        handshake = WebSocket(scope, receive, send)
        try:
            with self.gate.socket(handshake):
                await super().__call__(scope, receive, send)
        except Refused as refused:
            await handshake.send_denial_response(refusal(handshake, refused))

    # ------------------------------------------------------------ the request

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        callers: Callers = request.state.callers
        authorization = _authorization(request)
        was_quick = getattr(request.state, "was_quick", False)  # and has been counted
        if isinstance(request, Request) and not was_quick:
            self.gate.charge_address(request)
        # Over a WebSocket, the credential may still come, and counts from then on.
        known = not isinstance(request, WebSocket)
        caller = await callers.caller(authorization) if known else NOBODY
        if isinstance(request, Request):
            self._check_site(request)
            if not was_quick:
                self.gate.charge_key(caller)
            request.state.body_bounds = body_bounds(caller.role, self._settings.requests)
        return self.context(request.scope["state"], caller, authorization)

    def context(
        self, state: Mapping[str, Any], caller: Caller, authorization: str | None
    ) -> Context:
        """Return the context of what a caller asks; `state` is the application's."""
        return Context(
            callers=state["callers"],
            caller=caller,
            authorization=authorization,
            store=state["store"],
            feed=state["feed"],
            crossings=state["crossings"],
            leader=state["leader"],
            limits=self._settings.limits,
            requests=self._settings.requests,
            time_zone=self._settings.time_zone,
            clock=self._clock,
            done=state.get("done"),
            messages=self.plans.of_messages if self.plans else None,
            deadline=state.get("deadline"),
        )

    async def on_ws_connect(self, context: Context) -> Any:
        """Take the credential in `connection_init`, or else that of the handshake."""
        for name, value in (context.connection_params or {}).items():
            if name.lower() == "authorization" and value is not None:
                context.authorization = str(value)
        try:
            context.caller = await context.callers.caller(context.authorization)
        except Unauthenticated:
            raise ConnectionRejectionError from None
        return UNSET

    def _check_site(self, request: Request) -> None:
        """Refuse what a page of another site asks for; a link from there to our page is none."""
        if not _from_another_site(request, self._settings.cors_origins):
            return
        if not self.should_render_graphql_ide(_RequestAdapter(request)):
            raise Refused(403, "Pages of other sites are not let in.", {"code": "FORBIDDEN"})

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
        if isinstance(data, GraphQLRequestData):
            if not isinstance(data.operation_name, str | None):
                raise HTTPException(400, "The `operationName` is neither a text nor null.")
            data.query = self.gate.document(data.query, data.extensions)
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
        has_given_up = getattr(request.state, "was_quick", False)
        if self.plans and request_data.query and not has_given_up:
            context.shortcut = partial(
                self.plans.answer,
                request_data.query,
                request_data.operation_name,
                request_data.variables or {},
            )
        result: ExecutionResult = await self.schema.execute(
            request_data.query,
            variable_values=request_data.variables,
            context_value=context,
            operation_name=request_data.operation_name,
            allowed_operation_types=_ONE_ANSWER[request.method],
            operation_extensions=request_data.extensions,
        )
        return result

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        if isinstance(request_data, GraphQLRequestData) and request_data.protocol != "http":
            self.gate.check_places()
            self.gate.take_place()  # until the response has ended, however it does
            request.state.has_place = True
        return await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )

    # ------------------------------------------------------------ the answer

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        wants_page = "text/html" in request.headers.get("accept", "")
        return wants_page and super().should_render_graphql_ide(request)

    async def render_graphql_ide(self, request: Request) -> Response:
        return graphiql.page()

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Return what `create_response` is told of the request: its media type, later a status."""
        response = await super().get_sub_response(request)
        response.media_type = media_type(request)
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
        if isinstance(result.data, Told):
            answer["data"] = cast("Any", result.data.json)
        # Every root field is nullable: no data at all means that nothing was executed.
        if result.data is None:
            del answer["data"]
            if media_type(request) == GRAPHQL_JSON:
                request.state.sub_response.status_code = _status_of(result)
        return answer

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        return Response(
            self.encode_json(response_data),
            sub_response.status_code or 200,
            {"vary": "accept"} | (_CHALLENGE if sub_response.status_code == 401 else {}),
            sub_response.media_type,
        )

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        async def closing() -> AsyncIterator[str]:
            async with aclosing(cast("AsyncGenerator[str, None]", stream())) as events:
                async for event in events:
                    yield event

        kept = {**headers, "Cache-Control": "no-store, no-transform"}
        return await super().create_streaming_response(request, closing, sub_response, kept)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # as text, since WebSocket messages must be


@lru_cache(1_000)
def _content_type(header: str) -> str:
    media_type, _ = parse_content_type(header)
    return media_type


def _from_another_site(request: Request, origins: Sequence[str]) -> bool:
    """Return whether a browser sends this for a page of another site, one that was not let in.

    What cannot be read there could still be made to work, or be timed. Old browsers do not say.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    let_in = "*" in origins or (origin is not None and origin in origins)
    return site not in ("none", "same-origin") and not let_in


def _code(error: GraphQLError) -> object:
    return (error.extensions or {}).get("code")


def _refused(request: Request, fault: HTTPException) -> Refused:
    headers = {}
    if fault.status_code == 405:
        headers["allow"] = "POST" if request.method == "GET" else "GET, POST"
    return Refused(fault.status_code, fault.reason, headers=headers)


def _wrong_operation(request: Request, fault: InvalidOperationTypeError) -> HTTPException:
    if fault.operation_type is OperationType.SUBSCRIPTION:
        message = "A subscription goes over a WebSocket, or with Accept: text/event-stream."
        return HTTPException(400, message)
    return HTTPException(405, fault.as_http_error_reason("GET"))


def _authorization(request: Request | WebSocket) -> str | None:
    """Return the credential as it was sent; two are none that could be taken."""
    sent = request.headers.getlist("authorization")
    return ", ".join(sent) if sent else None


def _status_of(result: ExecutionResult) -> int:
    """Return the status of an operation that was not executed."""
    codes = {_code(error) for error in result.errors or ()}
    statuses = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "TIMEOUT": 504}
    return next((status for code, status in statuses.items() if code in codes), 400)


def _unauthenticated(request: Request, message: str) -> Refused:
    # A client that reads `application/json` is told by the body: to it, the one media type says,
    # 401 would mean that no GraphQL was spoken.
    tells_by_status = (
        media_type(request) == GRAPHQL_JSON
        or "text/event-stream" in request.headers.get("accept", "").lower()
    )
    extensions = {"code": "UNAUTHENTICATED"}
    if tells_by_status:
        return Refused(401, message, extensions, _CHALLENGE)
    return Refused(200, message, extensions)
