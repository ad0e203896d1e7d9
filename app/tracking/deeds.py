"""What a message asks for."""

from dataclasses import dataclass

from app.domain.identity import Identity
from app.domain.observation import Observation


@dataclass(frozen=True)
class LogIn:
    """Somebody is logged in, perhaps on a device, and something is known of them."""

    person: Identity
    device: Identity | None
    observation: Observation


@dataclass(frozen=True)
class Observe:
    """Something became known of whoever has this identity."""

    person: Identity
    observation: Observation


@dataclass(frozen=True)
class Unite:
    """Two names are said to be one person's.

    Attributes:
        person: The name to be used from now on.
        previous: The earlier name; None if it can only be a device's.
        previous_device: The earlier name, taken as that of a device.
    """

    person: Identity
    previous: Identity | None
    previous_device: Identity


Deed = LogIn | Observe | Unite
