"""How a plain request is answered: by whom it may be, and from what."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from app.auth import Caller, Role
from app.callers import Callers
from app.doors import answers_to
from app.http import GraphQLEndpoint
from app.limits import BodyBounds, RequestLimits, body_bounds
from app.plans import Pending, Plan, Plans
from app.quick.head import Head, KnownHeads
from app.schema.context import Context

MAX_BODY_BYTES: Final = 65_536
"""Of what is longer, reading is not what takes the time."""


class _Asked(NamedTuple):
    """What the body of a plain request says."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Begun:
    """An answer that was begun.

    Attributes:
        head: Of the request.
        plan: What answers.
        context: The request's.
        data: The data of the answer, `Pending` for as long as something has to be waited for; None
            if the whole way is to answer.
    """

    head: Head
    plan: Plan
    context: Context
    data: Any


class QuickWay:
    """Answers what a plan is known for, to whoever has a key, or needs none.

    Attributes:
        heads: Those of plain requests that came before.
    """

    def __init__(
        self,
        endpoint: GraphQLEndpoint,
        plans: Plans,
        hosts: Collection[str],
        limits: RequestLimits,
    ) -> None:
        self.heads = KnownHeads()
        self._endpoint = endpoint
        self._plans = plans
        self._hosts = frozenset(hosts)
        self._bounds = {role: body_bounds(role, limits) for role in Role}
        self._within_s = limits.operation_s

    def caller(self, head: Head, state: Mapping[str, Any]) -> Caller | None:
        """Return who asks, if that is known at once, and they are for us.

        Args:
            head: Of the request.
            state: The application's.
        """
        callers: Callers = state["callers"]
        if not answers_to(head.host, self._hosts, callers):
            return None
        return callers.known(head.authorization)

    def bounds(self, caller: Caller) -> BodyBounds:
        """Return the bounds of a body that a caller sends."""
        return self._bounds[caller.role]

    def begin(
        self,
        head: Head,
        caller: Caller,
        body: bytes,
        state: Mapping[str, Any],
        host: str | None,
    ) -> Begun | None:
        """Begin to answer; None, before anything was counted or done, if the whole way is to.

        Args:
            head: Of the request.
            caller: Who asks.
            body: What they sent.
            state: The application's.
            host: The address that they ask from.
        """
        asked = _asked(body)
        plan = self._plans.known(asked.query, asked.operation_name) if asked else None
        if asked is None or plan is None:
            return None
        context = self._endpoint.context(state, caller, head.authorization)
        if not plan.admits(asked.variables, context):
            return None
        if not self._endpoint.gate.lets_in(host, caller):
            return None
        return Begun(head, plan, context, plan.begin(asked.variables, context))

    async def finish(self, begun: Begun) -> bytes | None:
        """Return the answer, or None if the whole way is to answer."""
        begun.data = await self._waited_for(begun.plan, begun.data, begun.context)
        return encoded(begun)

    async def _waited_for(self, plan: Plan, data: Any, context: Context) -> Any:
        if not plan.looks_far:
            return await plan.finish(data)
        context.deadline = asyncio.get_running_loop().time() + self._within_s
        try:
            async with asyncio.timeout_at(context.deadline):
                return await plan.finish(data)
        except TimeoutError:
            return None


def encoded(begun: Begun) -> bytes | None:
    """Return the answer, if it is there and can be encoded; None otherwise."""
    if begun.data is None or type(begun.data) is Pending:
        return None
    try:
        return orjson.dumps({"data": begun.data})
    except orjson.JSONEncodeError:  # the whole way meets it, too, and shows it
        begun.data = None
        return None


def _asked(body: bytes) -> _Asked | None:
    """Return what a body asks for; None for what takes a closer look."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(asked) is not dict or "extensions" in asked:
        return None
    query: Any = asked.get("query")
    name, variables = asked.get("operationName"), asked.get("variables")
    is_plain = (
        type(query) is str
        and (name is None or type(name) is str)
        and (variables is None or type(variables) is dict)
    )
    return _Asked(query, name, variables or {}) if is_plain else None
