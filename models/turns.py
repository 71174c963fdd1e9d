"""When silence alone may turn the answer of a condition: the times at which a profile must be looked at again.

Compiled once for all rules together, because rules share their leaves: one look at each role a profile has, whatever
the number of rules. Too many times are harmless, a missing one is not; so margins, exits and both sides of a `not`
all count, whether or not the customer is inside.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from math import inf, log2

from models.config import Comparison, Condition, Decayed, GapRatio, NotDone, Since, leaves
from models.features import usual_gap
from profiles.types import HALF_LIVES, Profile, Tally

__all__ = ["Turns", "compile_turns"]

_MOMENT = 1.0  # seconds past a computed crossing, so that rounding cannot leave the value on the threshold


class Turns:
    """All turns of a set of conditions.

    Args:
        silences: by role (or `any`), the lengths of silence at which an answer may turn, seconds.
        levels: by role and index of the half-life, the decayed counts at which one may.
        ratios: the multiples of the usual gap at which one may.
    """

    def __init__(
        self, silences: dict[str, set[float]], levels: dict[tuple[str, int], set[float]], ratios: set[float]
    ) -> None:
        self._any = sorted(silences.pop("any", ()))
        self._silences = [(role, sorted(lengths)) for role, lengths in silences.items()]
        self._levels = [
            (role, which, HALF_LIVES[which], sorted(level for level in values if level > 0))
            for (role, which), values in levels.items()
        ]
        self._ratios = sorted(ratios)

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which an answer may differ although nothing happens.

        Changes of the risk, its band, the stage and of segments come with a new score and are not foreseen here.
        """
        roles = profile.roles
        earliest = _after(self._any, profile.updated, now) if profile.updated else inf
        for role, lengths in self._silences:
            tally = roles.get(role)
            if tally is not None and (time := _after(lengths, tally.last, now)) < earliest:
                earliest = time
        for role, which, half_life, levels in self._levels:
            tally = roles.get(role)
            if tally is not None and (time := _falls(tally, which, half_life, levels, now)) < earliest:
                earliest = time
        bought = profile.purchases
        if self._ratios and bought.orders:
            gap = usual_gap(profile)
            earliest = min(earliest, _after([ratio * gap + _MOMENT for ratio in self._ratios], bought.last, now))
        return None if earliest == inf else earliest


def compile_turns(rules: Iterable[tuple[Condition, float]]) -> Turns:
    """Collect the turns of conditions, each with the margin for measured values that set none of their own."""
    silences: defaultdict[str, set[float]] = defaultdict(set)
    levels: defaultdict[tuple[str, int], set[float]] = defaultdict(set)
    ratios: set[float] = set()
    for condition, margin in rules:
        for leaf in leaves(condition):
            match leaf:
                case Since():
                    silences[leaf.since].update(x for x in (leaf.more_than, leaf.less_than) if x is not None)
                case NotDone():
                    silences[leaf.not_done].add(leaf.for_)
                case Decayed():
                    own = margin if leaf.margin is None else leaf.margin
                    levels[leaf.decayed, HALF_LIVES.index(leaf.half_life)].update(_limits(leaf, own))
                case GapRatio():
                    ratios.update(_limits(leaf.gap_ratio, margin if leaf.margin is None else leaf.margin))
                case _:
                    pass  # nothing about it changes by silence alone
    return Turns(dict(silences), dict(levels), ratios)


def _limits(comparison: Comparison, margin: float) -> Iterable[float]:
    given = (comparison.above, comparison.below, comparison.at_least, comparison.at_most)
    return [limit * factor for limit in given if limit is not None for factor in (1.0, 1.0 - margin, 1.0 + margin)]


def _after(lengths: list[float], last: float, now: float) -> float:
    """The first `last + length` after `now`, infinity if none is; sums are compared, as the conditions do."""
    for length in lengths[max(bisect_right(lengths, now - last) - 1, 0) :]:
        if last + length > now:
            return last + length
    return inf


def _falls(tally: Tally, which: int, half_life: float, levels: list[float], now: float) -> float:
    """When a decayed count next falls below one of the levels: the highest below its present value."""
    value, last = tally.decayed[which], tally.last
    for level in reversed(levels):
        if value > level and (time := last + half_life * log2(value / level) + _MOMENT) > now:
            return time
    return inf
