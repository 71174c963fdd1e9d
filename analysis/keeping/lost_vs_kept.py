"""What lost customers had in common before they were lost, against those who were kept (findings, not causes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.comparison import by_means, by_ranks, by_shares
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.relations.lives import horizon_days
from analysis.relations.ranking import ranked
from analysis.statistics import adjusted

__all__ = ["COMPARED", "FEATURES", "LOST_VS_KEPT", "Asked", "bought_until", "compared_rows", "contrasted"]

_EVERY = 28  # days from one cut to the one before it
_SHORT, _LONG = 28, 91  # days before the cut in which features look
_LEAST = 5  # customers with and without a feature, for a finding

_FREQUENT = ("visit", "search", "view", "cart", "login", "feature_use", "contact_made", "contact_clicked")
_RARE = (
    "ticket_opened", "ticket_reopened", "complaint", "refund", "contact_made", "unsubscribe", "payment_failed",
    "coupon_denied", "delivery_late", "review",
)  # fmt: skip
FEATURES = Words(
    (
        "visit, last 28 days over the mean of the 63 before", "days since the last visit", "days since the last order",
        "days since the first order", "orders, last 365 days", "revenue, last 365 days", "only one order so far",
        "bought at a discount", "a ticket is open", "a bad answer in 365 days", *dict.fromkeys((*_FREQUENT, *_RARE)),
        "{0}, last 28 days", "{0}, any in 91 days",
    )
)  # fmt: skip
"""What customers are compared by, as cells say it."""
_LOW = {"csat": 2, "nps": 6, "ces": 3, "review": 2}  # answers that are bad ones


class Asked(Parameters):
    """At how many cuts."""

    cuts: int = Field(4, ge=1, le=26, description="Days of 28 days' distance at which customers are looked at.")


@dataclass(frozen=True, slots=True)
class _Feature:
    """Of a customer as of the cut: whether (`share`), how long or how often (`mean`), how many or how much (`rank`)."""

    name: str
    kind: Literal["share", "mean", "rank"]
    value: Callable[[ir.Table], ir.Value]


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer and each feature that is known of them."""
    return contrasted(base, _population(base, asked))


def contrasted(base: Base, population: ir.Table) -> ir.Table:
    """A row for each customer of two groups and each feature that is known of them until their day.

    Args:
        base: of the question.
        population: customers, each with `cut`, the day until which features look, `lost`, which tells the groups apart,
            and what `bought_until` has.
    """
    wide, features = _features(base, population)
    index = ibis.range(0, len(features)).unnest().name("_feature").as_table()
    long = wide.cross_join(index)
    values = [(long["_feature"] == number, each.value(long).cast("float64")) for number, each in enumerate(features)]
    names = [(long["_feature"] == number, ibis.literal(each.name)) for number, each in enumerate(features)]
    kinds = [(long["_feature"] == number, ibis.literal(each.kind)) for number, each in enumerate(features)]
    table = long.select(
        "customer", "lost", feature=ibis.cases(*names), kind=ibis.cases(*kinds), value=ibis.cases(*values)
    )
    table = table.filter(table.value.notnull())
    table = ranked(table, "value", "rank", ("feature",))
    equal = table.count().over(ibis.window(group_by=["feature", "value"]))
    table = table.mutate(equal=equal.cast("float64"))
    has, kept = table.value > 0, ~table.lost
    return table.select(
        "feature", "kind", "customer", "lost", kept=kept,
        lost_with=table.lost & has, kept_with=kept & has,
        lost_sum=table.lost.ifelse(table.value, 0.0), kept_sum=kept.ifelse(table.value, 0.0),
        lost_squares=table.lost.ifelse(table.value * table.value, 0.0),
        kept_squares=kept.ifelse(table.value * table.value, 0.0),
        ranks=table.lost.ifelse(table["rank"].cast("float64") + (table.equal + 1) / 2, 0.0),
        ties=table.equal * table.equal - 1,
    )  # fmt: skip


def _cuts(base: Base, asked: Asked) -> list[date]:
    """The last days whose horizon has passed wholly, newest first; the oldest has a window of events before it."""
    newest = base.today - timedelta(days=horizon_days(base) + 1)
    days = [newest - timedelta(days=_EVERY * number) for number in range(asked.cuts)]
    return [day for day in days if day >= base.frame.begins + timedelta(days=_LONG)] or days[:1]


