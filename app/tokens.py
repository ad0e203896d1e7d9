"""People's own tokens: JWTs that somebody we trust has signed.

Each key brings the one algorithm it is for, and a token has to be signed by that one: what a token
says of its algorithm only chooses among the keys, so that neither `none` nor a public key taken
for a secret can pass.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from app.auth import Person, Unauthenticated
from app.signing_keys import JwksFile, SigningKey

CLOCKS_DIFFER_BY: Final = timedelta(seconds=5)
"""How far the clock of whoever makes tokens may be ahead, in what they say is not valid yet."""

# Times are compared with the request's own clock, not with PyJWT's.
_OPTIONS: Final[Any] = {
    "require": ["exp", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class Tokens:
    """Reads tokens by the keys that are configured to check them."""

    def __init__(
        self,
        fixed: Iterable[SigningKey] = (),
        jwks: JwksFile | None = None,
        issuer: str | None = None,
        audience: str | None = None,
    ) -> None:
        self._fixed = tuple(fixed)
        self._jwks = jwks
        self._issuer = issuer
        self._audience = audience

    def person_of(self, token: str, now: datetime) -> Person:
        """Return whom a token names.

        Raises:
            Unauthenticated: it is malformed, not signed by a key of ours, for others, or expired.
        """
        claims = self._verified(token)
        expires_at = _instant(claims["exp"])
        starts_at = _instant(claims.get("nbf", 0))
        if now >= expires_at:
            raise Unauthenticated("The token has expired.")
        if now + CLOCKS_DIFFER_BY < starts_at:
            raise Unauthenticated("The token is not valid yet.")
        return Person(
            custom=claims["sub"],
            email=_if_verified(claims, "email"),
            phone=_if_verified(claims, "phone_number"),
            expires_at=expires_at,
        )

    def _verified(self, token: str) -> Mapping[str, Any]:
        for key in self._candidates(token):
            try:
                claims: Mapping[str, Any] = jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    issuer=self._issuer,
                    audience=self._audience,
                    options=_OPTIONS | {"verify_aud": self._audience is not None},
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, TypeError):
                break
            return claims
        raise Unauthenticated("The token is not taken.")

    def _candidates(self, token: str) -> list[SigningKey]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Unauthenticated("The token is not taken.") from None
        named = header.get("kid")
        keys = (*self._fixed, *(self._jwks.keys() if self._jwks else ()))
        return [
            key
            for key in keys
            if key.algorithm == header.get("alg") and (not named or not key.id or key.id == named)
        ]


def _instant(seconds: object) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Unauthenticated("The token's times are no numbers.")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Unauthenticated("The token's times lie beyond all calendars.") from None


def _if_verified(claims: Mapping[str, Any], name: str) -> str | None:
    """Return an address of the person if the token says that they have proven it theirs."""
    value = claims.get(name)
    # Some identity providers write the boolean as a text.
    is_verified = claims.get(f"{name}_verified") in (True, "true")
    return value if is_verified and isinstance(value, str) else None
