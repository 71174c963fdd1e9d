"""The journey of a customer: the steps of the way from hearing of us to leaving, the waits between them, and whether
they are stuck.

It is read from what a profile keeps of its latest events; older ones of each role are steps whose wait is not known, as
what came behind them may be gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from models.durations import DAY
from profiles.timeline import kept_entries, mark_of
from profiles.traces.begun import begun_of
from profiles.types import Profile

__all__ = ["LEAST", "NEWEST", "PHASES", "SLOW", "Journey", "Step", "Wait", "journey_of", "waits_of"]

PHASES: Mapping[str, tuple[str, ...]] = {
    "aware": ("contact_clicked",),
    "consider": ("view", "search"),
    "intend": ("cart", "checkout"),
    "buy": ("purchase", "subscription_start"),
    "use": ("feature_use", "goal"),
    "help": ("ticket_opened", "ticket_reopened", "inquiry", "complaint"),
    "judge": ("csat", "nps", "ces", "review"),
    "renew": ("subscription_renew",),
    "leave": ("subscription_cancel", "uninstalled"),
}
"""The phases in their order, with the roles of the plan that are of each. Aware is, too, who comes by a campaign."""

NEWEST = 24
"""Events that nothing is missing among: as many as profiles show, unless somebody has set that lower."""

SLOW = 0.9
"""The share of those who moved on from a step that were quicker than who is stuck in it."""

LEAST = 100
"""Moves from a step, below which nobody is called stuck."""

_SENT = frozenset({"campaign", "contact"})
_STEPS = 12  # that are told, the latest
_ORDER = {phase: place for place, phase in enumerate(PHASES)}
_OF_MARK = {mark_of(role): phase for phase, roles in PHASES.items() for role in roles}


@dataclass(frozen=True, slots=True)
class Step:
    """What happened of one phase, none of it longer than a session's silence after another."""

    phase: str
    first: float
    last: float
    events: int
    wait: float | None  # days until the next step; None of the last, and where some of what came next may be gone


@dataclass(frozen=True, slots=True)
class Wait:
    """How long others have waited after a step of a phase."""

    moves: int = 0
    slow: float = 0.0  # days, which nine in ten of those who moved on did not wait


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a customer is on their way."""

    steps: list[Step]  # the latest, the earliest of them first
    waiting: float | None  # days since the last; None without any
    slow: float | None  # which nine in ten of those who moved on from such a step did not wait; None: not known
    moves: int  # of which that is known
    stuck: bool | None  # None: not known


def journey_of(profile: Profile, now: float, gap: float, waits: Mapping[str, Wait]) -> Journey:
    """The journey of a customer.

    Args:
        profile: as stored.
        now: seconds.
        gap: seconds of silence after which a session is over.
        waits: by phase, of all customers.
    """
    steps = _steps(profile, gap)
    if not steps:
        return Journey([], None, None, 0, None)
    at = max(steps, key=lambda step: (step.last, _ORDER[step.phase]))
    waiting = max(now - at.last, 0.0) / DAY
    usual = waits.get(at.phase, Wait())
    if at.phase == "leave":  # nothing is to follow
        return Journey(steps[-_STEPS:], waiting, None, usual.moves, False)
    if usual.moves < LEAST:
        return Journey(steps[-_STEPS:], waiting, None, usual.moves, None)
    return Journey(steps[-_STEPS:], waiting, usual.slow, usual.moves, waiting > usual.slow)


def waits_of(profile: Profile, gap: float) -> list[tuple[str, float]]:
    """By phase, the days from each step until the next, where both are known."""
    return [(step.phase, step.wait) for step in _steps(profile, gap) if step.wait is not None]


def _steps(profile: Profile, gap: float) -> list[Step]:
    entries, whole = kept_entries(profile, NEWEST)
    since = entries[whole - 1].time if whole < len(entries) else -inf
    runs: list[tuple[str, list[float]]] = []  # by phase, times that are close together
    open_: dict[str, list[float]] = {}
    told = [(entry.time, phase) for entry in entries if (phase := _OF_MARK.get(entry.mark)) is not None]
    for time, phase in sorted(told + _sent(profile, told)):
        run = open_.get(phase)
        if run is not None and time - run[-1] <= gap:
            run.append(time)
        else:
            runs.append((phase, run := [time]))
            open_[phase] = run
    runs.sort(key=lambda run: (run[1][0], _ORDER[run[0]]))
    found = []
    for at, (phase, times) in enumerate(runs):
        follows = at + 1 < len(runs) and times[-1] >= since
        wait = max(runs[at + 1][1][0] - times[-1], 0.0) / DAY if follows else None
        found.append(Step(phase, times[0], times[-1], len(times), wait))
    return found


def _sent(profile: Profile, told: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The days that began with a campaign, or with what we sent, beside those clicks in it that are told already."""
    if profile.traces is None or not profile.traces.begun:
        return []
    known = {int(time) for time, phase in told if phase == "aware"}
    return [
        (float(each.second), "aware")
        for each in begun_of(profile.traces.begun)
        if each.origin in _SENT and each.second not in known
    ]
