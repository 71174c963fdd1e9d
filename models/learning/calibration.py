"""Learning how far the champion is off by group: random effects on its log-odds, one label at a time.

Every label of the whole horizon tells of all groups of its customer at once. The effects have a Gaussian belief around
0 (an extended Kalman filter for logistic regression, as in `models.churn.bayes`), so a group of few labels keeps an
effect of about 0, and what two groups that overlap have in common is not counted twice. Beliefs widen a little with
every label, so that effects follow what changes. Of habits (`models.labels.habits`), of which there are many, only the
level is learned.

Rules that are set by hand rank before anybody knows how many leave, so their level is anybody's guess, and a sign of
theirs may say too much: what everybody has in common is believed to be far off, and is applied sooner. With a steepness
of −UNIT the risk is the base rate; so risks by rules that know nothing come to that. As such a belief follows a few
labels, each counts as much as it tells beside those of the same customer, whose horizons overlap with its own.

No risk is shown that was worse than the base rate for long: it is drawn towards that by as much as its labels ask for.

Whether they are applied is decided by what they have proved: each label is first judged with and without them; and an
effect counts only where it is surely none of chance (SURE), as with fifty groups one always seems to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from models.churn.calibration import EVERYBODY, MOST, UNIT, Calibration, inputs
from models.churn.scaling import sigmoid
from models.codec import Array, State
from models.labels.habits import HABIT

__all__ = ["ADMITTED", "LEAST", "LEAST_BY_HAND", "PROOF", "SURE", "GroupEffects", "settled"]

ADMITTED = 50
"""Labels of a group before it has an effect of its own."""

LEAST, LEAST_BY_HAND = 100, 20
"""Labels before effects are applied; of rules set by hand."""

PROOF = 1.0
"""Standard errors by which predictions must be better with the effects for them to be applied."""

SURE = 2.5
"""Standard deviations from 0 that an effect of a group must have for its effects to be applied."""

_GROUPS, _HABITS = 32, 24  # that have effects
_MET = 256  # whose labels are counted; the one with the fewest makes room
_LEVEL, _STEEPNESS = 0.1, 0.05  # prior variances
_BY_HAND = {"rules": (4.0, 4.0)}  # of everybody, where a person has set the weights
_STEPS = 30  # of Newton's method, with halving, for one label
_HABIT = 1.0  # of the level of a habit
_WIDENED = 2e-6  # of the prior variance, that every label of a group gives back
_MEMORY = 2000.0  # labels that the proof remembers
_CHANCE = 1.0  # variances of an effect that are taken off its square
_RATE = 0.5  # of the comparison with the base rate; labels of one customer are alike, so each counts half
_DOUBTED = 3.5  # nats that the base rate must be ahead for it to count as much as the risk: 3 % at first
_LEAST_SHARE = 0.2
_FARTHEST = 6.5  # nats that either may be ahead, so that what changes shows soon
_FAINT = 1e-3  # least variance of an outcome


class GroupEffects(State):
    """Effects on the risk that one model says."""

    model: str  # name of the kind
    labels: int
    met: dict[str, int]  # labels by group
    groups: list[str]  # with effects, in the order of `mean`
    mean: Array  # level and steepness of each, of a habit the level alone
    covariance: Array  # of those, a row for each
    gain: float  # fading sums: log loss without, less that with…
    doubt: float  # …and the squares of that
    after: float  # seconds that labels must cover before effects are applied: the first tell of a young model
    since: float | None = None  # time of the first label
    came: float = 0.0  # fading sums: who churned…
    seen: float = 0.0  # …of whom
    ahead: float = 0.0  # by how many nats the share of those who churned was the better prediction of late
    until: float = 0.0  # of the latest
    apart: float = 1.0  # what a label of rules set by hand counts, as those of one customer overlap

    @classmethod
    def new(cls, model: str, after: float = 0.0, apart: float = 1.0) -> GroupEffects:
        """Before the first label.

        Args:
            model: name of the kind.
            after: seconds that labels must cover before effects of what has learned are applied.
            apart: the share of its horizon after which the next label of a customer begins; 1 for all of it.
        """
        by_hand = model in _BY_HAND
        start = np.diag(_prior(EVERYBODY, model))
        return cls(
            model, 0, {}, [EVERYBODY], np.zeros(2), start, 0.0, 0.0, 0.0 if by_hand else after,
            apart=min(apart, 1.0) if by_hand else 1.0,
        )  # fmt: skip

    def __post_init__(self) -> None:
        n, ends = len(self.mean), list(accumulate(map(_width, self.groups)))
        if not ends or n != ends[-1] or self.covariance.shape != (n, n) or self.groups[0] != EVERYBODY:
            raise ValueError("numbers are missing")
        self._by_hand = self.model in _BY_HAND
        self._places = {name: (end - _width(name), end) for name, end in zip(self.groups, ends, strict=True)}
        self._prior = np.concatenate([_prior(name, self.model) for name in self.groups])

    def learn(self, odds: float, groups: Sequence[str], y: bool, weight: float, at: float = 0.0) -> None:
        """Learn whether a customer churned, after it was judged what is known.

        Args:
            odds: log-odds of the risk that was said.
            groups: of the customer then.
            y: whether they churned.
            weight: how many customers it stands for.
            at: when that was known.
        """
        self.since = at if self.since is None else self.since
        self.until = max(self.until, at)
        z, places = self._inputs(odds, groups)
        better = weight * (_loss(sigmoid(odds), y) - _loss(sigmoid(odds + float(z @ self._sure()[places])), y))
        fade = 1.0 - 1.0 / _MEMORY
        self.gain = fade * self.gain + better
        self.doubt = fade * fade * self.doubt + better * better
        shown = sigmoid(odds + (float(z @ self._sure()[places]) if self.proved else 0.0))
        self._hold_against_the_base_rate(_loss(shown, y), y, weight)
        self._update(z, places, odds + float(z @ self.mean[places]), float(y), weight * self.apart)
        self.labels += 1
        for name in groups:
            self._meet(name)

    def risk(self, odds: float, groups: Sequence[str]) -> float:
        """The risk as it is shown: calibrated, once that is proved, and as near to the base rate as it has to be."""
        shift = 0.0
        if self.proved:
            z, places = self._inputs(odds, groups)
            shift = float(z @ self._sure()[places])
        share = self.share
        return sigmoid(odds + (1.0 - share) * shift + share * (self._base() - min(max(odds, -MOST), MOST)))

    @property
    def share(self) -> float:
        """What the base rate counts for in the log-odds that are shown; 0 while risks are no worse than it."""
        share = 1.0 / (1.0 + math.exp(_DOUBTED - self.ahead))
        return share if share >= _LEAST_SHARE else 0.0

    def _base(self) -> float:
        """The log-odds of the share of those who churned."""
        return math.log((self.came + 0.5) / (self.seen - self.came + 0.5))

    def _hold_against_the_base_rate(self, loss: float, y: bool, weight: float) -> None:
        """Compare a risk with the base rate before its label is counted in.

        The share that the base rate gets is that of exponential weights (Hedge), and log loss is convex in log-odds: so
        what is shown is worse than the better of both by no more than a few nats in all, whoever said it.
        """
        better = _RATE * weight * (loss - _loss(sigmoid(self._base()), y)) if self.seen else 0.0
        self.ahead = min(max(self.ahead + better, -_FARTHEST), _FARTHEST)
        fade = 1.0 - 1.0 / _MEMORY
        self.came, self.seen = fade * self.came + weight * y, fade * self.seen + weight

    def _sure(self) -> Array:
        """The effects as they are applied: of groups that are off by no chance, less what could be (James, Stein)."""
        chance, square = np.diagonal(self.covariance), np.maximum(self.mean**2, 1e-12)
        places = list(self._places.values())
        off = np.maximum.reduceat(square / chance, [begin for begin, _ in places]) > SURE**2
        if self._by_hand:  # what groups that nearly everybody is in share with everybody is everybody's
            first = np.arange(len(self.mean)) < 2
            off[0] = _together(*self._without(~first)) > SURE**2
        off = np.repeat(off, [end - begin for begin, end in places])
        sure = np.zeros_like(self.mean)
        if not off.any():
            return sure
        mean, belief = self._without(~off)
        kept = np.maximum(1.0 - _CHANCE * np.diagonal(belief) / np.maximum(mean**2, 1e-12), 0.0)
        if self._by_hand and off[0]:  # level and steepness alone are not known where all labels have much the same risk
            kept[:2] = max(1.0 - 2 * _CHANCE / _together(mean[:2], belief[:2, :2]), 0.0)
        sure[off] = mean * kept
        return sure

    def _without(self, out: NDArray[np.bool_]) -> tuple[Array, Array]:
        """The belief about all effects but some, given that those are 0: what they share with the others is theirs."""
        rest = ~out
        shared = np.linalg.solve(self.covariance[out][:, out], self.covariance[out][:, rest])
        return self.mean[rest] - self.mean[out] @ shared, (
            self.covariance[rest][:, rest] - self.covariance[rest][:, out] @ shared
        )

    @property
    def proved(self) -> bool:
        """Whether effects make predictions better."""
        lasting = self.since is not None and self.until - self.since >= self.after
        least = LEAST_BY_HAND if self._by_hand else LEAST
        return lasting and self.labels >= least and self.gain > PROOF * math.sqrt(self.doubt)

    def export(self) -> Calibration | None:
        """The effects, for the scorers; None while they are not proved.

        Raises:
            ValueError: a number is not finite.
        """
        share, proved = self.share, self.proved
        if not proved and not share:
            return None
        sure = ((1.0 - share) * self._sure()).tolist() if proved else [0.0] * len(self.mean)
        effects = {name: (sure[i], sure[end - 1] if end - i > 1 else 0.0) for name, (i, end) in self._places.items()}
        level, steepness = effects[EVERYBODY]
        effects[EVERYBODY] = level + share * self._base(), steepness - share * UNIT
        return Calibration(self.model, effects, self.labels)

    def _inputs(self, odds: float, groups: Sequence[str]) -> tuple[Array, list[int]]:
        known = [self._places[name] for name in (EVERYBODY, *groups) if name in self._places]
        each = inputs(np.array([odds]))[0]
        places = [place for begin, end in known for place in range(begin, end)]
        return np.concatenate([each[: end - begin] for begin, end in known]), places

    def _update(self, z: Array, places: list[int], odds: float, y: float, weight: float) -> None:
        """Move the belief to its mode after a label (an iterated extended Kalman filter), so that one surprise moves no
        further than it explains itself, however wide the belief is."""
        self.covariance[places, places] += _WIDENED * self._prior[places]
        spread = self.covariance[:, places] @ z
        moved = settled(odds, float(spread[places] @ z), y, weight)
        p = sigmoid(odds + moved)
        information = max(p * (1.0 - p), _FAINT) * weight
        self.covariance -= np.outer(spread, spread) / (1.0 / information + float(spread[places] @ z))
        self.mean += spread * ((y - p) * weight)

    def _meet(self, name: str) -> None:
        if name not in self.met and len(self.met) >= _MET:
            del self.met[min(self.met, key=lambda one: (self.met[one], one))]
        self.met[name] = self.met.get(name, 0) + 1
        if self.met[name] >= ADMITTED and name not in self._places:
            alike = sum(_width(one) == _width(name) for one in self.groups)
            if alike < (_GROUPS if _width(name) > 1 else _HABITS):
                self._admit(name)

    def _admit(self, name: str) -> None:
        n, prior = len(self.mean), _prior(name, self.model)
        grown = np.diag(np.concatenate([np.zeros(n), prior]))
        grown[:n, :n] = self.covariance
        self._places[name] = n, n + len(prior)
        self._prior = np.append(self._prior, prior)
        self.groups.append(name)
        self.mean = np.append(self.mean, np.zeros(len(prior)))
        self.covariance = grown


def _together(mean: Array, covariance: Array) -> float:
    """How far effects are from 0, as a square of standard deviations."""
    return max(float(mean @ np.linalg.solve(covariance, mean)), 1e-12)


def settled(odds: float, variance: float, y: float, weight: float) -> float:
    """How far log-odds of that variance move with a label: the root of d − variance · weight · (y − p(odds + d))."""
    most = variance * weight * (y - sigmoid(odds))  # beyond it lies no root, nor before 0
    low, high = min(0.0, most), max(0.0, most)
    moved = most / (1.0 + variance * weight * sigmoid(odds) * (1.0 - sigmoid(odds)))
    for _ in range(_STEPS):
        p = sigmoid(odds + moved)
        off = moved - variance * weight * (y - p)
        low, high = (moved, high) if off < 0 else (low, moved)
        step = moved - off / (1.0 + variance * weight * p * (1.0 - p))
        step = step if low <= step <= high else (low + high) / 2
        if abs(step - moved) < 1e-12:
            return step
        moved = step
    return moved


def _prior(name: str, model: str) -> Array:
    """The variances of a group's effects before any label."""
    if name == EVERYBODY and model in _BY_HAND:
        return np.array(_BY_HAND[model])
    return np.array([_HABIT] if name.startswith(HABIT) else [_LEVEL, _STEEPNESS])


def _width(name: str) -> int:
    return 1 if name.startswith(HABIT) else 2


def _loss(p: float, y: bool) -> float:
    return -math.log(max(p if y else 1.0 - p, 1e-6))
