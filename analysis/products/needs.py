"""Needs: what people look for and do not find, look at and do not buy, and would buy if it were there."""

from __future__ import annotations

from typing import ClassVar

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.relations.lines import by_product

__all__ = ["NEEDS"]

_OF_VIEWS = (
    "customer", "us", "day", "role", "product", "category", "items", "in_stock", "channel", "utm_campaign",
    "log_partition", "log_offset",
)  # fmt: skip
_DAYS_US = 86_400_000_000
_AFTER = 30
"""Days after somebody last looked at a product, in which they may yet buy it."""


class Asked(Parameters):
    """What people want: of the period."""

    length: ClassVar[int] = 91


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer with a query (several times), and for each with a product."""
    zero = ibis.literal(0).cast("int64")
    searches = base.within(base.chosen(base.of("search")))
    searches = searches.filter((searches.results == 0) & (searches.text.fill_null("") != ""))
    searches = searches.select(
        "customer",
        kind=ibis.literal("searched"),
        what=searches.text.lower().strip(),
        times=ibis.literal(1).cast("int64"),
        worth=zero,
    )
    # What few have typed may be personal.
    each = searches.select("what", "customer").distinct()
    common = each.group_by("what").agg(customers=lambda t: t.count())
    searches = searches.semi_join(common.filter(common.customers >= base.frame.smallest), "what")

    bought = base.lines
    prices = (
        bought.filter(bought.quantity > 0).group_by("product").agg(price=lambda t: t.revenue.sum() / t.quantity.sum())
    )
    bought = bought.select("customer", "product", bought="us")
    views = base.within(base.of("view", "stock_alert")).select(*_OF_VIEWS)
    views = by_product(views)
    views = base.chosen(views.filter(views["product"].fill_null("") != ""))
    seen = views.group_by("customer", "product").agg(
        first=views.us.min(), last=views.us.max(), days=views.day.max() != views.day.min(), times=views.count()
    )
    seen = seen.filter(seen.days & (seen["last"] + _AFTER * _DAYS_US <= base.frame.now_us))
    got = seen.inner_join(bought, ["customer", "product"])
    got = got.select(seen.customer, seen["product"], seen["first"], seen["last"], got.bought)
    got = got.filter((got.bought >= got["first"]) & (got.bought <= got["last"] + _AFTER * _DAYS_US))
    seen = seen.anti_join(got, ["customer", "product"])

    missing = views.filter((views.role == "stock_alert") | ~views.in_stock.fill_null(True))
    waits = missing.group_by("customer", "product").agg(last=missing.us.max(), times=missing.count())
    has = waits.inner_join(bought, ["customer", "product"])
    has = has.select(waits.customer, waits["product"], waits["last"], has.bought).filter(lambda t: t.bought > t["last"])
    waits = waits.anti_join(has, ["customer", "product"])
    return searches.union(_priced(seen, "viewed", prices)).union(_priced(waits, "out_of_stock", prices))


def _priced(table: ir.Table, kind: str, prices: ir.Table) -> ir.Table:
    """Customers with a product, and what it usually costs."""
    joined = table.left_join(prices, "product")
    return joined.select(
        table.customer,
        kind=ibis.literal(kind),
        what=table["product"],
        times=table.times.cast("int64"),
        worth=(prices.price.fill_null(0.0) + 0.5).floor().cast("int64"),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Those of most customers first."""
    for row in rows:
        row["worth"] = row["worth"] or None
    order = ("searched", "viewed", "out_of_stock")
    return sorted(rows, key=lambda row: (order.index(row["kind"]), -row["customers"], row["what"]))


NEEDS = Analysis(
    name="needs",
    without=("by",),
    room="products",
    title=Text("Needs", "需求"),
    question=Text(
        "What do people look for and not find, look at and not buy, or wait for?",
        "人们搜索什么却找不到，看了什么却没买，在等什么？",
    ),
    how=Text(
        "searched: queries that found nothing, in small letters, of at least as many customers as the plan asks for. "
        f"viewed: products that somebody saw on two days or more and did not buy from then until {_AFTER} days after "
        "the "
        "last, which have passed. out_of_stock: products that somebody saw when there were none, or asked to be told "
        "of, "
        "and has not bought since. Worth is one piece each at the mean price of all orders, where there is one.",
        "searched：没有结果的搜索词（小写），至少由方案要求数量的客户搜索过。viewed：某人在两天或以上看过，且从首次查"
        "看到"
        f"最后一次查看后 {_AFTER} 天内（已过）未购买的商品。out_of_stock：某人查看时无货或登记到货通知、此后未购买的"
        "商品。价值"
        "按每人一件、所有订单的平均价格计算（若有）。",
    ),
    parameters=Asked,
    needs=(
        Need("search", ("text", "results"), ("searched",)),
        Need("view", ("product",), ("viewed", "out_of_stock")),
        Need("view", ("in_stock",), ("out_of_stock",)),
        Need("purchase", ("items",), ("viewed", "out_of_stock")),
    ),
    members=_members,
    dimensions=(
        Column("kind", Text("Kind", "类型"), "text", "dimension", words=Words(("searched", "viewed", "out_of_stock"))),
        Column("what", Text("What", "内容"), "text", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("times", Text("Times", "次数")),
        Total("worth", Text("Worth", "价值"), "money"),
    ),
    finish=_finish,
    chart=Chart("bars", x="what", y="customers", color="kind"),
)
