"""`risk`, `band`: the churn risk."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from pydantic import field_validator

from models.conditions.churns import risk_in_words, score_in, unknown
from models.conditions.comparisons import Compare, Margin, chosen, require_threshold
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer

__all__ = ["Band", "Risk"]


class Risk(Kind):
    """The churn risk, 0 to 1; a customer without a score satisfies nothing."""

    key = "risk"
    examples = (
        "{risk: above 0.7}",
        "{risk: {at_least: 0.2, below: 0.5}, margin: 0.05}",
    )

    risk: Compare
    margin: Margin = None
    churn: str | None = None  # by which further definition of churn

    _threshold = field_validator("risk")(require_threshold)

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return True

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        score = score_in(writer, self.churn)
        compared = writer.compare(f"{score}.risk", self.risk, chosen(self.margin, margin), slack)
        return f"({score} is not None and {compared})"

    def in_words(self, say: Say = ENGLISH) -> str:
        return f"{risk_in_words(self.churn, say)} {self.risk.in_words(say)}"

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from unknown(self.churn, known)


class Band(Kind):
    """The band of the churn risk: low, medium or high."""

    key = "band"
    examples = ("{band: high}", "{band: [low, medium]}")

    band: Literal["low", "medium", "high"] | list[Literal["low", "medium", "high"]]
    churn: str | None = None

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return True

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        score = score_in(writer, self.churn)
        return f"({score} is not None and {score}.band in {writer.bind_names(self.band)})"

    def in_words(self, say: Say = ENGLISH) -> str:
        return say("%(what)s is %(value)s", what=risk_in_words(self.churn, say), value=say.names(self.band))

    def problems(self, known: Vocabulary) -> Iterator[str]:
        yield from unknown(self.churn, known)
