"""The floor: no model is the champion that does worse than the rules, by what became of the customers.

Two things are held against a model, whatever its loss on the short label says:

- **Long outcomes.** On the customers whose whole churn horizon has passed, those who left and those who stayed are
  clearly ranked worse by what it had said than by what the rules had said of the very same customers. What it said in
  its first four label horizons is not held against it: a model that has hardly learned is worse than the rules, and
  tells nothing of what it says by now.
- **Short labels that say little.** Where hardly any gap between orders is as short as the label horizon (invoices by
  the month, labels of two weeks), a short label asks for the day of the next invoice. A model can be the best at that,
  and rank who leaves worse than a coin. So the label horizon must reach as far as some of the gaps do.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping

from models.churn.panel import MODELS
from models.codec import State
from models.learning.quality import HALF, Quality, judge

__all__ = ["FLOOR", "Floor", "Pair"]

FLOOR = "rules"
"""The model that the others must not be worse than."""

REACHED = 0.1
"""The share of the customers' latest gaps that the label horizon must reach. Irregular buyers order again soon often
enough (CDNOW, 4 weeks: a third); of a regular rhythm that is longer, none does."""

_REPEATERS = 20  # snapshots of customers with a gap before anything is said of gaps
_OUTCOMES = 10  # of each outcome, before models are compared
_FOLLOWS = 1000  # outcomes after which the past counts half
_YOUNG = 4  # label horizons from a model's first answer, whose answers do not count
_CLEAR, _NEAR = 0.05, 0.025  # AUC below the rules' from which a model is refused, and up to which it comes back
_ERRORS = 2.0  # standard errors that the difference must have at least
_LONGEST = 105  # label horizons; what is longer is counted there
_ALIKE = 0.5  # the least correlation of the AUCs of two models on the same customers


class Pair(State):
    """A model and the rules on the same customers, at the end of their churn horizon."""

    model: Quality
    floor: Quality

    @classmethod
    def new(cls) -> Pair:
        """Before the first outcome."""
        return cls(Quality.new(_FOLLOWS), Quality.new(_FOLLOWS))

    def behind(self) -> tuple[float, float] | None:
        """How far the AUC of the model is below that of the rules, and the standard error of that.

        Hanley and McNeil 1982, 1983: the error of an AUC from the AUC itself and the number of each outcome; of a
        difference on the same customers, less what the two have in common.

        Returns:
            None while too little is known.
        """
        mine, theirs = self.model.report(), self.floor.report()
        if "auc" not in mine or "auc" not in theirs:
            return None
        left = mine["rate"] * self.model.weight
        stayed = self.model.weight - left
        if min(left, stayed) < _OUTCOMES:
            return None
        one, other = (_error(figures["auc"], left, stayed) for figures in (mine, theirs))
        error = math.sqrt(one**2 + other**2 - 2 * _ALIKE * one * other)
        return theirs["auc"] - mine["auc"], error


class Floor(State):
    """What is known against models, in counts. Settle it before it is kept."""

    gaps: list[int]  # snapshots by the latest gap of their customer, in label horizons, rounded up
    seen: int  # snapshots counted there, ever
    pairs: dict[str, Pair]  # by model
    since: dict[str, float]  # by model: the snapshot of its first answer, of which the outcome is known
    rows: int  # outcomes of the whole horizon counted

    def __post_init__(self) -> None:
        self._waiting: list[tuple[Mapping[str, float], bool, float]] = []  # what was said, what came, its weight

    @classmethod
    def new(cls) -> Floor:
        """Before anything is known."""
        return cls([0] * (_LONGEST + 1), 0, {}, {}, 0)

    def on_short(self, gap: float, label_horizon: float) -> None:
        """Note the latest gap of a customer.

        Args:
            gap: seconds; 0 of who ordered once.
            label_horizon: seconds.
        """
        if gap <= 0:
            return
        self.gaps[min(math.ceil(gap / label_horizon - 1e-6), _LONGEST)] += 1
        self.seen += 1
        if self.seen % HALF == 0:
            self.gaps = [count >> 1 for count in self.gaps]

    def on_full(
        self, risks: Mapping[str, float], churned: bool, weight: float, *, at: float, label_horizon: float
    ) -> None:
        """Count what was said of a customer before their whole horizon passed.

        Args:
            risks: by model; whoever had no answer is left out.
            churned: whether the customer did.
            weight: of the outcome.
            at: when that was said.
            label_horizon: seconds.
        """
        self.rows += 1
        grown = {m: p for m, p in risks.items() if at >= self.since.setdefault(m, at) + _YOUNG * label_horizon}
        if FLOOR in risks and grown:
            self._waiting.append(({**grown, FLOOR: risks[FLOOR]}, churned, weight))

    def settle(self) -> None:
        """Judge what is waiting."""
        for model in MODELS if self._waiting else ():
            rows = [row for row in self._waiting if model != FLOOR and model in row[0]]
            if rows:
                risks, came, weights = zip(*rows, strict=True)
                pair = self.pairs.setdefault(model, Pair.new())
                pair.model.add(judge([said[model] for said in risks], came, weights))
                pair.floor.add(judge([said[FLOOR] for said in risks], came, weights))
        self.pairs = {model: self.pairs[model] for model in MODELS if model in self.pairs}  # however they were batched
        self._waiting = []

    def forget_full(self) -> None:
        """Forget outcomes of another churn horizon."""
        self.pairs, self.since, self.rows, self._waiting = {}, {}, 0, []

    @property
    def reached(self) -> float | None:
        """The share of the latest gaps that the label horizon reaches; None while few are known."""
        total = sum(self.gaps)
        return None if total < _REPEATERS else self.gaps[1] / total

    @property
    def usual(self) -> int:
        """Into so many label horizons half of the latest gaps fit."""
        half, seen = sum(self.gaps) / 2, 0
        for horizons, count in enumerate(self.gaps):
            seen += count
            if seen >= half:
                return max(horizons, 1)
        return 1

    def too_short(self) -> bool:
        """Whether the label horizon is too short for the customers' rhythm."""
        reached = self.reached
        return reached is not None and reached < REACHED

    def below(self, before: Container[str]) -> dict[str, str]:
        """The models whose long outcomes are clearly worse than those of the rules, with why, for people.

        Args:
            before: those of last time. One comes back when its AUC is near that of the rules.
        """
        self.settle()
        found = {}
        for model in MODELS:
            pair = self.pairs.get(model)
            apart = pair.behind() if pair is not None else None
            if pair is None or apart is None:
                continue
            lag, error = apart
            if lag > (_NEAR if model in before else max(_CLEAR, _ERRORS * error)):
                mine, theirs = pair.model.report(), pair.floor.report()
                found[model] = (
                    f"on the latest outcomes of the whole churn horizon, {mine['rows']:,} in all, it tells who leaves "
                    f"worse than the rules do: AUC {mine['auc']:.2f} against {theirs['auc']:.2f}"
                )
        return found


def _error(auc: float, positives: float, negatives: float) -> float:
    """The standard error of an AUC."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return math.sqrt(max(spread, 1e-9) / (positives * negatives))
