"""GraphQL over HTTP, as the audits of the specification's own library see it."""

import os
from collections import Counter
from typing import Any

import pytest

from tests.http_audit import AuditToolMissing, audits


@pytest.fixture(scope="module")
def found(server: str) -> list[dict[str, Any]]:
    try:
        return audits(f"{server}/graphql")
    except AuditToolMissing as missing:
        outcome = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        outcome(str(missing))


@pytest.mark.slow
def test_every_audit_holds(found):
    assert [audit for audit in found if audit["status"] != "ok"] == []


@pytest.mark.slow
def test_no_audit_is_left_out(found):
    kinds = Counter(audit["name"].split()[0] for audit in found)

    assert kinds == {"MUST": 13, "SHOULD": 23, "MAY": 25}
