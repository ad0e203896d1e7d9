"""Everything that the environment decides, read once at the start."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.limits import Limits
from app.limits import REQUEST_LIMITS, RequestLimits
from app.persisted import read_documents

if TYPE_CHECKING:
    from app.signing_keys import SigningKey

_ORIGIN: Final = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s?#@]+")
_HOST_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")


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


def _given(text: object) -> object:
    """Return None for the empty text that some say "not set" by."""
    return None if text == "" else text


def _key(secret: SecretStr | None) -> SecretStr | None:
    if secret and not re.fullmatch("[!-~]+", secret.get_secret_value()):
        raise ValueError("a key is made of visible ASCII characters without spaces")
    return secret


def _shared_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret and "-----BEGIN" in secret.get_secret_value():
        raise ValueError("it is a key of a pair, not a secret; see PROFILEGRAPH_JWT_PUBLIC_KEY")
    return secret


def _hosts(text: object) -> object:
    if not isinstance(text, str):
        return text
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a host, such as people.example.org")
    return names


def read_public_key(text: str) -> "SigningKey":
    """Return the public key in a text, or in the file that the text names.

    Raises:
        ValueError: there is none that is taken.
    """
    from app.signing_keys import public_key  # cryptography takes 8 MiB; see `app.callers`

    if "-----BEGIN" in text:
        return public_key(text.replace("\\n", "\n"))
    try:
        return public_key(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise ValueError("it is neither a PEM text nor a file that can be read") from None


def _public_key(text: str | None) -> str | None:
    if text is not None:
        read_public_key(text)
    return text


def _jwks(path: Path | None) -> Path | None:
    if path is not None:
        from app.signing_keys import JwksFile

        JwksFile(path)
    return path


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
    service_key: Annotated[SecretStr | None, BeforeValidator(_given), AfterValidator(_key)] = Field(
        None, description="A key that may do everything."
    )
    ingest_key: Annotated[SecretStr | None, BeforeValidator(_given), AfterValidator(_key)] = Field(
        None, description="A key that tells of people by their devices, and reads nothing."
    )
    jwt_secret: Annotated[
        SecretStr | None, BeforeValidator(_given), AfterValidator(_shared_secret)
    ] = Field(None, description="Checks people's tokens that are signed by HS256.")
    jwt_public_key: Annotated[str | None, BeforeValidator(_given), AfterValidator(_public_key)] = (
        Field(None, description="Checks RS256, ES256 or EdDSA: PEM, or the path of a file of it.")
    )
    jwt_jwks: Annotated[Path | None, BeforeValidator(_given), AfterValidator(_jwks)] = Field(
        None, description="Checks RS256, ES256 or EdDSA: a file, read again when it changes."
    )
    jwt_issuer: Annotated[str | None, BeforeValidator(_given)] = Field(
        None, description="Who has to have made people's tokens."
    )
    jwt_audience: Annotated[str | None, BeforeValidator(_given)] = Field(
        None, description="Whom people's tokens have to be for."
    )
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = Field(
        (), description="By which names it may be called where there are keys; any unless set."
    )

    def trusted_documents(self) -> Mapping[str, str] | None:
        """Return the only documents that are executed, by hash; None if any is."""
        return read_documents(self.documents) if self.documents else None
