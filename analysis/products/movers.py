"""Movers: which products sell more or less than in the period before, beyond chance."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.products.products import Level, sold
from analysis.ratios import rate_ratio
from analysis.statistics import adjusted

__all__ = ["MOVERS"]

LEAST = 30
"""Items in both periods together, from which a product is compared."""

_VERDICTS = Words(("up", "down", "same", "launched", "ended", "few"))


class Asked(Parameters):
    """Of products or of categories; the last four weeks unless a period is said."""

    level: Level = Field("product", description="Products or categories.")


def _periods(base: Base, asked: Asked) -> tuple[date, date, date, date]:
    """First and end of the period and of the one before: as long, and moved by whole weeks if shorter than four."""
    until = asked.until or base.today
    since = asked.since or until - timedelta(days=28)
    days = (until - since).days
    shift = timedelta(days=days if days >= 28 else -(-days // 7) * 7)
    return since, until, since - shift, until - shift


def _members(base: Base, asked: Asked) -> ir.Table:
    since, until, before, end = (ibis.date(day) for day in _periods(base, asked))
    rows = sold(base, asked.level).filter(lambda t: t.what != "")
    rows = rows.mutate(
        now=(rows.day >= since) & (rows.day < until),
        before=(rows.day >= before) & (rows.day < end),
        launched=rows.day.min().over(ibis.window(group_by="what")) >= since,
    )
    rows = rows.filter(rows.now | rows.before)
    return rows.mutate(
        **{
            f"{name}_{when}": ibis.ifelse(rows[when], rows[name], 0)
            for name in ("items", "net")
            for when in ("now", "before")
        }
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Compares; the largest change of net first."""
    known = base.frame.begins <= _periods(base, asked)[2]
    compared = []
    for row in rows:
        row["change"] = row["net_now"] - row["net_before"]
        row["ratio"] = row["orders_now"] / row["orders_before"] if row["orders_before"] else None
        row["low"] = row["high"] = row["q"] = None
        if row["launched"] and known:
            row["verdict"] = "launched"
        elif not row["orders_now"]:
            row["verdict"] = "ended"
        elif not known or row["items_now"] + row["items_before"] < LEAST:
            row["verdict"] = "few"
        else:
            row["low"], row["high"], row["p"] = rate_ratio(
                row["orders_now"], row["orders_before"], base.frame.confidence
            )
            compared.append(row)
    for row, q in zip(compared, adjusted([row.pop("p") for row in compared]), strict=True):
        row["q"] = q
        moved = q <= 0.05 and not row["low"] <= 1 <= row["high"]
        row["verdict"] = ("up" if row["ratio"] is None or row["ratio"] > 1 else "down") if moved else "same"
    return sorted(rows, key=lambda row: (-abs(row["change"]), row["what"]))


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    since, until, before, end = _periods(base, asked)
    compared = sum(row["q"] is not None for row in rows)
    last, earlier = until - timedelta(days=1), end - timedelta(days=1)
    return [
        Text(
            f"{since} to {last} against {before} to {earlier}; {compared} compared.",
            f"{since} 至 {last} 与 {before} 至 {earlier} 相比；共比较 {compared} 项。",
        )
    ]


MOVERS = Analysis(
    name="movers",
    without=("interval", "by", "against"),
    reasons={"interval": "compares two whole periods", "against": "compares two periods itself"},
    room="products",
    title=Text("Movers", "升降"),
    question=Text("Which products sell more or less than before?", "哪些商品比以前卖得更多或更少？"),
    how=Text(
        "Net and orders of each product against the period before, as long, and moved by whole weeks if shorter than "
        "28 "
        "days, so that the same weekdays are compared. The ratio is that of orders with it, with the exact interval of "
        "two Poisson rates; who buys forty at once decided once. Up or down is said if the interval does not hold 1 "
        "and "
        f"q is at most 0.05 (Benjamini and Hochberg, over all that were compared), from {LEAST} items in both periods "
        "together. What was first sold in the period is launched, what was not sold in it has ended: neither is "
        "compared, nor is anything if the archive does not reach back so far.",
        "每个商品的净额和订单与上一期相比：长度相同，短于 28 天时按整周移动，以便比较相同的星期几。比率为含该商品的订单"
        "之比，附两个泊松率之比的精确区间；一次买四十件只算一次决定。仅当区间不含 1 且 q 不超过 0.05（对所有比较做 "
        f"Benjamini-Hochberg 校正），且两期合计至少 {LEAST} 件时，才称为升或降。此期间首次售出的为新上市，此期间没有"
        "售出"
        "的为停售，二者不作比较；归档不够久远时也不比较。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("amount", "items", "subject")), Need("refund", ("amount", "subject"), ("net",))),
    members=_members,
    dimensions=(Column("what", Text("Product", "商品"), "text", "dimension"),),
    measures=(
        Total("net_now", Text("Net", "净额"), "money"),
        Total("net_before", Text("Net before", "之前净额"), "money"),
        Count("orders_now", Text("Orders", "订单"), where="now"),
        Count("orders_before", Text("Orders before", "之前订单"), where="before"),
        Total("items_now", Text("Items", "件数")),
        Total("items_before", Text("Items before", "之前件数")),
        Customers("customers", Text("Buyers", "购买客户"), where="now"),
        Customers("customers_before", Text("Buyers before", "之前购买客户"), where="before"),
        Count("launched", Text("Orders of what was launched", "新上市订单"), where="launched"),
    ),
    columns=(
        Column("change", Text("Change of net", "净额变化"), "money"),
        Column("ratio", Text("Orders against before", "订单之比"), "factor"),
        Column("low", Text("lowest", "下限"), "factor", "note"),
        Column("high", Text("highest", "上限"), "factor", "note"),
        Column("q", Text("q", "q 值"), "number", "note"),
        Column("verdict", Text("Verdict", "判断"), "text", "note", words=_VERDICTS),
    ),
    finish=_finish,
    notes=_notes,
    chart=Chart("forest", x="ratio", y="what", low="low", high="high"),
)
