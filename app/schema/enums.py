"""The domain's enumerations, made known to Strawberry once, before any type names them."""

import strawberry

from app.domain.change import ChangeKind, MembershipKind
from app.domain.devices import Platform, PushService
from app.domain.fields import Gender
from app.domain.identity import IdentityKind
from app.domain.listing import UserOrder
from app.domain.login import IdentifyOutcome
from app.domain.properties import PropertyKind
from app.domain.reach import Channel, ProfileType

strawberry.enum(IdentityKind, description="What an identity is.")
strawberry.enum(Gender)
strawberry.enum(Channel, description="A way to reach a person.")
strawberry.enum(Platform, description="What a device runs on.")
strawberry.enum(PushService, description="Who delivers push messages.")
strawberry.enum(PropertyKind, description="What kind a property's value is of.")
strawberry.enum(
    ProfileType,
    description="CUSTOMER once a Charged event was recorded; else ADDRESSABLE if e-mail or push "
    "can reach the person; else ANONYMOUS.",
)
strawberry.enum(
    UserOrder, description="NEWEST and OLDEST by creation; LAST_SEEN newest first, never seen last."
)
strawberry.enum(
    IdentifyOutcome,
    description="What a login found. CREATED: nobody had these identities. FOUND: the person was "
    "known. CONVERTED: the device's anonymous profile became this person's. MERGED: it was merged "
    "into the known person's. SWITCHED: the device belonged to someone else, and now to this "
    "person.",
)
strawberry.enum(
    ChangeKind, description="What happened to a person; CURRENT: nothing, this is how they are."
)
strawberry.enum(MembershipKind, description="Whether somebody came to belong, or ceased to.")

__all__ = [
    "ChangeKind",
    "Channel",
    "Gender",
    "IdentifyOutcome",
    "IdentityKind",
    "MembershipKind",
    "Platform",
    "ProfileType",
    "PropertyKind",
    "PushService",
    "UserOrder",
]
