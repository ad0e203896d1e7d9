"""How a fault is shown: in a mutation's result if the caller can act on it, else as an error."""

import logging
import re
from typing import Any, Final
from uuid import uuid4

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.field import StrawberryField

from app.auth import Role
from app.domain import errors
from app.logs import OURS, places
from app.schema.context import Info
from app.schema.enums import IdentityKind
from app.schema.permissions import FOR_WRITERS

log = logging.getLogger(OURS)

_NULL_IN_PYTHON: Final = re.compile(
    r"Expected value of type '.*', found null\. (Field|Argument)( '\w+')? of type 'Maybe\[.*"
)
"""How Strawberry refuses a null: in words of Python's types."""

CODES: Final[dict[type[errors.DomainError], str]] = {
    errors.InvalidInput: "INVALID_INPUT",
    errors.UserNotFound: "INVALID_INPUT",
    errors.DeviceNotFound: "INVALID_INPUT",
    errors.SegmentNotFound: "INVALID_INPUT",
    errors.KeyNotFound: "INVALID_INPUT",
    errors.IdentityTaken: "INVALID_INPUT",
    errors.VersionConflict: "INVALID_INPUT",
    errors.LimitExceeded: "LIMIT_EXCEEDED",
    errors.Forbidden: "FORBIDDEN",
    errors.CursorExpired: "CURSOR_EXPIRED",
    errors.FellBehind: "LIMIT_EXCEEDED",
    errors.Busy: "BUSY",
    errors.Unavailable: "TIMEOUT",
    errors.Unsupported: "UNSUPPORTED",
}


@strawberry.interface(description="Why something was refused. Nothing was written.")
class Error:
    message: str = strawberry.field(
        metadata=FOR_WRITERS, description="For a developer to read; its wording may change."
    )


@strawberry.type(description="Someone changed the person since; nothing was written.")
class VersionConflictError(Error):
    current_version: int = strawberry.field(metadata=FOR_WRITERS)


@strawberry.type(description="There is no such person.")
class UserNotFoundError(Error):
    pass


@strawberry.type(description="There is no such segment.")
class SegmentNotFoundError(Error):
    id: strawberry.ID


@strawberry.type(description="Nobody has the device.")
class DeviceNotFoundError(Error):
    id: strawberry.ID = strawberry.field(metadata=FOR_WRITERS)


@strawberry.type(description="The identity belongs to another person.")
class IdentityTakenError(Error):
    kind: IdentityKind = strawberry.field(metadata=FOR_WRITERS)
    value: str = strawberry.field(metadata=FOR_WRITERS)
    user_id: strawberry.ID | None = strawberry.field(
        metadata=FOR_WRITERS,
        description="Whose it is; null for those who may not read that person.",
    )


@strawberry.type(description="An argument cannot be used.")
class InvalidInputError(Error):
    path: list[str] = strawberry.field(
        metadata=FOR_WRITERS,
        description="Leads from the mutation's arguments to the fault, such as "
        '`["changes", "properties", "set", "plan"]`.',
    )


@strawberry.type(description="A bound was reached: of a text, of properties, identities, names...")
class LimitExceededError(Error):
    path: list[str] = strawberry.field(
        metadata=FOR_WRITERS, description="Leads from the mutation's arguments to it."
    )
    limit: int = strawberry.field(metadata=FOR_WRITERS)


class UserNotFoundHandler(strawberry.ExceptionHandler[errors.UserNotFound, UserNotFoundError]):
    def handle(
        self, exception: errors.UserNotFound, *, field: StrawberryField, info: Info
    ) -> UserNotFoundError:
        return UserNotFoundError(message=str(exception))


class SegmentNotFoundHandler(
    strawberry.ExceptionHandler[errors.SegmentNotFound, SegmentNotFoundError]
):
    def handle(
        self, exception: errors.SegmentNotFound, *, field: StrawberryField, info: Info
    ) -> SegmentNotFoundError:
        return SegmentNotFoundError(message=str(exception), id=strawberry.ID(exception.segment_id))


class DeviceNotFoundHandler(
    strawberry.ExceptionHandler[errors.DeviceNotFound, DeviceNotFoundError]
):
    def handle(
        self, exception: errors.DeviceNotFound, *, field: StrawberryField, info: Info
    ) -> DeviceNotFoundError:
        return DeviceNotFoundError(message=str(exception), id=strawberry.ID(exception.device_id))


