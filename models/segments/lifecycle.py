"""The stage of a customer's life: prospect, new, active, loyal, at risk, churned, won back."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from models.config import ChurnConfig
from profiles.types import Profile

__all__ = ["AT_RISK", "StageName", "move", "next_change", "stage"]

StageName = Literal["prospect", "new", "active", "loyal", "at_risk", "churned", "won_back"]

AT_RISK: StageName = "at_risk"
"""The stage that a high risk puts a customer into."""

_REMEMBERED = 8  # earlier stages a profile keeps


def stage(profile: Profile, now: float, config: ChurnConfig) -> StageName:
    """The first of these that is true.

    prospect (no order) · churned (none within the horizon) · new (first order within `new_for`) · won back (an order
    within `won_back_for` ended a silence of the horizon) · at risk (high band) · loyal (`loyal_orders` orders) · active
    """
    bought, limits = profile.purchases, config.lifecycle
    if not bought.orders:
        return "prospect"
    if now >= bought.last + config.horizon:
        return "churned"
    if now < bought.first + limits.new_for:
        return "new"
    returned = _returned(profile, config)
    if returned is not None and now < returned + limits.won_back_for:
        return "won_back"
    if profile.score is not None and profile.score.band == "high":
        return AT_RISK
    return "loyal" if bought.orders >= limits.loyal_orders else "active"


def next_change(profile: Profile, now: float, config: ChurnConfig) -> float | None:
    """The earliest time after `now` at which the stage can change although nothing happens; None for never."""
    bought, limits = profile.purchases, config.lifecycle
    if not bought.orders:
        return None
    times = [bought.first + limits.new_for, bought.last + config.horizon]
    returned = _returned(profile, config)
    if returned is not None:
        times.append(returned + limits.won_back_for)
    return min((time for time in times if time > now), default=None)


def move(profile: Profile, now: float, config: ChurnConfig) -> bool:
    """Bring the profile's stage up to date, keeping the earlier ones with the time each began; whether it changed."""
    found = stage(profile, now, config)
    if found == profile.stage:
        return False
    if profile.stage:
        profile.stages = [*profile.stages, (profile.stage, profile.stage_since)][-_REMEMBERED:]
    profile.stage, profile.stage_since = found, now
    return True


def _returned(profile: Profile, config: ChurnConfig) -> float | None:
    """When the latest silence of the horizon ended."""
    recent = profile.purchases.recent
    return max((after for before, after in pairwise(recent) if after - before >= config.horizon), default=None)
