"""Learning how far the champion is off by group: random effects on its log-odds, one label at a time.

Every label of the whole horizon tells of all groups of its customer at once. The effects have a Gaussian belief around
0 (an extended Kalman filter for logistic regression, as in `models.churn.bayes`), so a group of few labels keeps an
effect of about 0, and what two groups that overlap have in common is not counted twice. Beliefs widen a little with
every label, so that effects follow what changes. Of habits (`models.labels.habits`), of which there are many, only the
level is learned.

Whether they are applied is decided by what they have proved: each label is first judged with and without them; and an
effect counts only where it is surely none of chance (SURE), as with fifty groups one always seems to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from models.churn.calibration import EVERYBODY, Calibration, inputs
from models.churn.scaling import sigmoid
from models.codec import Array, State
from models.labels.habits import HABIT

__all__ = ["ADMITTED", "LEAST", "PROOF", "SURE", "GroupEffects"]

ADMITTED = 50
"""Labels of a group before it has an effect of its own."""

LEAST = 100
"""Labels before effects are applied."""

PROOF = 1.0
"""Standard errors by which predictions must be better with the effects for them to be applied."""

SURE = 2.5
"""Standard deviations from 0 that an effect of a group must have for its effects to be applied."""

_GROUPS, _HABITS = 32, 24  # that have effects
_MET = 256  # whose labels are counted; the one with the fewest makes room
_LEVEL, _STEEPNESS = 0.1, 0.05  # prior variances
_HABIT = 1.0  # of the level of a habit
_WIDENED = 2e-6  # of the prior variance, that every label of a group gives back
_MEMORY = 2000.0  # labels that the proof remembers
_CHANCE = 1.0  # variances of an effect that are taken off its square
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
    until: float = 0.0  # of the latest

    @classmethod
    def new(cls, model: str, after: float = 0.0) -> GroupEffects:
        """Before the first label."""
        return cls(model, 0, {}, [EVERYBODY], np.zeros(2), np.diag([_LEVEL, _STEEPNESS]), 0.0, 0.0, after)

    def __post_init__(self) -> None:
        n, ends = len(self.mean), list(accumulate(map(_width, self.groups)))
        if not ends or n != ends[-1] or self.covariance.shape != (n, n) or self.groups[0] != EVERYBODY:
            raise ValueError("numbers are missing")
        self._places = {name: (end - _width(name), end) for name, end in zip(self.groups, ends, strict=True)}
        self._prior = np.concatenate([_prior(name) for name in self.groups])

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
        self._update(z, places, sigmoid(odds + float(z @ self.mean[places])), float(y), weight)
        self.labels += 1
        for name in groups:
            self._meet(name)

    def risk(self, odds: float, groups: Sequence[str]) -> float:
        """The risk as it is shown: calibrated, once that is proved."""
        if not self.proved:
            return sigmoid(odds)
        z, places = self._inputs(odds, groups)
        return sigmoid(odds + float(z @ self._sure()[places]))

    def _sure(self) -> Array:
        """The effects as they are applied: of groups that are off by no chance, less what could be (James, Stein)."""
        chance, square = np.diagonal(self.covariance), np.maximum(self.mean**2, 1e-12)
        places = list(self._places.values())
        off = np.maximum.reduceat(square / chance, [begin for begin, _ in places]) > SURE**2
        off = np.repeat(off, [end - begin for begin, end in places])
        sure = np.zeros_like(self.mean)
        if not off.any():
            return sure
        # What those that are left out share with the others is theirs: the belief, given that the left out are 0.
        shared = np.linalg.solve(self.covariance[~off][:, ~off], self.covariance[~off][:, off])
        mean = self.mean[off] - self.mean[~off] @ shared
        chance = np.diagonal(self.covariance[off][:, off] - self.covariance[off][:, ~off] @ shared)
        sure[off] = mean * np.maximum(1.0 - _CHANCE * chance / np.maximum(mean**2, 1e-12), 0.0)
        return sure

    @property
    def proved(self) -> bool:
        """Whether effects make predictions better."""
        lasting = self.since is not None and self.until - self.since >= self.after
        return lasting and self.labels >= LEAST and self.gain > PROOF * math.sqrt(self.doubt)

    def export(self) -> Calibration | None:
        """The effects, for the scorers; None while they are not proved.

        Raises:
            ValueError: a number is not finite.
        """
        if not self.proved:
            return None
        sure = self._sure().tolist()
        effects = {name: (sure[i], sure[end - 1] if end - i > 1 else 0.0) for name, (i, end) in self._places.items()}
        return Calibration(self.model, effects, self.labels)

    def _inputs(self, odds: float, groups: Sequence[str]) -> tuple[Array, list[int]]:
        known = [self._places[name] for name in (EVERYBODY, *groups) if name in self._places]
        each = inputs(np.array([odds]))[0]
        places = [place for begin, end in known for place in range(begin, end)]
        return np.concatenate([each[: end - begin] for begin, end in known]), places

    def _update(self, z: Array, places: list[int], p: float, y: float, weight: float) -> None:
        self.covariance[places, places] += _WIDENED * self._prior[places]
        information = max(p * (1.0 - p), _FAINT) * weight
        spread = self.covariance[:, places] @ z
        surprise = 1.0 / information + float(spread[places] @ z)
        self.covariance -= np.outer(spread, spread) / surprise
        self.mean += spread * ((y - p) * weight / (information * surprise))

    def _meet(self, name: str) -> None:
        if name not in self.met and len(self.met) >= _MET:
            del self.met[min(self.met, key=lambda one: (self.met[one], one))]
        self.met[name] = self.met.get(name, 0) + 1
        if self.met[name] >= ADMITTED and name not in self._places:
            alike = sum(_width(one) == _width(name) for one in self.groups)
            if alike < (_GROUPS if _width(name) > 1 else _HABITS):
                self._admit(name)

    def _admit(self, name: str) -> None:
        n, prior = len(self.mean), _prior(name)
        grown = np.diag(np.concatenate([np.zeros(n), prior]))
        grown[:n, :n] = self.covariance
        self._places[name] = n, n + len(prior)
        self._prior = np.append(self._prior, prior)
        self.groups.append(name)
        self.mean = np.append(self.mean, np.zeros(len(prior)))
        self.covariance = grown


def _prior(name: str) -> Array:
    """The variances of a group's effects before any label."""
    return np.array([_HABIT] if name.startswith(HABIT) else [_LEVEL, _STEEPNESS])


def _width(name: str) -> int:
    return len(_prior(name))


def _loss(p: float, y: bool) -> float:
    return -math.log(max(p if y else 1.0 - p, 1e-6))
