"""How an analysis is declared. Page, API, CSV, command, the list behind a number, coverage and tests follow from it.

An analysis is told by its *members*: an Ibis expression with a row for each customer in each cell (a cohort and an age,
a step, a product…), or several, which are added up. What is shown are sums over these rows; the list behind a number is
the same rows, not summed. So they cannot differ. CONTRIBUTING.md has the recipe of a new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from analysis.parameters import Parameters

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from analysis.base import Base

__all__ = [
    "COURSE", "Analysis", "Chart", "Column", "Count", "Customers", "Measure", "Need", "P", "Quantile", "Ratio", "Row",
    "Share", "Text", "Total", "Unit", "Words",
]  # fmt: skip

Row = dict[str, Any]

P = TypeVar("P", bound=Parameters)

Unit = Literal["count", "customers", "share", "money", "days", "seconds", "points", "text", "date", "factor", "number"]
"""Of a column: `money` is whole minor units of the plan's currency, `share` is a part of something or a relative change
(1 is all of it), `factor` says how many times as much, `number` has no unit."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in each language of the console."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """In a language as the console names it."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Words:
    """Words of Rapport's own that cells hold, alone or beside those of the data. Pages say them in their language.

    Args:
        known: as cells have them; `{0}`, `{1}` … stand for such a word, or for one of the data.
        joint: what stands between several of them in a cell.
        meant: what is said for a cell whose word says something else where it stands alone.
    """

    known: tuple[str, ...]
    joint: str = ""
    meant: tuple[tuple[str, str], ...] = ()

    def said(self, cell: str, translate: Callable[[str], str]) -> str:
        """A cell with these words in another language; whatever else it holds stays."""
        for word, meaning in self.meant:
            if cell == word:
                return translate(meaning)
        if cell in self.known:
            return translate(cell.replace("_", " "))
        if self.joint and self.joint in cell:
            return self.joint.join(self.said(part, translate) for part in cell.split(self.joint))
        for word in self.known:
            if "{0}" in word and (found := _pattern(word).fullmatch(cell)):
                return translate(word).format(*(self.said(part, translate) for part in found.groups()))
        return cell


COURSE = Words(("up", "down", "same"))
"""How a figure stands against another."""


@cache
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d\\\}", "(.+?)", re.escape(word)))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result.

    Args:
        name: its key in rows, in CSV and in the API.
        label: for people.
        unit: of its values.
        kind: a dimension is part of the key of a cell; a measure is a figure; a note stands beside them.
        part, whole: of a share or a mean, the columns above and below the line.
        words: of Rapport, not of the data, that its cells may hold.
    """

    name: str
    label: Text
    unit: Unit = "count"
    kind: Literal["dimension", "measure", "note"] = "measure"
    part: str = field(default="", kw_only=True)
    whole: str = field(default="", kw_only=True)
    words: Words | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of each cell.

    Args:
        name: of its column.
        label: for people.
        unit: of its values.
        hidden: whether only `finish` needs it.
        listed: whether a list of customers stands behind it.
    """

    name: str
    label: Text
    unit: Unit = "count"
    hidden: bool = field(default=False, kw_only=True)

    listed = False


@dataclass(frozen=True, slots=True)
class Customers(Measure):
    """How many customers; `where` names a true-or-false column of the members, "" is all of them."""

    unit: Unit = "customers"
    where: str = ""

    listed = True


@dataclass(frozen=True, slots=True)
class Count(Measure):
    """How many members, such as orders or tickets; `where` names a true-or-false column of them, "" is all."""

    where: str = ""

    listed = True


@dataclass(frozen=True, slots=True)
class Total(Measure):
    """The sum of a column of the members; "" is the measure's name."""

    value: str = ""


@dataclass(frozen=True, slots=True)
class Quantile(Measure):
    """A quantile, over customers, of a column of the members; nulls are left out."""

    value: str = ""
    q: float = 0.5


@dataclass(frozen=True, slots=True)
class Share(Measure):
    """One count of customers over another, with Wilson's interval in `NAME_low` and `NAME_high`."""

    unit: Unit = "share"
    part: str = ""  # names of measures
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Ratio(Measure):
    """One figure over another, of the same cell; null where the second is 0."""

    part: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What of the plan an analysis takes: a role, and what of its events.

    Args:
        role: an event of any of these, separated by `|`.
        facts: columns that must be filled.
        figures: what is missing without it; () means that the analysis cannot be made.
    """

    role: str
    facts: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """How a result is drawn (`analysis/charts`).

    Args:
        kind: bars, stacked, lines, area, steps, heat, triangle, funnel, waterfall, sankey, forest, scatter, whale, or
            lights.
        x, y: names of columns; `y` may be several.
        color: a dimension.
    """

    kind: str
    x: str = ""
    y: str | tuple[str, ...] = ""
    color: str = ""
    low: str = ""  # columns of an interval
    high: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis(Generic[P]):
    """The declaration of one analysis.

    Args:
        name: in addresses and commands, lower case with `_`.
        room: the group it is shown in: growth, keeping, products, service, money, marketing, quality.
        title, question, how: for people: a name, what it answers, and the definition with its exclusions.
        parameters: what may be asked; a subclass of `Parameters`.
        needs: of the plan.
        members: the rows of customers in cells: the dimensions' columns, `customer`, and what measures name.
        dimensions: the columns that make a cell, in the order of the table.
        measures: the figures of a cell.
        once: whether members have each customer once in a cell, whatever is asked, so that rows are customers.
        tally: the sums of the members by cell, the dimensions' columns and what is no share and no ratio, where that is
            cheaper than to have a row for each member; None where they have to be summed.
        chart: how it is drawn.
        drawn: how it is drawn where what was asked changes that; None: as `chart` says.
        finish: makes rows of the summed rows, in Python: cumulated, tested, completed. Rows keep the dimensions.
        columns: further columns that `finish` makes.
        sentence: one sentence on the result, None if there is nothing to say.
        notes: what a reader has to know of these rows.
        quoted: a column of the members, of what customers write: lists behind numbers have the latest of each, for who
            may see it. Members have the moment of each beside it, as `us`.
        without: parameters that have no meaning here: no form has them, and asking for one is wrong.
        reasons: why, where what `rules_of_all` says of all is not true here.
    """

    name: str
    room: str
    title: Text
    question: Text
    how: Text
    members: Callable[[Base, P], ir.Table]
    dimensions: Sequence[Column]
    measures: Sequence[Measure]
    chart: Chart
    parameters: type[P] = Parameters  # type: ignore[assignment]
    needs: Sequence[Need] = ()
    once: bool = False
    tally: Callable[[Base, P], ir.Table | None] | None = None
    drawn: Callable[[P], Chart] | None = None
    finish: Callable[[list[Row], Base, P], list[Row]] | None = None
    columns: Sequence[Column] = ()
    sentence: Callable[[list[Row], Base, P], Text | None] | None = None
    notes: Callable[[list[Row], Base, P], list[Text]] | None = None
    quoted: Column | None = None
    without: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[str, ...]:
        """`without`, and what these take along: where there is no period, there is none to compare with."""
        return (*self.without, "against") if "since" in self.without else self.without