def _population(base: Base, asked: Asked) -> ir.Table:
    """Customers as of their `cut`, who had bought and were not lost yet: orders until then, whether one came later."""
    days = _cuts(base, asked)
    orders = base.orders
    # Anybody's cut depends on nothing but who they are: the last letters of the id, which are as good as drawn.
    letters = [orders.customer.right(at).ascii_str() for at in (1, 2, 3)]
    drawn = ((letters[0] * 31 + letters[1]) * 31 + letters[2]) % len(days)
    if len(days) == 1:
        orders = orders.mutate(cut=ibis.date(days[0]))
    else:
        orders = orders.mutate(cut=ibis.cases(*[(drawn == at, ibis.date(day)) for at, day in enumerate(days)]))
    horizon = ibis.interval(days=horizon_days(base))
    theirs = bought_until(orders, orders.cut + horizon)
    there = theirs.last_order.notnull() & (theirs.last_order + horizon > theirs.cut)
    return theirs.filter(there.fill_null(False)).mutate(lost=theirs.later == 0)


def bought_until(orders: ir.Table, end: ir.DateValue) -> ir.Table:
    """What each customer had bought until their `cut`, and how many orders came `later`, until a day."""
    before = orders.day <= orders.cut
    year = before & (orders.day > orders.cut - ibis.interval(days=365))
    after = ~before & (orders.day <= end)
    return orders.group_by("customer", "cut").agg(
        first_order=before.ifelse(orders.day, ibis.null("date")).min(),
        last_order=before.ifelse(orders.day, ibis.null("date")).max(),
        orders=before.ifelse(1, 0).sum(),
        orders_year=year.ifelse(1, 0).sum(),
        revenue_year=year.ifelse(orders.revenue, 0).sum(),  # not net: refunds may have come later
        discounts=(before & (orders.discount > 0)).fill_null(False).ifelse(1, 0).sum(),
        later=after.ifelse(1, 0).sum(),
    )


def _features(base: Base, population: ir.Table) -> tuple[ir.Table, list[_Feature]]:
    """The population with what is known of it until the cut, and how features are read of that."""
    roles = sorted({*_FREQUENT, *_RARE, *_LOW, "ticket_solved"})
    events = base.of(*roles).select("customer", "role", "day", "rating")
    events = events.inner_join(population.select("customer", "cut"), "customer")
    events = events.filter(events.day <= events.cut)
    short = events.day > events.cut - ibis.interval(days=_SHORT)
    long = events.day > events.cut - ibis.interval(days=_LONG)
    sums = {f"{role}_short": (short & (events.role == role)).ifelse(1, 0).sum() for role in _FREQUENT}
    sums |= {f"{role}_long": (long & (events.role == role)).ifelse(1, 0).sum() for role in sorted({*_FREQUENT, *_RARE})}
    is_low = [(events.role == role) & (events.rating <= most) for role, most in _LOW.items()]
    low = is_low[0] | is_low[1] | is_low[2] | is_low[3]
    sums["low_answers"] = (
        (low & (events.day > events.cut - ibis.interval(days=365))).fill_null(False).ifelse(1, 0).sum()
    )
    opened = (events.role == "ticket_opened").ifelse(1, 0) + (events.role == "ticket_reopened").ifelse(1, 0)
    sums["open_tickets"] = (opened - (events.role == "ticket_solved").ifelse(1, 0)).sum()
    sums["last_visit"] = (events.role == "visit").ifelse(events.day, ibis.null("date")).max()
    theirs = events.group_by("customer").agg(**sums)
    joined = population.left_join(theirs, "customer")
    counted = {name: theirs[name].fill_null(0) for name in sums if name != "last_visit"}
    wide = joined.select(*[population[name] for name in population.columns], theirs.last_visit, **counted)

    def column(name: str) -> Callable[[ir.Table], ir.Value]:
        return lambda t: t[name]

    def some(name: str) -> Callable[[ir.Table], ir.Value]:
        return lambda t: (t[name] > 0).ifelse(1, 0)

    features = [_Feature(f"{role}, last 28 days", "mean" if role == "visit" else "rank", column(f"{role}_short"))
                for role in _FREQUENT]  # fmt: skip
    features += [_Feature(f"{role}, any in 91 days", "share", some(f"{role}_long")) for role in _RARE]
    features += [
        _Feature("visit, last 28 days over the mean of the 63 before", "mean",
                 lambda t: t.visit_short * 63.0 / ((t.visit_long - t.visit_short) * 28.0).nullif(0)),
        _Feature("days since the last visit", "mean", lambda t: t.cut.delta(t.last_visit, unit="day")),
        _Feature("days since the last order", "mean", lambda t: t.cut.delta(t.last_order, unit="day")),
        _Feature("days since the first order", "mean", lambda t: t.cut.delta(t.first_order, unit="day")),
        _Feature("orders, last 365 days", "rank", column("orders_year")),
        _Feature("revenue, last 365 days", "rank", column("revenue_year")),
        _Feature("only one order so far", "share", lambda t: (t.orders == 1).ifelse(1, 0)),
        _Feature("bought at a discount", "share", some("discounts")),
        _Feature("a ticket is open", "share", some("open_tickets")),
        _Feature("a bad answer in 365 days", "share", some("low_answers")),
    ]  # fmt: skip
    return wide, features


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    return compared_rows(rows, base)


