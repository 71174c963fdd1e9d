"""`left`, `leaving`, `lost`: the leaving score."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import field_validator

from models.conditions.comparisons import Compare, Comparison, Margin, chosen, require_threshold
from models.conditions.kind import Kind
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer

__all__ = ["Leaving", "Left", "Lost"]


class _Chance(Kind):
    """A chance that goes with the score; a customer of whom it is not known satisfies nothing."""

    margin: Margin = None

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return True

    def _write(self, writer: Writer, name: str, compare: Comparison, margin: float, slack: int) -> str:
        test = writer.compare(f"score.{name}", compare, chosen(self.margin, margin), slack)
        return f"(score is not None and score.{name} is not None and {test})"


class Left(_Chance):
    """The chance that the customer has left for good already, 0 to 1."""

    key = "left"
    examples = ("{left: above 0.9}",)

    left: Compare

    _threshold = field_validator("left")(require_threshold)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return self._write(writer, self.key, self.left, margin, slack)

    def in_words(self, say: Say = ENGLISH) -> str:
        return f"{say('chance of having left')} {self.left.in_words(say)}"


class Leaving(_Chance):
    """The chance that the customer is still here and leaves for good within the plan's `leaving_within`, 0 to 1."""

    key = "leaving"
    examples = ("{leaving: above 0.2}", "{leaving: {at_least: 0.2}, margin: 0.05}")

    leaving: Compare

    _threshold = field_validator("leaving")(require_threshold)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return self._write(writer, self.key, self.leaving, margin, slack)

    def in_words(self, say: Say = ENGLISH) -> str:
        return f"{say('chance of leaving soon')} {self.leaving.in_words(say)}"


class Lost(_Chance):
    """The chance that the customer has left or leaves within `leaving_within`."""

    key = "lost"
    examples = ("{lost: above 0.6}",)

    lost: Compare

    _threshold = field_validator("lost")(require_threshold)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return self._write(writer, self.key, self.lost, margin, slack)

    def in_words(self, say: Say = ENGLISH) -> str:
        return f"{say('chance of being lost soon')} {self.lost.in_words(say)}"
