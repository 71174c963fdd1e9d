"""How good predictions turn out to be: bounded, rolling, and the same after a restart.

Outcomes are counted in bins of the predicted log-odds. Every `half` outcomes all counts are halved, so that the figures
follow the latest few thousand; everything reported comes from those counts. Sums are whole numbers of a millionth or
so: adding them up gives the same in any order, and JSON keeps them short.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from profiles.errors import Misconfigured

__all__ = ["ALL", "UNTOUCHED", "Judgement", "Ledger", "Quality", "judge"]

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
_SEGMENTS = 32  # whose quality is kept; the one that was not met for longest makes room


class Judgement(NamedTuple):
    """What a prediction and its outcome add to the sums."""

    place: int
    yes: int
    no: int
    predicted: int
    loss: int
    squared: int


def judge(p: float, y: bool, weight: float = 1.0) -> Judgement:
    """Judge one prediction that was made before its outcome was known."""
    p = _FLOOR if p < _FLOOR else 1.0 - _FLOOR if p > 1.0 - _FLOOR else p
    place = int((math.log(p / (1.0 - p)) + _WIDEST) * (_BINS / (2 * _WIDEST)))
    place = 0 if place < 0 else _BINS - 1 if place >= _BINS else place
    scale = weight * _UNIT
    counted = round(scale)
    return Judgement(
        place,
        counted if y else 0,
        0 if y else counted,
        round(scale * p),
        round(-scale * math.log(p if y else 1.0 - p)),
        round(scale * (p - y) ** 2),
    )


class Quality:
    """Rolling log loss, Brier score, AUC, calibration error and bias of a binary prediction.

    Args:
        half: outcomes after which the past counts half.
    """

    __slots__ = ("_loss", "_no", "_predicted", "_squared", "_yes", "half", "rows")

    def __init__(self, half: int = 4000) -> None:
        self.half = half
        self.rows = 0
        self._yes, self._no, self._predicted = [0] * _BINS, [0] * _BINS, [0] * _BINS
        self._loss = self._squared = 0

    def update(self, p: float, y: bool, weight: float = 1.0) -> None:
        """Count one prediction that was made before its outcome was known."""
        self.add(judge(p, y, weight))

    def add(self, judgement: Judgement) -> None:
        """Count what `judge` answered."""
        place, yes, no, predicted, loss, squared = judgement
        self._yes[place] += yes
        self._no[place] += no
        self._predicted[place] += predicted
        self._loss += loss
        self._squared += squared
        self.rows += 1
        if self.rows % self.half == 0:
            for column in (self._yes, self._no, self._predicted):
                column[:] = [value >> 1 for value in column]
            self._loss >>= 1
            self._squared >>= 1

    @property
    def weight(self) -> float:
        """The outcomes that the figures rest on, by weight."""
        return (sum(self._yes) + sum(self._no)) / _UNIT

    @property
    def log_loss(self) -> float:
        """Mean log loss; infinite before the first outcome."""
        weight = self.weight
        return self._loss / _UNIT / weight if weight else math.inf

    @property
    def ece(self) -> float:
        """Expected calibration error over groups of neighbouring predictions of about equal weight; 0 before any."""
        total = sum(self._yes) + sum(self._no)
        if not total:
            return 0.0
        error, yes, predicted, seen, group = 0, 0, 0, 0, 1
        for place in range(_BINS):
            yes += self._yes[place]
            predicted += self._predicted[place]
            seen += self._yes[place] + self._no[place]
            if seen * _GROUPS >= group * total:
                error += abs(predicted - yes)
                yes = predicted = 0
                group = seen * _GROUPS // total + 1
        return (error + abs(predicted - yes)) / total

    def report(self) -> dict[str, float]:
        """Every figure by name; only `rows` before the first outcome, no `auc` before both classes were seen.

        `rows` are all outcomes ever, the figures follow the latest. `auc` takes predictions of one bin as equal; `bias`
        is the mean prediction less the share of positives, and `bias_error` its standard error.
        """
        figures: dict[str, float] = {"rows": self.rows}
        positives, total = sum(self._yes), sum(self._yes) + sum(self._no)
        if not total:
            return figures
        rate = positives / total
        figures |= {
            "log_loss": self.log_loss,
            "brier": self._squared / total,
            "ece": self.ece,
            "bias": (sum(self._predicted) - positives) / total,
            "bias_error": math.sqrt(max(rate * (1.0 - rate), 1e-6) * _UNIT / total),
            "rate": rate,
        }
        if 0 < positives < total:
            below, won = 0, 0
            for yes, no in zip(self._yes, self._no, strict=True):
                won += yes * (2 * below + no)
                below += no
            figures["auc"] = won / (2 * positives * (total - positives))
        return figures

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        bins = zip(range(_BINS), self._yes, self._no, self._predicted, strict=True)
        return {
            "half": self.half,
            "rows": self.rows,
            "loss": self._loss,
            "squared": self._squared,
            "bins": [list(row) for row in bins if any(row[1:])],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Quality:
        """The quality whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        try:
            quality = cls(int(state["half"]))
            quality.rows, quality._loss, quality._squared = (int(state[key]) for key in ("rows", "loss", "squared"))
            for place, *counts in state["bins"]:
                quality._yes[place], quality._no[place], quality._predicted[place] = map(int, counts)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Misconfigured(f"the state of a model's quality is damaged: {error!r}") from error
        return quality


