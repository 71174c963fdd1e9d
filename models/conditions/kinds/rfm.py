"""`rfm`: quintiles of recency, frequency and monetary value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from models.conditions.comparisons import Comparison, Margin, as_comparison, chosen
from models.conditions.crossings import Paths
from models.conditions.kind import Kind
from models.conditions.kinds.quantile import write_between
from models.conditions.ranks import growing_silence
from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.population.measures import FREQUENCY, MONETARY, RECENCY

__all__ = ["Rfm", "RfmScores"]

_ALL = (1, 2, 3, 4, 5)


def _quintiles(value: Any) -> Any:
    """Quintiles as they may be written (4, [4, 5], at least 4) as a sorted list."""
    if isinstance(value, (str, dict)):
        asked = Comparison.model_validate(as_comparison(value))
        value = [quintile for quintile in _ALL if asked.includes(quintile)]
    found = value if isinstance(value, (list, tuple)) else [value]
    if not found or any(isinstance(quintile, bool) or quintile not in _ALL for quintile in found):
        raise ValueError("quintiles are 1 to 5; write such as 5, [4, 5] or at least 4")
    return tuple(sorted(set(found)))


Quintiles = Annotated[tuple[int, ...], BeforeValidator(_quintiles)]
"""Fifths of the customers, 1 to 5: `5`, `[4, 5]` or `at least 4`."""


class RfmScores(Spec):
    """Quintiles; whichever is left out may be any."""

    recency: Quintiles | None = None
    frequency: Quintiles | None = None
    monetary: Quintiles | None = None

    @model_validator(mode="after")
    def _some_quintile(self) -> RfmScores:
        if not self.asked():
            raise ValueError("give quintiles of recency, frequency or monetary, such as recency: [4, 5]")
        return self

    def asked(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """(name, measure, quintiles) of what is asked for."""
        every = (("recency", RECENCY), ("frequency", FREQUENCY), ("monetary", MONETARY))
        return [(name, measure, asked) for name, measure in every if (asked := getattr(self, name)) is not None]


class Rfm(Kind):
    """The quintiles of how lately, how often and for how much the customer ordered; 5 is the best fifth."""

    key = "rfm"
    examples = (
        "{rfm: {recency: [4, 5], frequency: at least 4, monetary: 5}}",
        "{rfm: {recency: [1, 5]}, margin: 0.2}",
    )

    rfm: RfmScores
    margin: Margin = None

    def measures(self) -> Collection[str]:
        return [measure for _, measure, _ in self.rfm.asked()]

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        easing = slack * chosen(self.margin, margin)
        parts = []
        for _, measure, quintiles in self.rfm.asked():
            runs = []
            for first, last in _runs(quintiles):
                # The lowest recency is the best: its fifths are counted from the other end.
                low, high = (5 - last, 6 - first) if measure == RECENCY else (first - 1, last)
                above, up_to = (low - easing) / 5 if low > 0 else None, (high + easing) / 5 if high < 5 else None
                runs.append(write_between(writer, measure, above, up_to))
            parts.append(f"({' or '.join(runs)})")
        return f"({' and '.join(parts)})"

    def foresee(self, paths: Paths, margin: float) -> None:
        paths.of_buyers(growing_silence)

    def in_words(self, say: Say = ENGLISH) -> str:
        return say.all_of(
            say("%(what)s fifth %(which)s", what=say.name(name), which=say.either(quintiles))
            for name, _, quintiles in self.rfm.asked()
        )


def _runs(quintiles: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of every run of consecutive numbers; they are sorted."""
    runs: list[tuple[int, int]] = []
    for quintile in quintiles:
        if runs and runs[-1][1] == quintile - 1:
            runs[-1] = (runs[-1][0], quintile)
        else:
            runs.append((quintile, quintile))
    return runs
