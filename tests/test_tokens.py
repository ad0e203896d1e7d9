"""People's own tokens: which are taken, and what they say."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app.auth import Person, Unauthenticated
from app.signing_keys import JwksFile, public_key, secret_key
from app.tokens import Tokens
from tests.builders import NOON

SECRET: Final = "a secret for tests, of over thirty-two characters"
RSA: Final = rsa.generate_private_key(65_537, 2_048)
P256: Final = ec.generate_private_key(ec.SECP256R1())
ED25519: Final = ed25519.Ed25519PrivateKey.generate()
CLAIMS: Final = {"sub": "ada", "exp": (NOON + timedelta(hours=1)).timestamp()}

PAIRS: Final = [(RSA, "RS256"), (P256, "ES256"), (ED25519, "EdDSA")]


def pem(private: Any) -> str:
    found = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(found.decode())


def by_secret(**options: Any) -> Tokens:
    return Tokens([secret_key(SECRET)], **options)


def signed(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode(CLAIMS | claims, key, algorithm)


def rightly_signed(claims: Any) -> str:
    """Return a token whose signature holds, whatever it says."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256")


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


# ---------------------------------------------------------------- what is taken


def test_a_token_says_who_somebody_is_and_until_when():
    person = by_secret().person_of(signed(), NOON)

    assert person == Person("ada", None, None, NOON + timedelta(hours=1))


@pytest.mark.parametrize(("private", "algorithm"), PAIRS)
def test_a_public_key_checks_what_its_private_key_signed(private: Any, algorithm: str):
    tokens = Tokens([public_key(pem(private))])

    assert tokens.person_of(signed(private, algorithm), NOON).custom == "ada"


@pytest.mark.parametrize("verified", [True, "true"])
def test_addresses_count_where_they_are_verified(verified: Any):
    claims = {
        "email": "ada@example.org",
        "email_verified": verified,
        "phone_number": "+41446681800",
        "phone_number_verified": verified,
    }

    person = by_secret().person_of(signed(**claims), NOON)

    assert (person.email, person.phone) == ("ada@example.org", "+41446681800")


@pytest.mark.parametrize("verified", [False, None, 1.5, "yes", "True", [], {}])
def test_addresses_that_are_not_verified_count_for_nothing(verified: Any):
    claims = {"email": "ada@example.org", "email_verified": verified, "phone_number": "+1"}

    person = by_secret().person_of(signed(**claims), NOON)

    assert (person.email, person.phone) == (None, None)


def test_a_token_holds_until_the_instant_it_names():
    expires_at = NOON + timedelta(hours=1)
    just_before = expires_at - timedelta(milliseconds=1)

    assert by_secret().person_of(signed(), just_before).expires_at == expires_at
    with pytest.raises(Unauthenticated):
        by_secret().person_of(signed(), expires_at)


def test_of_two_keys_the_one_is_used_that_the_token_was_signed_by():
    tokens = Tokens([secret_key(SECRET), public_key(pem(P256))])

    assert tokens.person_of(signed(P256, "ES256"), NOON) == tokens.person_of(signed(), NOON)


# ---------------------------------------------------------------- what is not


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOON.timestamp()},
        {"exp": NOON.timestamp() - 1},
        {"nbf": NOON.timestamp() + 60},
        {"sub": 7},
        {"sub": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": []},
        {"exp": 1e300},
        {"exp": -1e300},
        {"exp": float("inf")},
        {"exp": float("nan")},
    ],
)
def test_claims_that_do_not_hold_are_refused(claims: Any):
    with pytest.raises(Unauthenticated):
        by_secret().person_of(rightly_signed(CLAIMS | claims), NOON)


@pytest.mark.parametrize("missing", ["sub", "exp"])
def test_a_token_without_a_subject_or_an_end_is_refused(missing: str):
    claims = {name: value for name, value in CLAIMS.items() if name != missing}

    with pytest.raises(Unauthenticated):
        by_secret().person_of(jwt.encode(claims, SECRET, "HS256"), NOON)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "HS512", "RS256"])
def test_a_token_that_nobody_signed_is_refused(alg: str):
    claims = {"sub": "ada", "exp": 4_102_444_800}
    unsigned = f"{encoded({'alg': alg, 'typ': 'JWT'})}.{encoded(claims)}."

    for tokens in (by_secret(), Tokens([public_key(pem(RSA))])):
        with pytest.raises(Unauthenticated):
            tokens.person_of(unsigned, NOON)


