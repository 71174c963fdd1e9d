"""Profit: what customers bring, less what they cost as far as that is known; and how unevenly it is spread."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Ratio, Row, Share, Text, Total
from analysis.parameters import Parameters
from analysis.relations.lines import lines
from analysis.relations.ranking import tenth

__all__ = ["DECILES", "PROFIT"]

_COSTS = ("goods", "shipping", "fees", "tickets", "contacts", "returns")
_MONEY = ("revenue", "refunded", *_COSTS)


class Asked(Parameters):
    """What is not in events: unit costs, in whole minor units of the plan's currency."""

    margin: float | None = Field(None, ge=-1, le=1, description="Share of the revenue that goods without a cost leave.")
    shipping_cost: int = Field(0, ge=0, description="What sending an order costs us, in minor units.")
    fee: float = Field(0, ge=0, lt=1, description="Share of the revenue that taking payments costs.")
    ticket_cost: int = Field(0, ge=0, description="What a ticket costs, in minor units.")
    contact_cost: int | None = Field(
        None, ge=0, description="What a contact that we make costs, in minor units; by channel as the plan says."
    )
    return_cost: int = Field(0, ge=0, description="What handling a refund costs, in minor units.")


def _rows(base: Base, asked: Asked) -> ir.Table:
    """A row for each order, refund, ticket and contact of the period, at its own day: what it brings and costs."""
    by_product = asked.by in ("product", "category")
    bought = _of_lines(base, asked) if by_product else _of_orders(base, asked)
    refunds = base.within(base.chosen(base.refunds))
    refunds = _not_of_orders(base, refunds) if by_product else base.broken_down(refunds)
    back = _row(refunds, refunded=refunds.refunded, returns=ibis.literal(asked.return_cost))
    tickets = base.broken_down(base.within(base.chosen(base.of("ticket_opened"))))
    first = ibis.window(group_by=["customer", "subject"], order_by=["us", "log_partition", "log_offset"])
    tickets = tickets.mutate(_rank=ibis.row_number().over(first))
    tickets = tickets.filter((tickets._rank == 0) | (tickets.subject == ""))
    contacts = base.broken_down(base.within(base.chosen(base.of("contact_made"))))
    return (
        bought.union(back)
        .union(_row(tickets, tickets=ibis.literal(asked.ticket_cost)))
        .union(_row(contacts, contacts=_of_contact(base, asked, contacts)))
    )


def _of_orders(base: Base, asked: Asked) -> ir.Table:
    """A row for each order of the period."""
    orders = base.broken_down(base.within(base.chosen(base.orders)))
    return _row(
        orders,
        revenue=orders.revenue,
        known=ibis.ifelse(orders.cost.notnull(), orders.revenue, 0),
        goods=_goods(base, asked, orders),
        shipping=ibis.literal(asked.shipping_cost),
        fees=_whole(orders.revenue * asked.fee),
        ordered=ibis.literal(True),
    )


def _of_lines(base: Base, asked: Asked) -> ir.Table:
    """A row for each product of each order of the period, with what was paid back for it at any time; and for each
    order one that is of no product, with what sending it costs."""
    sold = base.within(base.chosen(lines(base)))
    by = sold[asked.by].fill_null("")
    of_products = _row(
        sold.mutate(by=by),
        revenue=sold.revenue,
        refunded=sold.refunded,
        known=ibis.ifelse(sold.cost.notnull(), sold.revenue, 0),
        goods=_goods(base, asked, sold),
        fees=_whole(sold.revenue * asked.fee),
        ordered=ibis.literal(True),
    )
    if not asked.shipping_cost:
        return of_products
    orders = base.within(base.chosen(base.orders)).mutate(by=ibis.literal(""))
    return of_products.union(_row(orders, shipping=ibis.literal(asked.shipping_cost), ordered=ibis.literal(True)))


def _not_of_orders(base: Base, refunds: ir.Table) -> ir.Table:
    """Refunds, of no product, with what they paid back if their order is not known: else its lines have it."""
    known = base.orders.filter(base.orders.subject != "").select("customer", "subject", there=ibis.literal(True))
    joined = refunds.left_join(known, ["customer", "subject"])
    return joined.select(
        refunds.customer, by=ibis.literal(""), refunded=ibis.ifelse(known.there.notnull(), 0, refunds.refunded)
    )


