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

from models.conditions.comparisons import Comparison, ranks
from models.conditions.compiler import measures_of
from models.conditions.conditions import Condition, Count, Decayed, GapRatio, NotDone, Since, Sum, leaves
from models.durations import DAY
from models.features.features import usual_gap
from profiles.types import HALF_LIVES, Profile, Tally

__all__ = ["Crossings", "compile_crossings"]

_MOMENT = 1.0  # seconds past a computed crossing, so that rounding cannot leave the value on the threshold


class Crossings:
    """All turns of a set of conditions.

    Args:
        silences: by role (or `any`), the lengths of silence at which an answer may turn, seconds.
        levels: by role and index of the half-life, the decayed counts at which one may.
        ratios: the multiples of the usual gap at which one may.
        windows: by role and length of a window, seconds, which of the latest times may turn one by leaving it.
        spans: the lengths of windows, seconds, that an order may turn one by leaving.
        ranked: whether any condition ranks customers.
    """

    def __init__(
        self,
        silences: dict[str, set[float]],
        levels: dict[tuple[str, int], set[float]],
        ratios: set[float],
        windows: dict[tuple[str, float], set[int]],
        spans: set[float],
        ranked: bool,
    ) -> None:
        self._any = sorted(silences.pop("any", ()))
        self._silences = [(role, sorted(lengths)) for role, lengths in silences.items()]
        self._levels = [
            (role, which, HALF_LIVES[which], sorted(level for level in values if level > 0))
            for (role, which), values in levels.items()
        ]
        self._ratios = sorted(ratios)
        self._windows = [(role, length, sorted(which)) for (role, length), which in windows.items()]
        self._spans = sorted(spans)
        self._ranked = ranked

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which an answer may differ although nothing happens.

        Changes of the risk, its band, the stage and of segments come with a new score and are not foreseen here; so do
        those of ranks, except for customers who get no score: these are looked at again when their silence has grown by
        a tenth, every day at the most and every four weeks at the least.
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
        for role, length, ranks_ in self._windows:
            tally = roles.get(role)
            if tally is not None and (time := _leaves(tally.recent, length, ranks_, now)) < earliest:
                earliest = time
        bought = profile.purchases
        if not bought.orders:
            return None if earliest == inf else earliest
        for length in self._spans:
            earliest = min(earliest, next((time + length for time in bought.recent if time + length > now), inf))
        if self._ranked and not profile.rescore_at:
            earliest = min(earliest, now + min(max((now - bought.last) / 10, DAY), 28 * DAY))
        if self._ratios:
            gap = usual_gap(profile)
            earliest = min(earliest, _after([ratio * gap + _MOMENT for ratio in self._ratios], bought.last, now))
        return None if earliest == inf else earliest


def compile_crossings(rules: Iterable[tuple[Condition, float]]) -> Crossings:
    """Collect the turns of conditions, each with the margin for measured values that set none of their own."""
    silences: defaultdict[str, set[float]] = defaultdict(set)
    levels: defaultdict[tuple[str, int], set[float]] = defaultdict(set)
    windows: defaultdict[tuple[str, float], set[int]] = defaultdict(set)
    ratios: set[float] = set()
    spans: set[float] = set()
    ranked = False
    for condition, margin in rules:
        ranked = ranked or any(measures_of(condition))
        for leaf in leaves(condition):
            match leaf:
                case Since():
                    silences[leaf.since].update(x for x in (leaf.more_than, leaf.less_than) if x is not None)
                case NotDone():
                    silences[leaf.not_done].add(leaf.for_)
                case Decayed():
                    own = margin if leaf.margin is None else leaf.margin
                    levels[leaf.decayed, HALF_LIVES.index(leaf.half_life)].update(_limits(leaf, own))
                case Count(within=within) if within is not None:
                    windows[leaf.count, within] |= {rank for rank in ranks(leaf, leaf.margin or 0.0) if rank > 0}
                case Sum(within=within) if within is not None:
                    spans.add(within)
                case GapRatio():
                    ratios.update(_limits(leaf.gap_ratio, margin if leaf.margin is None else leaf.margin))
                case _:
                    pass  # nothing about it changes by silence alone
    return Crossings(dict(silences), dict(levels), ratios, dict(windows), spans, ranked)


def _limits(comparison: Comparison, margin: float) -> Iterable[float]:
    given = (comparison.above, comparison.below, comparison.at_least, comparison.at_most)
    return [limit * factor for limit in given if limit is not None for factor in (1.0, 1.0 - margin, 1.0 + margin)]


def _after(lengths: list[float], last: float, now: float) -> float:
    """The first `last + length` after `now`, infinity if none is; sums are compared, as the conditions do."""
    for length in lengths[max(bisect_right(lengths, now - last) - 1, 0) :]:
        if last + length > now:
            return last + length
    return inf


def _leaves(recent: list[float], length: float, which: list[int], now: float) -> float:
    """When the first of these latest times leaves a window, infinity if none is in it; the older ones leave first."""
    for rank in reversed(which):
        if rank <= len(recent) and (time := recent[-rank] + length) > now:
            return time
    return inf


def _falls(tally: Tally, which: int, half_life: float, levels: list[float], now: float) -> float:
    """When a decayed count next falls below one of the levels: the highest below its present value."""
    value, last = tally.decayed[which], tally.last
    for level in reversed(levels):
        if value > level and (time := last + half_life * log2(value / level) + _MOMENT) > now:
            return time
    return inf
