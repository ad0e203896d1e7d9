"""What extensions do to each message of a stream: nothing, unless it brings errors to be shown."""

from contextlib import nullcontext
from typing import Any, Final, cast

from strawberry.extensions.context import StreamResultContextManager
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext, ExecutionResult, StreamExecutionResult

_NOTHING: Final = cast("StreamResultContextManager", nullcontext())


class Extensions(SchemaExtensionsRunner):
    """Runs the extensions without asking each of them about messages that concern none.

    To ask them took as long as all else that a message takes on its way to a subscriber.
    """

    def on_stream_result(self, result: StreamExecutionResult) -> StreamResultContextManager:
        brings_data_alone = isinstance(result, ExecutionResult) and not result.errors
        return _NOTHING if brings_data_alone else super().on_stream_result(result)

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:
        """Return nothing: none of ours adds to an answer."""
        return {}
