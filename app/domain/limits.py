"""How much a service keeps, and of what: bounds that hold always, and those a service may set."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

MAX_LIST_TEXTS: Final = 100
MAX_LIST_BYTES: Final = 16 * 1024
MAX_PROPERTIES_BYTES: Final = 256 * 1024
MAX_PROPERTY_NAME_BYTES: Final = 120
MAX_EVENTS_PER_CALL: Final = 1_000
MAX_EVENT_BYTES: Final = 32 * 1024
MAX_EVENT_NAME_BYTES: Final = 512
MAX_EVENT_ID_CHARACTERS: Final = 128
MAX_EVENT_AGE_YEARS: Final = 10
MAX_ITEMS: Final = 50
MAX_IDEMPOTENCY_KEYS: Final = 64
MAX_IDEMPOTENCY_KEY_CHARACTERS: Final = 128
MAX_RECORD_IDS: Final = 64
MAX_RECORD_ID_CHARACTERS: Final = 128


class Limits(BaseModel):
    """What one person, one event and one service may hold, and how long a writer tries.

    Sizes are UTF-8 bytes. Every one that is hit answers with an error that names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identities: int = Field(50, ge=1, le=500, description="Strong identities of a user.")
    absorbed: int = Field(1_000, ge=1, le=10_000, description="Users merged into one.")
    devices: int = Field(
        50, ge=1, le=500, description="Devices of a user; one more releases the oldest."
    )
    properties: int = Field(256, ge=1, le=2_000, description="Custom properties of a user.")
    property_names: int = Field(
        2_000, ge=1, le=10_000, description="Different property names in all."
    )
    text_bytes: int = Field(512, ge=1, le=16_384, description="One text, as a value or in a list.")
    event_names: int = Field(512, ge=1, le=5_000, description="Different event names in all.")
    event_properties: int = Field(
        100, ge=1, le=1_000, description="Properties of an event, or of an item."
    )
    event_future_hours: int = Field(
        24, ge=0, le=87_600, description="How far ahead an event may lie."
    )
    embedded_events: int = Field(
        100, ge=2, le=1_000, description="Newest events in a user's own document."
    )
    segments: int = Field(200, ge=1, le=500, description="Segments in all.")
    criteria_nodes: int = Field(100, ge=1, le=1_000, description="Criteria in one question.")
    criteria_levels: int = Field(10, ge=1, le=50, description="How deep criteria may nest.")
    candidates: int = Field(
        100_000, ge=1, description="People whom one question may look at one by one."
    )
    page: int = Field(
        100, ge=1, le=1_000, description="The largest `first`, and of users asked for at once."
    )
    busy_s: float = Field(5.0, gt=0, le=60, description="How long a writer tries, in seconds.")
    test_mail_domains: bool = Field(False, description="Whether addresses under `.test` are taken.")
