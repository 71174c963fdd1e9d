"""Percentiles of many numbers in little memory, the same whatever order they come in and however they are divided.

Of up to POINTS different numbers nothing is lost: each is kept with how often it came. Of more, POINTS are kept, evenly
spread by rank, which puts a rank off by half of 1/POINTS at most (again each time that _MOST more have come). Sketches
such as KLL are as good in less memory, but they draw lots with a seed that cannot be set: no two counts of the same
customers rank alike, and customers near an edge would be in other segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["POINTS", "Percentiles", "Points", "join", "many", "percentiles"]

POINTS = 4096

_MOST = 16 * POINTS  # numbers that are collected until they are put to the others

_Values = NDArray[np.float64]
_Counts = NDArray[np.int64]


class Points(msgspec.Struct, array_like=True, gc=False):
    """Different numbers, ascending, and how many each stands for."""

    values: bytes = b""  # float64, little-endian
    counts: bytes = b""  # int64, little-endian


class Percentiles:
    """Numbers as they come."""

    def __init__(self) -> None:
        self._values: _Values = np.empty(0, dtype="<f8")
        self._counts: _Counts = np.empty(0, dtype="<i8")
        self._fresh: list[_Values] = []
        self._waiting = 0

    def add(self, values: Sequence[float]) -> None:
        """Take finite numbers in."""
        self._fresh.append(np.asarray(values, dtype="<f8") + 0.0)  # no -0.0, which is equal to 0.0 and looks otherwise
        self._waiting += len(values)
        if self._waiting >= _MOST:
            self._settle()

    def points(self) -> Points | None:
        """All that came; None if nothing did."""
        self._settle()
        return _packed(self._values, self._counts) if len(self._values) else None

    def _settle(self) -> None:
        fresh = [np.ones(len(values), dtype="<i8") for values in self._fresh]
        together = _together([self._values, *self._fresh], [self._counts, *fresh])
        self._values, self._counts = _spread(*together)
        self._fresh, self._waiting = [], 0


def join(parts: Iterable[Points]) -> Points:
    """The numbers of several, without loss."""
    held = list(parts)
    values = [np.frombuffer(part.values, dtype="<f8") for part in held]
    return _packed(*_together(values, [np.frombuffer(part.counts, dtype="<i8") for part in held]))


def many(points: Points) -> int:
    """How many numbers came."""
    return int(np.frombuffer(points.counts, dtype="<i8").sum())


def percentiles(points: Points) -> list[float]:
    """The first to the 99th: of each the least number that so many percent are not above."""
    values, counts = np.frombuffer(points.values, dtype="<f8"), np.frombuffer(points.counts, dtype="<i8")
    up_to = np.cumsum(counts)
    return [float(edge) for edge in values[np.searchsorted(100 * up_to, np.arange(1, 100) * up_to[-1])]]


def _together(values: Sequence[_Values], counts: Sequence[_Counts]) -> tuple[_Values, _Counts]:
    """Each number once."""
    different, places = np.unique(np.concatenate(values), return_inverse=True)
    added = np.zeros(len(different), dtype="<i8")
    np.add.at(added, places, np.concatenate(counts))
    return different, added


def _spread(values: _Values, counts: _Counts) -> tuple[_Values, _Counts]:
    """At most POINTS of them: the middle one of each of as many equal shares."""
    if len(values) <= POINTS:
        return values, counts
    up_to = np.cumsum(counts)
    borders = np.arange(POINTS + 1) * up_to[-1] // POINTS
    shares = np.diff(borders)
    middles = borders[:-1] + (shares - 1) // 2
    return _together([values[np.searchsorted(up_to, middles, side="right")]], [shares])


def _packed(values: _Values, counts: _Counts) -> Points:
    return Points(values.astype("<f8").tobytes(), counts.astype("<i8").tobytes())
