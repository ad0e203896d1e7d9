"""The heads of requests that ask plainly."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.answers import GRAPHQL_JSON, JSON

KEPT_HEADS: Final = 1_000
MAX_KEPT_BYTES: Final = 2_048

_MEDIA_TYPES: Final = {b"*/*": JSON, JSON.encode(): JSON, GRAPHQL_JSON.encode(): GRAPHQL_JSON}
"""In what to answer, by what clients accept who want one answer, and no page and no stream."""


class Head(NamedTuple):
    """What the head of a plain request says.

    Attributes:
        host: By which name the server is called.
        media_type: In which the answer is wanted.
        authorization: The credential, if there is one.
        takes_gzip: Whether the answer may be compressed.
        length: Of the body in bytes, as it was said.
        is_forwarded: Whether a proxy says for whom it asks.
    """

    host: str
    media_type: str
    authorization: str | None
    takes_gzip: bool
    length: str
    is_forwarded: bool


def head_in(headers: Sequence[tuple[bytes, bytes]]) -> Head | None:
    """Return what the headers of a plain request say; None for what takes a closer look."""
    given = dict(headers)
    if len(given) != len(headers) or given.get(b"content-type") != b"application/json":
        return None
    if b"origin" in given or b"sec-fetch-site" in given:
        return None  # a page asks, maybe one of another site
    media_type = _MEDIA_TYPES.get(given.get(b"accept", b"*/*"))
    if media_type is None:
        return None
    authorization = given.get(b"authorization")
    return Head(
        given.get(b"host", b"").decode("latin-1"),
        media_type,
        None if authorization is None else authorization.decode("latin-1"),
        b"gzip" in given.get(b"accept-encoding", b""),
        given.get(b"content-length", b"").decode("latin-1"),
        b"x-forwarded-for" in given,
    )


class KnownHeads:
    """Plain heads that came before, byte for byte, the newest of them."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def get(self, received: bytes, body_bytes: int) -> Head | None:
        """Return what a head says that is known to announce a body of this size."""
        head = self._heads.get(received)
        return head if head and head.length == str(body_bytes) else None

    def note(self, received: bytes, head: Head, body_bytes: int) -> None:
        """Keep what a head says, unless it is long, or does not announce this body alone."""
        if head.length != str(body_bytes) or len(received) > MAX_KEPT_BYTES:
            return
        self._heads[received] = head
        if len(self._heads) > KEPT_HEADS:
            del self._heads[next(iter(self._heads))]
