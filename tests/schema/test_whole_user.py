"""Everything that can be read of a person, field by field."""

from app.schema import schema
from tests.schema.documents import ADA, USER, WHOLE, known


async def test_every_field_of_a_person_is_read(api, ada):
    whole = await api(USER, by=ADA)

    earlier = "2026-01-31T11:59:00.000Z"
    cursor = whole["events"]["pageInfo"]["startCursor"]
    assert whole == {
        "id": ada["id"],
        "type": "CUSTOMER",
        "age": 35,
        "name": "Ada",
        "email": "ada@example.org",
        "phone": "+41446681800",
        "birthday": "1990-05-17",
        "gender": "FEMALE",
        "language": "de-CH",
        "timezone": "Europe/Zurich",
        "photoUrl": "https://example.org/ada.png",
        "location": {
            "country": "CH",
            "region": "ZH",
            "city": "Zürich",
            "latitude": 47.37,
            "longitude": 8.54,
        },
        "properties": {"plan": "pro", "points": 7, "tags": ["new", "vip"]},
        "property": "pro",
        "identities": [
            {"kind": "CUSTOM", "value": "ada", "linkedAt": earlier},
            {"kind": "EMAIL", "value": "ada@example.org", "linkedAt": earlier},
            {"kind": "DEVICE", "value": "phone", "linkedAt": earlier},
        ],
        "devices": [
            {
                "id": "phone",
                "platform": "IOS",
                "model": "iPhone",
                "osVersion": "26",
                "appVersion": "1",
                "push": "APNS",
                "pushEnabled": True,
                "lastSeenAt": earlier,
            }
        ],
        "channels": [
            {"channel": "EMAIL", "subscribed": True, "changedAt": earlier},
            {"channel": "PUSH", "subscribed": True, "changedAt": None},
            {"channel": "SMS", "subscribed": False, "changedAt": earlier},
            {"channel": "WHATSAPP", "subscribed": True, "changedAt": None},
        ],
        "reachableBy": ["EMAIL", "PUSH", "WHATSAPP"],
        "events": {
            "edges": [{"cursor": cursor, "node": {"id": "e1"}}],
            "nodes": [
                {
                    "id": "e1",
                    "name": "Charged",
                    "at": earlier,
                    "properties": {"total": 20},
                    "items": [{"sku": "a"}],
                }
            ],
            "pageInfo": {
                "hasNextPage": False,
                "hasPreviousPage": False,
                "startCursor": cursor,
                "endCursor": cursor,
            },
        },
        "activity": [{"name": "Charged", "count": 1, "firstAt": earlier, "lastAt": earlier}],
        "segments": [],
        "matches": True,
        "personalised": "Hello",
        "createdAt": earlier,
        "updatedAt": earlier,
        "lastSeenAt": earlier,
        "version": 3,
        "mergedIds": [],
    }


async def test_of_a_new_person_nothing_is_known(api):
    whole = await known(api)

    now = "2026-01-31T12:00:00.000Z"
    assert whole == {
        "id": whole["id"],
        "type": "ANONYMOUS",
        "identities": [{"kind": "CUSTOM", "value": "ada", "linkedAt": now}],
        "properties": {},
        "devices": [],
        "channels": [
            {"channel": channel, "subscribed": True, "changedAt": None}
            for channel in ("EMAIL", "PUSH", "SMS", "WHATSAPP")
        ],
        "reachableBy": [],
        "events": {
            "edges": [],
            "nodes": [],
            "pageInfo": {
                "hasNextPage": False,
                "hasPreviousPage": False,
                "startCursor": None,
                "endCursor": None,
            },
        },
        "activity": [],
        "segments": [],
        "matches": True,
        "personalised": "Hello",
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "mergedIds": [],
        **dict.fromkeys(
            ["age", "name", "email", "phone", "birthday", "gender", "language", "timezone"]
        ),
        **dict.fromkeys(["photoUrl", "location", "property", "lastSeenAt"]),
    }


def test_the_document_of_these_tests_asks_for_every_field():
    fields = schema._schema.type_map["User"].fields

    assert [name for name in fields if name not in WHOLE] == []
