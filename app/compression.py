"""Answers made shorter for whoever can read them so.

Compressed answers tell by their length how much of them is alike. That gives a secret away only if
somebody can make a browser ask for it together with guesses; nothing a browser adds by itself is a
credential here, and pages of other sites are not let in.
"""

from typing import Final

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp

MIN_COMPRESSED_BYTES: Final = 1_024


def compressing(app: ASGIApp) -> ASGIApp:
    """Return an application whose longer answers are compressed."""
    return GZipMiddleware(
        app,
        minimum_size=MIN_COMPRESSED_BYTES,
        compresslevel=4,
        # Streams of changes: what is compressed waits for more to come.
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "multipart/mixed"),
    )
