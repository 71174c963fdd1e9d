"""Judging: what the models say before they learn, how good that turns out to be, and whether customers have changed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from models.churn.lagged import Lagged
from models.churn.panel import MODELS
from models.churn.weights import Weights
from models.codec import State, decode, encode
from models.config import ChurnConfig
from models.durations import WEEK
from models.labels.acting import Acting
from models.labels.examples import Example, OrderSummary
from models.learning.drift import Alarm, Drift
from models.learning.learning_models import LearningModels
from models.learning.quality import UNTOUCHED, Ledger
from models.learning.records.rows import Rows
from models.learning.records.usual import Usual
from models.leaving.standing import Standing

__all__ = ["HAZARD", "Figures", "Judge", "hazard_of"]

HAZARD = "hazard"
"""The model whose errors tell of drift, and that the guard watches."""

_KEPT = ("rows", "auc", "log_loss", "ece", "bias")


class Figures(State):
    """The quality of the models, by horizon."""

    short: Ledger
    full: Ledger
    groups: Ledger = msgspec.field(default_factory=Ledger.new)  # the champion on the churn horizon, as it is shown
    leaving: Standing = msgspec.field(default_factory=Standing)  # the leaving score with causes, against BTYD's
    acting: Acting = msgspec.field(default_factory=Acting)  # of customers at high risk, held out and not


class Judge:
    """Judges every model on every label."""

    def __init__(self, config: ChurnConfig) -> None:
        self._config = config
        self.short, self.full, self.groups = Ledger.new(), Ledger.new(), Ledger.new()
        self.leaving, self.acting = Standing(), Acting()
        self.drift = Drift.new(config.label_horizon + 2 * WEEK)
        self.lagged = Lagged(None, None, None)
        self.usual = Usual.new()

    def on_seen(self, seen: OrderSummary) -> Alarm | None:
        """Watch for drift how active customers are."""
        self.usual.add(seen)
        return self._usual(self.drift.seen(seen.active, seen.at))

    def _usual(self, alarm: Alarm | None) -> Alarm | None:
        """The alarm, unless customers are as active as such customers usually are; then there was none."""
        if alarm is not None and alarm.direction != self.usual.direction:
            self.drift.withdraw(alarm)
            return None
        return alarm

    def on_short(self, answers: Mapping[str, float], example: Example) -> None:
        """Judge what the models say of an example that none of them has learned, on its short label."""
        self.short.add(answers, example.y, example.weight, touched=example.treated, segments=example.segments)

    def on_full(self, answers: Mapping[str, float], example: Example) -> None:
        """Judge the risks that the models gave when the snapshot was taken, on its label of the churn horizon."""
        self.full.add(answers, not example.y, example.weight, touched=example.treated, segments=example.segments)

    def on_acting(self, risk: float | None, example: Example) -> None:
        """Count the label of the churn horizon of a customer whose risk was high."""
        if risk is not None and risk >= self._config.bands.high:
            self.acting.add(example.held_out, not example.y, example.weight)

    def on_groups(self, answers: Mapping[str, float], example: Example) -> None:
        """Judge the champion by group, calibrated and not, on a label of the churn horizon."""
        groups = example.groups
        self.groups.add(answers, not example.y, example.weight, touched=example.treated, segments=groups)

    def on_error(self, example: Example, models: LearningModels, rows: Rows, row: int) -> Alarm | None:
        """Watch for drift how far an earlier hazard is off."""
        if self.lagged.due(example.due, self._config.label_horizon) and models.sound:
            self.lagged.advance(example.due, hazard_of(models, self._config))
        if (earlier := self.lagged.weights) is None:
            return None
        return self._usual(self.drift.erred(example.y - rows.short("lagged", earlier, row), example.due))

    def forget_hazard(self) -> None:
        """Forget the earlier hazard: what was learned since is undone."""
        self.lagged = Lagged(None, None, None)

    def forget_full(self) -> None:
        """Forget labels of another churn horizon."""
        self.full, self.groups, self.acting = Ledger.new(), Ledger.new(), Acting()

    def ece(self, model: str) -> float | None:
        """Calibration error on the whole horizon, of customers that nobody acted on."""
        quality = self.full.of(model, UNTOUCHED)
        return quality.ece if quality.rows else None

    def lately(self, model: str) -> float | None:
        """Rolling log loss on the short label, of customers that nobody acted on."""
        quality = self.short.of(model, UNTOUCHED)
        return quality.log_loss if quality.rows else None

    def quality(self) -> dict[str, dict[str, dict[str, float]]]:
        """Rolling figures by model and horizon: of all labels, each judged before it was learned."""
        return {
            model: {"short": self.short.of(model).report(), "full": self.full.of(model).report()} for model in MODELS
        }

    def figures(self) -> dict[str, dict[str, dict[str, float]]]:
        """The most telling of them by horizon and model, for a kept checkpoint."""
        reports = {
            horizon: {model: report for model in MODELS if (report := ledger.of(model).report())["rows"]}
            for horizon, ledger in (("short", self.short), ("full", self.full))
        }
        return {
            horizon: {model: {name: report[name] for name in _KEPT if name in report} for model, report in held.items()}
            for horizon, held in reports.items()
        }

    def parts(self) -> dict[str, bytes]:
        """Everything, as parts of a checkpoint."""
        self.short.settle()
        self.full.settle()
        self.groups.settle()
        self.leaving.ledger.settle()
        quality = encode(Figures(self.short, self.full, self.groups, self.leaving, self.acting))
        watched = {"drift": encode(self.drift), "lagged": encode(self.lagged), "usual": encode(self.usual)}
        return {"quality": quality, **watched}

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Go on from what `parts` gave.

        Raises:
            Misconfigured: it is damaged.
        """
        figures = decode(parts.get("quality", b""), Figures, "the quality of the models")
        self.short, self.full, self.groups = figures.short, figures.full, figures.groups
        self.leaving, self.acting = figures.leaving, figures.acting
        self.drift = decode(parts.get("drift", b""), Drift, "the state of the drift detection")
        self.usual = decode(parts.get("usual", b""), Usual, "how active customers usually are")
        self.lagged = decode(parts.get("lagged", b""), Lagged, "the hazard that drift is measured against")


def hazard_of(models: LearningModels, config: ChurnConfig) -> Weights:
    """The hazard as it is now.

    Raises:
        ValueError: a number is not finite.
    """
    hazard = models[HAZARD].export(config)
    assert isinstance(hazard, Weights)
    return hazard
