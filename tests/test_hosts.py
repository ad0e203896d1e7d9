"""Which names lead to this machine alone, and which are among those that were set."""

import pytest

from app.hosts import is_among, is_loopback, name_in


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
)
def test_loopback_names_and_addresses(host: str):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "::",
        "192.0.2.1",
        "example.org",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "127.1",
        "2130706433",
    ],
)
def test_whatever_else_may_lead_anywhere(host: str):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("localhost:8000", "localhost"),
        ("Example.ORG:1", "example.org"),
        ("example.org.", "example.org"),
        ("[::1]:8000", "[::1]"),
        ("localhost:", "localhost"),
    ],
)
def test_the_port_and_the_case_do_not_count(header: str, name: str):
    assert name_in(header) == name


@pytest.mark.parametrize(
    "header", ["", ":8000", "a b", "localhost:8000:1", "localhost@evil.org", "localhost:x", "a/b"]
)
def test_what_is_no_host_has_no_name(header: str):
    assert name_in(header) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("people.example.org", True),
        ("example.org", False),
        ("a.example.com", True),
        ("a.b.example.com", True),
        ("example.com", False),
        ("evilexample.com", False),
        ("people.example.org.evil.net", False),
    ],
)
def test_names_are_whole_but_for_a_star_in_front(name: str, found: bool):
    assert is_among(name, {"people.example.org", "*.example.com"}) is found
