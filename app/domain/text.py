"""Texts within their bounds."""

import unicodedata

from app.domain.errors import InvalidInput, LimitExceeded, Path


def size_bytes(text: str, path: Path) -> int:
    """Return the length of `text` in UTF-8.

    Raises:
        InvalidInput: `text` has a lone surrogate, which no encoding can keep, or U+0000.
    """
    if "\0" in text:
        raise InvalidInput("The text contains the character U+0000.", path)
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput("The text contains a lone surrogate.", path) from None


def bounded(text: str, path: Path, max_bytes: int) -> str:
    """Return `text` as it is, or refuse one that is longer than `max_bytes`."""
    if size_bytes(text, path) > max_bytes:
        raise LimitExceeded(f"The text is longer than {max_bytes} bytes.", path, max_bytes)
    return text


def has_control_characters(text: str) -> bool:
    if text.isprintable():  # no control character is, and of most texts this is all there is to see
        return False
    return any(unicodedata.category(character) == "Cc" for character in text)


def name(raw: str, path: Path, max_bytes: int) -> str:
    """Return a trimmed name of 1 to `max_bytes` bytes without control characters."""
    trimmed = raw.strip()
    if not trimmed:
        raise InvalidInput("The name is empty.", path)
    if size_bytes(trimmed, path) > max_bytes:
        raise LimitExceeded(f"The name is longer than {max_bytes} bytes.", path, max_bytes)
    if has_control_characters(trimmed):
        raise InvalidInput("The name contains a control character.", path)
    return trimmed
