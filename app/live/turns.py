"""Subscribers are told in turn, a few at a time, so that requests are answered in between.

To tell one takes some forty microseconds, and there may be thousands of them: one change would else
keep the event loop busy until the last of them has heard.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 25


class Turns:
    """Wakes whoever waits for a turn, first come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def wait(self, wake: Callable[[], None]) -> None:
        """Call `wake` once its turn comes."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._wake_some)
        self._waiting.append(wake)

    def _wake_some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._waiting.popleft()()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._wake_some)
