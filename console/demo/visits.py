"""What a simulated customer does in the shop: on the web site, in the app, up to the order."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from random import Random
from typing import Any

from console.demo.journal import Journal, iso
from console.demo.people import DAY, Kind, Person
from console.demo.shop import FEATURES, PRODUCTS, SEARCHES, Product

__all__ = ["Order", "Visits"]

REMEMBERED = 0.6
"""Share of visits that begin logged in."""

NEW_BROWSER = 0.05
"""Share of web visits from another browser, or one that has forgotten its cookies."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was bought; the amount is in cents."""

    id: str
    amount: int
    product: Product


class Visits:
    """Writes the visits of one customer into their journal."""

    def __init__(self, person: Person, journal: Journal, random: Random) -> None:
        self._person = person
        self._journal = journal
        self._random = random
        self._known = False  # whether the shop has ever seen an account of theirs
        self._app_known = False
        self._orders = 0
        self.last_order = Order("", 0, PRODUCTS[0])

    def look_around(self, time: float, *, first: bool = False) -> None:
        """A visit without an order; it may end with a filled cart."""
        if self._person.app and self._known and self._random.random() < 0.5:
            self._in_app(time)
            return
        who, time = self._arrive(time, first=first)
        time = self._browse(time, "web", who)
        if self._random.random() < 0.15:
            self._track(time, "web", who, "Product Added", self._favourite().properties(1))
        if not self._known and self._person.kind is not Kind.VISITOR and self._random.random() < 0.5:
            self._log_in(time + 40, who)

    def order(self, time: float, *, first: bool) -> float:
        """A visit that ends with an order; answers when it was placed."""
        random, person = self._random, self._person
        who, time = self._arrive(time, first=first and not self._known)
        time = self._browse(time, "web", who)
        basket = [(self._favourite(), random.choice((1, 1, 1, 2))) for _ in range(random.choice((1, 1, 2, 3)))]
        for product, quantity in basket:
            time += random.uniform(5, 60)
            self._track(time, "web", who, "Product Added", {**product.properties(quantity), "currency": "EUR"})
        if "userId" not in who:
            time = self._log_in(time + 20, who)
            who = {**who, "userId": person.user_id}
        self._orders += 1
        order_id = f"D{person.number}-{self._orders}"
        amount = sum(product.price * quantity for product, quantity in basket)
        discount = amount // 10 if random.random() < 0.1 else 0
        goods = [product.properties(quantity) for product, quantity in basket]
        started = {"order_id": order_id, "value": (amount - discount) / 100, "currency": "EUR", "products": goods}
        self._track(time + 15, "web", who, "Checkout Started", started)
        time += random.uniform(60, 240)
        shipping = 0 if amount >= 3000 else 395
        ordered = {
            "order_id": order_id, "revenue": (amount - discount) / 100, "total": (amount - discount + shipping) / 100,
            "shipping": shipping / 100, "discount": discount / 100, "currency": "EUR", "region": person.home[0],
            "products": goods,
        }  # fmt: skip
        self._track(time, "purchase", {"userId": person.user_id}, "Order Completed", ordered)
        paid = {"payment_id": f"pay-{order_id}", "order_id": order_id, "amount": ordered["total"], "currency": "EUR"}
        self._track(time + 3, "purchase", {"userId": person.user_id}, "Payment Succeeded", paid)
        self.last_order = Order(order_id, amount - discount, basket[0][0])
        return time

    def _arrive(self, time: float, *, first: bool) -> tuple[dict[str, str], float]:
        """The first page of a web visit: who the shop takes them for, and when they go on."""
        random, person = self._random, self._person
        if self._known and random.random() < NEW_BROWSER:
            person.browser = str(uuid.UUID(int=random.getrandbits(128), version=4))
            who = {"anonymousId": person.browser}
        elif self._known and random.random() < REMEMBERED:
            who = {"anonymousId": person.browser, "userId": person.user_id}
        else:
            who = {"anonymousId": person.browser}
        campaign = {"campaign": {"source": person.channel, "name": "welcome"}} if first else {}
        context = {"locale": f"{person.home[1]}-{person.home[0]}", **campaign}
        self._journal.add(time, "web", "page", who, "Home", properties={"path": "/"}, context=context)
        return who, time + random.uniform(3, 40)

    def _browse(self, time: float, source: str, who: dict[str, str]) -> float:
        random = self._random
        if random.random() < 0.3:
            found = {"query": random.choice(SEARCHES), "results": random.randrange(9)}
            self._track(time, source, who, "Products Searched", found)
            time += random.uniform(4, 30)
        for _ in range(random.choice((1, 1, 2, 3))):
            product = self._favourite() if random.random() < 0.7 else random.choice(PRODUCTS)
            seen = {**product.properties(), "currency": "EUR"}
            self._track(time, source, who, "Product Viewed", seen)
            time += random.uniform(10, 120)
        return time

    def _in_app(self, time: float) -> None:
        random, person = self._random, self._person
        context = {"device": {"id": f"device-{person.phone[:13]}", "type": "android"}, "app": {"version": "2.4.1"}}
        who = {"anonymousId": person.phone}
        if not self._app_known:
            self._app_known = True
            self._journal.add(time, "app", "track", who, "Application Installed", properties={"version": "2.4.1"},
                              context=context)  # fmt: skip
            time += 20
            who = {**who, "userId": person.user_id}
            self._journal.add(time, "app", "identify", who, context=context)
            self._track(time + 1, "app", who, "Signed In", {"method": "email"})
            time += 5
        else:
            who = {**who, "userId": person.user_id}
            self._journal.add(time, "app", "track", who, "Application Opened", properties={"version": "2.4.1"},
                              context=context)  # fmt: skip
            time += 2
        self._journal.add(time, "app", "screen", who, "Start", context=context)
        time += random.uniform(3, 20)
        if random.random() < 0.6:
            used = {"feature": random.choice(FEATURES), "duration": round(random.uniform(5, 300))}
            self._track(time, "app", who, "Feature Used", used)
            time += random.uniform(5, 60)
        if random.random() < 0.5:
            self._browse(time, "app", who)

    def _log_in(self, time: float, who: dict[str, str]) -> float:
        """They say who they are: what the browser did before becomes theirs. The rest the shop's server says."""
        person = self._person
        who = {**who, "userId": person.user_id}
        country, language, city = person.home
        self._journal.add(time, "web", "identify", who)
        if not self._known:
            traits: dict[str, Any] = {
                "email": person.email, "firstName": person.first, "lastName": person.last, "country": country,
                "language": language, "address": {"city": city, "country": country}, "plan": "none",
                "marketing_consent": person.consents, "acquisition_channel": person.channel,
                "createdAt": iso(time // DAY * DAY), **person.denies,
            }  # fmt: skip
            self._journal.add(time + 0.5, "purchase", "identify", {"userId": person.user_id}, traits=traits)
        name = "Signed In" if self._known else "Signed Up"
        self._track(time + 1, "web", who, name, {"method": "email"})
        self._known = True
        return time + 2

    def _favourite(self) -> Product:
        return self._random.choice(self._person.favourites)

    def _track(self, time: float, source: str, who: dict[str, str], name: str, properties: dict[str, Any]) -> None:
        self._journal.add(time, source, "track", who, name, properties=properties)
