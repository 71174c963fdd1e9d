"""Funnel, attribution and baskets against plain loops, on worlds at random: in any order, with repeats and merges."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from msgspec import structs

from analysis.engines.duck import Duck
from analysis.marketing.attribution import ATTRIBUTION, MODELS
from analysis.marketing.attribution import Asked as Attributed
from analysis.marketing.funnel import FUNNEL
from analysis.marketing.funnel import Asked as Funnelled
from analysis.products.basket import BASKET
from analysis.products.basket import Asked as Basketed
from analysis.relations.sessions import ONLINE
from analysis.running import run
from tests.analysed import archived

pytestmark = pytest.mark.slow

Row = dict[str, Any]

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 3, 29, tzinfo=UTC)
GAP = timedelta(minutes=30)
HOMES = [f"h{number:02}" for number in range(24)]
STEPS = ("view", "cart", "checkout", "purchase")


class World:
    """Events of homes, some of which turn out to be one customer, and whose they are.

    Args:
        seed: of everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = rng = random.Random(seed)
        self.links = {home: rng.choice(HOMES[:4]) for home in HOMES[4:] if rng.random() < 0.3}
        self.rows: list[Row] = []
        for _ in range(1200):
            time = BEGIN + timedelta(minutes=10 * rng.randrange(6 * 24 * 28))
            role = rng.choices((*STEPS, "visit", "contact_clicked", "refund"), (8, 5, 3, 4, 6, 2, 1))[0]
            row: Row = {"home": rng.choice(HOMES), "role": role, "time": time, "received": time}
            if rng.random() < 0.4:
                # Soon after another one of the same home: sessions, and events of the same time.
                before = rng.choice(self.rows) if self.rows else row
                row |= {"home": before["home"], "time": before["time"] + timedelta(minutes=10 * rng.randrange(4))}
            self._said(row)
            self.rows.append(row)
        self.rows = [row | {"id": f"{n}", "log_offset": n} for n, row in enumerate(self.rows) if row["time"] < END]

    def _said(self, row: Row) -> None:
        rng = self.random
        if row["role"] in ("purchase", "refund"):
            row["subject"] = f"o{rng.randrange(400)}" if rng.random() < 0.9 else ""
            row["amount"] = rng.choice((0, 1, 99, 1001, 5000))
            row["received"] = END - timedelta(minutes=rng.randrange(1, 99_999))
        if row["role"] == "purchase":
            size = rng.choice((0, 1, 2, 4, 6))
            row["items"] = [{"product": rng.choice("abc"), "price": 100, "quantity": 1.0} for _ in range(size)]
        if row["role"] in ("visit", "view") and rng.random() < 0.4:
            row["utm_source"] = row["utm_campaign"] = rng.choice(("google", "meta"))
        if row["role"] == "visit" and rng.random() < 0.2:
            row["referrer"] = "news.example"
        if row["role"] == "contact_clicked":
            row["channel"] = "email"

    def engine(self, *, disturbed: bool) -> Duck:
        """Over the rows, or over the same ones in any order, some of them twice."""
        rows = list(self.rows)
        if disturbed:
            rows += [row | {"log_offset": row["log_offset"] + 10_000} for row in rows if self.random.random() < 0.3]
            self.random.shuffle(rows)
        made = archived(rows, until=END, links=self.links)
        made.frame = structs.replace(made.frame, smallest=1)
        return made

    def customers(self) -> dict[str, list[Row]]:
        """The events of each customer, by time and log."""
        found = defaultdict(list)
        for row in sorted(self.rows, key=lambda row: (row["time"], row["log_offset"])):
            found[self.links.get(row["home"], row["home"])].append(row)
        return found

    def orders(self) -> list[Row]:
        """Orders once each, with their net."""
        found = []
        for customer, rows in self.customers().items():
            once: dict[tuple[str, str], Row] = {}
            for row in rows:
                if row["role"] in ("purchase", "refund"):
                    key = (row["role"], row["subject"] or "\0" + row["id"])
                    best = once.get(key)
                    order = (row["received"], row["log_offset"])
                    if best is None or order > (best["received"], best["log_offset"]):
                        once[key] = row
            for (role, subject), row in once.items():
                back = once.get(("refund", subject)) if row["subject"] else None
                if role == "purchase":
                    net = row["amount"] - (back["amount"] if back else 0)
                    found.append(row | {"customer": customer, "net": net})
        return found


