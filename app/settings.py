"""Everything that the environment decides, read once at the start."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.limits import Limits


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("it is no IANA time zone, such as Europe/Zurich") from None


class Settings(BaseSettings):
    """`PROFILEGRAPH_` and the name in capitals; a limit is `PROFILEGRAPH_LIMITS_` and its name."""

    model_config = SettingsConfigDict(
        env_prefix="PROFILEGRAPH_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
    )

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    database: str = Field(
        "sqlite:///profilegraph.db",
        description="sqlite:///relative.db, sqlite:////absolute.db, or mongodb://host/database.",
    )
    time_zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        default=ZoneInfo("UTC"), description="IANA name of the zone whose midnight begins a day."
    )
    limits: Limits = Limits()
    plans: bool = Field(True, description="Whether queries are compiled, on or off.")
    workers: int = Field(1, ge=1, le=256, description="How many processes serve, on one port.")
