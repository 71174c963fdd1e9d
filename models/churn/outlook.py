"""What is to be expected of one customer: until when they stay, when they order next, and what would be lost with them.

All of it follows from the model of lifetimes (`models.churn.lifetimes`), not from the champion's risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.churn.kinds.btyd import known
from models.churn.lifetimes import Known, Lifetimes
from models.churn.panel import Panel
from models.codec import Array
from models.config import ChurnConfig
from models.features.matrix import matrix
from models.features.reading import raws
from profiles.money import exponent
from profiles.types import Profile

__all__ = ["CURVE", "Ahead", "Interval", "Outlook", "outlook"]

CURVE = (0, 1, 2, 4, 8, 13, 26, 52)
"""Weeks ahead of which the curve tells."""

_TENTH = 1.2815515655446004  # quantile .9 of the standard normal distribution
_YEAR = 52.0  # weeks
_DISCOUNT = 1 / 1.1  # what an order in a year is worth today
_DRAWS, _SEED = 2000, 20
_ENDLESS = 600.0  # of whom hardly anybody leaves; its exponential is still a number
_TIMES = np.geomspace(0.05, 520.0, 240)  # weeks; a next order is looked for within ten years


class Ahead(NamedTuple):
    """One point of the curve."""

    weeks: int
    here: float  # P(still there in so many weeks)
    ordered: float  # P(an order within them)


class Interval(NamedTuple):
    """Nine in ten lie above `low`, one in ten above `high`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected."""

    model: str  # model id
    curve: list[Ahead]
    next_order: Interval | None  # weeks until it, with its median, if there is one; None: hardly to be expected
    year: Interval  # revenue of a year if the customer stays, with its mean; major units of the plan's currency
    at_risk: float  # of that, what is likely to be lost: its mean times P(has left, or leaves within `leaving_within`)
    orders: Interval | None = None  # of a year with the chance of leaving, discounted: the mean; where 8 in 10 lie


def outlook(profile: Profile, panel: Panel, at: float, config: ChurnConfig, currency: str) -> Outlook | None:
    """What is to be expected of a customer, as of a time; None of who never ordered.

    Args:
        profile: stays as it is.
        panel: has the model of lifetimes.
        at: the time.
        config: of churn, from the plan.
        currency: of the plan.
    """
    if not profile.purchases.orders:
        return None
    values = matrix(raws([profile], currency), np.array([at]))
    seen, lifetimes = known(values.T), panel.lifetimes.lifetimes
    left, leaving = panel.departures(values, config)
    here = 1.0 - float(left[0])
    stays = 1.0 - lifetimes.leaves(seen.tenure, np.array(CURVE, dtype=np.float64))
    ordered = np.exp(lifetimes.log_order(_repeated(seen, len(CURVE) - 1), np.array(CURVE[1:], dtype=np.float64)))
    curve = [
        Ahead(weeks, here * stay, order)
        for weeks, stay, order in zip(CURVE, stays.tolist(), [0.0, *ordered.tolist()], strict=True)
    ]
    year = _year(profile, seen, lifetimes.r, lifetimes.alpha, currency)
    lost = float(left[0] + leaving[0])
    times = np.exp(lifetimes.log_order(_repeated(seen, len(_TIMES)), _TIMES))
    orders = _orders(seen, lifetimes, float(left[0]))
    return Outlook(panel.lifetimes.id, curve, _next_order(times), year, year.middle * lost, orders)


def _orders(seen: Known, lifetimes: Lifetimes, left: float) -> Interval:
    """The orders of 52 weeks, each discounted by its time: the mean exactly, the ends by simulation of one seed.

    Of who is still there, the rate is Gamma distributed, and so is that of leaving, which makes its time Lomax.
    """
    shape, scale = lifetimes.r + float(seen.repeats[0]), lifetimes.alpha + float(seen.tenure[0])
    stay = lifetimes.beta + float(seen.tenure[0])
    middles = np.arange(_YEAR) + 0.5
    worth = _DISCOUNT ** (middles / _YEAR)
    mean = (1.0 - left) * shape / scale * float((worth * (stay / (stay + middles)) ** lifetimes.s).sum())
    chance = np.random.default_rng(_SEED)
    grown = -np.log(1.0 - chance.random(_DRAWS)) / lifetimes.s
    until = np.minimum(stay * np.expm1(np.minimum(grown, _ENDLESS)), _YEAR)
    until *= chance.random(_DRAWS) >= left
    rate = chance.gamma(shape, 1.0 / scale, _DRAWS)
    ends = np.quantile(chance.poisson(rate * until) * _DISCOUNT ** (until / 2 / _YEAR), (0.1, 0.9)).tolist()
    return Interval(ends[0], mean, ends[1])


def _repeated(seen: Known, times: int) -> Known:
    return Known(*(np.repeat(column, times) for column in seen))


def _next_order(within: Array) -> Interval | None:
    """Quantiles of the time of the next order, given the chance of one within each of _TIMES."""
    ever = within[-1]
    if ever < 0.01:
        return None
    low, middle, high = np.interp(np.array([0.1, 0.5, 0.9]) * ever, within, _TIMES).tolist()
    return Interval(low, middle, high)


def _year(profile: Profile, seen: Known, r: float, alpha: float, currency: str) -> Interval:
    """Rate of orders times mean order: the rate is Gamma distributed, its quantiles by Wilson and Hilferty (1931)."""
    shape = r + float(seen.repeats[0])
    orders = _YEAR / (alpha + float(seen.tenure[0]))
    occasions = float(seen.repeats[0]) + 1.0
    worth = profile.purchases.revenue_in(currency) * 10.0 ** -exponent(currency) / occasions
    ends = [max(1 - 1 / (9 * shape) + z / (3 * shape**0.5), 0.0) ** 3 for z in (-_TENTH, _TENTH)]
    low, high = (orders * worth * shape * end for end in ends)
    return Interval(low, orders * worth * shape, high)