class VersionConflictHandler(
    strawberry.ExceptionHandler[errors.VersionConflict, VersionConflictError]
):
    def handle(
        self, exception: errors.VersionConflict, *, field: StrawberryField, info: Info
    ) -> VersionConflictError:
        return VersionConflictError(
            message=str(exception), current_version=exception.current_version
        )


class IdentityTakenHandler(strawberry.ExceptionHandler[errors.IdentityTaken, IdentityTakenError]):
    def handle(
        self, exception: errors.IdentityTaken, *, field: StrawberryField, info: Info
    ) -> IdentityTakenError:
        may_read_anyone = info.context.caller.role is Role.SERVICE
        return IdentityTakenError(
            message=str(exception),
            kind=exception.identity.kind,
            value=exception.identity.value,
            user_id=strawberry.ID(exception.user_id) if may_read_anyone else None,
        )


class InvalidInputHandler(strawberry.ExceptionHandler[errors.InvalidInput, InvalidInputError]):
    def handle(
        self, exception: errors.InvalidInput, *, field: StrawberryField, info: Info
    ) -> InvalidInputError:
        return InvalidInputError(message=str(exception), path=list(exception.path))


class LimitExceededHandler(strawberry.ExceptionHandler[errors.LimitExceeded, LimitExceededError]):
    def handle(
        self, exception: errors.LimitExceeded, *, field: StrawberryField, info: Info
    ) -> LimitExceededError:
        return LimitExceededError(
            message=str(exception), path=list(exception.path), limit=exception.limit
        )


def error_of(fault: errors.DomainError) -> Error:
    """Return an error as data, where it is neither a result nor the end of a call."""
    match fault:
        case errors.InvalidInput():
            return InvalidInputError(message=str(fault), path=list(fault.path))
        case errors.LimitExceeded():
            return LimitExceededError(message=str(fault), path=list(fault.path), limit=fault.limit)
        case errors.IdentityTaken():
            return IdentityTakenError(
                message=str(fault),
                kind=fault.identity.kind,
                value=fault.identity.value,
                user_id=strawberry.ID(fault.user_id),
            )
        case errors.UserNotFound():
            return UserNotFoundError(message=str(fault))
        case _:
            raise fault


HANDLERS: Final = (
    UserNotFoundHandler(),
    DeviceNotFoundHandler(),
    SegmentNotFoundHandler(),
    VersionConflictHandler(),
    IdentityTakenHandler(),
    InvalidInputHandler(),
    LimitExceededHandler(),
)


class ShowErrors(MaskErrors):
    """Gives every error its code, and masks those that nobody planned for."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return shown(error)


def shown(error: GraphQLError) -> GraphQLError:
    """Return the error as a caller may see it."""
    match error.original_error:
        case errors.DomainError() as fault:
            return _with(error, str(fault) if error.path else error.message, _extensions(fault))
        case None | GraphQLError():
            message = _NULL_IN_PYTHON.sub(r"\1\2 cannot be null.", error.message)
            return _with(error, message, {"code": "INVALID_INPUT"} | (error.extensions or {}))
        case MissingQueryError() | CannotGetOperationTypeError() | InvalidOperationTypeError():
            return _with(error, "There is no such operation.", {"code": "INVALID_INPUT"})
        case bug:
            return _with(error, "Unexpected error.", {"code": "INTERNAL", "id": logged(bug)})


def _extensions(fault: errors.DomainError) -> dict[str, object]:
    extensions: dict[str, object] = {"code": CODES[type(fault)]}
    if isinstance(fault, errors.InvalidInput | errors.LimitExceeded) and fault.path:
        extensions["path"] = list(fault.path)
    if isinstance(fault, errors.LimitExceeded):
        extensions["limit"] = fault.limit
    if isinstance(fault, errors.FellBehind):
        extensions |= {"limit": fault.limit, "cursor": fault.after}
    return extensions


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message, nodes=error.nodes, source=error.source, positions=error.positions,
        path=error.path, extensions=extensions,
    )  # fmt: skip


def logged(bug: Exception) -> str:
    """Log where a bug showed, and return the id under which it stands there.

    The exception's own message stays out: it may quote a person.
    """
    id = uuid4().hex
    where = places(bug.__traceback__)
    log.error("Unexpected %s, id %s, at %s", type(bug).__qualname__, id, where)
    return id
