"""What many want at the same moment is made once, for all of them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar, cast

LASTS_S: Final = 0.1
"""Long enough for all who are told of one change, and too short for anything to grow old."""

MAX_KEPT: Final = 256

Made = TypeVar("Made")


class Once:
    """Keeps for a moment what was made, and lets whoever wants it meanwhile have the same."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._made: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._making: dict[Hashable, asyncio.Future[Any]] = {}

    def kept(self, key: Hashable) -> Any:
        """Return what was made a moment ago; None if nothing was."""
        kept = self._made.get(key)
        return kept[1] if kept and kept[0] > self._clock() - LASTS_S else None

    async def of(self, key: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        """Return what `make` returns, or returned a moment ago to somebody who came by this key.

        Whoever comes while it is being made waits for it, and meets its fault, too; if the one who
        makes it gives up, the next one does.
        """
        while True:
            kept = self.kept(key)
            if kept is not None:
                return cast("Made", kept)
            making = self._making.get(key)
            if making is None:
                return await self._make(key, make)
            await asyncio.wait({making})
            if not making.cancelled():
                return cast("Made", making.result())

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        making = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            made = await make()
        except Exception as fault:  # whatever it is, all who wait meet it
            making.set_exception(fault)
            making.exception()  # looked at, or the loop would complain where nobody waits
            raise
        except asyncio.CancelledError:
            making.cancel()
            raise
        finally:
            del self._making[key]
        making.set_result(made)
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: Any) -> None:
        now = self._clock()
        self._made[key] = (now, made)
        self._made.move_to_end(key)
        # The oldest come first; a person may be large, so they do not wait until there are many.
        while len(self._made) > MAX_KEPT or next(iter(self._made.values()))[0] <= now - LASTS_S:
            self._made.popitem(last=False)
