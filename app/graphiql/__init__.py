"""GraphiQL, the page that explores our API, served whole from this machine."""

import os
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["page", "routes"]

_HERE = Path(__file__).parent
_LIBRARY = "graphene_django_graphiql_static"

# GraphiQL's dialogs add one fixed <style> that keeps the page behind them from scrolling.
_SCROLL_LOCK = "'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='"

# 'self' covers ws: and wss: to the same host and port. The CSS brings fonts and icons as data:.
_CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {_SCROLL_LOCK}",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)

# no-cache: kept, but asked after by ETag, so that an upgrade shows at once.
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_HTML = (_HERE / "page.html").read_text(encoding="utf-8")


def page() -> Response:
    """Return the page for a browser's GET of the API's own address."""
    policy = {"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    return HTMLResponse(_HTML, headers=_HEADERS | policy)


class _Assets(StaticFiles):
    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_HEADERS)
        return response


# The library is found, never imported: its modules want Django.
routes: list[BaseRoute] = [
    Mount(
        "/graphiql",
        _Assets(directory=_HERE / "assets", packages=[(_LIBRARY, f"static/{_LIBRARY}")]),
    )
]
