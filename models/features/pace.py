"""How often something happened of late, from what a tally keeps: exact where that can be known, else estimated.

A tally keeps two decayed sums. If events came at a steady rate until two weeks ago, and since then evenly at another,
the sums follow from the two rates; so the rates follow from the sums.
"""

from __future__ import annotations

import math

from profiles.types import HALF_LIVES, Tally

__all__ = ["FORTNIGHT", "MONTH", "before", "within"]

FORTNIGHT, MONTH = 14 * 86400.0, 30 * 86400.0


def within(tally: Tally, at: float, window: float) -> tuple[int, bool]:
    """How many events there were in the `window` up to `at`, and whether that is exact."""
    start = at - window
    if tally.last <= start:
        return 0, True
    if tally.first > start:
        return tally.count, True
    if tally.recent and (tally.recent[0] <= start or len(tally.recent) == tally.count):
        return sum(time > start for time in tally.recent), True
    if tally.count <= 2:
        return 1, True  # the last is within, the first is not
    lately, rate = _rates(tally, at)
    return min(max(round(lately + rate * (window / FORTNIGHT - 1.0)), 1), tally.count - 1), False


def before(tally: Tally, at: float) -> float:
    """About how many events there were in a fortnight before the last one; before the last event, if that is older."""
    if tally.last > at - FORTNIGHT:
        return _rates(tally, at)[1]
    slow = HALF_LIVES[1]
    return min(tally.decayed[1] / _added(0.0, max(tally.last - tally.first, FORTNIGHT), slow), tally.count)


def _rates(tally: Tally, at: float) -> tuple[float, float]:
    """(events within the last fortnight, events a fortnight before it), each at least 0."""
    gap, since = min(tally.last - at, 0.0), max(at - tally.first, 2 * FORTNIGHT)
    fast, slow = (held * 2.0 ** (gap / half_life) for held, half_life in zip(tally.decayed, HALF_LIVES, strict=True))
    new_fast, new_slow = (_added(0.0, FORTNIGHT, half_life) for half_life in HALF_LIVES)
    old_fast, old_slow = (_added(FORTNIGHT, since, half_life) for half_life in HALF_LIVES)
    rate = max((slow * new_fast - fast * new_slow) / (old_slow * new_fast - old_fast * new_slow), 0.0)
    return max((fast - rate * old_fast) / new_fast, 0.0), min(rate, tally.count)


def _added(newest: float, oldest: float, half_life: float) -> float:
    """What events between two ages, one a fortnight, add up to in a decayed sum."""
    mean_life = half_life / math.log(2.0)
    return mean_life / FORTNIGHT * (math.exp(-newest / mean_life) - math.exp(-oldest / mean_life))
