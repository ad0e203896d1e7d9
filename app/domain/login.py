"""What a login makes of those whom it finds."""

from enum import StrEnum

from app.domain.user import User


class IdentifyOutcome(StrEnum):
    CREATED = "created"
    FOUND = "found"
    CONVERTED = "converted"
    MERGED = "merged"
    SWITCHED = "switched"


def login_outcome(owner: User | None, holder: User | None) -> IdentifyOutcome:
    """Return what a login is.

    Args:
        owner: Whom the strong identities name.
        holder: Whose the device is; None without a device, too.
    """
    if holder is None:
        return IdentifyOutcome.FOUND if owner else IdentifyOutcome.CREATED
    if owner is not None and owner.id == holder.id:
        return IdentifyOutcome.FOUND
    if holder.identified:
        return IdentifyOutcome.SWITCHED
    return IdentifyOutcome.MERGED if owner else IdentifyOutcome.CONVERTED
