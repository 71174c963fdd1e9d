"""`shop`: half a year of a shop with a subscription, as the collector would have written it to the source topics.

The workload is permanent: the same name gives the same events, byte for byte except for the dates, which are moved so
that the history ends where the run begins (a test pins its digest). Whoever changes it gives it another name.

Two thirds of the customers have an account; half of these are first seen as an anonymous browser, which they then
log in from. A third never say who they are. Activity is skewed: few come often, most seldom.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, count
from random import Random
from typing import Any

import orjson

__all__ = ["EVENTS_PER_CUSTOMER", "LIVE", "WEEKS", "RawEvent", "name_of", "shop"]

WEEKS = 26
EVENTS_PER_CUSTOMER = 10
SEED = 20_250_601
LIVE = 2400.0
"""Seconds of the past that are live to an installation that begins."""

_DAY = 86_400.0
_SPAN = WEEKS * 7 * _DAY
_BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1",
)
_CATEGORIES = ("coffee", "tea", "chocolate", "equipment", "gifts")
_QUERIES = ("decaf", "gift for tea lover", "hand grinder", "filter papers", "oat milk", "single origin")
_FEATURES = ("order_tracker", "taste_adviser", "wish_list", "brew_timer")
_TROUBLES = ("question", "problem", "return", "payment", "delivery")

Web = Callable[[dict[str, Any], str], dict[str, Any]]
"""Makes an event of a page's path."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One record for a source topic."""

    at: float  # seconds since the epoch
    source: str
    key: bytes  # the sender's identity
    value: bytes  # JSON


def name_of(events: int) -> str:
    """The permanent name of the workload of this size, e.g. `shop-200k`."""
    return f"shop-{events // 1000}k" if events % 1000 == 0 else f"shop-{events}"