def _goods(base: Base, asked: Asked, sold: ir.Table) -> ir.IntegerValue:
    """What goods cost: as known, else what the margin of the category leaves, else what that of the plan does."""
    guess = ibis.literal(0.0 if asked.margin is None else 1 - asked.margin)
    if base.frame.margins:
        of = [(sold.category == name, ibis.literal(1 - margin)) for name, margin in base.frame.margins.items()]
        guess = ibis.cases(*of, else_=guess)
    return ibis.ifelse(sold.cost.notnull(), sold.cost, _whole(sold.revenue * guess))


def _whole(money: ir.NumericValue) -> ir.IntegerValue:
    """To the nearest minor unit, halves up: `round` takes them to the even one in some engines."""
    return (money + 0.5).floor().cast("int64")


def _of_contact(base: Base, asked: Asked, contacts: ir.Table) -> ir.Value:
    said = base.frame.contact_costs
    if asked.contact_cost is not None or not said:
        return ibis.literal(asked.contact_cost or 0)
    of = [(contacts.channel == name, ibis.literal(cost)) for name, cost in said.items()]
    return ibis.cases(*of, else_=ibis.literal(said.get("other", 0)))


def _row(table: ir.Table, ordered: ir.BooleanValue | None = None, **money: ir.Value) -> ir.Table:
    held = {name: money.get(name, ibis.literal(0)).cast("int64") for name in (*_MONEY, "known")}
    profit = held["revenue"] - held["refunded"]
    for name in _COSTS:
        profit = profit - held[name]
    return table.select(
        "customer", "by", **held, profit=profit, ordered=ibis.literal(False) if ordered is None else ordered
    )


def _members(base: Base, asked: Asked) -> ir.Table:
    rows = _rows(base, asked)
    theirs = rows.profit.sum().over(ibis.window(group_by=["customer", "by"]))
    return rows.mutate(losing=theirs < 0)