def compared_rows(rows: list[Row], base: Base) -> list[Row]:
    """Each feature compared, q-values over all of them, the largest standardised difference first."""
    frame = base.frame
    compared = []
    for row in rows:
        lost, kept = row["lost"], row["kept"]
        some = row["lost_with"] + row["kept_with"]
        if (
            min(lost, kept) < max(2, frame.smallest)
            or (row["kind"] == "share" and some in (0, lost + kept))
            or not some
        ):
            continue  # nobody differs in it, or nobody can be told apart
        if row["kind"] == "share":
            found = by_shares(row["lost_with"], lost, row["kept_with"], kept, frame.confidence)
        else:
            found = by_means(
                lost, row["lost_sum"], row["lost_squares"], kept, row["kept_sum"], row["kept_squares"], frame.confidence
            )
        if row["kind"] == "share" and row["lost_with"] + row["kept_with"] in (0, lost + kept):
            continue  # all are alike
        if row["kind"] != "share" and found.low == found.difference == found.high == 0:
            continue
        row |= {
            "of_lost": found.one, "of_kept": found.other, "difference": found.difference, "low": found.low,
            "high": found.high, "d": found.d, "d_low": found.d_low, "d_high": found.d_high, "lift": found.lift,
            "lift_low": found.lift_low, "lift_high": found.lift_high, "delta": None, "p": found.p,
        }  # fmt: skip
        if row["kind"] == "rank":
            row["delta"], row["p"] = by_ranks(lost, kept, row["ranks"], row["ties"])
        compared.append(row)
    for row, q in zip(compared, adjusted([row["p"] for row in compared]), strict=True):
        row["q"] = q
        without = row["lost"] + row["kept"] - row["lost_with"] - row["kept_with"]
        enough = min(row["lost"], row["kept"]) >= frame.few
        if row["kind"] == "share":
            enough = enough and min(row["lost_with"] + row["kept_with"], without) >= _LEAST
        large = abs(row["d"]) >= 0.2 or (row["lift_low"] or 0) > 1.2
        row["finding"] = enough and q <= 0.05 and large
    return sorted(compared, key=lambda row: (-abs(row["d"]), row["feature"]))


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    found = next((row for row in rows if row["finding"]), None)
    if found is None:
        return Text("Nothing that was compared went with being lost.", "所比较的特征均与流失无关联。") if rows else None
    if found["kind"] == "share":
        one, other = f"{found['of_lost']:.1%}", f"{found['of_kept']:.1%}"
    else:
        one, other = f"{found['of_lost']:.1f}", f"{found['of_kept']:.1f}"
    return Text(
        f"“{found['feature']}” went with being lost: {one} of the lost, {other} of the kept.",
        f"“{found['feature']}”与流失相伴：流失客户 {one}，留存客户 {other}。",
    )


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    days = _cuts(base, asked)
    said = f"{days[-1]} – {days[0]}" if len(days) > 1 else f"{days[0]}"
    notes = [
        Text(
            f"{len(rows)} features were compared, as of {said}.",
            f"比较了 {len(rows)} 个特征，截至 {said}。",
        )
    ]
    lost = max((row["lost"] for row in rows), default=0)
    kept = max((row["kept"] for row in rows), default=0)
    few = base.frame.few
    if min(lost, kept) < few:
        notes.append(
            Text(
                f"{lost} lost and {kept} kept customers; findings from {few} of each.",
                f"流失 {lost} 位、留存 {kept} 位；各满 {few} 位方给出结论。",
            )
        )
    return notes