def _judge_all(said: Sequence[tuple[float, bool, float]]) -> Iterable[Judgement]:
    """`judge` of many predictions, outcomes and weights at once."""
    p, y, weight = np.array(said, dtype=np.float64).T
    p = np.clip(p, _FLOOR, 1.0 - _FLOOR)
    scale = weight * _UNIT
    odds = np.clip((np.log(p / (1.0 - p)) + _WIDEST) * (_BINS / (2 * _WIDEST)), 0, _BINS - 1)
    columns = (
        odds.astype(np.int64),
        np.rint(scale) * y,
        np.rint(scale) * (1.0 - y),
        np.rint(scale * p),
        np.rint(-scale * np.log(np.where(y > 0, p, 1.0 - p))),
        np.rint(scale * (p - y) ** 2),
    )
    return map(Judgement._make, zip(*(column.astype(np.int64).tolist() for column in columns), strict=True))


class Ledger:
    """The quality of several models on one kind of outcome: of all, of the untouched, and by segment.

    Outcomes are judged together, when somebody asks or enough are waiting.

    Args:
        half: see `Quality`.
    """

    def __init__(self, half: int = 4000) -> None:
        self._half = half
        self._scopes: OrderedDict[str, dict[str, Quality]] = OrderedDict({ALL: {}, UNTOUCHED: {}})
        self._said: list[tuple[float, bool, float]] = []  # predictions that are not judged yet, outcomes, weights
        self._counting: list[tuple[Quality, int]] = []  # who counts them, in order

    def add(
        self, answers: Mapping[str, float], y: bool, weight: float, *, touched: bool, segments: Iterable[str]
    ) -> None:
        """Judge what every model said of one customer; models that said nothing are left out of `answers`."""
        scopes = [self._scopes[ALL], *(() if touched else (self._scopes[UNTOUCHED],)), *map(self._segment, segments)]
        for model, p in answers.items():
            for scope in scopes:
                if (quality := scope.get(model)) is None:
                    quality = scope[model] = Quality(self._half)
                self._counting.append((quality, len(self._said)))
            self._said.append((p, y, weight))
        if len(self._said) >= _WAITING:
            self._settle()

    def _settle(self) -> None:
        if self._said:
            judged = list(_judge_all(self._said))
            for quality, place in self._counting:
                quality.add(judged[place])
            self._said, self._counting = [], []

    def of(self, model: str, scope: str = ALL) -> Quality:
        """The quality of one model; an empty one for a model that has not been judged."""
        self._settle()
        return self._scopes.get(scope, {}).get(model) or Quality(self._half)

    def biased(self, model: str) -> list[str]:
        """The segments in which a model is off by far more than chance."""
        return [
            name
            for name, figures in self.report(model)["segments"].items()
            if figures["rows"] >= _TELLING and abs(figures["bias"]) > max(_OFF, 3.0 * figures["bias_error"])
        ]

    def report(self, model: str) -> dict[str, Any]:
        """The figures of one model: `all`, `untouched`, and `segments` by name."""
        self._settle()
        found = {name: held[model].report() for name, held in self._scopes.items() if model in held}
        return {
            ALL: found.pop(ALL, {"rows": 0}),
            UNTOUCHED: found.pop(UNTOUCHED, {"rows": 0}),
            "segments": {name.partition(":")[2]: figures for name, figures in sorted(found.items())},
        }

    def state(self) -> list[Any]:
        """Everything, as JSON types."""
        self._settle()
        return [[name, {model: held[model].state() for model in sorted(held)}] for name, held in self._scopes.items()]

    @classmethod
    def from_state(cls, state: Iterable[Any], half: int = 4000) -> Ledger:
        """The ledger whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        ledger = cls(half)
        try:
            for name, held in state:
                ledger._scopes[name] = {model: Quality.from_state(saved) for model, saved in held.items()}
        except (TypeError, ValueError, AttributeError) as error:
            raise Misconfigured(f"the state of the models' quality is damaged: {error!r}") from error
        return ledger

    def _segment(self, name: str) -> dict[str, Quality]:
        scope = f"segment:{name}"
        held = self._scopes.get(scope)
        if held is None:
            if len(self._scopes) >= _SEGMENTS + 2:
                longest = next(name for name in self._scopes if name.startswith("segment:"))
                del self._scopes[longest]
            held = self._scopes[scope] = {}
        self._scopes.move_to_end(scope)
        return held
