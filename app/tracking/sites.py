"""From which pages messages are taken where no key tells who sends them."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from app.hosts import is_loopback


def from_another_site(request: Request, origins: Collection[str]) -> bool:
    """Return whether a browser sends this for a page of another site, one that was not let in.

    Args:
        request: What it sends; a client that is no browser says nothing of pages.
        origins: Whose pages are let in; `*` is everybody's.
    """
    origin = request.headers.get("origin")
    if "*" in origins or origin in origins:
        return False
    site = request.headers.get("sec-fetch-site", "none")
    # Old browsers name the origin alone. It is `null` where they hide it.
    foreign = origin is not None and not _is_on_this_machine(origin)
    return foreign or site not in ("none", "same-origin")


def _is_on_this_machine(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
