"""Which horizons suit the customers there are: what their own history says of each candidate.

**The churn horizon.** One that is too short calls customers lost who were only slow; one that is too long tells too
late. It is the shortest that nine in ten of the customers' own gaps between orders fit into, and of whose silences no
more than a quarter end with an order after all. Every customer has one vote, shared out among their gaps: who orders
every week has fifty gaps a year, and would decide alone how long the silence of the others may be.

**The label horizon**, over which the hazard learns whether an order comes. It must reach as far as some of the gaps do,
or a label says nothing of who leaves (`models.learning.floor`); the shorter, the sooner a model follows a change. It is
the shortest that a quarter of the gaps fit into.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK, format_duration
from models.features.orders import SAME_OCCASION

__all__ = ["CANDIDATES", "COVERED", "FALSE", "REACHED", "Candidate", "Horizons", "horizons"]

Array = NDArray[np.float64]

CANDIDATES = (4, 8, 13, 26, 39, 52)
"""Horizons that are looked at, weeks."""

COVERED = 0.9
"""The share of the customers' own gaps that the recommended horizon covers, each customer counting the same."""

FALSE = 0.25
"""The largest share of the silences of the recommended horizon that an order may have ended, where that is known."""

REACHED = 0.25
"""The share of the customers' own gaps that a label horizon should reach."""

PRECISE = 0.02
"""The largest standard error of the covered share that a recommendation may be relied on with: 225 customers."""

FOLLOWED = 26
"""Weeks after a silent spell in which an order makes it a false alarm."""

_SPELLS = 20  # silences that a share of them means something of
_LONGEST = 104  # weeks up to which a horizon is looked for


@dataclass(frozen=True)
class Candidate:
    """One horizon; a share is None where the history is too short to know it."""

    weeks: int
    gaps_within: float | None  # share of a customer's own gaps that are no longer; the mean of all customers
    false_churn: float | None  # share of the silences of a horizon that an order ended within FOLLOWED weeks more
    spells: int  # silences that this is a share of
    churn_all: float | None  # share of all customers without an order in the last horizon that is known
    churn_active: float | None  # the same, of those who ordered in the horizon before it


@dataclass(frozen=True)
class Horizons:
    """The table and what it comes to."""

    customers: int
    repeaters: int  # customers with a gap
    gaps: int
    weeks_known: float  # from the first order to the end of the log
    candidates: list[Candidate]
    recommended: int | None  # weeks; None without a gap
    error: float | None  # standard error, by customers, of the share of gaps that the recommended horizon covers
    needed: int | None  # customers with a gap, if there are too few for that error to be PRECISE
    why: str
    usual_gap: float | None = None  # weeks; half of the gaps are no longer, each customer counting the same
    label_recommended: int | None = None  # weeks
    label_reaches: float | None = None  # share of the gaps that the plan's label horizon reaches
    warning: str = ""  # about the plan's label horizon; "" if there is nothing to say

    def as_dict(self) -> dict[str, object]:
        """As JSON types."""
        return asdict(self)


def horizons(
    histories: Iterable[Sequence[float]],
    end: float,
    candidates: Sequence[int] = CANDIDATES,
    label_horizon: float | None = None,
) -> Horizons:
    """Look at each candidate.

    Args:
        histories: the order times of each customer, ascending, seconds. Orders of one occasion count once.
        end: until when orders are known, seconds.
        candidates: weeks; the recommended horizon is added.
        label_horizon: the plan's, seconds; to be warned if it is too short.
    """
    people = [occasions for history in histories if len(occasions := _occasions(history))]
    if not people:
        return Horizons(0, 0, 0, 0.0, [], None, None, None, "there are no orders")
    log = _Log.of(people, end)
    known = float(end - log.starts.min()) / WEEK
    recommended, by = _recommended(log)
    weeks = sorted({*candidates, *([recommended] if recommended else [])})
    found = [_candidate(week, log) for week in weeks if week <= known]
    if recommended is None:
        why = "no customer ordered twice, so nothing is known about their gaps"
        return Horizons(len(people), 0, 0, known, found, None, None, None, why)
    repeaters = sum(len(history) > 1 for history in people)
    error = _error(people, recommended * WEEK)
    needed = None if error <= PRECISE else _rounded_up(repeaters * (error / PRECISE) ** 2)
    why = _why(recommended, by, log, known, error, needed, repeaters)
    label = min(_whole_weeks(log.quantile(REACHED)), recommended)
    usual = log.quantile(0.5) / WEEK
    reaches = None if label_horizon is None else log.within(label_horizon)
    warning = _warning(label_horizon, reaches, usual, label)
    return Horizons(
        len(people), repeaters, len(log.gaps), known, found, recommended, error, needed, why, usual, label, reaches,
        warning,
    )  # fmt: skip


