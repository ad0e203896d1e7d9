"""The quick way: what was let through before and is asked plainly, answered before anything else.

Before an operation stand names of hosts, sites, keys, rates and bodies, and in the end a library
that can do all of GraphQL. The quick way asks the same rules of those who own them, but knows the
happy path alone: whatever is not as it expects, it leaves to the whole way. So what is refused is
refused in one place, and nothing is refused here.

`QuickWay` knows how. `QuickLayer` asks it before the application, on any server. `QuickProtocol`
does so in uvicorn, before a request is even parsed, if it came in one piece and its head came
before.
"""

from app.quick.asgi import QuickLayer
from app.quick.protocol import QuickProtocol
from app.quick.way import QuickWay

__all__ = ["QuickLayer", "QuickProtocol", "QuickWay"]
