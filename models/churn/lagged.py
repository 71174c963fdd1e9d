"""The hazard as it was a while ago: what drift is measured against.

The live hazard follows its labels within days, so its own errors hardly tell that customers have changed. One that has
learned nothing for a label horizon says what was to be expected, and is off for as long as customers differ from that.
"""

from __future__ import annotations

from models.churn.weights import Weights
from models.codec import State

__all__ = ["Lagged"]


class Lagged(State):
    """The hazard of one to two label horizons ago."""

    weights: Weights | None  # None while there is none so old
    next: Weights | None
    taken: float | None  # event time of the next

    def due(self, at: float, horizon: float) -> bool:
        """Whether a label horizon has passed since the latest was taken, by event time."""
        return self.taken is None or at - self.taken >= horizon

    def advance(self, at: float, present: Weights) -> None:
        """Go on to the one that was taken last, and take the present one for the next time."""
        self.weights, self.next, self.taken = self.next, present, at