@dataclass(frozen=True)
class _Log:
    """All gaps, ascending, with the vote of each; and every order with the one after it."""

    people: Sequence[Array]
    starts: Array
    nexts: Array  # infinite after the last
    gaps: Array
    votes: Array  # up to and with each gap, of all: ascending to 1
    end: float

    @classmethod
    def of(cls, people: Sequence[Array], end: float) -> _Log:
        """Of the order times of each customer."""
        gaps = np.concatenate([np.diff(history) for history in people])
        votes = np.concatenate([np.full(max(len(history) - 1, 0), 1 / max(len(history) - 1, 1)) for history in people])
        order = np.argsort(gaps, kind="stable")
        votes = np.cumsum(votes[order])
        nexts = np.concatenate([np.append(history[1:], np.inf) for history in people])
        return cls(people, np.concatenate(people), nexts, gaps[order], votes / votes[-1] if len(votes) else votes, end)

    def within(self, span: float) -> float:
        """The share of a customer's gaps that are no longer than a span, on average of the customers."""
        upto = int(np.searchsorted(self.gaps, span, side="right"))
        return float(self.votes[upto - 1]) if upto else 0.0

    def quantile(self, share: float) -> float:
        """The gap that this share of the votes is for, or for a shorter one."""
        return float(self.gaps[min(int(np.searchsorted(self.votes, share - 1e-9)), len(self.gaps) - 1)])

    def silences(self, weeks: int) -> tuple[int, int]:
        """How many silences so long are known together with what followed; how many of them an order ended."""
        span, follow = weeks * WEEK, FOLLOWED * WEEK
        known = self.starts < self.end - span - follow  # its silence and what followed are in the log
        silent = known & (self.nexts > self.starts + span)
        return int(silent.sum()), int((silent & (self.nexts <= self.starts + span + follow)).sum())


def _occasions(history: Sequence[float]) -> Array:
    times = np.asarray(history, dtype=np.float64)
    return times[np.diff(times, prepend=-np.inf) > SAME_OCCASION]


def _whole_weeks(span: float) -> int:
    return max(1, math.ceil(span / WEEK - 1e-9))


def _recommended(log: _Log) -> tuple[int | None, int | None]:
    """The recommended horizon, weeks; and the one that covers enough gaps, if that is shorter."""
    if not len(log.gaps):
        return None, None
    covers = _whole_weeks(log.quantile(COVERED))
    for weeks in range(covers, max(covers, _LONGEST) + 1):
        spells, back = log.silences(weeks)
        if spells < _SPELLS or back <= FALSE * spells:
            return weeks, covers if weeks > covers else None
    return covers, None


def _error(people: Sequence[Array], span: float) -> float:
    """The standard error of the share of gaps within a span.

    Each customer's own share is one observation. A handful of customers may be alike by chance, so it is no less than
    that of as many independent gaps.
    """
    shares = np.array([np.mean(np.diff(history) <= span) for history in people if len(history) > 1])
    by_chance = math.sqrt(COVERED * (1 - COVERED) / len(shares))
    return max(float(shares.std()) / math.sqrt(len(shares)), by_chance)


def _rounded_up(number: float) -> int:
    """To two digits."""
    digit: int = 10 ** max(math.floor(math.log10(number)) - 1, 0)
    return math.ceil(number / digit) * digit


def _candidate(weeks: int, log: _Log) -> Candidate:
    span, people = weeks * WEEK, log.people
    spells, back = log.silences(weeks)
    at = log.end - span
    here = [history for history in people if history[0] < at]
    last = np.array([history[np.searchsorted(history, at) - 1] for history in here])
    stays = np.array([history[-1] >= at for history in here])
    active = last >= at - span if here else np.zeros(0, bool)
    # Without a horizon before it, everybody is active and the two rates say the same.
    tells = at - span > log.starts.min()
    return Candidate(
        weeks,
        log.within(span) if len(log.gaps) else None,
        back / spells if spells else None,
        spells,
        float(1 - stays.mean()) if here else None,
        float(1 - stays[active].mean()) if tells and active.any() else None,
    )


def _why(
    recommended: int, covers: int | None, log: _Log, known: float, error: float, needed: int | None, repeaters: int
) -> str:
    share = log.within(recommended * WEEK)
    text = (
        f"{covers or recommended} weeks is the shortest horizon into which {COVERED:.0%} of the own gaps fit, each "
        "customer counting the same"
    )
    if covers:
        spells, back = log.silences(covers)
        text += (
            f", but {back / spells:.0%} of the silences of {covers} weeks end with an order; {recommended} weeks is "
            f"the shortest of which no more than {FALSE:.0%} are known to ({share:.1%} of the gaps)"
        )
    else:
        text += f" ({share:.1%})"
    if known < 2 * recommended:
        text += f"; {known:.0f} weeks of history are short for it and hide longer gaps: look again with twice as many"
    if needed:
        text += (
            f"; the sample is too small: with {repeaters:,} customers who ordered again that share has a standard "
            f"error of {error * 100:.0f} points, and about {needed:,} are needed for one of {PRECISE * 100:.0f}"
        )
    return text


def _warning(label_horizon: float | None, reaches: float | None, usual: float, label: int) -> str:
    """What is to be said about the plan's label horizon."""
    if label_horizon is None or reaches is None or label_horizon >= usual * WEEK:
        return ""
    text = (
        f"the label horizon of {format_duration(label_horizon)} is shorter than the usual gap of {usual:.1f} weeks: "
        f"{reaches:.0%} of the gaps fit into it"
    )
    if reaches >= REACHED:
        return f"{text}, which is enough where the gaps are irregular"
    return (
        f"{text}, so its labels say little of who leaves, and the model that learns from them may be worse than none: "
        f"set churn.label_horizon to {label}w or more"
    )
