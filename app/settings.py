"""Everything that the environment decides, read once at the start."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.limits import Limits
from app.limits import REQUEST_LIMITS, RequestLimits
from app.persisted import read_documents

_ORIGIN: Final = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s?#@]+")


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("it is no IANA time zone, such as Europe/Zurich") from None


def _origins(given: object) -> object:
    """Return the origins in a text, as browsers write them."""
    if not isinstance(given, str):
        return given
    origins = tuple(part.strip().rstrip("/").lower() for part in given.split(",") if part.strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin, such as https://app.example.org")
    return origins


def _listing(given: object) -> object:
    """Return the path, if documents can be read from it; an empty text is none."""
    if given in ("", None):
        return None
    read_documents(Path(str(given)))
    return given


class Settings(BaseSettings):
    """`PROFILEGRAPH_` and the name in capitals; a limit is `PROFILEGRAPH_LIMITS_` and its name.

    A limit on requests is `PROFILEGRAPH_REQUESTS_` and its name.
    """

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
    requests: RequestLimits = REQUEST_LIMITS
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (),
        description="Origins whose pages may ask, with commas between: https://app.example.org; "
        "* for any; none unless set.",
    )
    documents: Annotated[Path | None, BeforeValidator(_listing)] = Field(
        None,
        description="A file or folder that lists the documents which are executed, and no others.",
    )

    def trusted_documents(self) -> Mapping[str, str] | None:
        """Return the only documents that are executed, by hash; None if any is."""
        return read_documents(self.documents) if self.documents else None