def shop(events: int, end: float, within: float = _SPAN) -> list[RawEvent]:
    """The workload.

    Args:
        events: how many; one customer for every `EVENTS_PER_CUSTOMER`.
        end: when the history ends, seconds since the epoch.
        within: the seconds before that into which its `WEEKS` weeks are pressed. What is of the last hour is live to a
            new installation, and not history.
    """
    random = Random(f"{SEED}:{events}")
    people = [_Person(number, random) for number in range(1, max(1, events // EVENTS_PER_CUSTOMER) + 1)]
    weights = list(accumulate(person.weight for person in people))
    # Everyone comes once; after that, those who come often come.
    order = iter(people)
    visits: list[tuple[float, int, str, dict[str, Any]]] = []
    number = count()
    while len(visits) < events:
        person = next(order, None) or random.choices(people, cum_weights=weights)[0]
        for at, source, event in person.visit(random):
            if at < _SPAN:
                visits.append((at, next(number), source, event))
    visits.sort(key=lambda visit: visit[:2])
    start, pace = end - within, within / _SPAN
    return [_stamped(source, start + at * pace, event) for at, _, source, event in visits[:events]]


class _Person:
    """One customer or visitor."""

    def __init__(self, number: int, random: Random) -> None:
        self.number = number
        self.weight = random.paretovariate(1.2)
        self.user = f"customer-{number}" if random.random() < 2 / 3 else ""
        self.browser = _uuid4(random)
        self.phone = _uuid4(random)
        self.has_app = bool(self.user) and random.random() < 0.5
        self.since = random.random() * 0.7 * _SPAN
        self.visits = 0
        self.anonymous_first = bool(self.user) and random.random() < 0.5

    def visit(self, random: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
        """One visit: (seconds into the history, source, event)."""
        at = self.since + (random.random() * (_SPAN - self.since) if self.visits else 0.0)
        self.visits += 1
        kind = random.random()
        if self.visits > 1 and self.user and kind < 0.08:
            return self._support(at, random)
        if self.visits > 1 and self.has_app and kind < 0.6:
            return self._app(at, random)
        return self._web(at, random)

    def _web(self, at: float, random: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
        who: dict[str, Any] = {"anonymousId": self.browser}
        new = bool(self.user) and self.visits == 1
        if self.user and not (new and self.anonymous_first):
            who["userId"] = self.user
        agent = _BROWSERS[self.number % 2]

        def web(event: dict[str, Any], path: str) -> dict[str, Any]:
            page = {"path": path, "referrer": "", "search": "", "title": "Shop", "url": f"https://shop.example{path}"}
            context = {
                "ip": f"192.0.2.{self.number % 250}", "library": {"name": "analytics.js", "version": "npm:next-1.76.1"},
                "locale": "nl-NL", "page": page, "timezone": "Europe/Amsterdam", "userAgent": agent,
            }  # fmt: skip
            return {**who, **event, "context": context, "messageId": f"ajs-next-{_uuid4(random)}"}

        if new and not self.anonymous_first:
            yield at, "web", web(self._who(), "/login")
            at += 1
        for _ in range(random.choice((1, 1, 2, 3))):
            path = f"/{random.choice(_CATEGORIES)}"
            yield at, "web", web(_page(path), path)
            at += random.uniform(5, 60)
        if random.random() < 0.2:
            found = {"query": random.choice(_QUERIES), "results": random.randrange(12)}
            yield at, "web", web(_track("Products Searched", found), "/search")
            at += random.uniform(5, 60)
        for _ in range(random.choice((0, 1, 1, 2))):
            seen = _product(random)
            yield at, "web", web(_track("Product Viewed", {**seen, "currency": "EUR"}), f"/p/{seen['product_id']}")
            at += random.uniform(5, 90)
        if random.random() < 0.25:
            goods = [
                {**_product(random), "quantity": random.choice((1, 1, 2))} for _ in range(random.choice((1, 1, 2)))
            ]
            for item in goods:
                yield at, "web", web(_track("Product Added", {**item, "currency": "EUR"}), f"/p/{item['product_id']}")
                at += random.uniform(5, 60)
            if "userId" in who and random.random() < 0.7:
                yield from self._order(at, random, goods, web)
        if new and self.anonymous_first:
            yield at, "web", web(self._who(), "/login")

    def _who(self) -> dict[str, Any]:
        traits = {
            "email": f"customer-{self.number}@example.com", "firstName": "Anna", "lastName": f"No. {self.number}",
            "country": "NL", "language": "nl", "marketing_consent": self.number % 3 > 0,
        }  # fmt: skip
        return {"type": "identify", "userId": self.user, "traits": traits}

    def _order(
        self, at: float, random: Random, goods: list[dict[str, Any]], web: Web
    ) -> Iterator[tuple[float, str, dict[str, Any]]]:
        value = sum(round(item["price"] * 100) * item["quantity"] for item in goods)
        order = f"O-{self.number}-{self.visits}"
        started = {"order_id": order, "value": value / 100, "currency": "EUR", "products": goods}
        yield at, "web", web(_track("Checkout Started", started), "/checkout")
        at += random.uniform(40, 240)
        completed = {
            "order_id": order, "revenue": value / 100, "total": (value + 395) / 100, "shipping": 3.95,
            "currency": "EUR", "products": goods,
        }  # fmt: skip
        yield at, "purchase", self._by_server(_track("Order Completed", completed), random)
        if random.random() < 0.05:
            refund = {"order_id": order, "total": value / 100, "currency": "EUR", "reason": "wrong size"}
            yield at + 3 * _DAY, "purchase", self._by_server(_track("Order Refunded", refund), random)

    def _app(self, at: float, random: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
        context = {
            "app": {"build": "241", "name": "Shop", "version": "2.4.1"},
            "device": {"id": f"device-{self.phone}", "manufacturer": "Google", "model": "Pixel 8", "type": "android"},
            "library": {"name": "analytics-react-native", "version": "2.20.0"}, "locale": "nl-NL",
            "network": {"cellular": False, "wifi": True}, "os": {"name": "Android", "version": "15"},
        }  # fmt: skip

        def app(event: dict[str, Any]) -> dict[str, Any]:
            who = {"anonymousId": self.phone, "userId": self.user}
            return {**who, **event, "context": context, "messageId": _uuid4(random)}

        yield at, "app", app(_track("Application Opened", {"version": "2.4.1", "from_background": False}))
        if random.random() < 0.2:
            yield at + 1, "app", app(_track("Signed In", {"method": "email"}))
        yield at + 2, "app", app({"type": "screen", "name": "Start", "properties": {"name": "Start"}})
        if random.random() < 0.6:
            used = {"feature": random.choice(_FEATURES), "duration": round(random.uniform(3, 200), 1)}
            yield at + 20, "app", app(_track("Feature Used", used))

    def _support(self, at: float, random: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
        ticket = {"ticket_id": f"T-{self.number}-{self.visits}", "channel": "email", "type": random.choice(_TROUBLES)}
        yield at, "support", self._by_server(_track("Ticket Opened", {**ticket, "priority": "normal"}), random)
        at += random.uniform(0.1, 4) * _DAY
        solved = {**ticket, "resolution": "answered", "minutes_to_solve": random.randrange(10, 5000)}
        yield at, "support", self._by_server(_track("Ticket Solved", solved), random)
        if random.random() < 0.5:
            answer = {"score": random.choice((1, 2, 3, 4, 4, 5, 5)), "ticket_id": ticket["ticket_id"]}
            yield at + 600, "support", self._by_server(_track("CSAT Answered", answer), random)

    def _by_server(self, event: dict[str, Any], random: Random) -> dict[str, Any]:
        context = {"library": {"name": "@segment/analytics-node", "version": "2.3.0"}}
        return {"userId": self.user, **event, "context": context, "messageId": f"node-next-{_uuid4(random)}"}


def _track(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties}


def _page(path: str) -> dict[str, Any]:
    properties = {"path": path, "referrer": "", "search": "", "title": "Shop", "url": f"https://shop.example{path}"}
    return {"type": "page", "name": "Category", "properties": properties}


def _product(random: Random) -> dict[str, Any]:
    number = random.randrange(1, 400)
    category = _CATEGORIES[number % len(_CATEGORIES)]
    return {
        "product_id": f"P{number}", "sku": f"{category[:2].upper()}-{number:04}", "name": f"{category} no. {number}",
        "category": category, "price": (199 + number * 37 % 5000) / 100,
    }  # fmt: skip


def _uuid4(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _stamped(source: str, at: float, event: dict[str, Any]) -> RawEvent:
    """As the collector leaves it: clocks agree, and the event took 40 ms."""
    sent = datetime.fromtimestamp(at, UTC)
    received = datetime.fromtimestamp(at + 0.04, UTC)
    times = {"receivedAt": received, "originalTimestamp": sent, "sentAt": sent, "timestamp": sent}
    key: str = event.get("userId") or event["anonymousId"]
    return RawEvent(at, source, key.encode(), orjson.dumps({**event, **times}, option=orjson.OPT_UTC_Z))