def funnel_by_hand(world: World) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Every beginning by itself, with the earliest event of each further step after it."""
    window = timedelta(days=7)
    cells: dict[tuple[str, int], list[tuple[bool, bool, float | None]]] = defaultdict(list)
    for rows in world.customers().values():
        events = sorted(
            (row for row in rows if row["role"] in STEPS),
            key=lambda row: (row["time"], STEPS.index(row["role"]), row["log_offset"]),
        )
        best: tuple[Any, ...] | None = None
        beginnings = [(place, row) for place, row in enumerate(events) if row["role"] == STEPS[0]]
        for place, begin in beginnings:
            chain = [begin["time"]]
            for row in events[place + 1 :]:
                if len(chain) < 4 and row["role"] == STEPS[len(chain)] and row["time"] - chain[0] <= window:
                    chain.append(row["time"])
            rank = (-len(chain), chain[-1], -chain[0].timestamp(), -begin["log_offset"])
            if best is None or rank < best[0]:
                best = (rank, chain, begin.get("utm_campaign") or "")
        if best is not None:
            _, chain, by = best
            closed = beginnings[0][1]["time"] + window < END
            for step in range(1, 5):
                here = len(chain) >= step
                seconds = (chain[step - 1] - chain[0]).total_seconds() if here and closed else None
                cells[by, step].append((here, closed, seconds))
    return {
        key: (
            sum(closed for _, closed, _ in held),
            sum(here and closed for here, closed, _ in held),
            sum(not closed for _, closed, _ in held),
            sum(here and not closed for here, closed, _ in held),
            median(times) if (times := [seconds for _, _, seconds in held if seconds is not None]) else None,
        )
        for key, held in cells.items()
    }


def touches_by_hand(rows: list[Row]) -> list[tuple[datetime, int, str]]:
    """Of the events of one customer."""
    found: list[tuple[datetime, int, str]] = []
    session: list[Row] = []
    online = [row for row in rows if row["role"] in ONLINE]
    for row, following in zip(online, [*online[1:], None], strict=True):
        session.append(row)
        if following is None or following["time"] - row["time"] > GAP:
            sources = []
            for place, each in enumerate(session):
                begins = place == 0 and each["role"] != "purchase"
                source = each.get("utm_source") or (each.get("referrer") if begins else None)
                if source or begins:
                    sources.append((each["time"], each["log_offset"], source or "direct"))
            found += [touch for touch in sources if touch[2] == "direct"]
            found += [touch for touch in sources if touch[2] != "direct"][:1]
            session = []
    found += [(row["time"], row["log_offset"], "email") for row in rows if row["role"] == "contact_clicked"]
    kept, last = [], {}
    for time, log, source in sorted(found):
        if source not in last or time - last[source] > GAP:
            kept.append((time, log, source))
        last[source] = time
    return kept


def credits_by_hand(world: World) -> dict[str, tuple[int, ...]]:
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * len(MODELS))
    touches = {customer: touches_by_hand(rows) for customer, rows in world.customers().items()}
    for order in world.orders():
        led = [t for t in touches[order["customer"]] if timedelta(0) <= order["time"] - t[0] <= timedelta(days=10)]
        led = [touch for touch in led if touch[2] != "direct"] or led
        if not led:
            led = [(order["time"], 0, "")]
        n = len(led)
        ages = [(order["time"] - time) / timedelta(days=7) for time, _, _ in led]
        weights = {
            "first": [1.0, *[0.0] * (n - 1)],
            "last": [*[0.0] * (n - 1), 1.0],
            "linear": [1.0] * n,
            "position": {1: [1.0], 2: [0.5, 0.5]}.get(n, [0.4, *[0.2 / max(n - 2, 1)] * (n - 2), 0.4]),
            "decay": [2.0**-age for age in ages],
        }
        for model, name in enumerate(MODELS):
            whole = sum(weights[name])
            exact = [abs(order["net"]) * weight / whole for weight in weights[name]]
            parts = [math.floor(part + 1e-9) for part in exact]
            places = sorted(range(n), key=lambda place: (-round(exact[place] - parts[place], 6), place))
            for place in places[: abs(order["net"]) - sum(parts)]:
                parts[place] += 1
            for (_, _, source), part in zip(led, parts, strict=True):
                totals[source][model] += part if order["net"] >= 0 else -part
    return {source: tuple(held) for source, held in totals.items()}


def baskets_by_hand(world: World) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    baskets = [{item["product"] for item in order["items"]} for order in world.orders() if order["items"]]
    alone = Counter(product for basket in baskets for product in basket)
    pairs = Counter((a, b) for basket in baskets for a in basket for b in basket if a < b)
    return {(a, b): (n, alone[a], alone[b], len(baskets)) for (a, b), n in pairs.items() if n >= 30}


@pytest.mark.parametrize("disturbed", [False, True], ids=["as it was", "in any order with repeats"])
@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_plain_loops(seed: int, disturbed: bool) -> None:
    world = World(seed)
    engine = world.engine(disturbed=disturbed)

    rows = run(FUNNEL, engine, Funnelled(by="campaign")).rows
    names = ("entered", "converted", "open", "open_reached", "seconds")
    assert {(row["by"], row["step"]): tuple(row[name] for name in names) for row in rows} == funnel_by_hand(world)

    credited = {
        row["source"]: tuple(row[name] for name in MODELS)
        for row in run(ATTRIBUTION, engine, Attributed(look_back=10)).rows
    }
    assert credited == credits_by_hand(world)
    net = sum(order["net"] for order in world.orders())
    assert [sum(held[model] for held in credited.values()) for model in range(len(MODELS))] == [net] * len(MODELS)

    pairs = run(BASKET, engine, Basketed(every=True)).rows
    found = {(row["a"], row["b"]): tuple(row[name] for name in ("baskets", "n_a", "n_b", "of")) for row in pairs}
    assert found == baskets_by_hand(world)
    assert found