def _deciles(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer with an order in the period, with their tenth by profit."""
    rows = _rows(base, asked)
    each = rows.group_by("customer").agg(
        profit=rows.profit.sum(), revenue=rows.revenue.sum(), known=rows.known.sum(),
        ordered=rows.ordered.ifelse(1, 0).max(),
    )  # fmt: skip
    each = each.filter(each.ordered == 1)
    each = each.mutate(
        place=ibis.row_number().over(ibis.window(order_by=[ibis.desc("profit"), ibis.asc("customer")])),
        of=each.count().over(ibis.window()),
    )
    return each.mutate(decile=tenth(each.place, each.of), losing=each.profit < 0)


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Adds up profits from the best tenth on."""
    total = sum(row["profit"] for row in rows)
    every = sum(row["customers"] for row in rows)
    upto = customers = 0
    for row in rows:
        upto += row["profit"]
        customers += row["customers"]
        row["cumulated"] = upto / total if total > 0 else None
        row["of_customers"] = customers / every
    return rows


def _known(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    """How far costs are known."""
    revenue, known = (sum(row[name] or 0 for row in rows) for name in ("revenue", "known"))
    if revenue <= 0:
        return []
    share = 100 * known / revenue
    estimate = share < 50
    return [
        Text(
            f"The cost of goods is known of {share:.0f} % of the revenue"
            + (": profit is an estimate." if estimate else "."),
            f"收入中有 {share:.0f} % 的商品成本已知" + ("：利润为估计值。" if estimate else "。"),
        ),
        Text(
            "Discounts are taken to be in the amounts already; overheads are not divided among customers.",
            "折扣视为已含在金额中；管理费用不分摊给客户。",
        ),
    ]


def _losing(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    every, losing = (sum(row[name] for row in rows) for name in ("customers", "losing"))
    if every < base.frame.smallest:
        return None
    return Text(
        f"{100 * losing / every:.1f} % of {every:,} customers with an order cost more than they bring.",
        f"{every:,} 位有订单的客户中，{100 * losing / every:.1f} % 的成本超过其带来的收益。",
    )


_HOW = Text(
    "Profit is revenue less refunds, each on its own day, less the cost of goods (of the order, else of its items; "
    "where "
    "none is known, what `margin` leaves, else nothing), and as far as unit costs are given, sending, fees of "
    "payments, "
    "tickets, contacts and refunds, by the plan's `analyses.costs` where nobody says otherwise. What is sent back "
    "gives back no cost. By product or category the amount of an order is divided among its products, what is paid "
    "back at any time is taken off the order's day, and sending and handling refunds are of no product; somebody in "
    "several segments is in each. Filters by product, category, channel and "
    "campaign hold for each of these events by itself.",
    "利润为收入减退款（各计入其发生之日），再减商品成本（取订单成本，否则取其商品成本；未知时按 `margin` 推算，否则不"
    "计），"
    "以及在给出单位成本时减去配送、支付手续费、工单、联系和退款处理的成本；未另行指定时取计划的 `analyses.costs`。"
    "退回的商品不冲减成本。按商品或品类细分时，订单金额分摊到其各商品，任何时候的退款都冲减订单当日，配送与退款处理"
    "不归任何商品；属于多个分群的客户计入每个分群。按商品、品类、渠道和活动的筛选分别适用于每个事件。",
)
_NEEDS = (
    Need("purchase", ("amount", "subject")),
    Need("purchase", ("cost",), ("goods", "known")),
    Need("refund", ("amount",), ("refunded",)),
    Need("ticket_opened", (), ("tickets",)),
    Need("contact_made", (), ("contacts",)),
)

PROFIT = Analysis(
    name="profit",
    room="money",
    title=Text("Profit", "利润"),
    question=Text("What do customers bring, less what they cost?", "客户带来的收益减去其成本是多少？"),
    how=_HOW,
    parameters=Asked,
    needs=_NEEDS,
    members=_members,
    dimensions=(Column("by", Text("Of", "细分"), "text", "dimension"),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("revenue", Text("Revenue", "收入"), "money"),
        Total("refunded", Text("Refunded", "退款"), "money"),
        Total("goods", Text("Cost of goods", "商品成本"), "money"),
        Total("shipping", Text("Sending", "配送"), "money"),
        Total("fees", Text("Fees of payments", "支付手续费"), "money"),
        Total("tickets", Text("Tickets", "工单"), "money"),
        Total("contacts", Text("Contacts", "联系"), "money"),
        Total("returns", Text("Handling refunds", "退款处理"), "money"),
        Total("profit", Text("Profit", "利润"), "money"),
        Ratio("of_revenue", Text("Profit of revenue", "利润占收入"), "share", part="profit", whole="revenue"),
        Customers("losing", Text("Cost more than they bring", "成本超过收益的客户"), where="losing"),
        Share(
            "losing_share",
            Text("Cost more than they bring, share", "成本超过收益的比例"),
            part="losing",
            whole="customers",
        ),
        Total("known", Text("Revenue with a known cost", "成本已知的收入"), "money"),
        Ratio(
            "known_share",
            Text("Revenue with a known cost, share", "成本已知的收入比例"),
            "share",
            part="known",
            whole="revenue",
        ),
    ),
    notes=_known,
    chart=Chart("waterfall", x="by", y=(*_MONEY, "profit")),
)

DECILES = Analysis(
    name="profit_deciles",
    without=("by",),
    room="money",
    title=Text("Profit by tenths of customers", "按客户十分位的利润"),
    question=Text(
        "How much of the profit comes from the best customers, and how much do others take away?",
        "最好的客户带来多少利润，其他客户又抵消了多少？",
    ),
    how=Text(
        "Customers with an order in the period by their profit, the highest first, in ten equal groups; the first ones "
        "have one more if the number cannot be divided. The sum from the best on passes 100 % where losses follow. "
        + _HOW.en,
        "此期间有订单的客户按利润从高到低分为十个等分组；不能整除时，前几组多一人。其后有亏损时，从最好者起的累计会超"
        "过 "
        "100 %。" + _HOW.zh,
    ),
    parameters=Asked,
    needs=_NEEDS,
    members=_deciles,
    dimensions=(Column("decile", Text("Tenth", "十分位"), "count", "dimension"),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("profit", Text("Profit", "利润"), "money"),
        Total("revenue", Text("Revenue", "收入"), "money"),
        Customers("losing", Text("Cost more than they bring", "成本超过收益的客户"), where="losing"),
        Total("known", Text("Revenue with a known cost", "成本已知的收入"), "money"),
    ),
    columns=(
        Column("of_customers", Text("Customers so far", "累计客户"), "share", "note"),
        Column("cumulated", Text("Profit so far", "累计利润"), "share"),
    ),
    finish=_finish,
    sentence=_losing,
    notes=_known,
    chart=Chart("whale", x="of_customers", y="cumulated"),
)
