"""The keys by which people's tokens are checked, each for the one algorithm that its kind has."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

log = logging.getLogger("profilegraph")

MIN_RSA_BITS: Final = 2_048

_ALGORITHM_OF_JWK: Final = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


@dataclass(frozen=True)
class SigningKey:
    """What checks a signature.

    Attributes:
        algorithm: The only one it is for.
        key: As PyJWT takes it.
        id: By which tokens name it, where there are several.
    """

    algorithm: str
    key: Any
    id: str | None = None


def secret_key(secret: str) -> SigningKey:
    return SigningKey("HS256", secret.encode())


def public_key(pem: str) -> SigningKey:
    """Return the key in a PEM text, for the one algorithm that its kind has.

    Raises:
        ValueError: there is no public key in it, or one of a kind that is not taken.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except Exception:
        # What OpenSSL, ASN.1 and Unicode complain of comes as errors of many kinds.
        raise ValueError("it holds no public key in PEM") from None
    return SigningKey(_algorithm(key), key)


def _algorithm(key: object) -> str:
    match key:
        case rsa.RSAPublicKey(key_size=bits):
            if bits < MIN_RSA_BITS:
                raise ValueError(f"an RSA key has at least {MIN_RSA_BITS} bits")
            return "RS256"
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return "ES256"
        case ed25519.Ed25519PublicKey():
            return "EdDSA"
        case _:
            raise ValueError("it is neither an RSA, nor a P-256, nor an Ed25519 key")


class JwksFile:
    """The public keys in a JSON Web Key Set on the disk, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = _state(path)
        self._keys = _read(path)

    def keys(self) -> tuple[SigningKey, ...]:
        """Return the keys; those of before, if what the file holds now cannot be used."""
        state = _state(self._path)
        if state != self._state:
            self._state = state
            try:
                self._keys = _read(self._path)
            except ValueError as fault:
                log.warning("The JSON Web Key Set stays as it was: %s.", fault)
        return self._keys


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what differs once the file was written or replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[SigningKey, ...]:
    try:
        entries = orjson.loads(path.read_bytes())["keys"]
        keys = tuple(filter(None, (_from_jwk(entry) for entry in entries)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, jwt.PyJWTError):
        raise ValueError("the file holds no JSON Web Key Set") from None
    if not keys:
        raise ValueError("the file holds no key for RS256, ES256 or EdDSA signatures")
    return keys


def _from_jwk(entry: Mapping[str, Any]) -> SigningKey | None:
    """Return a key of a set, or None for one that is for something else."""
    curve = entry.get("crv") if entry["kty"] != "RSA" else None
    algorithm = _ALGORITHM_OF_JWK.get((entry["kty"], curve))
    if algorithm is None or entry.get("alg", algorithm) != algorithm or entry.get("use") == "enc":
        return None
    key = jwt.PyJWK(dict(entry), algorithm).key
    if _algorithm(key) != algorithm:
        return None
    return SigningKey(algorithm, key, entry.get("kid"))
