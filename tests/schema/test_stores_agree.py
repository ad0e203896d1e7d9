"""Every store answers the same to the same requests, but for the ids it makes."""

import json
import re
from datetime import timedelta

import pytest

from app.domain.limits import Limits
from app.settings import Settings
from tests.api import Api, Clock, serving
from tests.builders import NOON
from tests.schema.documents import (
    ADA,
    CATALOG,
    COUNT,
    EVA,
    IDENTIFY,
    LINK,
    RECORD,
    REGISTER,
    UNLINK,
    UPDATE,
    USER,
    USERS,
)

MAIL = {"email": "Ada@Example.org"}
PHONE = {"device": "phone"}
VALUES = {
    "text": "é😀", "empty": "", "number": 1.5, "whole": 2**53, "tiny": 5e-324, "yes": True,
    "day": {"date": "0001-01-01"}, "instant": {"dateTime": "2026-01-31T12:00:00.123456+01:00"},
    "list": ["b", "a", "b"], "none": [], "$set": 1, "a.b": 2, " trimmed ": 3, "_id": 4,
}  # fmt: skip
PUSH = {"service": "WEB_PUSH", "token": "t"}
MANY = [
    {"id": f"e{number}", "name": ["Even", "Odd"][number % 2], "properties": {"n": number}}
    | {"at": f"2026-01-{1 + number % 28:02}T00:00:00Z"}
    for number in range(40)
]


def changed(by, changes, **more):
    return UPDATE, {"user": by, "changes": changes, **more}


def properties(**operations):
    return changed(ADA, {"properties": operations})


def recorded(by, *events, **more):
    return RECORD, {"user": by, "events": list(events), **more}


REQUESTS = [
    (COUNT, {}),
    (CATALOG, {}),
    (USER, {"by": ADA}),
    changed(ADA, {"name": "Ada"}),
    changed(ADA, {"name": "Ada", "birthday": "2000-02-29"}, createIfMissing=True),
    changed(ADA, {"name": "Ada"}, createIfMissing=True),
    (IDENTIFY, {"identities": [ADA, MAIL], "changes": {"gender": "OTHER"}}),
    (IDENTIFY, {"identities": [EVA, {"phone": "+41 44 668 18 00"}]}),
    (IDENTIFY, {"identities": [{"google": "g"}, MAIL, EVA]}),
    (IDENTIFY, {"identities": [EVA, {"custom": "null"}]}),
    properties(set=VALUES),
    properties(set=VALUES),
    properties(increment={"number": -1.5, "count": 1}, append={"list": ["c"]}, unset=["a.b"]),
    properties(increment={"text": 1}, set={"fresh": 1}),
    properties(set={"whole": True, "yes": 1}),
    properties(setOnce={"text": "x", "once": "y"}, remove={"list": ["b", "a", "c"]}),
    changed(ADA, {"name": "Zoe"}, expectedVersion=2),
    changed(ADA, {"name": "Zoe"}, expectedVersion=7, idempotencyKey="k"),
    changed(ADA, {"name": "Eva"}, expectedVersion=7, idempotencyKey="k"),
    changed(ADA, {"location": {"country": "ch", "latitude": 1, "longitude": -2.5}}),
    changed(EVA, {"channels": {"email": False, "sms": True}, "timezone": "Europe/Zurich"}),
    (REGISTER, {"user": PHONE, "device": {"id": "phone", "platform": "WEB", "push": PUSH}}),
    (REGISTER, {"user": ADA, "device": {"id": "phone", "platform": "IOS"}}),
    (REGISTER, {"user": ADA, "device": {"id": "tablet", "platform": "IOS", "model": "iPad"}}),
    (REGISTER, {"user": {"device": "x"}, "device": {"id": "y", "platform": "IOS"}}),
    (LINK, {"user": EVA, "identity": {"google": "g"}}),
    (LINK, {"user": ADA, "identity": {"google": "g"}}),
    (LINK, {"user": PHONE, "identity": {"facebook": "f"}}),
    (UNLINK, {"user": EVA, "identity": {"google": "g"}}),
    (UNLINK, {"user": EVA, "identity": {"google": "g"}}),
    (USER, {"by": {"google": "g"}}),
    (LINK, {"user": ADA, "identity": {"google": "g"}}),
    recorded(EVA, {"name": " Added To Cart ", "items": [{"sku": "a"}, {}]}),
    recorded(ADA, {"name": "addedtocart"}),
    recorded(ADA, *MANY),
    recorded(ADA, *MANY[10:30], {"id": "late", "name": "V", "at": "2016-02-01T00:00:00Z"}),
    recorded(ADA, {"name": "V"}, {"name": ""}),
    recorded(ADA, {"id": "e0", "name": "Fresh"}),
    recorded({"custom": "zoe"}, {"name": "C H A R G E D"}, createIfMissing=True),
    recorded({"custom": "nobody"}, {"name": "V"}),
    (USER, {"by": ADA}),
    (USER, {"by": EVA}),
    (USER, {"by": {"custom": "zoe"}}),
    (USER, {"by": PHONE}),
    (USER, {"by": {"id": "a\u0000"}}),
    (CATALOG, {}),
    (COUNT, {}),
    (USERS, {"first": 0}),
    (USERS, {"after": "forged"}),
]
EVENTS = """
query($name: String, $since: DateTime, $until: DateTime, $after: Cursor) {
  events: user(by: {custom: "ada"}) {
    events(name: $name, since: $since, until: $until, first: 7, after: $after) {
      nodes { id name at properties }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


async def answers(url):
    """Return what a store answers to all requests and to reading every list in pages."""
    clock = Clock(NOON)
    settings = Settings(database=url, limits=Limits(embedded_events=10))
    async with serving(settings, clock) as api:
        found = []
        for document, variables in REQUESTS:
            clock.now += timedelta(seconds=1)
            found.append(await api.raw(document, **variables))
        for order in ("NEWEST", "OLDEST", "LAST_SEEN"):
            found += await pages(api, USERS, orderBy=order, first=2)
        for question in (
            {},
            {"name": "odd"},
            {"since": "2026-01-03T00:00:00Z", "until": "2026-01-20T00:00:00Z"},
        ):
            found += await pages(api, EVENTS, **question)
        return found


async def pages(api: Api, document, **question):
    found = [await api.raw(document, **question)]
    while _page_info(found[-1])["hasNextPage"]:
        after = _page_info(found[-1])["endCursor"]
        found.append(await api.raw(document, **question, after=after))
    return found


def _page_info(answer):
    (field,) = answer["data"].values()
    return field.get("events", field)["pageInfo"]


def neutral(answers):
    """Return answers with ids numbered in the order they appear, and without cursors."""
    numbers: dict[str, str] = {}
    shown = re.sub(r'("\w*[cC]ursor": )"[^"]*"', r"\1...", json.dumps(answers, indent=1))
    return re.sub(
        r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b",
        lambda id: numbers.setdefault(id[0], f"id {len(numbers)}"),
        shown,
    )


@pytest.fixture
async def sqlite_answers(sqlite_url):
    return await answers(sqlite_url)


async def test_both_stores_answer_the_same(sqlite_answers, mongodb_url):
    mongodb_answers = await answers(mongodb_url)

    assert neutral(mongodb_answers) == neutral(sqlite_answers)


async def test_no_request_of_these_meets_a_bug(sqlite_answers):
    assert "INTERNAL" not in neutral(sqlite_answers)
