"""What formulas are made of: the features before them and the figures of a batch, at several times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from models.durations import WEEK
from models.features.feature import Array
from models.features.orders import weeks_since

__all__ = ["Sheet"]


class Sheet:
    """A batch while its features are computed.

    Args:
        features: the features so far, by column: (features, steps, n).
        columns: of the features, by name.
        figures: what was read, by column: (figures, n).
        places: of the figures, by name.
        times: of the figures that fade, where the time of their latest event stands.
        at: the times (n,), seconds.
        later: the steps (steps, 1) from there, weeks.
        faded: (steps, n) of a figure that fades, by its name, whether it is a feature or not.
    """

    def __init__(
        self, features: Array, columns: Mapping[str, int], figures: Array, places: Mapping[str, int],
        times: Mapping[str, int], at: Array, later: Array, faded: Callable[[str], Array],
    ) -> None:  # fmt: skip
        self._features, self._columns = features, columns
        self._figures, self._places, self._times = figures, places, times
        self._at, self.later = at, later
        self.faded = faded
        self._once: dict[Callable[[Sheet], Array], Array] = {}

    def __getitem__(self, feature: str) -> Array:
        """(steps, n) of a row before this one."""
        row: Array = self._features[self._columns[feature]]
        return row

    def orders(self, place: int) -> Array:
        """(n,): a figure of orders, by its place (`models.features.orders`)."""
        figure: Array = self._figures[place]
        return figure

    def figure(self, name: str) -> Array:
        """(n,) as it was read."""
        return self.orders(self._places[name])

    def several(self, features: Sequence[str]) -> Array:
        """(features, steps, n) of rows before this one."""
        return self._features[[self._columns[feature] for feature in features]]

    def read(self, names: Sequence[str]) -> tuple[Array, Array]:
        """Figures that fade as they were read, and at the first step the weeks since the latest event: (names, n)."""
        held = self._figures[[self._places[name] for name in names]]
        return held, self.weeks_since(self._figures[[self._times[name] for name in names]])

    def last(self, *names: str) -> Array:
        """(n,): the time of the latest event of figures that fade, 0 for never."""
        if len(names) == 1:
            return self.orders(self._times[names[0]])
        latest: Array = self._figures[[self._times[name] for name in names]].max(axis=0)
        return latest

    def once(self, formula: Callable[[Sheet], Array]) -> Array:
        """What several formulas share, worked out for the first of them."""
        if formula not in self._once:
            self._once[formula] = formula(self)
        return self._once[formula]

    def weeks(self, name: str) -> Array:
        """(n,) at the first step: since the latest event of a figure that fades."""
        return self.weeks_since(self.last(name))

    def weeks_since(self, then: Array) -> Array:
        """(n,) at the first step."""
        return weeks_since(then, self._at)

    def age(self, then: Array, unit: float) -> Array:
        """(steps, n): log(1 + units since a time), 0 where there is none."""
        logs: Array = np.log1p((self.weeks_since(then) + self.later) * (WEEK / unit))
        return logs * (then > 0)
