"""Under which terms an operation runs."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.limits import Limits


@dataclass(frozen=True)
class Terms:
    """When an operation happens, in UTC to the millisecond, and what a service may hold."""

    now: datetime
    limits: Limits
