"""Streams of answers: they end when the credential does by which they were begun."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError
from strawberry.types import ExecutionResult

from app.schema.context import Context

_NOTHING_MORE: Any = object()


async def while_allowed(
    results: AsyncGenerator[Any, None], context: Context
) -> AsyncGenerator[Any, None]:
    """Yield the results; of a subscription, an error and no more once the credential has ended.

    What has one answer is never broken off: it may be writing.
    """
    ended = asyncio.create_task(context.callers.ended(context.caller))
    try:
        async with aclosing(results), aclosing(_until(ended, results, context)) as told:
            async for result in told:
                yield result
    finally:
        await _cancelled(ended)


async def _until(
    ended: asyncio.Task[None], results: AsyncIterator[Any], context: Context
) -> AsyncGenerator[Any, None]:
    while True:
        following = asyncio.create_task(_next(results))
        try:
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and context.watches:
                yield _ended()
                return
            result = await following
        finally:
            await _cancelled(following)
        if result is _NOTHING_MORE:
            return
        yield result


async def _next(results: AsyncIterator[Any]) -> Any:
    return await anext(results, _NOTHING_MORE)


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, or the loop would complain of it


def _ended() -> ExecutionResult:
    error = GraphQLError(
        "The key was revoked, or the token has expired.", extensions={"code": "UNAUTHENTICATED"}
    )
    return ExecutionResult(data=None, errors=[error])
