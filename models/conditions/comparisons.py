"""A value against thresholds, as the conditions of a plan compare."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.conditions.spec import Spec

__all__ = ["Compare", "Comparison", "Margin", "Quintiles", "Share", "rank", "ranks", "require_threshold"]

_COMPARISON = re.compile(r"(above|below|at[ _]least|at[ _]most)\s+(-?\d+(?:\.\d+)?)")


class Comparison(Spec):
    """A value against thresholds; several together make a range."""

    above: float | None = None
    below: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def compares(self) -> bool:
        """Whether any threshold is given."""
        return any(limit is not None for limit in (self.above, self.below, self.at_least, self.at_most))

    def includes(self, value: float) -> bool:
        """Whether a value satisfies every threshold."""
        return (
            (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
        )


def _comparison(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _COMPARISON.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError(f"{value!r} is no comparison; write such as 'above 0.7' or 'at least 3'")
    return {found[1].replace(" ", "_"): float(found[2])}


def require_threshold(value: Comparison) -> Comparison:
    """The comparison, which must have a threshold.

    Raises:
        ValueError: it has none.
    """
    if not value.compares:
        raise ValueError("give a threshold: above, below, at_least or at_most")
    return value


Compare = Annotated[Comparison, BeforeValidator(_comparison)]
"""A comparison on one line: `above 0.7`, `at least 3`; or a mapping for a range."""

Share = Annotated[float, Field(ge=0.01, le=0.99)]
"""A share of the customers. Percentiles are kept, so finer ones cannot be told apart."""

QUINTILES = (1, 2, 3, 4, 5)


def _quintiles(value: Any) -> Any:
    """Quintiles as they may be written (4, [4, 5], at least 4) as a sorted list."""
    if isinstance(value, (str, dict)):
        asked = Comparison.model_validate(_comparison(value))
        value = [q for q in QUINTILES if asked.includes(q)]
    found = value if isinstance(value, (list, tuple)) else [value]
    if not found or any(isinstance(q, bool) or q not in QUINTILES for q in found):
        raise ValueError("quintiles are 1 to 5; write such as 5, [4, 5] or at least 4")
    return tuple(sorted(set(found)))


Quintiles = Annotated[tuple[int, ...], BeforeValidator(_quintiles)]
"""Fifths of the customers, 1 to 5: `5`, `[4, 5]` or `at least 4`."""

Margin = Annotated[float | None, Field(ge=0, lt=1, description="Share of the threshold; overrides the rule's.")]


def rank(limit: float, beyond: bool) -> int:
    """How often something must have happened to be beyond a limit (`above`, `at_most`), or else to reach it.

    So a count is compared by one of the latest times: `above 2` asks for the third, `at_least 2` for the second.
    """
    return math.floor(limit) + 1 if beyond else math.ceil(limit)


def ranks(comparison: Comparison, margin: float) -> set[int]:
    """The ranks of all thresholds, plain and eased either way."""
    asked = (
        (comparison.above, True),
        (comparison.at_most, True),
        (comparison.at_least, False),
        (comparison.below, False),
    )
    easings = (0.0, -margin, margin)
    return {
        rank(limit + easing * abs(limit), beyond) for limit, beyond in asked if limit is not None for easing in easings
    }
