"""The signs of a customer's life as events of the shipped tracking plan, as SDKs and servers send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from models.durations import DAY, WEEK
from tests.worlds.lives import DELIVERY_SIGNS, HERE, WRONG_SIGNS, Lives

__all__ = ["AFTER", "START", "tell"]

START = 1_577_836_800.0
"""2020-01-01: the first week begins."""

AFTER = {"page", "Email Delivered", "Ticket Solved"}
"""Events that may still come when a customer has left: looks at a page, and what is ours to do."""

_CATEGORIES = ("coffee", "tea", "chocolate", "equipment", "gifts")
_FEATURES = ("order_tracker", "taste_adviser", "wish_list", "brew_timer", "subscription_box", "recipes")
_QUERIES = ("decaf", "hand grinder", "filter papers", "oat milk", "single origin", "discount code")

Moment = tuple[float, dict[str, Any]]


@dataclass(slots=True)
class _Week:
    """The signs of one week of one customer."""

    number: int
    at: float
    signs: Mapping[str, int]
    interest: float
    pressed: bool  # by prices


def tell(lives: Lives, customer: int, seed: int) -> list[dict[str, Any]]:
    """All events of a customer in order of time, with their `source`, `messageId` and `timestamp`."""
    teller = _Teller(lives, customer, Random(f"{seed}:{customer}"))
    moments = sorted(teller.life(), key=lambda moment: moment[0])
    who = teller.who()
    return [
        {**event, **who, "messageId": f"shop-{seed}-{customer}-{count}", "timestamp": _iso(time)}
        for count, (time, event) in enumerate(moments)
    ]


class _Teller:
    """Puts one life into events."""

    def __init__(self, lives: Lives, customer: int, random: Random) -> None:
        self._lives, self._customer, self._random = lives, customer, random
        self._kind = lives.rules.kinds[lives.habits.kind[customer]]
        self._begins, self._left = int(lives.truth.begins[customer]), int(lives.truth.left[customer])
        self._app = bool(lives.habits.app[customer])
        self._features = random.sample(_FEATURES, random.randint(3, len(_FEATURES)))
        self._mail = random.random() < 0.6  # gets the newsletter
        self._price = 14.9
        self._renewals = 0
        self._orders: list[str] = []

    def who(self) -> dict[str, Any]:
        """Who the events are about: an account, or a guest with a browser."""
        return (
            {"userId": f"shop-{self._customer}"} if self._kind.account else {"anonymousId": f"guest-{self._customer}"}
        )

    def life(self) -> Iterator[Moment]:
        """Everything, in no order."""
        if self._kind.account:
            yield from self._beginning(START + self._begins * WEEK + 60)
        for week in self._weeks():
            if week.number < self._left:
                yield from self._week(week)
            elif week.signs["visits"]:
                for at in self._times(week.at, week.signs["visits"]):
                    yield at, self._page("/")
            if self._mail and self._kind.account and (week.number - self._begins) % 4 == 1:
                mail = {"email_id": f"M-{week.number}", "campaign_name": "newsletter"}
                yield week.at + 2.5 * DAY, _track("purchase", "Email Delivered", mail)
        if self._left < HERE and self._lives.goodbye[self._customer]:
            yield from self._goodbye(START + self._left * WEEK - 3600)

    def _weeks(self) -> Iterator[_Week]:
        i, lives = self._customer, self._lives
        factor = lives.rules.use_factor
        names = list(lives.signs.__dataclass_fields__)
        for number in range(self._begins, lives.weeks):
            signs = {name: int(getattr(lives.signs, name)[i, number]) for name in names}
            level, price = int(lives.truth.use[i, number]), int(lives.truth.price[i, number])
            yield _Week(number, START + number * WEEK, signs, factor[level], price > 1)

    def _beginning(self, at: float) -> Iterator[Moment]:
        yield at, _track("purchase", "Signed Up", {"method": "email", "type": self._account_type()})
        plan = "plus" if self._kind.subscribed else "none"
        traits = {"country": self._random.choice(("NL", "DE", "BE")),
                  "plan": plan, "marketing_consent": self._mail}  # fmt: skip
        yield at + 1, {"source": "purchase", "type": "identify", "traits": traits}
        if self._app:
            yield at + 60, _track("app", "Application Installed", {"version": "2.4.1"})
        if self._kind.subscribed:
            yield at + 120, _track("purchase", "Subscription Started", self._subscription())

    def _account_type(self) -> str:
        return "business" if self._kind.name == "b2b" else "private"

    def _subscription(self) -> dict[str, Any]:
        return {"subscription_id": f"S-{self._customer}", "plan": "plus", "price": round(self._price, 2),
                "currency": "EUR", "period": "month"}  # fmt: skip

    def _week(self, week: _Week) -> Iterator[Moment]:
        signs = week.signs
        for at in self._times(week.at, signs["visits"]):
            yield from self._visit(at)
        for at in self._times(week.at, signs["logins"]):
            yield at, _track("app" if self._app else "web", "Signed In", {"method": "email"})
        for at in self._times(week.at, signs["uses"]):
            known = self._features[: max(1, round(len(self._features) * week.interest))]
            used = {"feature": self._random.choice(known), "duration": self._random.randrange(5, 300)}
            yield at, _track("app", "Feature Used", used)
        yield from self._bought(week)
        yield from self._prices(week)
        if signs["tickets"]:
            yield from self._ticket(week)
        if signs["paused"]:
            yield (
                week.at + 5 * DAY,
                _track("purchase", "Subscription Paused", {"subscription_id": f"S-{self._customer}"}),
            )
        if signs["uninstalled"]:
            yield week.at + 6 * DAY, _track("app", "Application Uninstalled", {})

    def _visit(self, at: float) -> Iterator[Moment]:
        random = self._random
        source = "app" if self._app and random.random() < 0.6 else "web"
        if source == "app":
            yield at, _track("app", "Application Opened", {"version": "2.4.1"})
        else:
            yield at, self._page(f"/{random.choice(_CATEGORIES)}")
        if random.random() < 0.1:
            yield at + 20, _track(source, "Products Searched", {"query": random.choice(_QUERIES), "results": 7})
        for step in range(random.choice((0, 1, 1, 2))):
            yield at + 30 + 20 * step, _track(source, "Product Viewed", self._product())

    def _bought(self, week: _Week) -> Iterator[Moment]:
        """The week's orders, and what becomes of their delivery."""
        signs, random = week.signs, self._random
        for number, at in enumerate(self._times(week.at, signs["orders"], latest=4.0)):
            order = f"O-{self._customer}-{week.number}-{number}"
            self._orders.append(order)
            yield from self._order(at, order, coupon=number < signs["coupons"])
            if number + 1 < signs["orders"] or not signs["delivery"]:  # what goes wrong is the last of the week
                yield at + 1.8 * DAY, _track("purchase", "Order Delivered", {"order_id": order, "days_late": 0})
            if random.random() < 0.03:  # of no importance
                yield (
                    at + 2.9 * DAY,
                    _track("purchase", "Return Requested", {"order_id": order, "reason": "wrong_size"}),
                )
        if signs["delivery"]:
            yield from self._late(week.at + 5 * DAY, self._orders[-1], signs["delivery"])

    def _order(self, at: float, order: str, *, coupon: bool) -> Iterator[Moment]:
        random, online = self._random, self._kind.visits > 0
        worth = max(500, round(random.lognormvariate(0, 0.35) * self._kind.basket))
        taken = round(worth * random.choice((0.1, 0.15, 0.2))) if coupon else 0
        product = {**self._product(), "quantity": random.choice((1, 1, 2, 3))}
        if online:
            yield at, _track("web", "Product Added", {**product, "cart_id": f"C-{order}"})
            yield (
                at + 60,
                _track("web", "Checkout Started", {"order_id": order, "value": worth / 100, "currency": "EUR"}),
            )
        if coupon and online:
            yield (
                at + 90,
                _track("web", "Coupon Applied", {"order_id": order, "coupon_id": "WELCOME", "discount": taken / 100}),
            )
        completed = {"order_id": order, "revenue": (worth - taken) / 100, "currency": "EUR", "products": [product]}
        if coupon:
            completed |= {"coupon": "WELCOME", "discount": taken / 100}
        yield at + 120, _track("purchase", "Order Completed", completed)

    def _late(self, at: float, order: str, bits: int) -> Iterator[Moment]:
        """An order that went wrong, and what its customer does."""
        shown = _named(DELIVERY_SIGNS, bits)
        if "failed" in shown:
            failed = {"order_id": order, "reason": self._random.choice(("damaged", "lost", "not_at_home"))}
            yield at - 1200, _track("purchase", "Delivery Failed", failed)
        days = self._random.choice((2, 3, 5)) if "late" in shown else 0
        yield at - 600, _track("purchase", "Order Delivered", {"order_id": order, "days_late": days})
        ticket = f"T-{order}"
        if "ticket" in shown:
            opened = {"ticket_id": ticket, "type": "delivery", "channel": "email", "order_id": order}
            yield at, _track("support", "Ticket Opened", opened)
            yield at + 0.8 * DAY, _track("support", "Ticket Solved", {"ticket_id": ticket, "resolution": "answered"})
        if "complaint" in shown:
            about = {"type": "delivery", "order_id": order, "channel": "email"}
            yield at + 600, _track("support", "Complaint Received", about)
        if "return" in shown:
            why = self._random.choice(("late", "late", "damaged"))
            yield at + 1200, _track("purchase", "Return Requested", {"order_id": order, "reason": why})
        if "refund" in shown:
            back = {"order_id": order, "refund_id": f"R-{order}", "total": 5.0, "currency": "EUR", "reason": "delivery"}
            yield at + DAY, _track("purchase", "Order Refunded", back)

    def _prices(self, week: _Week) -> Iterator[Moment]:
        signs = week.signs
        for at in self._times(week.at, signs["denied"]):
            denied = {"coupon_id": "WELCOME", "reason": "expired", "discount": 5.0}
            yield at, _track("web", "Coupon Denied", denied)
        for number, at in enumerate(self._times(week.at, signs["carts"])):
            cart = {**self._product(), "cart_id": f"C-{self._customer}-{week.number}-{number}", "quantity": 1}
            yield at, _track("web", "Product Added", cart)
        if signs["price_complaints"]:
            yield week.at + 3 * DAY, _track("support", "Complaint Received", {"type": "price", "channel": "email"})
        since = week.number - self._begins
        if self._kind.subscribed and since and since % 4 == 0:
            if signs["dearer"]:
                self._price *= self._random.choice((1.1, 1.15, 1.25))
            self._renewals += 1
            yield week.at + DAY, _track("purchase", "Subscription Renewed", self._subscription())
            paid = {"payment_id": f"P-{self._customer}-{self._renewals}", "subscription_id": f"S-{self._customer}",
                    "amount": round(self._price, 2), "currency": "EUR"}  # fmt: skip
            yield week.at + DAY + 60, _track("purchase", "Payment Succeeded", paid)

    def _ticket(self, week: _Week) -> Iterator[Moment]:
        """A question, and how support dealt with it."""
        shown, random = _named(WRONG_SIGNS, week.signs["support"]), self._random
        at, ticket = week.at + random.uniform(0, 1.5) * DAY, f"T-{self._customer}-{week.number}"
        about = {"ticket_id": ticket, "type": random.choice(("question", "problem", "account")), "channel": "email"}
        yield at, _track("support", "Ticket Opened", about)
        solved = at + (random.uniform(12, 25) if "long" in shown else random.uniform(0.1, 1.0)) * DAY
        if "reopened" in shown and "long" not in shown:
            yield at + 1.2 * DAY, _track("support", "Ticket Solved", {**about, "resolution": "answered"})
            solved = at + random.uniform(3, 5) * DAY
        if "reopened" in shown:
            yield at + 2 * DAY, _track("support", "Ticket Reopened", about)
        yield solved, _track("support", "Ticket Solved", {**about, "resolution": "other"})
        if "csat" in shown or random.random() < 0.3:
            score = random.choice((1, 2)) if "csat" in shown else random.choice((3, 4, 4, 5, 5))
            yield at + 5 * DAY, _track("support", "CSAT Answered", {"score": score, "ticket_id": ticket})
        if "ces" in shown or random.random() < 0.15:
            score = random.choice((1, 2, 3)) if "ces" in shown else random.choice((5, 6, 7))
            yield at + 5.1 * DAY, _track("support", "CES Answered", {"score": score, "ticket_id": ticket})

    def _goodbye(self, at: float) -> Iterator[Moment]:
        """The last that is heard of who says so."""
        if self._kind.subscribed:
            cause = self._lives.truth.cause[self._customer]
            reason = {"price": "price", "usage": "not_used", "support": "service"}.get(cause, "other")
            ended = {"subscription_id": f"S-{self._customer}", "plan": "plus", "reason": reason}
            yield at, _track("purchase", "Subscription Cancelled", ended)
        if self._app:
            yield at + 60, _track("app", "Application Uninstalled", {})

    def _times(self, at: float, count: int, latest: float = 6.8) -> list[float]:
        """So many moments of a week, in its first days."""
        return sorted(at + self._random.uniform(0.02, latest) * DAY for _ in range(count))

    def _product(self) -> dict[str, Any]:
        number = self._random.randrange(1, 400)
        return {"product_id": f"P{number}", "category": _CATEGORIES[number % 5], "price": 9.9, "currency": "EUR"}

    def _page(self, path: str) -> dict[str, Any]:
        return {"source": "web", "type": "page", "name": "Shop", "properties": {"path": path}}


def _named(signs: Mapping[str, float], bits: int) -> set[str]:
    return {name for bit, name in enumerate(signs) if bits >> bit & 1}


def _track(source: str, event: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": source, "type": "track", "event": event, "properties": dict(properties)}


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
