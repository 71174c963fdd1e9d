"""`opinion`: what the customer answered to a survey."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from models.conditions.comparisons import Compare, Comparison, Margin, chosen, require_threshold
from models.conditions.kind import Kind
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer

__all__ = ["OpinionIs"]


class OpinionIs(Kind):
    """The last or average answer to a kind of survey; no answer satisfies nothing. Only an average has the rule's
    margin."""

    key = "opinion"
    examples = ("{opinion: csat, average: below 3}", "{opinion: nps, last: at most 6, margin: 0.1}")

    opinion: Literal["csat", "nps", "ces", "review"]
    last: Compare | None = None
    average: Compare | None = None
    margin: Margin = None

    @model_validator(mode="after")
    def _one_question(self) -> OpinionIs:
        if (self.last is None) == (self.average is None):
            raise ValueError("ask for last or average, such as average: below 3")
        require_threshold(self._asked())
        return self

    def _asked(self) -> Comparison:
        return self.last or self.average or Comparison()

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        value, own = ("o.last", self.margin or 0.0) if self.last else ("o.total / o.count", chosen(self.margin, margin))
        compared = writer.compare(value, self._asked(), own, slack)
        return f"((o := p.opinions.get({writer.bind(self.opinion)})) is not None and o.count > 0 and {compared})"

    def in_words(self, say: Say = ENGLISH) -> str:
        what = say("last %(survey)s" if self.last else "average %(survey)s", survey=say.name(self.opinion))
        return f"{what} {self._asked().in_words(say)}"
