"""Who somebody is: the kinds of identity, and how two spellings come to be one value."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict

from app.domain.errors import InvalidInput, Path
from app.domain.frozen import made
from app.domain.text import has_control_characters, size_bytes

MAX_CHARACTERS: Final = 120
MAX_EMAIL_CHARACTERS: Final = 254

PLACEHOLDERS: Final = frozenset(
    {
        "null", "none", "nil", "undefined", "nan", "true", "false", "anonymous", "guest",
        "unknown", "user", "userid", "user_id", "id", "distinct_id", "email",
        "not_authenticated", "[object object]", "-1",
    }
)  # fmt: skip
"""What broken clients send instead of an identity; taken as one, it would fuse strangers."""


_PLAIN_EMAIL: Final = re.compile(
    r"(?=[^@]{1,64}@)(?P<local>[A-Za-z0-9_+-]+([.][A-Za-z0-9_+-]+)*)@(?P<domain>[A-Za-z0-9.-]{1,180})"
)
"""Addresses about which nothing but the domain is open; others are not wrong, only not plain."""

_QUOTES: Final = "\"'`" + "".join(char for char in map(chr, range(0x3001)) if char.isspace())
"""What may stand around a placeholder: quotation marks, and all there is of white space."""


class IdentityKind(StrEnum):
    CUSTOM = "custom"
    EMAIL = "email"
    PHONE = "phone"
    FACEBOOK = "facebook"
    GOOGLE = "google"
    DEVICE = "device"


class Identity(BaseModel):
    """One name of one person, normalised: equal identities are the same person."""

    model_config = ConfigDict(frozen=True)

    kind: IdentityKind
    value: str

    @property
    def key(self) -> str:
        """The identity as one text, such as `email:ada@example.org`."""
        return self.kind + ":" + self.value

    @property
    def is_strong(self) -> bool:
        """Whether it names a person, not only an installation or a browser."""
        return self.kind is not IdentityKind.DEVICE


class LinkedIdentity(Identity):
    """An identity as a person has it."""

    linked_at: datetime

    @property
    def identity(self) -> Identity:
        return made(Identity, {"kind": self.kind, "value": self.value})


def normalised(kind: IdentityKind, raw: str, path: Path, *, test_mail_domains: bool) -> Identity:
    """Return the one identity that every spelling of `raw` stands for.

    Args:
        kind: What `raw` is.
        raw: The identity as somebody wrote it.
        path: Where it was written, for the error.
        test_mail_domains: Whether e-mail addresses under `.test` are taken.

    Raises:
        InvalidInput: `raw` is no identity of this kind, or a placeholder such as `null`.
    """
    text = raw.strip()
    _refuse_placeholder(text, path)
    match kind:
        case IdentityKind.EMAIL:
            local, domain = email_parts(text, path, test_domains=test_mail_domains)
            value = unicodedata.normalize("NFC", local.lower()) + "@" + domain
        case IdentityKind.PHONE:
            value = e164(text, path)
        case (
            IdentityKind.CUSTOM | IdentityKind.FACEBOOK | IdentityKind.GOOGLE | IdentityKind.DEVICE
        ):
            value = _opaque(text, path)
    return made(Identity, {"kind": kind, "value": value})


def email_parts(text: str, path: Path, *, test_domains: bool) -> tuple[str, str]:
    """Return the local part as typed and the domain as an A-label (RFC 5890), lower-cased."""
    if len(text) > MAX_EMAIL_CHARACTERS:
        raise InvalidInput(f"The e-mail address has over {MAX_EMAIL_CHARACTERS} characters.", path)
    size_bytes(text, path)
    if plain := _PLAIN_EMAIL.fullmatch(text):
        ascii_domain = _known_domain(plain["domain"], test_domains)
        if ascii_domain and len(plain["local"] + ascii_domain) < MAX_EMAIL_CHARACTERS:
            return plain["local"], ascii_domain
    try:
        address = validate_email(text, check_deliverability=False, test_environment=test_domains)
    except EmailNotValidError as fault:
        raise InvalidInput(f"This is no e-mail address: {fault}", path) from None
    if address.ascii_domain is None or len(address.local_part + address.ascii_domain) >= (
        MAX_EMAIL_CHARACTERS
    ):
        raise InvalidInput(f"The e-mail address has over {MAX_EMAIL_CHARACTERS} characters.", path)
    return address.local_part, address.ascii_domain


@lru_cache(10_000)
def _known_domain(domain: str, test_domains: bool) -> str | None:
    """Return a domain as an A-label; None if an address cannot have it.

    Most people's addresses are under a few domains, and what remains of a plain one is a pattern:
    that makes reading a million of them ten times as fast.
    """
    try:
        address = validate_email(
            f"a@{domain}", check_deliverability=False, test_environment=test_domains
        )
    except EmailNotValidError:
        return None
    return address.ascii_domain


def e164(text: str, path: Path) -> str:
    """Return the phone number in E.164 form, `+` and up to 15 digits.

    Raises:
        InvalidInput: it has no country code, letters, an extension, or cannot exist.
    """
    if any(character.isalpha() for character in text):
        raise InvalidInput("The phone number has letters or an extension.", path)
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise InvalidInput("This is no phone number with + and country code.", path) from None
    if number.extension:
        raise InvalidInput("The phone number has an extension.", path)
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidInput("No phone number of this country has this length.", path)
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # What we show has to find the same person; if it is what was written, it just did.
    if shown != text and phonenumbers.parse(shown, None) != number:
        raise InvalidInput("The phone number has zeros too many after the country code.", path)
    return shown


def _opaque(text: str, path: Path) -> str:
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"The identity has over {MAX_CHARACTERS} characters.", path)
    size_bytes(text, path)
    if has_control_characters(text):
        raise InvalidInput("The identity contains a control character.", path)
    return text


def _refuse_placeholder(text: str, path: Path) -> None:
    bare = text.strip(_QUOTES).casefold()
    if not bare:
        raise InvalidInput("The identity is empty.", path)
    if bare in PLACEHOLDERS or not bare.strip("0"):
        raise InvalidInput("This is a placeholder that broken clients send, no identity.", path)


@dataclass(frozen=True)
class Impossible:
    """What no identity can be: looked up, it is nobody's; to create by it is refused."""

    fault: InvalidInput
