"""The figures that tell at a glance how things stand: each of an analysis, of its last complete period, against the one
before or a year earlier (rule R12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from analysis.against import Course
from analysis.declaration import Text
from analysis.result import Result

__all__ = ["KPI", "KPIS", "Standing", "standing"]

_SHOWN = 12  # periods of the line


@dataclass(frozen=True, slots=True)
class KPI:
    """One figure.

    Args:
        analysis: whose it is.
        column: which.
        title: for people.
        better: whether more of it or less is good; "" if neither.
        asked: parameters of the analysis.
        of: dimensions that its row has, besides the period.
    """

    analysis: str
    column: str
    title: Text
    better: Literal["more", "less", ""] = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    of: Mapping[str, Any] = field(default_factory=dict)


KPIS = (
    KPI("base", "closing", Text("Customers", "客户"), "more"),
    KPI("base", "new", Text("New customers", "新客户"), "more"),
    KPI("base", "churn", Text("Churn", "流失率"), "less"),
    KPI("base", "conversion", Text("Conversion of prospects", "潜在客户转化率"), "more"),
    KPI("base", "repurchase", Text("Repurchase within 90 days", "90 天复购率"), "more"),
    KPI("trends", "sum", Text("Revenue", "收入"), "more", {"role": "purchase"}),
    KPI("trends", "events", Text("Orders", "订单"), "more", {"role": "purchase"}),
    KPI("rates", "active", Text("Active customers", "活跃客户"), "more"),
    KPI("rates", "returns", Text("Orders returned", "退货率"), "less"),
    KPI("rates", "complaints", Text("Customers with a complaint", "投诉率"), "less"),
    KPI("satisfaction", "score", Text("NPS", "NPS"), "more", of={"kind": "nps"}),
    KPI("satisfaction", "score", Text("CSAT, satisfied of 100", "CSAT（每百人满意数）"), "more", of={"kind": "csat"}),
    KPI("tickets", "opened", Text("Tickets opened", "新工单"), "less"),
    KPI("tickets", "median", Text("Time to resolve, median", "解决时间中位数"), "less"),
    KPI("mrr", "closing", Text("Monthly recurring revenue", "月度经常性收入"), "more"),
    KPI("mrr", "nrr", Text("Kept with growth (NRR)", "净留存 (NRR)"), "more"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a figure stands.

    Args:
        value, period: of the last complete period; None if there is none.
        before: of the period it is compared with.
        change: of shares and scores the difference, of others the part by which it grew; None where it cannot be told.
        course: what can be said of that.
        values: of the latest complete periods, oldest first.
        few: whether it is of few customers.
    """

    value: Any
    period: date | None
    before: Any
    change: float | None
    course: Course
    values: Sequence[float | None]
    few: bool


def standing(kpi: KPI, result: Result) -> Standing:
    """How a figure stands, by the table of its analysis, which was asked for `against` another period."""
    rows = [
        row
        for row in result.rows
        if row.get("complete") and all(row.get(name) == value for name, value in kpi.of.items())
    ]
    rows.sort(key=lambda row: row["period"])
    column = next(each for each in result.columns if each.name == kpi.column)
    values = [_number(row.get(kpi.column)) for row in rows[-_SHOWN:]]
    if not rows:
        return Standing(None, None, None, None, "", values, few=False)
    now = rows[-1]
    value, earlier = now.get(kpi.column), now.get(f"{kpi.column}_before")
    change = None
    if value is not None and earlier is not None:
        if column.unit in ("share", "points"):
            change = float(value) - float(earlier)
        elif earlier:
            change = float(value) / float(earlier) - 1
    course: Course = now.get(f"{kpi.column}_course", "") if change is not None else ""
    few = kpi.column in (now.get("few") or ())
    return Standing(value, now["period"], earlier, change, course, values, few)


def _number(value: Any) -> float | None:
    return float(value) if value is not None else None
