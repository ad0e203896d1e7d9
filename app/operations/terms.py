"""Under which terms an operation runs."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.catalog import Coiner
from app.domain.limits import Limits


@dataclass(frozen=True)
class Terms:
    """Under which an operation runs.

    Attributes:
        now: When it happens, in UTC to the millisecond.
        limits: What a service may hold.
        coiner: Whose new names are counted; None if anybody's may come.
    """

    now: datetime
    limits: Limits
    coiner: Coiner | None = None
