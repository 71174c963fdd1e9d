"""What signals of companies, and the parts of their health, say in words, as of the time at which they were read."""

from __future__ import annotations

from collections.abc import Callable

from models.companies.signals import Ground
from models.features.readers import lasting, subscriptions_of
from models.labels.outcomes import stage
from profiles.types import Health, HealthPart, Profile

__all__ = ["BY_RULES", "MEANINGS", "PREFIX", "part_in_words", "reason_in_words", "why_no_health", "why_no_risk"]

BY_RULES = "company-rules-1"
"""The id of what scores companies, as models have one."""

PREFIX = "company:"
"""Begins the name of a reason that is a signal of a company."""


def reason_in_words(name: str, value: float) -> str:
    """A reason of a company's risk; the name itself of one that this version does not have."""
    say = _SAY.get(name.removeprefix(PREFIX))
    return name if say is None else say(value)


def counted(number: float, one: str, several: str = "") -> str:
    """`3 champions`."""
    return f"{number:,.0f} {one if round(number) == 1 else several or one + 's'}"


_SAY: dict[str, Callable[[float], str]] = {
    "fall": lambda value: f"Active members a week are {value:.0%} fewer than usual in the 12 weeks before",
    "silent": lambda value: f"{value:.0%} of its use has probably stopped: members are silent who came regularly",
    "champion_gone": lambda value: f"{counted(value, 'champion')} left or fell silent, and nobody has followed",
    "champion": lambda value: f"{counted(value, 'champion')} {'works' if round(value) == 1 else 'work'} with it",
    "trouble": lambda value: f"{counted(value, 'ticket')} waited for 3 days or came back in the last 13 weeks",
    "unhappy": lambda value: "The last answer to a survey was a bad one",
    "happy": lambda value: "The last answer to a survey was a good one",
    "overdue": lambda value: f"A payment failed {counted(value, 'day')} ago, and none has come since",
    "paused": lambda value: "The contract is paused",
    "dearer": lambda value: f"The price rose by {value:.0%}",
    "ends": lambda value: f"The contract ends in {counted(value, 'day')}, and does not go on by itself",
    "runs": lambda value: "The contract runs on for longer than the risk looks ahead",
    "unheard": lambda value: f"Nobody of ours has spoken with them for {counted(value, 'week')}",
}


MEANINGS = {
    "fall": "share by which active members a week are fewer than usual",
    "silent": "share of the use that has probably stopped",
    "champion_gone": "a champion went within 12 weeks, and nobody has followed",
    "champion": "there is a champion",
    "trouble": "each ticket that waits for 3 days or came back, up to 3",
    "unhappy": "the last answer to a survey was a bad one",
    "happy": "the last answer to a survey was a good one",
    "overdue": "each day since a payment failed, up to 10",
    "paused": "the contract is paused",
    "dearer": "share by which the price rose, up to a half",
    "ends": "the contract ends within the horizon, and does not go on by itself",
    "runs": "each day that the contract runs beyond the horizon, up to 100",
    "unheard": "each week since anybody spoke with them, up to 13",
}
"""Of signals: what one unit of each is."""


def part_in_words(part: HealthPart) -> str:
    """What a part of the health was judged by; of one of which nothing is known, what would tell it."""
    if part.points is None:
        return _UNKNOWN.get(part.name, "nothing is known")
    return _PARTS[part.name](part.value, part.other) if part.name in _PARTS else ""


def why_no_health(health: Health | None) -> str:
    """Why there is none."""
    if health is None:
        return "nobody has looked at the company since its health is worked out"
    missing = [part_in_words(part) for part in health.parts if part.points is None]
    return f"fewer than 3 parts are known: {'; '.join(missing)}"


def why_no_risk(company: Profile, now: float, ground: Ground) -> str:
    """Why a company has no risk."""
    if ground.contract is None:
        return "nobody has worked with it for half a year"
    if not subscriptions_of(company):
        return "there is no contract that could end"
    over = ground.over is not None and stage(company, now, ground.over) == "ended"
    return "the contract has ended" if over or not lasting(company) else "nobody has looked at it since"


_UNKNOWN = {
    "use": "too little use, or for less than six weeks, to say what is usual",
    "breadth": "no feature of the product was used",
    "seats": "nobody said how many seats were bought",
    "outcome": "no goal was reached, and the contract is as it was",
    "support": "no ticket so far",
    "sentiment": "no answer to a survey within half a year",
    "relationship": "nobody has spoken with them, and nobody works with it",
    "payment": "no payment so far",
}

_PARTS: dict[str, Callable[[float, float], str]] = {
    "use": lambda value, other: (
        f"active members a week are at {value:.0%} of the usual {other:g}" if other else "nobody was active for 28 days"
    ),
    "breadth": lambda value, other: f"{value:.0f} of {counted(other, 'feature')} used by several within 28 days",
    "seats": lambda value, other: f"{value:.0f} of {counted(other, 'seat')} used within 28 days",
    "outcome": lambda value, other: (
        f"the contract {'grew' if other > 0 else 'shrank'} by {abs(other):.0%}"
        if other
        else f"a goal was reached {counted(value, 'day')} ago"
    ),
    "support": lambda value, other: f"{counted(value, 'open ticket')}, of which {other:.0f} for 3 days or longer",
    "sentiment": lambda value, other: f"the last answers to {counted(value, 'kind')} of survey",
    "relationship": lambda value, other: (
        f"{counted(value, 'champion') if value else 'no champion'}, "
        + ("nobody has spoken with them" if other < 0 else f"last spoken with {counted(other, 'day')} ago")
    ),
    "payment": lambda value, other: f"a payment failed {counted(value, 'day')} ago" if other else "all is paid",
}
