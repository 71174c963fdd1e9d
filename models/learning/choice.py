"""Choosing: when the evidence about models is looked at, and what people decide about them."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping

from models.churn.panel import MODELS
from models.codec import decode, encode
from models.config import ChurnConfig
from models.durations import format_duration
from models.labels.examples import Example
from models.learning.checkpoint import some
from models.learning.evidence import Blocks
from models.learning.floor import Floor
from models.learning.judge import Judge
from models.learning.learning_models import LearningModels
from models.learning.promotion import RACERS, Change, Promotion

__all__ = ["REVIEW", "Choice"]

REVIEW = 50
"""Short labels between two looks at which is the champion and whether what was learned is sound."""

_LOOK = 20  # outcomes of the whole horizon between two looks at whether a model is worse than the rules


class Choice:
    """Which model is the champion, and the evidence about it."""

    def __init__(self, config: ChurnConfig) -> None:
        self._config = config
        self.promotion = Promotion.new()
        self.blocks = Blocks.new()
        self.floor = Floor.new()

    def on_short(self, answers: Mapping[str, float], example: Example, gap: float) -> None:
        """Compare the models of the cold start on a short label; `gap` is the customer's latest between orders, s."""
        if self._config.definition is None:  # the others do not go by orders
            self.floor.on_short(gap, self._config.label_horizon)
        racing = {name: answers[name] for name in RACERS if name in answers}
        self.promotion.race.add(racing, example.y, example.weight)

    def review_short(self, models: LearningModels, at: float) -> Change | None:
        """Choose by short labels, as long as those of the whole horizon are few."""
        promotion = self.promotion
        return promotion.review_short(
            at,
            fits=models["bgnbd"].steady is not None,
            ready=models.enough,
            enough=min(self._config.min_examples, 2 * REVIEW),
            short=self.floor.too_short(),
            stack=not promotion.settled and "stack" in models.export(),
        )

    def refusal(self, models: LearningModels) -> str:
        """Why no short label decides, although there are enough of them; "" if that is not so."""
        if self.promotion.settled or not models.enough or not self.floor.too_short():
            return ""
        label, usual = self._config.label_horizon, self.floor.usual
        return (
            f"the label horizon of {format_duration(label)} is shorter than the usual gap between orders: "
            f"{self.floor.reached or 0:.0%} of the latest gaps fit into it, half of them into "
            f"{format_duration(usual * label)}. Such labels cannot tell who leaves, so the hazard, which learns from "
            "them, is refused until labels of the whole horizon have proved it. `rapport models horizon` recommends a "
            "label horizon"
        )

    def on_full(self, example: Example, risks: list[float], judge: Judge) -> Iterator[Change]:
        """Count a label of the whole horizon, and choose by those when a block of them is complete."""
        said = {model: risk for model, risk in zip(MODELS, risks, strict=True) if math.isfinite(risk)}
        label = self._config.label_horizon
        self.floor.on_full(said, not example.y, example.weight, at=example.at, label_horizon=label)
        if self.floor.rows % _LOOK == 0:
            below = self.floor.below(self.promotion.refused)
            if change := self.promotion.review_floor(example.due, below):
                yield change
        if self.blocks.add(example.profile, example.due, not example.y, example.weight, risks) and (
            change := self.promotion.review_full(self.blocks, example.due, judge.ece, judge.lately)
        ):
            yield change

    def promote(self, model: str, able: Container[str], at: float, by: str) -> tuple[Change | None, str]:
        """Carry out that a person promotes a model; the change, or None, and what was done or why not."""
        if model not in MODELS:
            return None, f"there is no model {model!r}; there are {', '.join(MODELS)}"
        if model not in able:
            return None, f"{model} has not learned enough to be the champion"
        return self.promotion.pin(model, at, by), f"{model} is the champion until it is released"

    def forget_full(self) -> None:
        """Forget labels of another churn horizon."""
        self.blocks = Blocks.new()
        self.floor.forget_full()
        self.promotion.settled, self.promotion.standings, self.promotion.refused = False, [], {}

    def parts(self) -> dict[str, bytes]:
        """Everything, as parts of a checkpoint."""
        self.floor.settle()
        blocks = {f"block:{name}": part for name, part in self.blocks.parts().items()}
        return {
            "promotion": encode(self.promotion),
            "evidence": encode(self.blocks),
            "floor": encode(self.floor),
            **blocks,
        }

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Go on from what `parts` gave.

        Raises:
            Misconfigured: it is damaged.
        """
        self.promotion = decode(parts.get("promotion", b""), Promotion, "the record of which model is the champion")
        self.blocks = decode(parts.get("evidence", b""), Blocks, "the evidence about the models")
        self.floor = decode(parts.get("floor", b""), Floor, "what is held against the models")
        self.blocks.restore(some(parts, "block:"))
