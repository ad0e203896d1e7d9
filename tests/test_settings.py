"""What the environment decides, by which names, and what it may not say."""

import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from app.domain.limits import Limits
from app.limits import RequestLimits
from app.settings import Settings, read_public_key
from tests.test_tokens import P256, pem


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the machine that runs this test decides."""
    for name in [name for name in os.environ if name.startswith("PROFILEGRAPH_")]:
        monkeypatch.delenv(name)


def test_every_setting_has_a_default():
    assert Settings().model_dump() == {
        "host": "127.0.0.1",
        "port": 8000,
        "database": "sqlite:///profilegraph.db",
        "time_zone": ZoneInfo("UTC"),
        "limits": Limits().model_dump(),
        "plans": True,
        "workers": 1,
        "requests": RequestLimits().model_dump(),
        "cors_origins": (),
        "documents": None,
        "service_key": None,
        "ingest_key": None,
        "jwt_secret": None,
        "jwt_public_key": None,
        "jwt_jwks": None,
        "jwt_issuer": None,
        "jwt_audience": None,
        "hosts": (),
    }


def test_limits_are_as_the_specification_says():
    assert (
        Limits().model_dump().items()
        >= {
            "identities": 50,
            "devices": 50,
            "absorbed": 1_000,
            "properties": 256,
            "property_names": 2_000,
            "text_bytes": 512,
            "event_names": 512,
            "event_properties": 100,
            "event_future_hours": 24,
            "embedded_events": 100,
            "segments": 200,
            "criteria_nodes": 100,
            "criteria_levels": 10,
            "page": 100,
            "busy_s": 5.0,
            "test_mail_domains": False,
        }.items()
    )


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PROFILEGRAPH_HOST", "::1", "host", "::1"),
        ("PROFILEGRAPH_PORT", "0", "port", 0),
        ("PROFILEGRAPH_PORT", "65535", "port", 65535),
        ("PROFILEGRAPH_DATABASE", "mongodb://h/x", "database", "mongodb://h/x"),
        ("PROFILEGRAPH_TIME_ZONE", "Asia/Tokyo", "time_zone", ZoneInfo("Asia/Tokyo")),
        ("PROFILEGRAPH_PLANS", "off", "plans", False),
        ("PROFILEGRAPH_WORKERS", "4", "workers", 4),
        ("profilegraph_port", "1", "port", 1),
    ],
)
def test_the_environment_sets(monkeypatch, name, text, field, value):
    monkeypatch.setenv(name, text)

    assert getattr(Settings(), field) == value


NOT_SET = ("SERVICE_KEY", "INGEST_KEY", "JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS", "JWT_ISSUER")


@pytest.mark.parametrize("name", NOT_SET)
def test_an_empty_text_is_no_credential(monkeypatch, name):
    monkeypatch.setenv(f"PROFILEGRAPH_{name}", "")

    assert Settings() == Settings(**{name.lower(): None})


def test_host_names_are_listed_with_commas(monkeypatch):
    monkeypatch.setenv("PROFILEGRAPH_HOSTS", "People.example.org, *.example.com,")

    assert Settings().hosts == ("people.example.org", "*.example.com")


def test_a_public_key_is_a_text_or_a_file(monkeypatch, tmp_path: Path):
    text = pem(P256)
    (tmp_path / "key.pem").write_text(text)

    for given in (text, text.replace("\n", "\\n"), str(tmp_path / "key.pem")):
        monkeypatch.setenv("PROFILEGRAPH_JWT_PUBLIC_KEY", given)
        assert read_public_key(Settings().jwt_public_key or "").key == P256.public_key()


@pytest.mark.parametrize(
    ("name", "text", "limits"),
    [
        ("IDENTITIES", "1", Limits(identities=1)),
        ("DEVICES", "1", Limits(devices=1)),
        ("PROPERTIES", "3", Limits(properties=3)),
        ("PROPERTY_NAMES", "3", Limits(property_names=3)),
        ("TEXT_BYTES", "3", Limits(text_bytes=3)),
        ("EVENT_NAMES", "3", Limits(event_names=3)),
        ("EVENT_PROPERTIES", "3", Limits(event_properties=3)),
        ("EVENT_FUTURE_HOURS", "0", Limits(event_future_hours=0)),
        ("EMBEDDED_EVENTS", "2", Limits(embedded_events=2)),
        ("PAGE", "7", Limits(page=7)),
        ("BUSY_S", "0.5", Limits(busy_s=0.5)),
        ("TEST_MAIL_DOMAINS", "true", Limits(test_mail_domains=True)),
    ],
)
def test_the_environment_sets_one_limit_and_leaves_the_others(monkeypatch, name, text, limits):
    monkeypatch.setenv(f"PROFILEGRAPH_LIMITS_{name}", text)

    assert Settings().limits == limits


def test_the_environment_sets_a_limit_on_requests(monkeypatch):
    monkeypatch.setenv("PROFILEGRAPH_REQUESTS_BODY_BYTES", "2048")

    assert Settings().requests == RequestLimits(body_bytes=2048)


def test_limits_on_requests_are_as_the_specification_says():
    limits = RequestLimits()

    assert (limits.body_bytes, limits.service_body_bytes) == (1_048_576, 16_777_216)
    assert (limits.rate_per_s, limits.names_per_hour) == (0, 50)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://app.example.org", ("https://app.example.org",)),
        (
            " HTTPS://App.example.org/ , http://[::1]:3000,",
            ("https://app.example.org", "http://[::1]:3000"),
        ),
    ],
)
def test_origins_stand_between_commas(monkeypatch, text, origins):
    monkeypatch.setenv("PROFILEGRAPH_CORS_ORIGINS", text)

    assert Settings().cors_origins == origins


def test_several_limits_are_set_at_once(monkeypatch):
    monkeypatch.setenv("PROFILEGRAPH_LIMITS_PROPERTIES", "3")
    monkeypatch.setenv("PROFILEGRAPH_LIMITS_PROPERTY_NAMES", "4")

    assert Settings().limits == Limits(properties=3, property_names=4)


def test_what_is_given_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("PROFILEGRAPH_PORT", "1")

    assert Settings(port=2).port == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HOST", ""),
        ("PORT", ""),
        ("PORT", "x"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("SERVICE_KEY", "a b"),
        ("INGEST_KEY", "é"),
        ("JWT_PUBLIC_KEY", "nowhere.pem"),
        ("JWT_SECRET", "-----BEGIN PUBLIC KEY-----"),
        ("JWT_PUBLIC_KEY", "/"),
        ("JWT_PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----"),
        ("JWT_JWKS", "nowhere.json"),
        ("JWT_JWKS", "/"),
        ("HOSTS", "https://example.org"),
        ("HOSTS", "example.org:8000"),
        ("HOSTS", "*"),
        ("HOSTS", "a.*.org"),
        ("TIME_ZONE", ""),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("TIME_ZONE", "/etc/localtime"),
        ("TIME_ZONE", "a\u2028b"),
        ("LIMITS_PROPERTIES", "0"),
        ("LIMITS_PROPERTIES", "-1"),
        ("LIMITS_PROPERTIES", "x"),
        ("LIMITS_PROPERTIES", ""),
        ("LIMITS_EMBEDDED_EVENTS", "1"),
        ("LIMITS_EVENT_FUTURE_HOURS", "-1"),
        ("LIMITS_EVENT_FUTURE_HOURS", "999999999999"),
        ("LIMITS_BUSY_S", "0"),
        ("LIMITS_BUSY_S", "nan"),
        ("LIMITS_BUSY_S", "inf"),
        ("LIMITS_TEST_MAIL_DOMAINS", "perhaps"),
        ("LIMITS_NOBODY_KNOWS", "1"),
        ("REQUESTS_BODY_BYTES", "1"),
        ("REQUESTS_DEPTH", "14"),
        ("REQUESTS_DEPTH", "51"),
        ("REQUESTS_OPERATION_S", "0"),
        ("REQUESTS_RATE_PER_S", "nan"),
        ("REQUESTS_NOBODY_KNOWS", "1"),
        ("CORS_ORIGINS", "example.org"),
        ("CORS_ORIGINS", "https://example.org/path"),
        ("CORS_ORIGINS", "https://a.example.org https://b.example.org"),
        ("DOCUMENTS", "missing.json"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(monkeypatch, name, text):
    monkeypatch.setenv(f"PROFILEGRAPH_{name}", text)

    with pytest.raises(ValidationError) as fault:
        Settings()

    (error,) = fault.value.errors()
    assert "_".join(str(part) for part in error["loc"]).upper() == name


@pytest.mark.parametrize("changed", [{"port": 1}, {"limits": Limits(page=1)}])
def test_settings_stay_as_they_were_read(changed: dict[str, Any]):
    settings = Settings()
    ((name, value),) = changed.items()

    with pytest.raises(ValidationError):
        setattr(settings, name, value)
