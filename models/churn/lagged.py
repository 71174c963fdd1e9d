"""The hazard as it was a while ago: what drift is measured against.

The live hazard follows its labels within days, so its own errors hardly tell that customers have changed. One that has
learned nothing for a label horizon says what was to be expected, and is off for as long as customers differ from that.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from models.churn.weights import Weights
from profiles.errors import Misconfigured

__all__ = ["Lagged"]


class Lagged:
    """The hazard of one to two label horizons ago.

    Args:
        horizon: the label horizon, seconds.
    """

    def __init__(self, horizon: float) -> None:
        self.weights: Weights | None = None  # None while there is none so old
        self._horizon = horizon
        self._next: Weights | None = None
        self._taken = -math.inf  # event time of the next

    def due(self, at: float) -> bool:
        """Whether a label horizon has passed since the latest was taken, by event time."""
        return at - self._taken >= self._horizon

    def advance(self, at: float, present: Weights) -> None:
        """Go on to the one that was taken last, and take the present one for the next time."""
        self.weights, self._next, self._taken = self._next, present, at

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        held = [weights and msgspec.Raw(weights.to_json()) for weights in (self.weights, self._next)]
        return {"taken": self._taken if self._next is not None else None, "held": held}

    @classmethod
    def from_state(cls, state: dict[str, Any], horizon: float) -> Lagged:
        """The one whose `state` this is.

        Raises:
            Misconfigured: it is damaged.
        """
        lagged = cls(horizon)
        try:
            lagged._taken = -math.inf if state["taken"] is None else float(state["taken"])
            lagged.weights, lagged._next = (
                None if held is None else Weights.from_json(msgspec.json.encode(held)) for held in state["held"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the hazard that drift is measured against is damaged: {error!r}") from error
        return lagged
