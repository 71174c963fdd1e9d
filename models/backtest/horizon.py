"""Which churn horizon suits the customers there are: what their own history says of each candidate.

A horizon that is too short calls customers lost who were only slow; one that is too long tells too late. The usual rule
is the smallest horizon that nine in ten of the customers' own gaps between orders fit into.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK
from models.features.orders import SAME_OCCASION

__all__ = ["CANDIDATES", "COVERED", "Candidate", "Horizons", "horizons"]

Array = NDArray[np.float64]

CANDIDATES = (4, 8, 13, 26, 39, 52)
"""Horizons that are looked at, weeks."""

COVERED = 0.9
"""The share of the customers' own gaps that the recommended horizon covers."""

PRECISE = 0.02
"""The largest standard error of the covered share that a recommendation may be relied on with: 400 gaps of CDNOW."""

FOLLOWED = 26
"""Weeks after a silent spell in which an order makes it a false alarm."""


@dataclass(frozen=True)
class Candidate:
    """One horizon; a share is None where the history is too short to know it."""

    weeks: int
    gaps_within: float | None  # share of the gaps between a customer's own orders that are no longer
    false_churn: float | None  # share of the silences of a horizon that an order ended within FOLLOWED weeks more
    spells: int  # silences that this is a share of
    churn_all: float | None  # share of all customers without an order in the last horizon that is known
    churn_active: float | None  # the same, of those who ordered in the horizon before it


@dataclass(frozen=True)
class Horizons:
    """The table and what it comes to."""

    customers: int
    gaps: int
    weeks_known: float  # from the first order to the end of the log
    candidates: list[Candidate]
    recommended: int | None  # weeks; None without a gap
    error: float | None  # standard error, by customers, of the share of gaps that the recommended horizon covers
    needed: int | None  # gaps, if there are too few for that error to be PRECISE
    why: str

    def as_dict(self) -> dict[str, object]:
        """As JSON types."""
        return asdict(self)


def horizons(histories: Iterable[Sequence[float]], end: float, candidates: Sequence[int] = CANDIDATES) -> Horizons:
    """Look at each candidate.

    Args:
        histories: the order times of each customer, ascending, seconds. Orders of one occasion count once.
        end: until when orders are known, seconds.
        candidates: weeks; the recommended horizon is added.
    """
    people = [occasions for history in histories if len(occasions := _occasions(history))]
    if not people:
        return Horizons(0, 0, 0.0, [], None, None, None, "there are no orders")
    starts = np.concatenate(people)
    nexts = np.concatenate([np.append(history[1:], np.inf) for history in people])
    gaps = np.sort((nexts - starts)[np.isfinite(nexts)])
    known = float(end - starts.min()) / WEEK
    recommended = _smallest(gaps)
    weeks = sorted({*candidates, *([recommended] if recommended else [])})
    found = [_candidate(week, starts, nexts, gaps, people, end) for week in weeks if week <= known]
    if recommended is None:
        why = "no customer ordered twice, so nothing is known about their gaps"
        return Horizons(len(people), 0, known, found, None, None, None, why)
    error = _error(people, recommended * WEEK)
    needed = None if error <= PRECISE else _rounded_up(len(gaps) * (error / PRECISE) ** 2)
    why = _why(recommended, gaps, known, error, needed)
    return Horizons(len(people), len(gaps), known, found, recommended, error, needed, why)


def _occasions(history: Sequence[float]) -> Array:
    times = np.asarray(history, dtype=np.float64)
    return times[np.diff(times, prepend=-np.inf) > SAME_OCCASION]


def _smallest(gaps: Array) -> int | None:
    """The smallest number of whole weeks that COVERED of the gaps fit into."""
    if not len(gaps):
        return None
    at = gaps[math.ceil(COVERED * len(gaps)) - 1]
    return max(1, math.ceil(float(at) / WEEK - 1e-9))


def _error(people: Sequence[Array], span: float) -> float:
    """The standard error of the share of gaps within a span.

    Of a ratio, by customers, since the gaps of one are alike (Cochran 1977, "Sampling Techniques", 2.9); a handful of
    customers may be alike by chance, so it is no less than that of as many gaps of as many customers.
    """
    gaps = np.array([len(history) - 1 for history in people])
    within = np.array([np.count_nonzero(np.diff(history) <= span) for history in people])
    rest = within - gaps * (within.sum() / gaps.sum())
    by_chance = math.sqrt(COVERED * (1 - COVERED) / gaps.sum())
    return max(math.sqrt(float(rest @ rest)) / int(gaps.sum()), by_chance)


def _rounded_up(number: float) -> int:
    """To two digits."""
    digit: int = 10 ** max(math.floor(math.log10(number)) - 1, 0)
    return math.ceil(number / digit) * digit


def _candidate(weeks: int, starts: Array, nexts: Array, gaps: Array, people: Sequence[Array], end: float) -> Candidate:
    span, follow = weeks * WEEK, FOLLOWED * WEEK
    known = starts < end - span - follow  # its silence and what followed are in the log
    silent = known & (nexts > starts + span)
    spells = int(silent.sum())
    back = int((silent & (nexts <= starts + span + follow)).sum())
    at = end - span
    here = [history for history in people if history[0] < at]
    last = np.array([history[np.searchsorted(history, at) - 1] for history in here])
    stays = np.array([history[-1] >= at for history in here])
    active = last >= at - span if here else np.zeros(0, bool)
    # Without a horizon before it, everybody is active and the two rates say the same.
    tells = at - span > starts.min()
    return Candidate(
        weeks,
        float(np.searchsorted(gaps, span, side="right") / len(gaps)) if len(gaps) else None,
        back / spells if spells else None,
        spells,
        float(1 - stays.mean()) if here else None,
        float(1 - stays[active].mean()) if tells and active.any() else None,
    )


def _why(recommended: int, gaps: Array, known: float, error: float, needed: int | None) -> str:
    share = float(np.searchsorted(gaps, recommended * WEEK, side="right") / len(gaps))
    text = f"{recommended} weeks is the shortest horizon into which {COVERED:.0%} of the own gaps fit ({share:.1%})"
    if known < 2 * recommended:
        text += f"; {known:.0f} weeks of history are short for it and hide longer gaps: look again with twice as many"
    if needed:
        text += (
            f"; the sample is too small: with {len(gaps):,} gaps that share has a standard error of {error * 100:.0f} "
            f"points, and about {needed:,} gaps are needed for one of {PRECISE * 100:.0f}"
        )
    return text
