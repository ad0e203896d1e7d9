"""What the sample people do: visits to a shop for life outdoors, told as events."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

from app.domain.devices import Platform

RawEvent = Mapping[str, Any]
Visit = Sequence[RawEvent]
"""The events of one visit as a caller sends them, oldest first; never empty."""


class Outcome(Enum):
    LEFT = auto()
    ADDED_TO_CART = auto()
    CHARGED = auto()


@dataclass(frozen=True)
class Product:
    name: str
    category: str
    price: float

    def line(self) -> dict[str, Any]:
        return {"product": self.name, "category": self.category, "price": self.price}


TOPICS: Final = ("tents", "packs", "kitchen", "light", "clothing")
"""The categories, which are also what one can have newsletters about."""

_PRODUCTS: Final = (
    Product("Lark tent for two", "tents", 249.0),
    Product("Heron family tent", "tents", 489.0),
    Product("Groundsheet", "tents", 29.5),
    Product("Day pack 22 l", "packs", 79.0),
    Product("Trek pack 55 l", "packs", 189.0),
    Product("Rain cover", "packs", 18.9),
    Product("Spirit stove", "kitchen", 54.0),
    Product("Enamel mug", "kitchen", 9.95),
    Product("Folding spoon", "kitchen", 6.5),
    Product("Head torch", "light", 39.9),
    Product("Candle lantern", "light", 24.0),
    Product("Merino shirt", "clothing", 69.0),
    Product("Wool socks", "clothing", 14.95),
    Product("Storm jacket", "clothing", 219.0),
)
_QUERIES: Final = ("light tent", "rucksack", "waterproof", "gift under 20", "stove fuel", "merino")
_FILTERS: Final = ("in stock", "on sale", "repairable")
_REFERRERS: Final = ("https://search.example.com/", "https://news.example.org/", "direct")


def visit(
    rng: random.Random,
    ended: datetime,
    platform: Platform,
    outcome: Outcome,
    before: Sequence[RawEvent] = (),
) -> Visit:
    """Return a visit whose last event is at `ended`; `before` follows its first one."""
    opened, *looked_around = _browsing(rng, platform)
    basket = [(product, rng.choice((1, 1, 1, 2))) for product in rng.sample(_PRODUCTS, 3)]
    basket = basket[: rng.randint(1, 3)]
    viewed = [{"name": "Product Viewed", "properties": product.line()} for product, _ in basket]
    bought = _buying(rng, ended, basket, outcome)
    return _timed(rng, [opened, *before, *looked_around, *viewed, *bought], ended)


def subscribed(plan: str) -> list[RawEvent]:
    """Return what happens on joining with a plan: nothing, if it is free."""
    if plan == "free":
        return []
    return [{"name": "Subscribed", "properties": {"plan": plan, "yearly": plan == "pro"}}]


def _browsing(rng: random.Random, platform: Platform) -> list[RawEvent]:
    events: list[RawEvent] = []
    if platform in (Platform.ANDROID, Platform.IOS):
        launch = {"platform": platform.value, "fromPush": rng.random() < 0.2}
        events.append({"name": "App Launched", "properties": launch})
    else:
        page = {"path": "/", "referrer": rng.choice(_REFERRERS)}
        events.append({"name": "Page Viewed", "properties": page})
    if rng.random() < 0.4:
        search = {
            "query": rng.choice(_QUERIES),
            "filters": rng.sample(_FILTERS, rng.randint(0, 2)),
            "results": rng.randint(0, 24),
        }
        events.append({"name": "Searched", "properties": search})
    if rng.random() < 0.5:
        page = {"path": f"/{rng.choice(TOPICS)}"}
        events.append({"name": "Page Viewed", "properties": page})
    return events


def _buying(
    rng: random.Random, ended: datetime, basket: list[tuple[Product, int]], outcome: Outcome
) -> list[RawEvent]:
    lines = [product.line() | {"quantity": quantity} for product, quantity in basket]
    added: list[RawEvent] = [{"name": "Added To Cart", "properties": line} for line in lines]
    match outcome:
        case Outcome.LEFT:
            return []
        case Outcome.ADDED_TO_CART:
            return added
        case Outcome.CHARGED:
            charge = {
                "amount": round(sum(product.price * quantity for product, quantity in basket), 2),
                "currency": "EUR",
                "orderId": f"order-{rng.randrange(10**6):06}",
                "payment": rng.choice(("card", "invoice", "wallet")),
                "gift": rng.random() < 0.15,
                "deliverOn": {"date": f"{ended + timedelta(days=rng.randint(2, 6)):%Y-%m-%d}"},
            }
            return [*added, {"name": "Charged", "properties": charge, "items": lines}]


def _timed(rng: random.Random, events: Sequence[RawEvent], ended: datetime) -> Visit:
    timed: list[RawEvent] = []
    at = ended
    for event in reversed(events):
        timed.append({**event, "at": at})
        at -= timedelta(milliseconds=rng.randrange(8_000, 150_000))
    return timed[::-1]
