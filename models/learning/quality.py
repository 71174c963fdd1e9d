"""How good predictions turn out to be: bounded, rolling, and the same after a restart.

Outcomes are counted in bins of the predicted log-odds. Every `half` outcomes all counts are halved, so that the figures
follow the latest few thousand; everything reported comes from those counts. Sums are whole numbers of a millionth or
so: adding them up gives the same in any order, and JSON keeps them short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from models.codec import State, Table

__all__ = ["ALL", "HALF", "UNTOUCHED", "Ledger", "Quality", "judge"]

HALF = 4000
"""Outcomes after which the past counts half."""

ALL = "all"
"""The scope of every outcome."""

UNTOUCHED = "untouched"
"""The scope of outcomes that nobody may have changed: no alert was acted on in between."""

_BINS = 64
_WIDEST = 8.0  # log-odds; beyond lies the first and the last bin
_FLOOR = 1e-6  # keeps one certain mistake from being the only figure that counts
_UNIT = 1 << 20
_GROUPS = 15  # of about equal weight, for the calibration error
_TELLING, _OFF = 100, 0.02  # outcomes of a segment, and the least bias, that are worth telling
_WAITING = 4096  # predictions that are judged at once
_MOST = 2.0**50  # a squared weight, so that sums of thousands stay whole numbers
_SEGMENTS = 32  # whose quality is kept; the one that was not met for longest makes room


def judge(p: Sequence[float], y: Sequence[bool], weight: Sequence[float] | float = 1.0) -> Table:
    """Judge predictions that were made before their outcomes were known.

    Returns:
        What each adds: (predictions, 7), its bin, positives, negatives, predicted, log loss, squared error and squared
        weight.
    """
    said, came = np.clip(p, _FLOOR, 1.0 - _FLOOR), np.array(y, dtype=np.float64)
    scale = np.broadcast_to(weight, len(p)) * _UNIT
    place = (np.log(said / (1.0 - said)) + _WIDEST) * (_BINS / (2 * _WIDEST))
    counts = np.empty((len(said), 7))
    counts[:, 0] = np.floor(np.clip(place, 0, _BINS - 1))
    counts[:, 1] = np.rint(scale) * came
    counts[:, 2] = np.rint(scale) * (1.0 - came)
    counts[:, 3] = np.rint(scale * said)
    counts[:, 4] = np.rint(-scale * np.log(np.where(came > 0, said, 1.0 - said)))
    counts[:, 5] = np.rint(scale * (said - came) ** 2)
    counts[:, 6] = np.rint(np.minimum(scale**2 / _UNIT, _MOST))
    return counts.astype(np.int64)


class Quality(State):
    """Rolling log loss, Brier score, AUC, calibration error and bias of a binary prediction."""

    half: int  # outcomes after which the past counts half
    rows: int
    loss: int  # log loss
    squared: int  # squared error
    squares: int  # squared weights
    bins: Table  # positives, negatives, predicted

    def __post_init__(self) -> None:
        if self.bins.shape != (_BINS, 3):
            raise ValueError(f"there are not {_BINS} bins")
        self.waiting: list[int] = []  # a ledger's: which of its predictions are yet to be counted here

    @classmethod
    def new(cls, half: int = HALF) -> Quality:
        """Before the first outcome."""
        return cls(half, 0, 0, 0, 0, np.zeros((_BINS, 3), dtype=np.int64))

    def add(self, judged: Table) -> None:
        """Count what `judge` answered, row after row."""
        while len(judged):
            part, judged = np.split(judged, [self.half - self.rows % self.half])
            np.add.at(self.bins, part[:, 0], part[:, 1:4])
            loss, squared, squares = part[:, 4:].sum(axis=0).tolist()
            self.loss += loss
            self.squared += squared
            self.squares += squares
            self.rows += len(part)
            if self.rows % self.half == 0:
                self.bins >>= 1
                self.loss >>= 1
                self.squared >>= 1
                self.squares >>= 1

    @property
    def weight(self) -> float:
        """The outcomes that the figures rest on, by weight."""
        return int(self.bins[:, :2].sum()) / _UNIT

    @property
    def log_loss(self) -> float:
        """Mean log loss; infinite before the first outcome."""
        weight = self.weight
        return self.loss / _UNIT / weight if weight else math.inf

    @property
    def ece(self) -> float:
        """Expected calibration error over groups of neighbouring predictions of about equal weight; 0 before any."""
        groups = self._neighbours()
        total = sum(seen for *_, seen in groups)
        return sum(abs(predicted - yes) for predicted, yes, _ in groups) / total if total else 0.0

    def calibration(self) -> list[tuple[float, float, float]]:
        """By groups of neighbouring predictions of about equal weight, those by which `ece` goes.

        Returns:
            (mean prediction, share of positives, share of all outcomes) of each, the lowest first.
        """
        groups = self._neighbours()
        total = sum(seen for *_, seen in groups)
        return [(predicted / seen, yes / seen, seen / total) for predicted, yes, seen in groups if seen]

    def _neighbours(self) -> list[tuple[int, int, int]]:
        """What was predicted, the positives and all of each group."""
        total = int(self.bins[:, :2].sum())
        if not total:
            return []
        found: list[tuple[int, int, int]] = []
        yes, predicted, held, seen, group = 0, 0, 0, 0, 1
        for positives, negatives, expected in self.bins.tolist():
            yes += positives
            predicted += expected
            held += positives + negatives
            seen += positives + negatives
            if seen * _GROUPS >= group * total:
                found.append((predicted, yes, held))
                yes = predicted = held = 0
                group = seen * _GROUPS // total + 1
        return [*found, (predicted, yes, held)] if held else found

    def report(self) -> dict[str, float]:
        """Every figure by name; only `rows` before the first outcome, no `auc` before both classes were seen.

        `rows` are all outcomes ever, the figures follow the latest. `auc` takes predictions of one bin as equal; `bias`
        is the mean prediction less the share of positives, and `bias_error` its standard error, in which an outcome of
        weight 4 is still one outcome.
        """
        figures: dict[str, float] = {"rows": self.rows}
        positives, negatives, predicted = self.bins.sum(axis=0).tolist()
        total = positives + negatives
        if not total:
            return figures
        rate = positives / total
        figures |= {
            "log_loss": self.log_loss,
            "brier": self.squared / total,
            "ece": self.ece,
            "bias": (predicted - positives) / total,
            "bias_error": math.sqrt(max(rate * (1.0 - rate), 1e-6) * self.squares * _UNIT) / total,
            "rate": rate,
        }
        if 0 < positives < total:
            below, won = 0, 0
            for yes, no, _ in self.bins.tolist():
                won += yes * (2 * below + no)
                below += no
            figures["auc"] = won / (2 * positives * (total - positives))
        return figures


class Ledger(State):
    """The quality of several models on one kind of outcome: of all, of the untouched, and by segment.

    Outcomes are judged together, when somebody asks or enough are waiting. Settle it before it is kept.
    """

    scopes: dict[str, dict[str, Quality]]  # by scope and model; the segment that was not met for longest comes first

    def __post_init__(self) -> None:
        if not self.scopes.keys() >= {ALL, UNTOUCHED}:
            raise ValueError("it does not tell of all outcomes")
        self._said: list[float] = []  # predictions that are yet to be judged…
        self._came: list[bool] = []  # …their outcomes…
        self._weights: list[float] = []  # …and weights

    @classmethod
    def new(cls) -> Ledger:
        """Before the first outcome."""
        return cls({ALL: {}, UNTOUCHED: {}})

    def add(
        self, answers: Mapping[str, float], y: bool, weight: float, *, touched: bool, segments: Iterable[str]
    ) -> None:
        """Judge what every model said of one customer; models that said nothing are left out of `answers`."""
        scopes = [self.scopes[ALL], *(() if touched else (self.scopes[UNTOUCHED],)), *map(self._segment, segments)]
        for model, p in answers.items():
            for scope in scopes:
                if (quality := scope.get(model)) is None:
                    quality = scope[model] = Quality.new()
                quality.waiting.append(len(self._said))
            self._said.append(p)
            self._came.append(y)
            self._weights.append(weight)
        if len(self._said) >= _WAITING:
            self.settle()

    def settle(self) -> None:
        """Judge what is waiting."""
        if not self._said:
            return
        judged = judge(self._said, self._came, self._weights)
        for scope in self.scopes.values():
            for quality in scope.values():
                if quality.waiting:
                    quality.add(judged[quality.waiting])
                    quality.waiting.clear()
        self._said, self._came, self._weights = [], [], []

    def of(self, model: str, scope: str = ALL) -> Quality:
        """The quality of one model; an empty one for a model that has not been judged."""
        self.settle()
        return self.scopes.get(scope, {}).get(model) or Quality.new()

    def biased(self, model: str) -> list[str]:
        """The segments in which a model is off by far more than chance."""
        return [
            name
            for name, figures in self.report(model)["segments"].items()
            if figures["rows"] >= _TELLING and abs(figures["bias"]) > max(_OFF, 3.0 * figures["bias_error"])
        ]

    def report(self, model: str) -> dict[str, Any]:
        """The figures of one model: `all`, `untouched`, and `segments` by name."""
        self.settle()
        found = {name: held[model].report() for name, held in self.scopes.items() if model in held}
        return {
            ALL: found.pop(ALL, {"rows": 0}),
            UNTOUCHED: found.pop(UNTOUCHED, {"rows": 0}),
            "segments": {name.partition(":")[2]: figures for name, figures in sorted(found.items())},
        }

    def _segment(self, name: str) -> dict[str, Quality]:
        scope = f"segment:{name}"
        held = self.scopes.get(scope)
        if held is None:
            if len(self.scopes) >= _SEGMENTS + 2:
                longest = next(name for name in self.scopes if name.startswith("segment:"))
                del self.scopes[longest]
            held = self.scopes[scope] = {}
        self.scopes[scope] = self.scopes.pop(scope)
        return held
