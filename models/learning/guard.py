"""Guarding what is learned: checkpoints are kept, and when learning goes wrong it goes back to one.

A checkpoint is kept every so many examples (by count, so that a replay keeps the same) and whenever another model
becomes the champion. The hazard of one of them judges a share of the following examples besides the live one. If the
live one becomes badly calibrated where the kept one is not, or a weight is not finite, or the weights have jumped, then
it is the learning that went wrong and not the world that has changed, and what was learned is set back to that
checkpoint. The comparison moves on to a newer one only when the live hazard was no worse on all that came after that
one was kept: while nonsense is learned, it is the live one that does better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from models.churn.weights import Weights
from models.codec import State, decode, encode
from models.config import ChurnConfig
from models.learning.checkpoint import some
from models.learning.judge import hazard_of
from models.learning.kept import History, Kept
from models.learning.learning_models import LearningModels, Saved
from models.learning.promotion import Race
from models.learning.quality import Quality, judge

__all__ = ["Comparison", "Guard", "Restorable"]

_EVERY = 2  # one example in so many is judged by the kept hazard as well
_ENOUGH = 100  # of those
_RECENT = 250  # after which the past counts half
_BAD = 0.10  # a calibration error that is an alarm…
_WORSE = 2.0  # …if it is so many times that of the kept one
_NO_WORSE = 1.02  # times the log loss of the kept one
_JUMP = 3.0  # so many times the norm of the kept weights, and one more, is a jump


class Restorable(State):
    """What a kept checkpoint brings back."""

    learned: Saved
    race: Race


class Comparison(State):
    """The live hazard and the one of a kept checkpoint, judged on the same recent examples; `settle`, then encode."""

    version: int  # of the checkpoint to compare with; 0 for none
    next: int  # of the one to move on to; 0 for none
    count: int  # of examples
    live: Quality
    kept: Quality

    def __post_init__(self) -> None:
        self.weights: Weights | None = None  # of the checkpoint
        self._waiting: list[tuple[float, float, bool]] = []  # what both said of an example, and what came

    @classmethod
    def new(cls, version: int = 0, next: int = 0, weights: Weights | None = None) -> Comparison:
        """One that begins; if the live one is no worse until the next begins, that is with the checkpoint `next`."""
        comparison = cls(version, next, 0, Quality.new(_RECENT), Quality.new(_RECENT))
        comparison.weights = weights
        return comparison

    def add(self, y: bool, live: float, ask: Callable[[Weights], float]) -> None:
        """The live hazard has judged an example that nobody has learned from yet; so may the kept one, if asked."""
        self.count += 1
        if self.weights is None or self.count % _EVERY:
            return
        self._waiting.append((live, ask(self.weights), y))

    def settle(self) -> None:
        """Judge what is waiting."""
        if self._waiting:
            live, kept, came = zip(*self._waiting, strict=True)
            self.live.add(judge(live, came))
            self.kept.add(judge(kept, came))
            self._waiting = []

    @property
    def worse(self) -> bool | None:
        """Whether the live one has a clearly higher loss; None while too little is known."""
        self.settle()
        if self.weights is None or self.live.rows < _ENOUGH:
            return None
        return self.live.log_loss > _NO_WORSE * self.kept.log_loss


class _State(State):
    """What is kept of the guard, besides the checkpoints."""

    history: History
    comparison: Comparison


class Guard:
    """Keeps checkpoints, and goes back to one."""

    def __init__(self, config: ChurnConfig) -> None:
        self._config = config
        self.history = History.new()
        self.comparison = Comparison.new()

    @property
    def watched(self) -> Kept | None:
        """The checkpoint that the live hazard is compared with."""
        return self.history.find(self.comparison.version)

    def alarm(self, models: LearningModels) -> str:
        """Why what was learned must not be used; "" if it may."""
        watched = self.watched
        for model, norm in models.norms().items():
            if not math.isfinite(norm):
                return f"a weight of the model {model} is not finite"
            before = watched.norms.get(model, 0.0) if watched is not None else math.inf
            if before and norm > _JUMP * before + 1.0:
                return f"the weights of the model {model} have jumped from a norm of {before:.2f} to {norm:.2f}"
        if watched is None or self.comparison.worse is not True:
            return ""
        live, then = self.comparison.live, self.comparison.kept
        if live.ece > max(_BAD, _WORSE * then.ece):
            return (
                f"calibration error {live.ece:.3f} on the latest examples, where the checkpoint {watched.version} has "
                f"{then.ece:.3f}"
            )
        return ""

    def keep(
        self, models: LearningModels, race: Race, *, champion: str, at: float, why: str, figures: dict[str, Any]
    ) -> None:
        """Keep a checkpoint, if what was learned is sound.

        Args:
            models: as they have learned.
            race: the comparison of the cold start.
            champion: its name.
            at: event time.
            why: count or champion.
            figures: the quality of the models.
        """
        if not models.sound:
            return
        kept = Kept(
            version=self.history.versions + 1,
            at=at,
            examples=models.examples,
            why=why,
            champion=champion,
            sound=not self.alarm(models) and not self.comparison.worse,
            norms=models.norms(),
            figures=figures,
            state=msgspec.Raw(encode(Restorable(models.state(), race))),
            horizon=self._config.horizon,
        )
        self.history.keep(kept, self.comparison.version)
        self._move_on(kept, models)

    def _move_on(self, kept: Kept, models: LearningModels) -> None:
        """Compare with a newer checkpoint, if that may be."""
        now = self.comparison
        if now.version == 0:
            if models.enough:
                self._watch(kept)
        elif now.worse is not None:
            if not now.worse and (proved := self.history.find(now.next)) is not None:
                self._watch(proved)
            self.comparison = Comparison.new(self.comparison.version, kept.version, self.comparison.weights)

    def go_back(self, kept: Kept | None) -> tuple[LearningModels, Race]:
        """What a kept checkpoint brings back; the beginning if there is none."""
        if kept is None:
            models, race = LearningModels(self._config), Race.new()
        else:
            models, race = self._restored(kept)
            if kept.horizon != self._config.horizon:
                models.forget_full()
        self.history.went_back(models.examples)
        self._watch(kept)
        return models, race

    def _watch(self, kept: Kept | None) -> None:
        if kept is None or not kept.examples:
            self.comparison = Comparison.new()
        else:
            self.comparison = Comparison.new(kept.version, weights=self._hazard_of(kept))

    def _hazard_of(self, kept: Kept) -> Weights:
        return hazard_of(self._restored(kept)[0], self._config)

    def _restored(self, kept: Kept) -> tuple[LearningModels, Race]:
        found = decode(kept.state, Restorable, f"the kept checkpoint {kept.version}")
        return LearningModels(self._config, found.learned), found.race

    def parts(self) -> dict[str, bytes]:
        """Everything, as parts of a checkpoint."""
        self.comparison.settle()
        kept = {f"kept:{name}": part for name, part in self.history.parts().items()}
        return {"guard": encode(_State(self.history, self.comparison)), **kept}

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Go on from what `parts` gave.

        Raises:
            Misconfigured: it is damaged.
        """
        state = decode(parts.get("guard", b""), _State, "the state of the models' guard")
        self.history, self.comparison = state.history, state.comparison
        self.history.restore(some(parts, "kept:"))
        if (watched := self.watched) is not None:
            self.comparison.weights = self._hazard_of(watched)
