"""JSON that is kept in memory."""

from typing import Any

import orjson


def lasting_json(value: Any) -> bytes:
    """Return a value as JSON that takes no more memory than it has bytes.

    What `orjson` returns stays in the buffer it was written to, which has four kilobytes or more.
    """
    return bytes(memoryview(orjson.dumps(value)))
