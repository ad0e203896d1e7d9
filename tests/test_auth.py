"""Keys and the headers they come in."""

import re

import pytest

from app.auth import Unauthenticated, credential_in, fingerprint, new_key


@pytest.mark.parametrize(
    "header", ["Bearer k-1", "bearer k-1", "BEARER k-1", "Bearer   k-1", " Bearer k-1 "]
)
def test_the_scheme_has_no_case_and_spaces_do_not_count(header: str):
    assert credential_in(header) == "k-1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "k-1",
        "Basic azE6",
        "Bearer a b",
        "Bearerk-1",
        "Bearer é",
        "Bearer k-1, Bearer k-2",
        "Bearer a\tb",
        "Bearer " + "k" * 8_193,
    ],
)
def test_what_is_no_bearer_credential_is_refused(header: str):
    with pytest.raises(Unauthenticated):
        credential_in(header)


def test_a_new_key_says_what_it_is_for_and_is_like_no_other():
    keys = {new_key("ingest") for _ in range(100)}

    assert len(keys) == 100
    assert all(re.fullmatch(r"profilegraph_ingest_[\w-]{43}", key) for key in keys)


def test_a_fingerprint_is_sha_256():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert fingerprint("") == empty
