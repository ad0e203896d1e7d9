"""How much one request, one client and one process may ask for at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from app.auth import Caller, Role
from app.domain.catalog import Coiner


class RequestLimits(BaseModel):
    """What a request may be and may cost; each that is hit answers with an error that names it.

    Times are seconds, sizes are bytes. Rates and numbers of subscriptions hold for each process of
    its own: two processes let twice as much through.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(1 << 20, ge=1_024, le=1 << 30, description="Body of a request.")
    service_body_bytes: int = Field(
        16 << 20, ge=1_024, le=1 << 30, description="Body of a request with a service key."
    )
    body_s: float = Field(60.0, gt=0, le=3_600, description="How long a body may take to come.")
    message_bytes: int = Field(
        1 << 20, ge=1_024, le=1 << 30, description="A message on a WebSocket."
    )
    tokens: int = Field(15_000, ge=100, description="Words and marks in a document.")
    depth: int = Field(20, ge=15, le=50, description="How deep fields nest, fragments included.")
    fields: int = Field(1_000, ge=1, description="Fields written in a document.")
    root_fields: int = Field(100, ge=1, description="Fields of an operation itself.")
    aliases: int = Field(100, ge=0, description="Aliases written in a document.")
    fragments: int = Field(100, ge=0, description="Fragments defined in a document.")
    directives: int = Field(5, ge=2, description="Directives on any one place of a document.")
    cost: int = Field(
        250_000, ge=1, description="Fields that an operation would answer, lists counted in full."
    )
    operation_s: float = Field(
        30.0, gt=0, le=3_600, description="How long a query, or the start of a subscription, takes."
    )
    rate_per_s: float = Field(
        0.0, ge=0, le=1_000_000, description="Requests a second, by key and address; 0: any."
    )
    rate_burst: int = Field(
        100, ge=1, le=1_000_000, description="Requests that may come at once, where a rate is set."
    )
    names_per_hour: int = Field(
        50, ge=0, description="New names of properties and events that an ingest key coins an hour."
    )
    socket_operations: int = Field(
        100, ge=1, le=10_000, description="Operations on a WebSocket at once."
    )
    process_sockets: int = Field(10_000, ge=1, description="WebSockets of a process at once.")
    process_operations: int = Field(
        10_000, ge=1, description="Operations on WebSockets and event streams of a process at once."
    )


REQUEST_LIMITS: Final = RequestLimits()


@dataclass(frozen=True)
class BodyBounds:
    """How many bytes a body may have, by which limit, and how many seconds it may take to come."""

    name: str
    limit: int
    within_s: float


def body_bounds(role: Role, limits: RequestLimits) -> BodyBounds:
    """Return the bounds of the body of a request by somebody of this role."""
    if role is Role.SERVICE:
        return BodyBounds("service_body_bytes", limits.service_body_bytes, limits.body_s)
    return BodyBounds("body_bytes", limits.body_bytes, limits.body_s)


def coiner_of(caller: Caller, limits: RequestLimits, now: datetime) -> Coiner | None:
    """Return who asks, if their new names are counted: ingest keys may be in anybody's hands."""
    if caller.role is not Role.INGEST or caller.key_id is None:
        return None
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Coiner(caller.key_id, limits.names_per_hour, hour)
