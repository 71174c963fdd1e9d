"""With what customers come, and through which channel: shares of the days on which they came, the latest weigh most.

Of a day its first coming counts, so somebody who looks in ten times a day weighs no more than who comes once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from models.durations import DAY
from profiles.traces.begun import Begun, begun_of
from profiles.types import Profile

__all__ = ["LEAST", "Comings", "ShareOf", "comings_of"]

LEAST = 5
"""Days on which it is known."""

_WITHIN = 180 * DAY
_HALF_LIFE = 90 * DAY


@dataclass(frozen=True, slots=True)
class ShareOf:
    """What a part of a customer's comings, or orders, is like."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Comings:
    """Shares, the largest first; empty where fewer than five days are known."""

    channels: list[ShareOf]
    devices: list[ShareOf]
    days: int  # of 180, that are kept


def comings_of(profile: Profile, now: float) -> Comings:
    """With what a customer comes, of the latest 64 days on which they did."""
    held = begun_of(profile.traces.begun) if profile.traces is not None else []
    lately = [each for each in held if now - _WITHIN < each.second <= now]
    return Comings(
        _shares(((each.channel, each) for each in lately), now),
        _shares(((each.device, each) for each in lately), now),
        len(lately),
    )


def _shares(named: Iterable[tuple[str, Begun]], now: float) -> list[ShareOf]:
    known = [(name, each) for name, each in named if name]
    if len(known) < LEAST:
        return []
    weights: defaultdict[str, float] = defaultdict(float)
    for name, each in known:
        weights[name] += 2.0 ** (-(now - each.second) / _HALF_LIFE)
    whole = sum(weights.values())
    return sorted(
        (ShareOf(name, each / whole) for name, each in weights.items()), key=lambda one: (-one.share, one.name)
    )
