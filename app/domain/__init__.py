"""The vocabulary of people and the rules over it. Pure: no I/O, no clock, no framework.

The models are named here; each rule is found in the module of its subject.
"""

from app.domain.catalog import Catalog, EventDefinition, PropertyDefinition
from app.domain.devices import Device
from app.domain.events import Activity, Event
from app.domain.fields import Location
from app.domain.identity import LinkedIdentity
from app.domain.segment import Segment
from app.domain.user import User

__all__ = [
    "Activity",
    "Catalog",
    "Device",
    "Event",
    "EventDefinition",
    "LinkedIdentity",
    "Location",
    "PropertyDefinition",
    "Segment",
    "User",
]
