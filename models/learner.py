"""The learner: predict, then learn; and which model may speak.

Every example is predicted by the learned model and by the rules before it is learned, so both are judged on the same
outcomes they had not seen. The rules speak until the learned model has seen enough and is the better of the two.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Checkpoint, dump, load
from models.churn import Model
from models.cold import rules
from models.config import ChurnConfig
from models.examples import Example
from models.features import NAMES, SCHEMA, unpack
from models.hazard import OnlineLogistic
from models.panel import Panel
from models.quality import Quality

__all__ = ["Learner"]

MEMORY = 8192
"""How many of the latest examples are remembered, to drop repeated deliveries."""

_REVIEW = 50  # examples between two choices of the speaker; by count, so that batches make no difference
_PATIENCE = 1.05  # the learned model falls silent again when its loss is this many times that of the rules


class Learner:
    """The one writer of the model. The same examples in the same order give the same checkpoint, to the byte.

    Args:
        config: horizons, and how much must be learned before the learned model speaks.
    """

    def __init__(self, config: ChurnConfig) -> None:
        self.config = config
        self.skipped = 0
        self.rules = rules(config)
        self._model = OnlineLogistic("hazard")
        self._learned, self._by_rules = Quality(), Quality()
        self._classes = [0, 0]
        self._speaks = False
        self._until = 0.0
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def learn(self, examples: Iterable[Example]) -> int:
        """Judge both models on each example, then learn it.

        Skipped, and counted in `skipped`, are repeats, examples of other features or of another label horizon,
        and what is not finite.

        Returns:
            How many were learned.
        """
        before = self._model.examples
        for example in examples:
            x = self._readable(example)
            if x is None or not self._first_time(example):
                self.skipped += 1
                continue
            self._learned.update(self._model.predict(x), example.y, example.weight)
            self._by_rules.update(float(self.rules.short(x[None], self.config)[0]), example.y, example.weight)
            self._model.learn_one(x, example.y, example.weight)
            self._classes[example.y] += 1
            self._until = max(self._until, example.due)
            if self._model.examples % _REVIEW == 0:
                self._choose()
        return self._model.examples - before

    def panel(self) -> Panel:
        """Both models, and which speaks now."""
        models: dict[str, Model] = {"rules": self.rules}
        if self._model.examples:
            models["hazard"] = self._model.export(self.config)
        return Panel("hazard" if self._speaks else "rules", models, self._model.examples, self._until)

    @property
    def examples(self) -> int:
        """How many examples were learned."""
        return self._model.examples

    def quality(self) -> dict[str, dict[str, float]]:
        """Rolling figures of both models on the label (an order within the label horizon), judged before learning."""
        return {"learned": self._learned.report(), "rules": self._by_rules.report()}

    def checkpoint(self) -> bytes:
        """Everything, as JSON; `restore` continues from it as if nothing had happened."""
        return dump(
            Checkpoint(
                panel=msgspec.Raw(self.panel().to_json()),
                schema=SCHEMA,
                label_horizon=self.config.label_horizon,
                model=self._model.state(),
                quality={"learned": self._learned.state(), "rules": self._by_rules.state()},
                classes=(self._classes[0], self._classes[1]),
                learned_speaks=self._speaks,
                trained_until=self._until,
                seen=base64.b64encode(b"".join(self._seen)).decode(),
                skipped=self.skipped,
            )
        )

    @classmethod
    def restore(cls, data: bytes, config: ChurnConfig) -> Learner:
        """The learner that wrote the checkpoint; a new one if it learned other features or another label horizon.

        Raises:
            Misconfigured: the checkpoint is damaged.
        """
        saved = load(data)
        learner = cls(config)
        if saved.schema != SCHEMA or saved.label_horizon != config.label_horizon:
            return learner
        learner._model = OnlineLogistic.from_state(saved.model)
        learner._learned = Quality.from_state(saved.quality.get("learned", {}))
        learner._by_rules = Quality.from_state(saved.quality.get("rules", {}))
        learner._classes = list(saved.classes)
        learner._speaks = saved.learned_speaks
        learner._until = saved.trained_until
        learner.skipped = saved.skipped
        seen = base64.b64decode(saved.seen)
        learner._seen = OrderedDict.fromkeys(seen[i : i + 8] for i in range(0, len(seen), 8))
        return learner

    def _readable(self, example: Example) -> NDArray[np.float64] | None:
        if example.schema != SCHEMA or len(example.x) != 4 * len(NAMES) or not 0 < example.weight < 1e6:
            return None
        if abs(example.due - example.at - self.config.label_horizon) > 1.0:
            return None
        x = unpack(example.x)
        return x if np.isfinite(x).all() else None

    def _first_time(self, example: Example) -> bool:
        digest = blake2b(example.key.encode(), digest_size=8).digest()
        if digest in self._seen:
            return False
        self._seen[digest] = None
        if len(self._seen) > MEMORY:
            self._seen.popitem(last=False)
        return True

    def _choose(self) -> None:
        enough = self._model.examples >= self.config.min_examples and min(self._classes) >= self.config.min_class
        bar = self._by_rules.log_loss * (_PATIENCE if self._speaks else 1.0)
        self._speaks = enough and self._learned.log_loss < bar
