"""A value against thresholds, as the conditions of a plan compare."""

from __future__ import annotations

import math
import operator
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say

__all__ = [
    "TESTS", "Compare", "Comparison", "Margin", "Measured", "as_comparison", "chosen", "eased", "rank",
    "require_threshold",
]  # fmt: skip

_COMPARISON = re.compile(r"(above|below|at[ _]least|at[ _]most)\s+(-?\d+(?:\.\d+)?)")

TESTS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
"""The signs of thresholds."""


class Comparison(Spec):
    """A value against thresholds; several together make a range."""

    above: float | None = None
    below: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def compares(self) -> bool:
        """Whether any threshold is given."""
        return bool(self.thresholds())

    def thresholds(self) -> list[tuple[str, float, float]]:
        """(sign, limit, which way easing moves it) of every threshold that is given."""
        every = (
            (">", self.above, -1.0),
            (">=", self.at_least, -1.0),
            ("<", self.below, 1.0),
            ("<=", self.at_most, 1.0),
        )
        return [(sign, limit, easing) for sign, limit, easing in every if limit is not None]

    def includes(self, value: float) -> bool:
        """Whether a value satisfies every threshold."""
        return all(TESTS[sign](value, limit) for sign, limit, _ in self.thresholds())

    def levels(self, margin: float) -> list[float]:
        """The thresholds, plain and eased either way."""
        return [limit * factor for _, limit, _ in self.thresholds() for factor in (1.0, 1.0 - margin, 1.0 + margin)]

    def ranks(self, margin: float) -> set[int]:
        """The ranks (`rank`) of all thresholds, plain and eased either way."""
        return {
            rank(limit + easing * abs(limit), sign)
            for sign, limit, _ in self.thresholds()
            for easing in (0.0, -margin, margin)
        }

    def in_words(self, say: Say = ENGLISH) -> str:
        """`above 3 and at most 5`."""
        named = (
            ("above %(limit)s", self.above),
            ("below %(limit)s", self.below),
            ("at least %(limit)s", self.at_least),
            ("at most %(limit)s", self.at_most),
        )
        return say.all_of(say(words, limit=f"{limit:g}") for words, limit in named if limit is not None)


def as_comparison(value: Any) -> Any:
    """A comparison on one line as a mapping; what is no text stays as it is.

    Raises:
        ValueError: a text that is no comparison.
    """
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


Compare = Annotated[Comparison, BeforeValidator(as_comparison)]
"""A comparison on one line: `above 0.7`, `at least 3`; or a mapping for a range."""

Margin = Annotated[float | None, Field(ge=0, lt=1, description="Share of the threshold; overrides the rule's.")]


class Measured(Comparison):
    """A comparison that is itself the condition, with a margin of its own."""

    margin: Margin = None

    @model_validator(mode="after")
    def _some_threshold(self) -> Measured:
        require_threshold(self)
        return self


def chosen(own: float | None, rules: float) -> float:
    """The margin of a condition: its own, or else the rule's."""
    return rules if own is None else own


def eased(limit: float, easing: float, margin: float, slack: int) -> float:
    """A threshold for who is inside (slack 1), outside (0), or inside under a `not` (-1)."""
    return limit + slack * easing * margin * abs(limit)


def rank(limit: float, sign: str) -> int:
    """How often something must have happened to be beyond a limit (`>`, `<=`), or else to reach it.

    So a count is compared by one of the latest times: `above 2` asks for the third, `at_least 2` for the second.
    """
    return math.floor(limit) + 1 if sign in (">", "<=") else math.ceil(limit)
