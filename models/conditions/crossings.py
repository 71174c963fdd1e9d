"""Threshold crossings: the times at which silence alone may turn an answer, so a profile must be looked at again.

Collected once for all rules together, because rules share what they look at: one look at each role a profile has,
whatever the number of rules.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from math import inf
from typing import TypeVar

from models.conditions.where import is_narrowed
from profiles.types import Profile, Tally

__all__ = ["MOMENT", "Crossings", "Find", "Path", "Paths", "first_after"]

MOMENT = 1.0
"""Seconds past a computed crossing, so that rounding cannot leave the value on the threshold."""

T = TypeVar("T")

Find = Callable[[T, float], float]
"""(what moves, now) → the earliest time after now at which it crosses a threshold; infinity for never."""

Path = Callable[[list[float]], Find[T]]
"""How something moves with time alone: makes the `Find` of thresholds, sorted. Conditions that give an equal path share
it, so a path is a function of a module, or a frozen dataclass that can be called."""


class Paths:
    """What conditions tell of the paths that they look at (`Kind.foresee`)."""

    def __init__(self) -> None:
        self.everybody: defaultdict[Path[Profile], set[float]] = defaultdict(set)
        self.buyers: defaultdict[Path[Profile], set[float]] = defaultdict(set)
        self.roles: defaultdict[tuple[str, Path[Tally]], set[float]] = defaultdict(set)

    def of_everybody(self, path: Path[Profile], thresholds: Iterable[float] = ()) -> None:
        """Of any profile."""
        self.everybody[path].update(thresholds)

    def of_buyers(self, path: Path[Profile], thresholds: Iterable[float] = ()) -> None:
        """Of the profiles with orders."""
        self.buyers[path].update(thresholds)

    def of_role(self, role: str, path: Path[Tally], thresholds: Iterable[float] = ()) -> None:
        """Of the tally of a role, or of a part of its events, where a profile has it."""
        self.roles[role, path].update(thresholds)


class Crossings:
    """All threshold crossings of a set of conditions.

    Changes of the risk, its band, the stage and of segments come with a new score and are not foreseen here.
    """

    def __init__(self, paths: Paths) -> None:
        self._everybody = [path(sorted(values)) for path, values in paths.everybody.items()]
        self._buyers = [path(sorted(values)) for path, values in paths.buyers.items()]
        found = [(key, path(sorted(values))) for (key, path), values in paths.roles.items()]
        self._roles = [(key, find) for key, find in found if not is_narrowed(key)]
        self._narrowed = [(key, find) for key, find in found if is_narrowed(key)]

    def next_change(self, profile: Profile, now: float) -> float | None:
        """The earliest time after `now` at which an answer may differ although nothing happens."""
        earliest = inf
        roles = profile.roles
        for role, find_in in self._roles:
            tally = roles.get(role)
            if tally is not None and (time := find_in(tally, now)) < earliest:
                earliest = time
        if profile.narrowed:
            for key, find_in in self._narrowed:
                tally = profile.narrowed.get(key)
                if tally is not None and (time := find_in(tally, now)) < earliest:
                    earliest = time
        for find in self._everybody:
            earliest = min(earliest, find(profile, now))
        if profile.purchases.orders:
            for find in self._buyers:
                earliest = min(earliest, find(profile, now))
        return None if earliest == inf else earliest


def first_after(lengths: list[float], last: float, now: float) -> float:
    """The first `last + length` after `now`, infinity if none is; sums are compared, as the conditions do."""
    for length in lengths[max(bisect_right(lengths, now - last) - 1, 0) :]:
        if last + length > now:
            return last + length
    return inf
