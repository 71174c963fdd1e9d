"""`risk`, `band`: the churn risk."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import field_validator

from models.conditions.comparisons import Compare, Margin, chosen, require_threshold
from models.conditions.kind import Kind
from models.conditions.words import either
from models.conditions.writer import Writer

__all__ = ["Band", "Risk"]


class Risk(Kind):
    """The churn risk, 0 to 1; a customer without a score satisfies nothing."""

    key = "risk"
    examples = ("{risk: above 0.7}", "{risk: {at_least: 0.2, below: 0.5}, margin: 0.05}")

    risk: Compare
    margin: Margin = None

    _threshold = field_validator("risk")(require_threshold)

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return True

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"(score is not None and {writer.compare('score.risk', self.risk, chosen(self.margin, margin), slack)})"

    def in_words(self) -> str:
        return f"churn risk {self.risk.in_words()}"


class Band(Kind):
    """The band of the churn risk: low, medium or high."""

    key = "band"
    examples = ("{band: high}", "{band: [low, medium]}")

    band: Literal["low", "medium", "high"] | list[Literal["low", "medium", "high"]]

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return True

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return f"(score is not None and score.band in {writer.bind_names(self.band)})"

    def in_words(self) -> str:
        return f"churn risk is {either(self.band)}"
