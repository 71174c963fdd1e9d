"""The rules of a simulated shop: what customers do in a week, what moves them towards leaving, and how it shows.

A customer who is here has four moods, each a small Markov chain with a step a week, independent of one another:

- *use*: 0 interested … 4 hardly there. Visits, logins and use of the app shrink with it.
- *price*: 0 content, 1 buys with coupons, 2 the coupons have ended or prices rose, 3 the same, some weeks later.
- *delivery* and *support*: how much trouble there was of late, 0 to 3. An order that goes wrong or a ticket that goes
  wrong adds one, and time takes one away.

Each mood adds to the hazard of leaving, and the cause of leaving is the part that weighed most by chance: drawn in
proportion to the parts. Trouble does not always show, and who has none may leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CAUSES", "HELD", "LEVELS", "SHOP", "Kind", "Mood", "Rules", "price_mood", "trouble_decay", "use_mood"]

Array = NDArray[np.float64]

CAUSES = ("base", "price", "delivery", "usage", "support")
"""Why somebody leaves; `base` is everything that no event tells of."""

LEVELS = 4
"""Levels of trouble, of delivery and of support: 0 to 3."""


@dataclass(frozen=True)
class Kind:
    """One kind of customer; rates are a week, chances a week or a case."""

    name: str
    share: float  # of the customers
    base: float  # hazard of leaving for no reason that shows
    orders: float
    basket: int  # mean worth of an order, minor units
    visits: float = 0.0
    logins: float = 0.0
    uses: float = 0.0  # of features
    tickets: float = 0.0  # chance
    fades: float = 0.0  # chance to begin to lose interest
    sensitive: float = 0.0  # how much prices add to the hazard
    coupons: float = 0.0  # chance to begin to buy with coupons
    every: int = 0  # weeks of their rhythm; 0: none
    burst: int = 0  # weeks of each rhythm in which they order at all
    single: bool = False  # one order a week at most
    subscribed: bool = False
    account: bool = True


@dataclass(frozen=True)
class Mood:
    """A chain of moods, of each customer: what each level does, and where it leads to."""

    steps: Array  # (customers, levels, levels): chance of the next level
    hazard: Array  # (customers, levels), a week
    factor: Array  # (levels): what the rates that hang on it are multiplied by


@dataclass(frozen=True)
class Rules:
    """All numbers of a shop."""

    kinds: tuple[Kind, ...]
    drift: int  # week from which prices drive the `price` kind away twice as fast
    drifted: float = 2.0  # …or so many times
    spread: float = 0.5  # of the logarithm of each customer's rates
    young: float = 2.0  # what the base hazard is multiplied by in a customer's first eight weeks
    use_hazard: tuple[float, ...] = (0.0, 0.01, 0.06, 0.15, 0.28)
    use_factor: tuple[float, ...] = (1.0, 0.7, 0.45, 0.25, 0.1)
    recovers: float = 0.06  # chance of full interest again
    price_hazard: tuple[float, ...] = (0.0, 0.0, 0.22, 0.08)
    price_factor: tuple[float, ...] = (1.0, 1.1, 0.65, 0.8)  # of the rate of orders
    coupon: tuple[float, ...] = (0.06, 0.8, 0.08, 0.08)  # chance that an order has one
    denied: tuple[float, ...] = (0.01, 0.02, 0.25, 0.08)  # coupons refused
    price_complaint: tuple[float, ...] = (0.003, 0.003, 0.12, 0.04)  # chance
    carts: tuple[float, ...] = (0.12, 0.12, 0.7, 0.35)  # carts that come to nothing
    dearer: tuple[float, ...] = (0.0, 0.0, 0.9, 0.0)  # chance that a renewal is dearer than the last
    trouble_hazard: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3)
    support_hazard: tuple[float, ...] = (0.0, 0.13, 0.25, 0.35)
    heals: float = 0.22  # chance that trouble is forgotten by one level
    careful: float = 0.02  # chance that an order goes wrong, with a good carrier…
    careless: float = 0.11  # …and with a bad one
    bad_carriers: float = 0.25  # share of the customers who have one
    wrong: float = 0.35  # chance that a ticket goes wrong
    leak: float = 0.08  # visits after leaving, as a share of those before


def use_mood(rules: Rules, fades: Array) -> Mood:
    """Interest: once it begins to fade, it goes on, unless it comes back at once."""
    levels = len(rules.use_factor)
    steps = np.zeros((len(fades), levels, levels))
    steps[:, 0, 0], steps[:, 0, 1] = 1 - fades, fades
    for level in range(1, levels):
        onward = 0.5 if level < levels - 1 else 0.0
        steps[:, level, 0] = rules.recovers
        steps[:, level, min(level + 1, levels - 1)] += onward
        steps[:, level, level] += 1 - rules.recovers - onward
    return Mood(steps, np.tile(rules.use_hazard, (len(fades), 1)), np.array(rules.use_factor))


def price_mood(rules: Rules, coupons: Array, sensitive: Array) -> Mood:
    """Prices: who lives off coupons is annoyed when they end; sometimes a price just rises."""
    steps = np.zeros((len(coupons), 4, 4))
    rises = 0.008 * (sensitive > 0)
    steps[:, 0] = np.stack([1 - coupons - rises, coupons, rises, np.zeros(len(coupons))], axis=1)
    steps[:, 1, 1], steps[:, 1, 2] = 0.92, 0.08
    steps[:, 2, 2], steps[:, 2, 3] = 0.7, 0.3
    steps[:, 3, 3], steps[:, 3, 0] = 0.85, 0.15
    return Mood(steps, np.outer(sensitive, rules.price_hazard), np.array(rules.price_factor))


def trouble_decay(heals: float) -> Array:
    """(levels, levels): how trouble is forgotten in a week without any more."""
    steps = np.eye(LEVELS) * (1 - heals)
    steps[0, 0] = 1.0
    for level in range(1, LEVELS):
        steps[level, level - 1] = heals
    return steps


SHOP = Rules(
    kinds=(
        Kind("regular", 0.34, 0.0095, 0.38, 3_800, visits=1.6, logins=0.5, tickets=0.028, fades=0.0025, sensitive=0.7,
             coupons=0.01),
        Kind("app", 0.17, 0.0085, 0.4, 3_200, visits=1.2, logins=1.5, uses=3.0, tickets=0.02, fades=0.015,
             sensitive=0.5, coupons=0.0075),
        Kind("seasonal", 0.07, 0.0045, 0.9, 6_500, visits=0.4, logins=0.1, tickets=0.008, every=26, burst=3),
        Kind("b2b", 0.05, 0.0055, 2.3, 60_000, visits=0.5, logins=0.8, tickets=0.032, every=4, burst=1, single=True),
        Kind("subscriber", 0.14, 0.0085, 0.32, 2_600, visits=0.9, logins=0.8, uses=1.2, tickets=0.032, fades=0.0075,
             sensitive=0.9, subscribed=True),
        Kind("price", 0.12, 0.006, 0.36, 2_900, visits=1.6, logins=0.4, tickets=0.016, fades=0.0025, sensitive=1.0,
             coupons=0.038),
        Kind("guest", 0.08, 0.026, 0.15, 3_500, account=False),
        Kind("bot", 0.03, 50.0, 0.0, 9_900, account=False),
    ),
    drift=52,
)  # fmt: skip
"""The shop that choices may be fitted on."""


def _held() -> Rules:
    other: dict[str, dict[str, Any]] = {
        "regular": {"share": 0.28, "base": 0.011, "orders": 0.3, "visits": 1.2, "coupons": 0.016},
        "app": {"share": 0.2, "base": 0.007, "uses": 2.0, "fades": 0.018},
        "seasonal": {"share": 0.09, "every": 22, "burst": 4, "orders": 0.6},
        "b2b": {"share": 0.06, "every": 5, "tickets": 0.045},
        "subscriber": {"share": 0.13, "base": 0.010, "tickets": 0.04},
        "price": {"share": 0.13, "base": 0.007, "coupons": 0.03, "visits": 2.2},
        "guest": {"share": 0.09, "base": 0.024, "orders": 0.12},
        "bot": {"share": 0.02},
    }
    kinds = tuple(replace(kind, **other[kind.name]) for kind in SHOP.kinds)
    return replace(
        SHOP, kinds=kinds, drift=47, drifted=2.3, spread=0.6, young=1.6, recovers=0.09, bad_carriers=0.2,
        careless=0.14, wrong=0.4, leak=0.06, trouble_hazard=(0.0, 0.08, 0.2, 0.35),
        price_hazard=(0.0, 0.0, 0.19, 0.1), use_hazard=(0.0, 0.015, 0.07, 0.14, 0.24),
    )  # fmt: skip


HELD = _held()
"""A shop of other numbers, kept to judge by: nothing may be chosen by what it says."""
