"""The ASGI application: routes, start-up and shut-down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from app import graphiql, tracking
from app.callers import Callers
from app.compression import compressing
from app.domain.change import Change, Crossing
from app.domain.errors import Unavailable
from app.doors import HEALTH, Doors
from app.http import PATH, Clock, GraphQLEndpoint
from app.live.feed import Feed, changes_feed, crossings_feed
from app.live.leader import Leader
from app.quick import QuickLayer, QuickWay
from app.security_headers import SecurityHeaders
from app.settings import Settings
from app.store import Store, open_store


class State(TypedDict):
    """What lives as long as the application."""

    store: Store
    feed: Feed[Change]
    crossings: Feed[Crossing]
    leader: Leader
    callers: Callers


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
            changes_feed(store).running() as feed,
            crossings_feed(store).running() as crossings,
            Leader(
                store, feed, crossings, settings.limits, settings.time_zone, clock
            ).running() as leader,
            Callers(store, settings, clock).running() as callers,
        ):
            yield {
                "store": store,
                "feed": feed,
                "crossings": crossings,
                "leader": leader,
                "callers": callers,
            }

    endpoint = GraphQLEndpoint(settings, clock)
    plans = endpoint.plans
    way = QuickWay(endpoint, plans, settings.hosts, settings.requests) if plans else None
    app = Starlette(
        routes=[
            Route(PATH, endpoint),
            WebSocketRoute(PATH, endpoint),
            Route(HEALTH, health),
            *graphiql.routes,
            *tracking.routes(settings, clock, endpoint.gate),
        ],
        middleware=_middleware(settings, way),
        lifespan=lifespan,
    )
    app.state.quick_way = way
    app.state.stopping = asyncio.Event()
    return app


def _middleware(settings: Settings, way: QuickWay | None) -> list[Middleware]:
    """Return what every request passes through, in this order, and every answer backwards."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("authorization", "content-type"),
        expose_headers=("retry-after",),
    )
    return [
        *([Middleware(QuickLayer, way)] if way else []),
        Middleware(SecurityHeaders),
        Middleware(Doors, settings.hosts),
        *([cors] if settings.cors_origins else []),
        Middleware(compressing),
    ]
