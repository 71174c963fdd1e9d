"""`quantile`: the place among all customers by a measure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from models.conditions.comparisons import Margin, chosen
from models.conditions.crossings import Paths
from models.conditions.kind import Kind
from models.conditions.ranks import growing_silence
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.population.measures import MEASURES, RISKY

__all__ = ["Quantile", "write_between"]

Share = Annotated[float, Field(ge=0.01, le=0.99)]
"""A share of the customers. Percentiles are kept, so finer ones cannot be told apart."""


class Quantile(Kind):
    """Where the customer stands among all who have the measure, as shares from 0 (lowest) to 1 (highest).

    `top` and `bottom` are shares of the customers; `at_least` and `at_most` are places: `top: 0.1` is `at_least: 0.9`.
    Who is exactly at an edge counts to those below it, so the top tenth is never more than a tenth. The margin is a
    share of the share: who is in the top 10 % leaves it below the top 11.5 %.
    """

    key = "quantile"
    examples = (
        "{quantile: revenue, top: 0.1}",
        "{quantile: recency, bottom: 0.25, margin: 0.2}",
        "{quantile: net, at_least: 0.4, at_most: 0.6}",
    )

    quantile: str
    top: Share | None = None
    bottom: Share | None = None
    at_least: Share | None = None
    at_most: Share | None = None
    margin: Margin = None

    @field_validator("quantile")
    @classmethod
    def _measured(cls, value: str) -> str:
        if value not in MEASURES:
            raise ValueError(f"there is no measure '{value}'; there are {', '.join(MEASURES)}")
        return value

    @model_validator(mode="after")
    def _one_range(self) -> Quantile:
        if (self.top, self.at_least, self.bottom, self.at_most) == (None,) * 4:
            raise ValueError("give a share: top, bottom, at_least or at_most, such as top: 0.1")
        if (self.top is not None and self.at_least is not None) or (
            self.bottom is not None and self.at_most is not None
        ):
            raise ValueError("top and at_least say the same, and so do bottom and at_most: give one of them")
        if self._low is not None and self._high is not None and self._low >= self._high:
            raise ValueError("nobody can be there: the range ends before it begins")
        return self

    @property
    def _low(self) -> float | None:
        """The share of customers above which one must be."""
        return self.at_least if self.top is None else 1.0 - self.top

    @property
    def _high(self) -> float | None:
        """The share of customers up to which one may be."""
        return self.at_most if self.bottom is None else self.bottom

    def measures(self) -> Collection[str]:
        return (self.quantile,)

    def looks_at_risk(self, profiled: Collection[str]) -> bool:
        return self.quantile in RISKY

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        own = chosen(self.margin, margin)

        def eased(share: float | None, way: float) -> float | None:
            return None if share is None else share + way * slack * own * min(share, 1.0 - share)

        return write_between(writer, self.quantile, eased(self._low, -1.0), eased(self._high, 1.0))

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_buyers(growing_silence)

    def in_words(self, say: Say = ENGLISH) -> str:
        low, high, by = self._low, self._high, say.name(self.quantile)
        if high is None and low is not None:
            return say("in the top %(share)s by %(what)s", share=f"{100 * (1 - low):g} %", what=by)
        most = f"{100 * (high or 0.0):g} %"
        if low is None:
            return say("in the bottom %(share)s by %(what)s", share=most, what=by)
        return say("between %(low)s and %(high)s by %(what)s", low=f"{100 * low:g} %", high=most, what=by)


def write_between(writer: Writer, measure: str, low: float | None, high: float | None) -> str:
    """Whether a measure is above one quantile and not above another, each a share of the customers."""
    value, buyers = MEASURES[measure].value, MEASURES[measure].ordered
    held = writer.prepare(measure, lambda: f"{writer.bind(value)}(p, now, {writer.bind(writer.currency)})", buyers)
    tests = [f"{held} is not None"]
    if low is not None:
        tests.append(f"{held} > limits[{writer.ranks.quantile(measure, low)}]")
    if high is not None:
        tests.append(f"{held} <= limits[{writer.ranks.quantile(measure, high)}]")
    return f"({' and '.join(tests)})"
