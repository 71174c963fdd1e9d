"""What customers are ranked by: one number each, of a profile at a time.

One definition serves the conditions, the census that finds the quantiles, and the preview. Money is in major units of
the plan's currency, ages in days. None stands for "cannot be ranked": nothing was ever ordered, or nothing is scored;
who cannot be ranked is left out of the quantiles, too, so the top tenth by revenue is a tenth of those who ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import log1p
from types import MappingProxyType
from typing import NamedTuple

from models.durations import DAY
from models.features.orders import usual_gap
from profiles.money import exponent
from profiles.types import HALF_LIVES, SPEND_HALF_LIVES, Profile

__all__ = ["AXES", "FREQUENCY", "MEASURES", "MONETARY", "RECENCY", "RISKY", "Measure", "place"]

Value = Callable[[Profile, float, str], float | None]
"""(profile, now, the plan's currency) → the measure, or None for who cannot be ranked."""


class Measure(NamedTuple):
    """One measure. `MEASURES` shows all; `docs/models.md` lists them."""

    value: Value
    unit: str
    meaning: str
    ordered: bool = True  # only who ordered has it


@cache
def _unit(currency: str) -> float:
    """Major units of a minor unit."""
    return float(10.0 ** -exponent(currency))


def _revenue(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return bought.revenue_in(currency) * _unit(currency) if bought.orders else None


def _refunds(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return bought.refunds_in(currency) * _unit(currency) if bought.orders else None


def _net(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    if not bought.orders:
        return None
    return (bought.revenue_in(currency) - bought.refunds_in(currency)) * _unit(currency)


def _average_order(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return bought.revenue_in(currency) * _unit(currency) / bought.orders if bought.orders else None


def _recent_spend(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    if not bought.orders:
        return None
    faded = float(2.0 ** (min(bought.last - now, 0.0) / SPEND_HALF_LIVES[1]))
    return bought.spend[1] * faded * _unit(currency)


def _orders(profile: Profile, now: float, currency: str) -> float | None:
    return float(profile.purchases.orders) or None


def _items(profile: Profile, now: float, currency: str) -> float | None:
    return float(profile.purchases.items) if profile.purchases.orders else None


def _recency(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return max(now - bought.last, 0.0) / DAY if bought.orders else None


def _tenure(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return max(now - bought.first, 0.0) / DAY if bought.orders else None


def _gap_ratio(profile: Profile, now: float, currency: str) -> float | None:
    bought = profile.purchases
    return max(now - bought.last, 0.0) / usual_gap(profile) if bought.orders else None


def _visits(profile: Profile, now: float, currency: str) -> float | None:
    tally = profile.roles.get("visit")
    if tally is None:
        return None
    return tally.decayed[1] * float(2.0 ** (min(tally.last - now, 0.0) / HALF_LIVES[1]))


def _risk(profile: Profile, now: float, currency: str) -> float | None:
    return profile.score.risk if profile.score is not None else None


def _net_at_risk(profile: Profile, now: float, currency: str) -> float | None:
    net = _net(profile, now, currency)
    return None if profile.score is None or net is None else net * profile.score.risk


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "revenue": Measure(_revenue, "major units", "all orders, ever"),
        "refunds": Measure(_refunds, "major units", "all refunds, ever, of those who ordered"),
        "net": Measure(_net, "major units", "revenue less refunds"),
        "average_order": Measure(_average_order, "major units", "revenue per order"),
        "recent_spend": Measure(_recent_spend, "major units", "revenue, halving in worth every 26 weeks"),
        "orders": Measure(_orders, "orders", "orders, ever"),
        "items": Measure(_items, "items", "items bought, ever"),
        "recency": Measure(_recency, "days", "since the last order"),
        "tenure": Measure(_tenure, "days", "since the first order"),
        "gap_ratio": Measure(_gap_ratio, "usual gaps", "silence in units of the usual gap between orders"),
        "visits": Measure(
            _visits, "visits", "events of role `visit`, each halving in worth every 8 weeks", ordered=False
        ),
        "risk": Measure(_risk, "0 to 1", "churn risk"),
        "net_at_risk": Measure(_net_at_risk, "major units", "`net` × `risk`: what is likely to be lost"),
    }
)
"""Every measure by name."""

RISKY = frozenset({"risk", "net_at_risk"})
"""The measures that look at the risk, and so need the consent to profiling."""

RECENCY, FREQUENCY, MONETARY = "recency", "orders", "net"
"""The measures of RFM. A low recency is good: its quintiles are counted backwards."""

AXES = ("log recency", "log frequency", "log monetary")
"""The axes that customers are clustered along: log(1 + x) of the measures of RFM."""


def place(profile: Profile, now: float, currency: str) -> tuple[float, float, float] | None:
    """Where a customer lies on `AXES`, before they are standardised; None for who never ordered.

    More refunds than revenue count as no revenue.
    """
    bought = profile.purchases
    if not bought.orders:
        return None
    net = (bought.revenue_in(currency) - bought.refunds_in(currency)) * _unit(currency)
    recency = (now - bought.last) / DAY
    return (
        log1p(recency) if recency > 0.0 else 0.0,
        log1p(bought.orders),
        log1p(net) if net > 0.0 else 0.0,
    )
