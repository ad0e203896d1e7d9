"""Streams of answers: they end when the credential does by which they were begun."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from graphql import GraphQLError
from strawberry.types import ExecutionResult

from app.schema.context import Context

_NOTHING_MORE: Final[Any] = object()


async def while_allowed(
    results: AsyncGenerator[Any, None], context: Context
) -> AsyncGenerator[Any, None]:
    """Yield the results; of a subscription, an error and no more once the credential has ended.

    What has one answer is never broken off: it may be writing.
    """
    wait = _Wait(context)
    ended = asyncio.create_task(context.callers.ended(context.caller))
    ended.add_done_callback(lambda _: wait.end())
    try:
        async with aclosing(results):
            while (result := await wait.until(results)) is not _NOTHING_MORE:
                yield result
    except _Ended:
        yield ExecutionResult(data=None, errors=[_credential_ended()])
    finally:
        ended.cancel()
        await asyncio.wait({ended})
        if not ended.cancelled():
            ended.exception()  # looked at, or the loop would complain of it


class _Ended(Exception):
    """The credential has ended."""


class _Wait:
    """Waits for results, for as long as nobody ends it.

    It does so in the task of whoever wants them, as a time limit does: one task more for each
    message would cost more than all else on its way.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: asyncio.Task[Any] | None = None
        self._is_over = False
        self._is_broken_off = False

    def end(self) -> None:
        """End the waiting, if it is for a subscription's next message."""
        self._is_over = True
        if self._waiting and self._context.watches:
            self._is_broken_off = True
            self._waiting.cancel()

    async def until(self, results: AsyncGenerator[Any, None]) -> Any:
        """Return the next result, or `_NOTHING_MORE`.

        Raises:
            _Ended: it was ended before there was one.
        """
        if self._is_over and self._context.watches:
            raise _Ended
        self._waiting = waiting = asyncio.current_task()
        try:
            return await anext(results, _NOTHING_MORE)
        except asyncio.CancelledError:
            # Others may have cancelled it, too; then it is they who are to be obeyed.
            if waiting and self._is_broken_off and waiting.uncancel() == 0:
                raise _Ended from None
            raise
        finally:
            self._waiting = None


def _credential_ended() -> GraphQLError:
    return GraphQLError(
        "The key was revoked, or the token has expired.", extensions={"code": "UNAUTHENTICATED"}
    )
