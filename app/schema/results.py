"""What mutations answer: a payload, or one of the errors that the caller can act on."""

from typing import Annotated

import strawberry

from app import domain
from app.schema.enums import IdentifyOutcome
from app.schema.errors import (
    DeviceNotFoundError,
    Error,
    IdentityTakenError,
    InvalidInputError,
    LimitExceededError,
    SegmentNotFoundError,
    UserNotFoundError,
    VersionConflictError,
)
from app.schema.permissions import FOR_WRITERS
from app.schema.types import Device, Segment, User


@strawberry.type
class UserIdentifyPayload:
    user: domain.User = strawberry.field(graphql_type=User, metadata=FOR_WRITERS)
    outcome: IdentifyOutcome | None = strawberry.field(
        metadata=FOR_WRITERS,
        description="Null for ingest keys, which learn nothing about who exists.",
    )


UserIdentifyResult = Annotated[
    UserIdentifyPayload | IdentityTakenError | InvalidInputError | LimitExceededError,
    strawberry.union("UserIdentifyResult"),
]


@strawberry.type
class UserUpdatePayload:
    user: domain.User = strawberry.field(graphql_type=User, metadata=FOR_WRITERS)


UserUpdateResult = Annotated[
    UserUpdatePayload
    | UserNotFoundError
    | VersionConflictError
    | InvalidInputError
    | LimitExceededError,
    strawberry.union("UserUpdateResult"),
]


@strawberry.type
class UserRecordEventsPayload:
    user: domain.User = strawberry.field(graphql_type=User, metadata=FOR_WRITERS)
    recorded: int = strawberry.field(metadata=FOR_WRITERS)
    duplicates: int = strawberry.field(
        metadata=FOR_WRITERS, description="Events whose id was recorded before."
    )


UserRecordEventsResult = Annotated[
    UserRecordEventsPayload | UserNotFoundError | InvalidInputError | LimitExceededError,
    strawberry.union("UserRecordEventsResult"),
]


@strawberry.type
class UserLinkIdentityPayload:
    user: domain.User = strawberry.field(graphql_type=User)


UserLinkIdentityResult = Annotated[
    UserLinkIdentityPayload
    | UserNotFoundError
    | IdentityTakenError
    | InvalidInputError
    | LimitExceededError,
    strawberry.union("UserLinkIdentityResult"),
]


@strawberry.type
class UserUnlinkIdentityPayload:
    user: domain.User = strawberry.field(graphql_type=User)


UserUnlinkIdentityResult = Annotated[
    UserUnlinkIdentityPayload | UserNotFoundError | InvalidInputError,
    strawberry.union("UserUnlinkIdentityResult"),
]


@strawberry.type
class DeviceRegisterPayload:
    user: domain.User = strawberry.field(graphql_type=User, metadata=FOR_WRITERS)
    device: domain.Device = strawberry.field(graphql_type=Device, metadata=FOR_WRITERS)


DeviceRegisterResult = Annotated[
    DeviceRegisterPayload
    | UserNotFoundError
    | IdentityTakenError
    | InvalidInputError
    | LimitExceededError,
    strawberry.union("DeviceRegisterResult"),
]


@strawberry.type
class UserMergePayload:
    user: domain.User = strawberry.field(graphql_type=User)
    absorbed_id: strawberry.ID


UserMergeResult = Annotated[
    UserMergePayload | UserNotFoundError | InvalidInputError | LimitExceededError,
    strawberry.union("UserMergeResult"),
]


@strawberry.type
class UserDeletePayload:
    deleted_id: strawberry.ID


UserDeleteResult = Annotated[
    UserDeletePayload | UserNotFoundError | InvalidInputError,
    strawberry.union("UserDeleteResult"),
]


@strawberry.type
class DeviceLogOutPayload:
    device_id: strawberry.ID = strawberry.field(metadata=FOR_WRITERS)


DeviceLogOutResult = Annotated[
    DeviceLogOutPayload | DeviceNotFoundError | InvalidInputError,
    strawberry.union("DeviceLogOutResult"),
]


@strawberry.type
class SegmentSavePayload:
    segment: domain.Segment = strawberry.field(graphql_type=Segment)


SegmentSaveResult = Annotated[
    SegmentSavePayload | SegmentNotFoundError | InvalidInputError | LimitExceededError,
    strawberry.union("SegmentSaveResult"),
]


@strawberry.type(description="A record that was not taken in; nothing of it was.")
class RejectedRecord:
    index: int = strawberry.field(description="Its position in `records`, from 0.")
    error: Error


@strawberry.type
class RecordsImportPayload:
    accepted: int = strawberry.field(description="Records taken in, or known from before.")
    rejected: list[RejectedRecord] = strawberry.field(description="In the order of `records`.")


@strawberry.type
class SegmentDeletePayload:
    deleted_id: strawberry.ID


SegmentDeleteResult = Annotated[
    SegmentDeletePayload | SegmentNotFoundError | InvalidInputError,
    strawberry.union("SegmentDeleteResult"),
]
