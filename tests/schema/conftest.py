"""People whom several subjects start from."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api import Api, Clock
from tests.builders import NOON
from tests.schema.documents import ADA, IDENTIFY, RECORD, REGISTER, USER


@pytest.fixture
async def ada(api: Api, clock: Clock) -> Any:
    """Ada, of whom everything is known; she did all that a minute before noon."""
    clock.now = NOON - timedelta(minutes=1)
    changes = {
        "name": "Ada",
        "email": "ada@example.org",
        "phone": "+41446681800",
        "birthday": "1990-05-17",
        "gender": "FEMALE",
        "language": "de-CH",
        "timezone": "Europe/Zurich",
        "photoUrl": "https://example.org/ada.png",
        "location": {
            "country": "CH", "region": "ZH", "city": "Zürich",
            "latitude": 47.37, "longitude": 8.54,
        },
        "properties": {"set": {"plan": "pro", "points": 7, "tags": ["new", "vip"]}},
        "channels": {"email": True, "sms": False},
    }  # fmt: skip
    await api(IDENTIFY, identities=[ADA, {"email": "ada@example.org"}], changes=changes)
    push = {"service": "APNS", "token": "t1"}
    phone = {
        "id": "phone", "platform": "IOS", "model": "iPhone", "osVersion": "26", "appVersion": "1",
        "push": push,
    }  # fmt: skip
    await api(REGISTER, user=ADA, device=phone)
    bought = {"id": "e1", "name": "Charged", "properties": {"total": 20}, "items": [{"sku": "a"}]}
    await api(RECORD, user=ADA, events=[bought])
    clock.now = NOON
    return await api(USER, by=ADA)