def test_a_public_key_is_never_taken_for_a_secret():
    text = pem(RSA).encode()
    header, claims = encoded({"alg": "HS256", "typ": "JWT"}), encoded({"sub": "a", "exp": 4e9})
    mac = hmac.new(text, f"{header}.{claims}".encode(), hashlib.sha256).digest()
    forgery = f"{header}.{claims}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    with pytest.raises(Unauthenticated):
        Tokens([public_key(text.decode())]).person_of(forgery, NOON)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_only_the_one_algorithm_is_taken(algorithm: str):
    long_secret = SECRET * 2
    tokens = Tokens([secret_key(long_secret)])

    with pytest.raises(Unauthenticated):
        tokens.person_of(signed(long_secret, algorithm), NOON)


def test_a_token_of_a_stranger_is_refused():
    with pytest.raises(Unauthenticated):
        by_secret().person_of(signed("another secret of over thirty-two characters"), NOON)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "e30.e30.", "é.é.é", "x" * 9_000])
def test_what_is_no_token_is_refused(text: str):
    with pytest.raises(Unauthenticated):
        by_secret().person_of(text, NOON)


@pytest.mark.parametrize(
    ("options", "claims", "taken"),
    [
        ({"issuer": "us"}, {"iss": "us"}, True),
        ({"issuer": "us"}, {"iss": "them"}, False),
        ({"issuer": "us"}, {}, False),
        ({"audience": "api"}, {"aud": "api"}, True),
        ({"audience": "api"}, {"aud": ["web", "api"]}, True),
        ({"audience": "api"}, {"aud": "web"}, False),
        ({"audience": "api"}, {}, False),
        ({}, {"iss": "them", "aud": "web"}, True),
    ],
)
def test_issuer_and_audience_are_checked_where_they_are_set(options: Any, claims: Any, taken: bool):
    tokens = by_secret(**options)

    try:
        found = tokens.person_of(signed(**claims), NOON).custom == "ada"
    except Unauthenticated:
        found = False

    assert found is taken


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65_537, 1_024)),
        ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_public_key_that_is_taken_is_a_value_error(text: str):
    with pytest.raises(ValueError, match="key"):
        public_key(text)


def jwk(private: Any, algorithm: str, **more: Any) -> dict[str, Any]:
    kinds: Any = jwt.algorithms
    of_kind = {"RS256": kinds.RSAAlgorithm, "ES256": kinds.ECAlgorithm, "EdDSA": kinds.OKPAlgorithm}
    return json.loads(of_kind[algorithm].to_jwk(private.public_key())) | more  # type: ignore[no-any-return]


def write(path: Path, *entries: dict[str, Any]) -> None:
    path.write_text(json.dumps({"keys": entries}))


@pytest.mark.parametrize(("private", "algorithm"), PAIRS)
def test_a_key_set_checks_tokens_by_the_key_that_they_name(
    tmp_path: Path, private: Any, algorithm: str
):
    path = tmp_path / "jwks.json"
    write(path, *(jwk(key, name, kid=f"k-{name}") for key, name in PAIRS))
    named = jwt.encode(CLAIMS, private, algorithm, {"kid": f"k-{algorithm}"})
    misnamed = jwt.encode(CLAIMS, private, algorithm, {"kid": "other"})
    tokens = Tokens(jwks=JwksFile(path))

    assert tokens.person_of(named, NOON).custom == "ada"
    with pytest.raises(Unauthenticated):
        tokens.person_of(misnamed, NOON)


def test_a_key_set_is_read_again_when_it_changes_and_kept_when_it_breaks(tmp_path: Path):
    path = tmp_path / "jwks.json"
    write(path, jwk(P256, "ES256", kid="old"))
    tokens = Tokens(jwks=JwksFile(path))
    old = jwt.encode(CLAIMS, P256, "ES256", {"kid": "old"})
    new = jwt.encode(CLAIMS, ED25519, "EdDSA", {"kid": "new"})

    write(path, jwk(ED25519, "EdDSA", kid="new"))
    rotated = tokens.person_of(new, NOON)
    path.write_text("{")
    broken = tokens.person_of(new, NOON)
    path.unlink()
    gone = tokens.person_of(new, NOON)

    assert rotated == broken == gone
    with pytest.raises(Unauthenticated):
        tokens.person_of(old, NOON)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"keys": []}',
        '{"keys": [1]}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        '{"keys": [{"kty": "RSA"}]}',
        json.dumps({"keys": [jwk(P256, "ES256", use="enc")]}),
        json.dumps({"keys": [jwk(RSA, "RS256", alg="RS512")]}),
    ],
)
def test_a_file_without_a_key_that_is_taken_is_a_value_error(tmp_path: Path, content: str):
    path = tmp_path / "jwks.json"
    path.write_text(content)

    with pytest.raises(ValueError, match="file"):
        JwksFile(path)
