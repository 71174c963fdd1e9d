"""The health of a company, from 0 to 100: how it does, by parts that anybody can check. The risk is another question.

Each part is worth 0 to 100 points by a rule of its own; the health is their mean by the weights of the plan, over the
parts of which anything is known. While those are fewer than three there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from models.companies.measures import active, champions, change, features, seats, usual
from models.companies.signals import SLOW
from models.durations import DAY, WEEK
from models.features.readers import is_open, lasting, open_since
from profiles.types import Health, HealthPart, Profile, Team

__all__ = ["BANDS", "LEAST", "WEIGHTS", "judge_health"]

WEIGHTS: dict[str, float] = {
    "use": 30.0,
    "breadth": 15.0,
    "seats": 10.0,
    "outcome": 10.0,
    "support": 10.0,
    "sentiment": 10.0,
    "relationship": 10.0,
    "payment": 5.0,
}
"""The parts, and what each counts unless the plan says otherwise."""

LEAST = 3
"""Parts that must be known."""

BANDS = (40.0, 70.0)
"""Health below which a company is red, and from which on it is green."""

_STAYS = 5.0  # by how much it must pass one of these to change the band
_CONTACT = (45.0, 135.0)  # days since the last contact: all is well; nothing is left
_QUARTER = 13 * WEEK


class _Found(NamedTuple):
    """What a part comes to."""

    points: float
    value: float  # by what, in its own unit
    other: float = 0.0  # against what


def judge_health(company: Profile, now: float, weights: Mapping[str, float], key: frozenset[str]) -> Health:
    """The health of a company with its parts.

    Args:
        company: its document; changes nothing. Its band of before stays while the health is close to it.
        now: seconds.
        weights: of the parts, by the plan; a part of weight 0 is left out.
        key: the features that make the product worth its price; empty: all that they have used.
    """
    parts: list[HealthPart] = []
    total = known = 0.0
    for name, weight in weights.items():
        if weight <= 0:
            continue
        found = _breadth(company, now, key) if name == "breadth" else _PARTS[name](company, now)
        if found is None:
            parts.append(HealthPart(name, None, weight))
            continue
        points = min(max(found.points, 0.0), 100.0)
        parts.append(HealthPart(name, points, weight, found.value, found.other))
        total, known = total + weight * points, known + weight
    if sum(part.points is not None for part in parts) < LEAST:
        return Health(None, "", now, parts)
    value = total / known
    before = company.company.health if company.company is not None else None
    return Health(value, _band(value, before.band if before is not None else ""), now, parts)


def _band(value: float, before: str) -> str:
    red, green = BANDS
    if before == "green" and value >= green - _STAYS:
        return "green"
    if before == "red" and value < red + _STAYS:
        return "red"
    if before == "amber" and red - _STAYS <= value < green + _STAYS:
        return "amber"
    return "green" if value >= green else "red" if value < red else "amber"


def _between(value: float, nothing: float, all_: float) -> float:
    """Points of a value between the one that is worth nothing and the one that is worth all."""
    return 100.0 * (value - nothing) / (all_ - nothing)


def _team(company: Profile) -> Team | None:
    held = company.company
    return held.team if held is not None and held.team is not None and held.team.latest else None


def _use(company: Profile, now: float) -> _Found | None:
    """Active members a week against the usual number; of who is silent for four weeks nothing is left."""
    team = _team(company)
    if team is None:
        return None
    if not active(team, now):
        return _Found(0.0, 0.0)
    before, moved = usual(team, now), change(team, now)
    return None if before is None or moved is None else _Found(_between(1 + moved, 0.3, 1.0), 1 + moved, before)


def _breadth(company: Profile, now: float, key: frozenset[str]) -> _Found | None:
    """Features that several members used within four weeks, of the key ones, or of all that they ever used."""
    team = _team(company)
    if team is None or not team.used:
        return None
    lately = features(team, now, key or None)
    of = len(key) or len(team.used)
    return _Found(100.0 * lately / of, lately, of)


def _seats(company: Profile, now: float) -> _Found | None:
    team, bought = _team(company), seats(company)
    if team is None or not bought:
        return None
    used = active(team, now) + team.unseen
    return _Found(_between(used / bought, 0.2, 0.8), used, bought)


def _outcome(company: Profile, now: float) -> _Found | None:
    """What they got out of it: a goal reached within a quarter, or in its place a contract that grew or shrank."""
    goal = company.roles.get("goal")
    if goal is not None:
        days = max(now - goal.last, 0.0) / DAY
        return _Found(100.0 if days <= 91 else 50.0, days)
    grown = _growth(company)
    return None if grown is None else _Found(_between(grown, -0.25, 0.25), 0.0, grown)


def _growth(company: Profile) -> float | None:
    """By which share the seats of the contracts that last have grown since the earliest that is known; None if they are
    as they were, or nobody said."""
    told: list[list[tuple[int, int]]] = [each.seats for each in lasting(company)]
    before, after = sum(one[0][1] for one in told if one), sum(one[-1][1] for one in told if one)
    return after / before - 1.0 if before and after != before else None


def _support(company: Profile, now: float) -> _Found | None:
    """Tickets that are open cost points, those that wait for long most."""
    if "ticket_opened" not in company.roles:
        return None
    waiting = [now - open_since(ticket) for ticket in company.tickets if is_open(ticket)]
    slow = sum(age >= SLOW for age in waiting)
    again = sum(ticket.reopened > now - _QUARTER for ticket in company.tickets)
    return _Found(100.0 - 10.0 * (len(waiting) - slow) - 30.0 * slow - 15.0 * again, len(waiting), slow)


_SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}


def _sentiment(company: Profile, now: float) -> _Found | None:
    """The last answers to surveys of half a year, each on its own scale."""
    said = [
        min(max(_between(opinion.last, *_SCALES[kind]), 0.0), 100.0)  # off its scale it would drown the others
        for kind in _SCALES
        if (opinion := company.opinions.get(kind)) is not None and now - opinion.time <= 2 * _QUARTER
    ]
    return _Found(sum(said) / len(said), len(said)) if said else None


def _relationship(company: Profile, now: float) -> _Found | None:
    """Half for a champion who is there, half for when somebody last spoke with them."""
    team, spoken = _team(company), company.roles.get("contact_made")
    if spoken is None and team is None:
        return None
    here = champions(team, now) if team is not None else 0
    days = max(now - spoken.last, 0.0) / DAY if spoken is not None else -1.0
    contact = min(max(_between(days, _CONTACT[1], _CONTACT[0]), 0.0), 100.0) if spoken is not None else 0.0
    return _Found(contact / 2 + (50.0 if here else 0.0), here, days)


def _payment(company: Profile, now: float) -> _Found | None:
    """A payment that failed, and none since; nothing is left after ten days."""
    last = {
        role: tally.last for role in ("purchase", "payment", "payment_failed") if (tally := company.roles.get(role))
    }
    if not last:
        return None
    failed = last.get("payment_failed", 0.0)
    if failed <= max(last.get("purchase", 0.0), last.get("payment", 0.0)):
        return _Found(100.0, 0.0)
    days = max(now - failed, 0.0) / DAY
    return _Found(50.0 if days < 10 else 0.0, days, 1.0)


_PARTS: dict[str, Callable[[Profile, float], _Found | None]] = {
    "use": _use,
    "seats": _seats,
    "outcome": _outcome,
    "support": _support,
    "sentiment": _sentiment,
    "relationship": _relationship,
    "payment": _payment,
}
