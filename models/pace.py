"""How often something happened of late, from what a tally keeps: exact where that can be known, else estimated.

A tally keeps two decayed sums. If events came at a steady rate until two weeks ago, and since then evenly at another,
the sums follow from the two rates; so the rates follow from the sums.
"""

from __future__ import annotations

import math

from profiles.types import HALF_LIVES, Tally

__all__ = ["FORTNIGHT", "MONTH", "before", "within"]

FORTNIGHT, MONTH = 14 * 86400.0, 30 * 86400.0

_OLD, _NEW = [], []  # what one event per fortnight before, and one event within the last, add to each sum
for _half_life in HALF_LIVES:
    _fades = FORTNIGHT / _half_life * math.log(2.0)
    _OLD.append(math.exp(-_fades) / _fades)
    _NEW.append((1.0 - math.exp(-_fades)) / _fades)


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
    if tally.last <= at - FORTNIGHT:
        slow = HALF_LIVES[1] / FORTNIGHT / math.log(2.0)
        return tally.decayed[1] / slow
    return _rates(tally, at)[1]


def _rates(tally: Tally, at: float) -> tuple[float, float]:
    """(events within the last fortnight, events a fortnight before it), each at least 0."""
    gap = min(tally.last - at, 0.0)
    fast, slow = (held * 2.0 ** (gap / half_life) for held, half_life in zip(tally.decayed, HALF_LIVES, strict=True))
    (old_fast, old_slow), (new_fast, new_slow) = _OLD, _NEW
    rate = max((slow * new_fast - fast * new_slow) / (old_slow * new_fast - old_fast * new_slow), 0.0)
    return max((fast - rate * old_fast) / new_fast, 0.0), rate
