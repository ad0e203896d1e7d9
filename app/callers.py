"""Who is behind a credential: the keys of the store and of the settings, and people's tokens."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.auth import (
    EVERYBODY,
    NOBODY,
    Caller,
    Person,
    Role,
    Unauthenticated,
    credential_in,
    fingerprint,
)
from app.domain.errors import InvalidInput
from app.domain.identity import IdentityKind, normalised
from app.domain.keys import Key
from app.hosts import is_loopback
from app.settings import Settings, read_public_key
from app.store import Store

if TYPE_CHECKING:
    from app.tokens import Tokens

log = logging.getLogger("profilegraph")

READ_EVERY_S: Final = 1.0
MAX_AGE_S: Final = 1.5
"""How old what is known of the keys may be: revoked ones have to stop within about two seconds."""


class Callers:
    """Turns credentials into callers, by all keys as they were a moment ago.

    The keys are few, and read whole: that there is none at all is known as well. A key that is
    unknown may be newer than what was read; those who come with one wait for one read together.
    """

    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._test_mail_domains = settings.limits.test_mail_domains
        self._given = given_keys(settings)
        self._tokens = tokens_of(settings)
        # Once closed, a process never opens its doors again, whatever becomes of the keys.
        self._closed = (
            bool(self._given) or self._tokens is not None or not is_loopback(settings.host)
        )
        self._stored: Mapping[str, Key] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._now = asyncio.get_running_loop().time
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Callers"]:
        """Read the keys again and again for as long as the block runs."""
        await self._at_most(0)
        reading = asyncio.create_task(self._keep_reading(), name="keys")
        try:
            yield self
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(READ_EVERY_S)
            try:
                await self._at_most(0)
            except Exception as fault:
                # Whatever a driver fails with; those who ask meanwhile read for themselves.
                log.error("The keys could not be read: %s", type(fault).__qualname__)

    async def _read(self) -> None:
        started_at = self._now()
        stored = {key.fingerprint: key for key in await self._store.keys()}
        if stored != self._stored:
            self._stored = stored
            self._closed = self._closed or bool(stored)
            self._changed.set()
            self._changed = asyncio.Event()
        self._read_at = started_at

    async def _at_most(self, age_s: float) -> None:
        """Return once what is known of the keys is, as seen from now, no older than that."""
        since = self._now() - age_s
        if self._read_at < since:
            async with self._reading:
                if self._read_at < since:
                    await self._read()

    # ------------------------------------------------------------ who it is

    @property
    def are_needed(self) -> bool:
        """Whether credentials are needed, as last known: not where no key was ever configured."""
        return self._closed

    async def caller(self, authorization: str | None) -> Caller:
        """Return who sends a request with this `Authorization`, or with none.

        Raises:
            Unauthenticated: it is not taken.
            Unavailable: the store does not answer.
        """
        if authorization is not None:
            return await self.caller_of(credential_in(authorization))
        if not self._closed:
            await self._at_most(MAX_AGE_S)
        return NOBODY if self._closed else EVERYBODY

    def known(self, authorization: str | None) -> Caller | None:
        """Return who sends a request with this `Authorization`, if that takes no waiting.

        Of a token, or of what is not taken, nothing is known; `caller` says more.
        """
        is_fresh = self._now() - self._read_at <= MAX_AGE_S
        if authorization is None:
            return EVERYBODY if is_fresh and not self._closed else None
        try:
            mark = fingerprint(credential_in(authorization))
        except Unauthenticated:
            return None
        if mark in self._given:
            return self._given[mark]
        key = self._stored.get(mark) if is_fresh else None
        return None if key is None or key.revoked_at is not None else _caller_with(key)

    async def caller_of(self, credential: str) -> Caller:
        """Return whose key or token this is.

        Raises:
            Unauthenticated: it is nobody's, or revoked, or expired.
            Unavailable: the store does not answer.
        """
        mark = fingerprint(credential)
        if mark in self._given:
            return self._given[mark]
        if self._tokens and credential.count(".") == 2:
            return self._person(self._tokens, credential)
        await self._at_most(MAX_AGE_S)
        if mark not in self._stored:
            await self._at_most(0)
        key = self._stored.get(mark)
        if key is None or key.revoked_at is not None:
            raise Unauthenticated("There is no such key.")
        return _caller_with(key)

    def _person(self, tokens: "Tokens", token: str) -> Caller:
        person = tokens.person_of(token, self._clock())
        custom = self._named(IdentityKind.CUSTOM, person.custom)
        if custom is None:
            raise Unauthenticated("The token's `sub` names nobody.")
        email = self._named(IdentityKind.EMAIL, person.email)
        phone = self._named(IdentityKind.PHONE, person.phone)
        return Caller(Role.PERSON, person=Person(custom, email, phone, person.expires_at))

    def _named(self, kind: IdentityKind, text: str | None) -> str | None:
        """Return the value of an identity, normalised, or None for what cannot be one."""
        if text is None:
            return None
        try:
            return normalised(kind, text, (), test_mail_domains=self._test_mail_domains).value
        except InvalidInput:
            return None

    # ------------------------------------------------------------ how long they may

    async def ended(self, caller: Caller) -> None:
        """Return once the caller's credential no longer holds."""
        if caller.person:
            await self._passed(caller.person.expires_at)
            return
        while self._holds(caller):
            await self._changed.wait()

    def _holds(self, caller: Caller) -> bool:
        if caller == EVERYBODY:
            return not self._closed
        good = (key for key in self._stored.values() if key.revoked_at is None)
        return caller in self._given.values() or any(key.id == caller.key_id for key in good)

    async def _passed(self, instant: datetime) -> None:
        while (left_s := (instant - self._clock()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left_s, 3_600))


def given_keys(settings: Settings) -> Mapping[str, Caller]:
    """Return the keys that the settings bring along, by their fingerprints."""
    given = {Role.SERVICE: settings.service_key, Role.INGEST: settings.ingest_key}
    return {
        fingerprint(key.get_secret_value()): Caller(role, key_id=f"setting {role}")
        for role, key in given.items()
        if key
    }


def tokens_of(settings: Settings) -> "Tokens | None":
    """Return the reader of people's tokens that the settings ask for, if they ask for any.

    What checks signatures takes 8 MiB of memory: a server that takes no tokens does without.
    """
    if not (settings.jwt_secret or settings.jwt_public_key or settings.jwt_jwks):
        return None
    from app.signing_keys import JwksFile, secret_key
    from app.tokens import Tokens

    keys = []
    if settings.jwt_secret:
        keys.append(secret_key(settings.jwt_secret.get_secret_value()))
    if settings.jwt_public_key:
        keys.append(read_public_key(settings.jwt_public_key))
    jwks = JwksFile(settings.jwt_jwks) if settings.jwt_jwks else None
    return Tokens(keys, jwks, settings.jwt_issuer, settings.jwt_audience)


async def has_keys(store: Store, settings: Settings) -> bool:
    """Return whether anything was ever configured that lets in, revoked keys included."""
    if given_keys(settings) or tokens_of(settings):
        return True
    return bool(await store.keys())


def _caller_with(key: Key) -> Caller:
    return Caller(Role(key.role.value), key_id=key.id, trusting=key.trusting)
