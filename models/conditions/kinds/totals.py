"""`sum`, `ratio`: totals of money and items, and one of them over another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from pydantic import model_validator

from models.conditions.comparisons import Measured, chosen
from models.conditions.crossings import Find, Paths
from models.conditions.kind import Kind
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from models.durations import Duration
from profiles.money import exponent
from profiles.types import Profile, Purchases

__all__ = ["Ratio", "Sum"]

_TOTALS = {"revenue": "revenue", "refunds": "refunds", "net": "revenue less refunds", "items": "items bought"}


class Sum(Measured, Kind):
    """A total, ever: money in major units of the plan's currency, or items. Revenue also within the time up to now."""

    key = "sum"
    examples = (
        "{sum: revenue, above: 500}",
        "{sum: revenue, within: 90d, above: 100}",
        "{sum: revenue, within: 21d, below: 25}",
        "{sum: net, at_least: 500.00, margin: 0.1}",
        "{sum: refunds, above: 0}",
        "{sum: items, above: 2}",
    )

    sum: Literal["revenue", "refunds", "net", "items"]
    within: Duration | None = None

    @model_validator(mode="after")
    def _kept(self) -> Sum:
        if self.within is not None and self.sum != "revenue":
            raise ValueError("a profile keeps the times of orders only: within goes with sum: revenue")
        return self

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        if self.within is None:
            total = _total(writer, self.sum)
        else:
            total = f"{writer.bind(_spent)}(bought, now, {self.within!r}) * {_major_units(writer)!r}"
        return writer.compare(total, self, chosen(self.margin, margin), slack)

    def foresee(self, paths: Paths, margin: float) -> None:
        if self.within is not None:
            paths.of_buyers(_Leaving(self.within))

    def in_words(self, say: Say = ENGLISH) -> str:
        said = f"{say(_TOTALS[self.sum])} {super().in_words(say)}"
        return (
            said if self.within is None else say("%(what)s within %(span)s", what=said, span=say.duration(self.within))
        )


class Ratio(Measured, Kind):
    """One total or count of a role over another, ever; over nothing satisfies nothing."""

    key = "ratio"
    examples = ("{ratio: [refunds, revenue], above: 0.3}", "{ratio: [ticket_opened, purchase], at_least: 0.5}")

    ratio: tuple[str, str]  # totals or roles

    def roles(self) -> Sequence[str]:
        return [name for name in self.ratio if name not in _TOTALS]

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        over, under = (_amount(writer, name) for name in self.ratio)
        compared = writer.compare(f"{over} / d", self, chosen(self.margin, margin), slack)
        return f"((d := {under}) > 0 and {compared})"

    def in_words(self, say: Say = ENGLISH) -> str:
        over, under = (say(_TOTALS[name]) if name in _TOTALS else say.name(name) for name in self.ratio)
        return say("%(what)s %(often)s times %(other)s", what=over, often=super().in_words(say), other=under)

    def problems(self, known: Vocabulary) -> Iterator[str]:
        for name in self.roles():
            if name not in known.roles:
                yield f"there is no total or role '{name}'{suggest(name, (*_TOTALS, *known.roles))}"


def _amount(writer: Writer, name: str) -> str:
    """A total or the count of a role, as a number."""
    if name in _TOTALS:
        return _total(writer, name)
    return f"(t.count if (t := roles.get({writer.bind(name)})) is not None else 0)"


def _total(writer: Writer, name: str) -> str:
    if name == "items":
        return "bought.items"
    currency = writer.bind(writer.currency)
    revenue = f"(bought.revenue.get({currency}, 0) + bought.converted)"
    refunds = f"(bought.refunds.get({currency}, 0) + bought.converted_back)"
    minor = {"revenue": revenue, "refunds": refunds, "net": f"({revenue} - {refunds})"}[name]
    return f"{minor} * {_major_units(writer)!r}"


def _major_units(writer: Writer) -> float:
    """Of a minor unit."""
    return float(10.0 ** -exponent(writer.currency))


def _spent(bought: Purchases, now: float, within: float) -> int:
    """Minor units of the orders within the time up to now, of those whose time a profile keeps."""
    total = 0
    for time, amount in zip(reversed(bought.recent), reversed(bought.amounts), strict=False):
        if time + within <= now:
            break
        total += amount
    return total


@dataclass(frozen=True)
class _Leaving:
    """Orders leave a window one after the other, the older ones first: each may turn any sum."""

    length: float

    def __call__(self, thresholds: list[float]) -> Find[Profile]:
        length = self.length

        def find(profile: Profile, now: float) -> float:
            return next((time + length for time in profile.purchases.recent if time + length > now), inf)

        return find
