"""Records of made-up people with events, a line each: `python -m tests.imports.generate --help`."""

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

_NAMES: Final = (
    "Ada",
    "Bo",
    "Chioma",
    "Dilnoza",
    "Eun-ji",
    "Fatima",
    "Gyula",
    "Hana",
    "Ines",
    "Jun",
)
_PLACES: Final = (("CH", "Zürich"), ("KE", "Nairobi"), ("JP", "Osaka"), ("BR", "Recife"))
_EVENTS: Final = ("Viewed", "Searched", "Added To Cart", "Charged", "Shared", "Opened App")


def records(people: int, events: int, until: datetime, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield a record for each person, with so many events in the year before `until`."""
    chance = random.Random(seed)
    for number in range(people):
        country, city = chance.choice(_PLACES)
        yield {
            "user": {"custom": f"u-{number}"},
            "identities": [{"email": f"person{number}@example.org"}],
            "changes": {
                "name": f"{chance.choice(_NAMES)} {number}",
                "location": {"country": country, "city": city},
                "properties": {
                    "set": {
                        "plan": chance.choice(("free", "pro", "team")),
                        "score": chance.randrange(1000),
                        "tags": chance.sample(("new", "vip", "beta", "gone"), 2),
                    }
                },
            },
            "events": [
                {
                    "name": chance.choice(_EVENTS),
                    "at": _shown(until - timedelta(seconds=chance.randrange(31_536_000))),
                    "properties": {"page": f"p{chance.randrange(500)}", "amount": number % 97},
                }
                for _ in range(events)
            ],
        }


def _shown(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10, help="of each person")
    given = parser.parse_args()
    until = datetime.now(UTC)
    for record in records(given.people, given.events, until):
        if not record["events"]:
            del record["events"]
        sys.stdout.buffer.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
