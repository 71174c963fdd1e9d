"""Signals of a company: what its risk is worked out from, each a number in its own unit; zero says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from models.companies.measures import champions, champions_gone, change, silent
from models.config import ChurnConfig, Definition
from models.durations import DAY, WEEK
from models.features.readers import is_open, lasting, open_since, price_change
from models.labels.outcomes import can_leave, contract_of, stage
from profiles.types import Profile, Subscription, Team

__all__ = ["Ground", "Signals", "ends_at", "ground_of", "signals_of"]

LATELY = 13 * WEEK
"""How far back it matters what was answered, reopened, and said to them."""

CHAMPIONS_WITHIN = 12 * WEEK
SLOW = 3 * DAY
"""Seconds after which a ticket that is still open is a sign of trouble."""


class Ground(NamedTuple):
    """What the risk of companies is about, by the plan."""

    contract: ChurnConfig | None  # the first further definition of churn by which contracts end
    horizon: float  # seconds
    over: ChurnConfig | None  # the one by which a contract has ended, as stages say it

    @property
    def definition(self) -> Definition | None:
        """Of the contract."""
        return self.contract.definition if self.contract is not None else None


def ground_of(churn: ChurnConfig) -> Ground:
    """What a plan's risk of companies is about: contracts, if it says how they end, else that nobody works with it."""
    contract = next((each for each in churn.each()[1:] if each.lasts), None)
    return Ground(contract, (contract or churn).horizon, contract_of(churn))


class Signals(NamedTuple):
    """What speaks for and against leaving. In the order in which equals are told."""

    fall: float = 0.0  # share by which active members a week are fewer than usual
    silent: float = 0.0  # share of the use that has probably stopped
    champion_gone: float = 0.0  # champions who went within 12 weeks, where nobody has followed
    champion: float = 0.0  # champions there are
    trouble: float = 0.0  # tickets that wait for 3 days or longer, or were reopened lately
    unhappy: float = 0.0  # the latest answer lately, if it was a bad one: by how much of the scale below the middle
    happy: float = 0.0  # …if a good one
    overdue: float = 0.0  # days since a payment failed, while none followed
    paused: float = 0.0  # contracts that rest
    dearer: float = 0.0  # by which share the price rose within the last 13 weeks
    ends: float = 0.0  # days until the contract ends, if within the horizon and it does not go on by itself
    runs: float = 0.0  # days that it runs beyond the horizon
    unheard: float = 0.0  # weeks since anybody spoke with them, if more than 13


def signals_of(company: Profile, now: float, ground: Ground) -> Signals | None:
    """The signals of a company; None of one that cannot leave: without a contract, or whose contract has ended, or that
    nobody works with."""
    team = company.company.team if company.company is not None else None
    gone = silent(team, now) if team is not None else None
    if ground.contract is not None:
        if not can_leave(company, now, ground.contract):
            return None
        if ground.over is not None and stage(company, now, ground.over) == "ended":
            return None
    elif gone is None:
        return None
    found = {**_of_use(team, gone.use if gone is not None else 0.0, now), **_of_dealings(company, now)}
    return Signals(**found, **_of_contract(company, now, ground))


def _of_use(team: Team | None, stopped: float, now: float) -> Mapping[str, float]:
    if team is None:
        return {}
    here, went = champions(team, now), champions_gone(team, now, CHAMPIONS_WITHIN)
    return {
        "fall": max(-(change(team, now) or 0.0), 0.0),
        "silent": stopped,
        "champion": float(here),
        "champion_gone": 0.0 if here else float(went),
    }


def _of_dealings(company: Profile, now: float) -> Mapping[str, float]:
    roles = company.roles
    waiting = sum(is_open(ticket) and now - open_since(ticket) >= SLOW for ticket in company.tickets)
    again = sum(ticket.reopened > now - LATELY and not is_open(ticket) for ticket in company.tickets)
    failed, paid = (roles[role].last if role in roles else 0.0 for role in ("payment_failed", "purchase"))
    paid = max(paid, roles["payment"].last if "payment" in roles else 0.0)
    spoken = roles["contact_made"].last if "contact_made" in roles else 0.0
    mood = _mood(company, now)
    return {
        "trouble": float(waiting + again),
        "unhappy": max(-mood, 0.0),
        "happy": max(mood, 0.0),
        "overdue": max((now - failed) / DAY, 0.0) if failed > paid else 0.0,
        "unheard": (now - spoken) / WEEK if spoken and now - spoken > LATELY else 0.0,
    }


_SCALES = {"nps": (7.5, 7.5), "csat": (3.0, 2.0), "ces": (4.0, 3.0)}
"""Middle of the answers, and how far the lowest is below it."""


def _mood(company: Profile, now: float) -> float:
    """The latest answer lately, from −1 to 1; 0 without any."""
    latest = max(
        ((opinion.time, role) for role in _SCALES if (opinion := company.opinions.get(role)) is not None),
        default=(0.0, ""),
    )
    if now - latest[0] > LATELY:
        return 0.0
    middle, reach = _SCALES[latest[1]]
    return max(-1.0, min(1.0, (company.opinions[latest[1]].last - middle) / reach))


def _of_contract(company: Profile, now: float, ground: Ground) -> Mapping[str, float]:
    last = lasting(company)
    if not last:
        return {}
    dearer, since = max(map(price_change, last))
    found = {
        "paused": float(sum(each.paused > max(each.started, each.renewed) for each in last)),
        "dearer": dearer if dearer > 0 and now - since < LATELY else 0.0,
    }
    until = max(map(ends_at, last))
    if until > now + ground.horizon:
        found["runs"] = (until - now - ground.horizon) / DAY
    elif until > now and company.traits.get("auto_renew", (None,))[0] is False:
        found["ends"] = (until - now) / DAY
    return found


def ends_at(subscription: Subscription) -> float:
    """When the period that is paid ends, as was told last; 0 if nobody did."""
    return float(subscription.ends[-1][1]) if subscription.ends else 0.0
