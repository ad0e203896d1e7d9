"""What a caller can get wrong, or has to know. Anything else is a bug, and masked.

DomainError
├── InvalidInput        an argument is unusable
├── LimitExceeded       a bound was reached
├── UserNotFound        nobody is there to be changed
├── DeviceNotFound      nobody has the device
├── SegmentNotFound     there is no such segment
├── KeyNotFound         there is no such key
├── IdentityTaken       the identity belongs to another person
├── VersionConflict     the person has moved on
├── Forbidden           the caller may not do this to this person
├── Busy                other writers won for too long; nothing was written
├── CursorExpired       what the cursor points at is no longer kept
├── FellBehind          a subscriber read too slowly
├── Unavailable         the store does not answer, or did not say whether it wrote
└── Unsupported         the store cannot do this at all
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.identity import Identity

Path = tuple[str, ...]
"""Leads from an operation's arguments to the fault: `("changes", "properties", "set", "plan")`."""


class DomainError(Exception):
    """Base of every error that a caller is told about."""


class InvalidInput(DomainError):
    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


class LimitExceeded(DomainError):
    def __init__(self, message: str, path: Path, limit: int) -> None:
        super().__init__(message)
        self.path = path
        self.limit = limit


class UserNotFound(DomainError):
    def __init__(self) -> None:
        super().__init__("There is no such user.")


class DeviceNotFound(DomainError):
    def __init__(self, device_id: str) -> None:
        super().__init__("Nobody has this device.")
        self.device_id = device_id


class SegmentNotFound(DomainError):
    def __init__(self, segment_id: str) -> None:
        super().__init__("There is no such segment.")
        self.segment_id = segment_id


class KeyNotFound(DomainError):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"No key has the id {key_id!r}.")
        self.key_id = key_id


class IdentityTaken(DomainError):
    """Another person has the identity.

    Attributes:
        user_id: Whose it is.
    """

    def __init__(self, identity: Identity, user_id: str) -> None:
        super().__init__(f"This {identity.kind.name} identity belongs to another user.")
        self.identity = identity
        self.user_id = user_id


class VersionConflict(DomainError):
    def __init__(self, current_version: int) -> None:
        super().__init__(f"The user has moved on to version {current_version}.")
        self.current_version = current_version


class Forbidden(DomainError):
    """The caller may not do this to this person, or to whoever is not there."""


class Busy(DomainError):
    def __init__(self) -> None:
        super().__init__("Too many others are writing here; nothing was written, try again.")


class CursorExpired(DomainError):
    def __init__(self) -> None:
        super().__init__("The changes after this cursor are no longer kept; read afresh.")


class FellBehind(DomainError):
    """A subscriber who is told of everything read too slowly.

    Attributes:
        limit: How many entries could wait.
        after: The place after which to go on, without loss; None if nothing was told yet.
    """

    def __init__(self, limit: int, after: object = None) -> None:
        super().__init__(f"Over {limit} entries wait to be read; go on after the last cursor.")
        self.limit = limit
        self.after = after


class Unavailable(DomainError):
    """The store does not answer, or did not say whether it did what was asked."""


class Unsupported(DomainError):
    """The store, as it was set up, cannot do what was asked."""