COMPARED = (
    Column("difference", Text("Difference", "差值"), "number"),
    Column("low", Text("lowest", "下限"), "number", "note"),
    Column("high", Text("highest", "上限"), "number", "note"),
    Column("d", Text("Standardised", "标准化差"), "number"),
    Column("d_low", Text("lowest", "下限"), "number", "note"),
    Column("d_high", Text("highest", "上限"), "number", "note"),
    Column("lift", Text("Lift", "提升度"), "factor"),
    Column("lift_low", Text("lowest", "下限"), "factor", "note"),
    Column("lift_high", Text("highest", "上限"), "factor", "note"),
    Column("delta", Text("Cliff's delta", "Cliff δ 值"), "number"),
    Column("p", Text("p", "p 值"), "points", "note"),
    Column("q", Text("q", "q 值"), "points"),
    Column("finding", Text("Finding", "结论"), "text", "note"),
)
"""Columns of two groups that were compared, besides theirs."""

LOST_VS_KEPT = Analysis(
    name="lost_vs_kept",
    reasons=dict.fromkeys(
        ("since", "until", "interval"), "looks at days whose horizon has passed: say how many, as cuts"
    ),
    without=("since", "until", "interval", "by", "product", "category", "channel", "campaign"),
    room="keeping",
    title=Text("Lost against kept", "流失与留存对比"),
    question=Text("What did customers who left have in common before?", "流失客户此前有何共同之处？"),
    how=Text(
        "At a cut, a day whose churn horizon has passed, those who had bought and were not lost are split: lost, who "
        "bought nothing within the horizon, and kept. Features are of the time until the cut only. Each customer is "
        "looked at once, at one of several cuts, by the letters of the id. Shares: difference (Newcombe), lift, score "
        "test or Fisher's. Times and visits: standardised difference, Welch's test. Counts and money: Mann and "
        "Whitney's test, Cliff's delta. q-values (Benjamini and Hochberg) are over all that was compared. A finding "
        "has q of 0.05 at most, a standardised difference of 0.2 or a lift surely above 1.2, and 30 customers on each "
        "side. It went with being lost; it need not be the cause. Whoever was written to because of a risk is not "
        "told apart.",
        "在截点日（其流失期限已过），将已购买且未流失者分为：期限内未再购买的流失客户与留存客户。特征仅取截点之前。每"
        "位客户只在若干截点之一被观察一次，由其编号字母决定。比例：差值（Newcombe）、提升度、得分检验或 Fisher 检验。"
        "时间与访问：标准化差，Welch 检验。次数与金额：Mann–Whitney 检验，Cliff δ。q 值（Benjamini–Hochberg）覆盖全部"
        "比较。结论须 q 不超过 0.05、标准化差达 0.2 或提升度确定高于 1.2，且两侧各满 30 位客户。此为相伴关系，未必是原"
        "因；因风险而被联系者未另行区分。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "subject")),
        *[Need(role, (), (f"{role}, last 28 days",)) for role in _FREQUENT if role != "contact_made"],
        *[Need(role, (), (f"{role}, any in 91 days",)) for role in _RARE],
    ),
    members=_members,
    once=True,
    dimensions=(
        Column("feature", Text("Feature", "特征"), "text", "dimension", words=FEATURES),
        Column("kind", Text("Compared by", "比较方式"), "text", "dimension", words=Words(("mean", "rank", "share"))),
    ),
    measures=(
        Customers("lost", Text("Lost", "流失"), where="lost"),
        Customers("kept", Text("Kept", "留存"), where="kept"),
        Customers("lost_with", Text("Lost, with it", "流失且具备"), where="lost_with"),
        Customers("kept_with", Text("Kept, with it", "留存且具备"), where="kept_with"),
        *[
            Total(name, Text(name, name), "points", hidden=True)
            for name in ("lost_sum", "kept_sum", "lost_squares", "kept_squares", "ranks", "ties")
        ],
    ),
    columns=(
        Column("of_lost", Text("Lost: share or mean", "流失：比例或均值"), "number"),
        Column("of_kept", Text("Kept: share or mean", "留存：比例或均值"), "number"),
        *COMPARED,
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("forest", x="d", y="feature", low="d_low", high="d_high"),
)
