"""What a log spans: the days between its first and its last event, not moved by a few times that cannot be right.

A phone whose clock is a year ahead, or was never set, adds a year of silence to a log, or fifty: everybody has left by
then. So a few events beyond a gap at either end do not count. A gap is one if it

* is longer than a week,
* is more than twice as long as the longest between the inner nine tenths of the events (a shop that opens for Christmas
  alone has long gaps of its own), and
* would have had EXPECTED events at the rate of those;

and few are events of which there are at most FEW, or a hundredth of all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["EXPECTED", "FEW", "span"]

EXPECTED = 30
"""Events that a gap would have had at the usual rate, at least."""

FEW = 5
"""Events beyond a gap that may always be left out."""

_SHARE = 0.01  # of all events that may be
_WEEK = 7
_TAIL = 0.05  # of all events at either end that say nothing about what is usual


def span(days: Mapping[int, int]) -> tuple[int, int]:
    """The first and the last day of a log.

    Args:
        days: how many events each day had that had any, by the number of the day.

    Raises:
        ValueError: there are none.
    """
    if not days:
        raise ValueError("there are no events")
    day = np.array(sorted(days))
    upto = np.cumsum([days[one] for one in day.tolist()])
    total = int(upto[-1])
    inner = day[np.searchsorted(upto, _TAIL * total) : np.searchsorted(upto, (1 - _TAIL) * total) + 1]
    rate = (1 - 2 * _TAIL) * total / (inner[-1] - inner[0] + 1)
    gaps = np.diff(day)
    least = max(_WEEK, 2 * int(np.diff(inner).max(initial=0)), EXPECTED / rate)
    few = min(max(FEW, _SHARE * total), total / 4)
    first = np.flatnonzero((gaps > least) & (upto[:-1] <= few))
    last = np.flatnonzero((gaps > least) & (total - upto[:-1] <= few))
    return int(day[first[-1] + 1 if len(first) else 0]), int(day[last[0] if len(last) else -1])
