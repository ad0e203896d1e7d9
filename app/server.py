"""The ASGI application: routes, start-up and shut-down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from app import graphiql, tracking
from app.domain.change import Change, Crossing
from app.domain.errors import Unavailable
from app.http import Clock, GraphQLEndpoint
from app.live.feed import Feed, changes_feed, crossings_feed
from app.live.leader import Leader
from app.settings import Settings
from app.store import Store, open_store


class State(TypedDict):
    """What lives as long as the application."""

    store: Store
    feed: Feed[Change]
    crossings: Feed[Crossing]
    leader: Leader


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
        ):
            yield {"store": store, "feed": feed, "crossings": crossings, "leader": leader}

    endpoint = GraphQLEndpoint(settings, clock)
    app = Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            Route("/health", health),
            *graphiql.routes,
            *tracking.routes(settings, clock),
        ],
        lifespan=lifespan,
    )
    app.state.stopping = asyncio.Event()
    return app
