"""Figures against those of another period: the one before, or a year earlier (rule R12).

Up or down is only what chance would not make. Shares by Newcombe's interval, customers by the exact one of a ratio of
rates. Sums, such as money, by the normal interval of what their customers brought more or less, whose variance is
measured: the squares of each customer's difference, summed. Customers are drawn, not events, and who is there in both
periods is compared with themselves. A bootstrap would have to take the sum of every customer out of the engine, to say
the same of as many customers as are asked for here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, cast

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import COURSE, Analysis, Column, Count, Customers, Measure, Ratio, Row, Share, Text, Total
from analysis.framing import Frame
from analysis.parameters import Against, Parameters

__all__ = [
    "Course",
    "Earlier",
    "compared",
    "comparing_columns",
    "course_of",
    "dated",
    "earlier_of",
    "notes_against",
    "shifted",
]

Course = Literal["up", "down", "same", ""]
"""Of a figure against the other period; "" where that cannot be told."""

Key = tuple[Any, ...]

_AHEAD: Mapping[str, Mapping[str, int]] = {
    "previous": {"day": 7, "week": 7, "month": 40, "quarter": 100},
    "year": {"day": 364, "week": 364, "month": 370, "quarter": 380},
}
"""Days from the first of a period that lie in the one that is compared with it: days and weeks keep their weekdays."""

_WHOLE_WEEKS = 28  # days; what is shorter is moved by whole weeks
_YEAR = 364


@dataclass(frozen=True, slots=True)
class Earlier:
    """What figures are compared with.

    Args:
        base: of the other period.
        rows: of it, finished, by the key of a cell as it is there.
        raw: the same as the engine summed it.
    """

    base: Base
    rows: Mapping[Key, Row]
    raw: Mapping[Key, Row]


def dated(analysis: Analysis[Any], rows: Sequence[Row], given: Parameters) -> str:
    """The dimension that is a day, and so has an earlier one; "" if there is none, or it was not asked for."""
    day = _day_of(analysis)
    return day if given.of_parts and any(row.get(day) is not None for row in rows) else ""


def _day_of(analysis: Analysis[Any]) -> str:
    return next((column.name for column in analysis.dimensions if column.unit == "date"), "")


def comparing_columns(columns: Sequence[Column]) -> list[Column]:
    """What is said beside each figure: what it was, and how it stands against that."""
    made = []
    for column in columns:
        if column.kind == "measure":
            was = Text(f"{column.label.en}, other period", f"{column.label.zh}（对比期）")
            how = Text(f"{column.label.en}, change", f"{column.label.zh}（变化）")
            made += [
                Column(f"{column.name}_before", was, column.unit, "note"),
                Column(f"{column.name}_course", how, "text", "note", words=COURSE),
            ]
    return made


def earlier_of(day: date, interval: str, against: Against, frame: Frame) -> date:
    """The first day of the period that one is compared with."""
    if interval in ("day", "week"):
        return day - timedelta(days=_AHEAD[against][interval])
    months = {"month": 1, "quarter": 3}[interval] if against == "previous" else 12
    first = day.year * 12 + day.month - 1 - months
    return date(first // 12, first % 12 + 1, 1)


def shifted(given: Parameters, frame: Frame) -> Parameters:
    """What to ask for the other period of an analysis that has one period: as long, and of the same weekdays."""
    since, until = given.period(frame)
    days = (until - since).days
    if days < _WHOLE_WEEKS:
        days = math.ceil(days / 7) * 7
    back = timedelta(days=days if given.against == "previous" else _YEAR)
    return given.model_copy(update={"since": since - back, "until": until - back})


def compared(
    analysis: Analysis[Any],
    base: Base,
    rows: Sequence[Row],
    raw: Mapping[Key, Row],
    figures: Collection[str],
    ask: Callable[[Parameters], Earlier],
    members: Callable[[Base], ir.Table],
) -> bool:
    """Write beside the figures of rows what they were, and how they stand against that.

    Args:
        analysis: whose rows they are.
        base: of the period asked for.
        rows: finished.
        raw: as the engine summed them.
        figures: names of columns; others are left alone.
        ask: answers the rows of another period.
        members: of a period, keyed.

    Returns:
        Whether anything could be compared.
    """
    pairs, earlier = _paired(analysis, base, rows, raw, ask)
    for row in rows:
        for name in figures:
            row[f"{name}_before"], row[f"{name}_course"] = None, ""
    if earlier is None or not pairs:
        return False
    summed = [each for each in analysis.measures if isinstance(each, Total | Count | Ratio) and each.name in figures]
    day = dated(analysis, rows, base.given)
    moments = _moments(analysis, day, (base, earlier.base), summed, members) if summed else {}
    by_name = {measure.name: measure for measure in analysis.measures}
    for row, key, other in pairs:
        before = earlier.rows[other]
        for name in figures:
            row[f"{name}_before"] = before.get(name)
            if row.get(name) is None or before.get(name) is None:
                continue
            measure = by_name.get(name)
            now, then = raw.get(key, {}), earlier.raw.get(other, {})
            if measure is not None and (now.get(name) != row[name] or then.get(name) != before[name]):
                measure = None  # made anew of the sums, such as cumulated
            row[f"{name}_course"] = course_of(
                analysis, name, measure, (row, before), (now, then), moments.get(key, {}), base.frame
            )
    return True


def notes_against(asked: Parameters, anything: bool, frame: Frame, *, periods: bool) -> list[Text]:
    """What a reader has to know of the comparison."""
    if not anything:
        return [
            Text(
                f"There is nothing to compare with: the history begins on {frame.begins}.",
                f"没有可对比的时期：历史自 {frame.begins} 开始。",
            )
        ]
    with_ = {
        ("previous", True): Text("the period before (of days, a week before)", "上一时期（按日则为一周前）"),
        ("previous", False): Text(
            "the period of the same length before (of whole weeks below 28 days)", "之前等长的时期（不足 28 天按整周）"
        ),
        ("year", True): Text("a year earlier (of days and weeks, 364 days)", "一年前（按日与周为 364 天前）"),
        ("year", False): Text("364 days earlier", "364 天前"),
    }[asked.against, periods]
    percent = f"{frame.confidence:.0%}"
    return [
        Text(
            f"Compared with {with_.en}: up or down only if the {percent} interval of the difference excludes 0, else "
            f"about the same; of sums, such as money, from {frame.few} customers on either side. Without an arrow no "
            "interval is known.",
            f"与{with_.zh}对比：仅当差值的 {percent} 区间不含 0 时称上升或下降，否则为基本持平；金额等合计需两侧各至少 "
            f"{frame.few} 位客户。无箭头者区间未知。",
        )
    ]


def _paired(
    analysis: Analysis[Any],
    base: Base,
    rows: Sequence[Row],
    raw: Mapping[Key, Row],
    ask: Callable[[Parameters], Earlier],
) -> tuple[list[tuple[Row, Key, Key]], Earlier | None]:
    """Rows with the keys of their cells and of those they are compared with, and what has these."""
    frame, given = base.frame, base.given
    names = [column.name for column in analysis.dimensions]
    day = dated(analysis, rows, given)
    keyed: list[tuple[Row, Key]] = [(row, tuple(row.get(name) for name in names)) for row in rows]
    if not day:
        other = shifted(given, frame)
        if other.since is None or other.since < frame.begins:
            return [], None
        earlier = ask(other)
        begins = {_day_of(analysis): other.period(frame)[0]}  # of all rows, where the day is not theirs
        cells = [(row, key, tuple(begins.get(name, value) for name, value in zip(names, key, strict=True)))
                 for row, key in keyed]  # fmt: skip
        return [cell for cell in cells if cell[2] in earlier.rows], earlier
    at = names.index(day)
    interval = "day" if day == "day" else given.interval
    whole = [(row, key) for row, key in keyed if key[at] is not None and _whole(row, key[at], base, interval)]
    wanted = {key[at]: earlier_of(key[at], interval, given.against, frame) for _, key in whole}
    wanted = {now: then for now, then in wanted.items() if then >= frame.begins}
    if not wanted:
        return [], None
    there = {key[at] for _, key in whole}
    if given.against == "previous" and wanted.get(max(there)) in there:
        earlier = Earlier(base, {key: row for row, key in whole}, raw)
    else:
        last = frame.next(max(wanted.values()), interval)
        earlier = ask(given.model_copy(update={"since": min(wanted.values()), "until": last}))
    pairs = []
    for row, key in whole:
        if key[at] in wanted:
            then = (*key[:at], wanted[key[at]], *key[at + 1 :])
            if then in earlier.rows:
                pairs.append((row, key, then))
    return pairs, earlier


def _whole(row: Row, day: date, base: Base, interval: str) -> bool:
    if "complete" in row:
        return bool(row["complete"])
    return base.frame.complete(day, interval) and day >= base.given.period(base.frame)[0]


def _moments(
    analysis: Analysis[Any],
    day: str,
    bases: tuple[Base, Base],
    summed: Sequence[Measure],
    members: Callable[[Base], ir.Table],
) -> dict[Key, Row]:
    """By cell what the variances of its figures are made of: of each customer, in both periods.

    Args:
        analysis: whose figures they are.
        day: the dimension that is another in the other period; "" if there is none.
        bases: of this period and of the other.
        summed: the figures.
        members: of a period, keyed.
    """
    base = bases[0]
    keys = [column.name for column in analysis.dimensions]
    now, then = (_of_customers(members(each), keys, summed, analysis.measures) for each in bases)
    if day:
        interval = "day" if day == "day" else base.given.interval
        ahead = _AHEAD[base.given.against][interval]
        then = then.mutate(**{day: base.start_of(then[day] + ibis.interval(days=ahead), interval)})
    elif not base.given.of_parts:
        then = then.mutate(**{_day_of(analysis): ibis.date(base.given.period(base.frame)[0])})
    figures = [name for name in now.columns if name not in (*keys, "customer")]
    then = then.rename({f"then_{name}": name for name in figures})
    one = now.mutate(now_n=ibis.literal(1), then_n=ibis.literal(0), **{f"then_{name}": 0.0 for name in figures})
    other = then.mutate(now_n=ibis.literal(0), then_n=ibis.literal(1), **dict.fromkeys(figures, 0.0))
    columns = [*keys, "customer", "now_n", "then_n", *figures, *(f"then_{name}" for name in figures)]
    either = ibis.union(one.select(*columns), other.select(*columns))
    added = {name: either[name].sum() for name in columns if name not in (*keys, "customer")}
    both = either.group_by([*keys, "customer"]).agg(**added)
    products: dict[str, ir.Value] = {"now_n": both.now_n.sum(), "then_n": both.then_n.sum()}
    for measure in summed:
        if isinstance(measure, Ratio):
            for side in ("", "then_"):
                a, b = both[f"{side}{measure.part}"], both[f"{side}{measure.whole}"]
                products |= {f"{side}{measure.name}_aa": (a * a).sum(), f"{side}{measure.name}_ab": (a * b).sum(),
                             f"{side}{measure.name}_bb": (b * b).sum()}  # fmt: skip
        else:
            difference = both[measure.name] - both[f"then_{measure.name}"]
            products[f"{measure.name}_dd"] = (difference * difference).sum()
    found = base.engine.fetch(both.group_by(keys).agg(**products) if keys else both.agg(**products)).to_pylist()
    return {tuple(row[name] for name in keys): row for row in found}


def _of_customers(
    members: ir.Table, keys: Sequence[str], summed: Sequence[Measure], measures: Sequence[Measure]
) -> ir.Table:
    """What each customer of a cell adds to its figures."""
    by_name = {measure.name: measure for measure in measures}
    wanted = dict.fromkeys(
        name for each in summed for name in ((each.part, each.whole) if isinstance(each, Ratio) else (each.name,))
    )
    figures = {}
    for name in wanted:
        measure = by_name[name]
        if isinstance(measure, Total):
            value = members[measure.value or measure.name].fill_null(0).cast("float64").sum()
        else:
            where = getattr(measure, "where", "")
            value = members[where].fill_null(False).ifelse(1, 0).sum() if where else members.count()
            if isinstance(measure, Customers):
                value = ibis.ifelse(value > 0, 1, 0)
            value = value.cast("float64")
        figures[name] = value
    return members.group_by([*keys, "customer"]).agg(**figures)


def course_of(
    analysis: Analysis[Any],
    name: str,
    measure: Measure | None,
    finished: tuple[Row, Row],
    raw: tuple[Row, Row],
    moments: Row,
    frame: Frame,
) -> Course:
    """How a figure stands: `up` or `down` if the interval of the difference leaves out 0, else `same`."""
    from analysis.ratios import quantile_of_normal, rate_ratio  # noqa: PLC0415  (statsmodels takes a second and 90 MB)
    from analysis.statistics import against  # noqa: PLC0415  (as above)

    (row, before), (now, then) = finished, raw
    if isinstance(measure, Share):
        part, whole = measure.part, measure.whole
        told = against(now[part] or 0, now[whole] or 0, then[part] or 0, then[whole] or 0, frame.confidence)
        return cast("Course", told)
    if isinstance(measure, Customers):
        if not now[name] and not then[name]:
            return "same"
        low, high, _ = rate_ratio(int(now[name]), int(then[name]), frame.confidence)
        return "up" if low > 1 else "down" if high < 1 else "same"
    if isinstance(measure, Total | Count | Ratio):
        if min(moments.get("now_n") or 0, moments.get("then_n") or 0) < frame.few:
            return ""
        if isinstance(measure, Ratio):
            variance = _variance(measure, now, moments, "") + _variance(measure, then, moments, "then_")
        else:
            variance = moments[f"{name}_dd"]
        width = quantile_of_normal(frame.confidence) * math.sqrt(max(variance, 0.0))
        difference = float(now[name]) - float(then[name])
        return "up" if difference > width else "down" if difference < -width else "same"
    ends = (f"{name}_low", f"{name}_high")
    if ends[0] not in row and analysis.chart.y == name and analysis.chart.low:
        ends = (analysis.chart.low, analysis.chart.high)
    if any(each.get(end) is None for each in (row, before) for end in ends):
        return ""
    return _of_intervals(row, before, name, ends)


def _variance(measure: Ratio, row: Row, moments: Row, side: str) -> float:
    """Of a ratio of two sums over customers, by the delta method."""
    ratio, whole = float(row[measure.name]), float(row[measure.whole])
    aa, ab, bb = (float(moments[f"{side}{measure.name}_{which}"]) for which in ("aa", "ab", "bb"))
    return (aa - 2 * ratio * ab + ratio * ratio * bb) / (whole * whole)


def _of_intervals(row: Row, before: Row, name: str, ends: tuple[str, str]) -> Course:
    """Of two independent figures with intervals of their own (Zou and Donner's interval of the difference)."""
    now, then = float(row[name]), float(before[name])
    (low, high), (low_then, high_then) = ([float(each[end]) for end in ends] for each in (row, before))
    difference = now - then
    least = difference - math.hypot(now - low, high_then - then)
    most = difference + math.hypot(high - now, then - low_then)
    return "up" if least > 0 else "down" if most < 0 else "same"
