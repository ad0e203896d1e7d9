"""Lists in pages: how long they are, and where the next begins."""

import base64
import binascii
import hashlib
from types import UnionType
from typing import Any, TypeVar

import orjson
import strawberry

from app.domain.errors import InvalidInput, LimitExceeded
from app.domain.limits import Limits
from app.schema.scalars import Cursor

Item = TypeVar("Item")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool = strawberry.field(description="True exactly when `after` was given.")
    start_cursor: Cursor | None
    end_cursor: Cursor | None = strawberry.field(description="Pass as `after` to go on from here.")


def page_info(cursors: list[Cursor], *, more: bool, after: Cursor | None) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def check_first(first: int, limits: Limits) -> None:
    """Refuse a page of a size that is not allowed."""
    if first < 1:
        raise InvalidInput(f"`first` is 1 to {limits.page}.", ("first",))
    if first > limits.page:
        raise LimitExceeded(f"`first` is 1 to {limits.page}.", ("first",), limits.page)


def encode(question: str, position: list[Any]) -> Cursor:
    """Return the cursor of a position among the answers to a question."""
    text = orjson.dumps([_digest(question), *position])
    return Cursor(base64.urlsafe_b64encode(text).decode().rstrip("="))


def decode(cursor: Cursor, question: str, *shape: type | UnionType) -> list[Any]:
    """Return the position that a cursor stands for.

    Args:
        cursor: What a client sent.
        question: The question it asks now.
        shape: The types of the position's parts.

    Raises:
        InvalidInput: the cursor is not ours, or belongs to another question.
    """
    path = ("after",)
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        digest, *position = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise InvalidInput("This is no cursor of ours.", path) from None
    if len(position) != len(shape) or not all(
        isinstance(part, kind) for part, kind in zip(position, shape, strict=True)
    ):
        raise InvalidInput("This is no cursor of ours.", path)
    if digest != _digest(question):
        raise InvalidInput("The cursor belongs to another question.", path)
    return list(position)


def _digest(question: str) -> str:
    return hashlib.blake2b(question.encode(), digest_size=6).hexdigest()
