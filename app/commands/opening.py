"""The store that a command works on."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.domain.errors import Unavailable
from app.domain.limits import Limits
from app.store import Store, open_store


@asynccontextmanager
async def opened_store(url: str, limits: Limits) -> AsyncIterator[Store]:
    """Open the store at a URL for as long as the block runs.

    Raises:
        Unavailable: it cannot be opened, or there is none for such a URL.
    """
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_store(url, limits))
        except ValueError as fault:
            raise Unavailable(str(fault)) from None
        yield store
