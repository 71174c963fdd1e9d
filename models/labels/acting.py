"""What acting on alerts is worth: how many of those at high risk left, held out and not (`models.labels.treatment`).

Both groups are chosen by a hash of the profile's id, so the difference is the effect of having alerts. A customer has
as many labels here as snapshots, which are no independent draws: it tells no interval.
"""

from __future__ import annotations

import msgspec

from models.codec import State

__all__ = ["Acting", "Leavers"]

_LEAST = 30.0  # labels of each group below which a difference says nothing


class Leavers(State):
    """Labels of the whole horizon of one group."""

    labels: float = 0.0  # weights
    left: float = 0.0

    @property
    def share(self) -> float | None:
        """How many of them left; None of none."""
        return self.left / self.labels if self.labels else None


class Acting(State):
    """The two groups."""

    held_out: Leavers = msgspec.field(default_factory=Leavers)
    others: Leavers = msgspec.field(default_factory=Leavers)

    def add(self, held_out: bool, left: bool, weight: float) -> None:
        """Count a label of a customer at high risk."""
        group = self.held_out if held_out else self.others
        group.labels += weight
        group.left += weight * left

    @property
    def effect(self) -> float | None:
        """The share that left among those held out, less that of the others: who was kept by having alerts. None of
        too few labels."""
        held, others = self.held_out, self.others
        if held.share is None or others.share is None or min(held.labels, others.labels) < _LEAST:
            return None
        return held.share - others.share
