"""Lines: what each order had of each product, so that the lines of an order add up to it; and events by product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["by_product", "lines"]

_EVENT = ("log_partition", "log_offset")  # no other event has the same place in the log
_KEPT = ("customer", *_EVENT, "subject", "us", "day", "channel", "utm_campaign")


def by_product(events: ir.Table) -> ir.Table:
    """Events with the product and the category that they are about: one row a product of those that list several,
    and each product once an event. What names none stays, without."""
    several = (events["items"].length() > 0).fill_null(False) & (events.product.fill_null("") == "")
    single, several = events.filter(~several), events.filter(several)
    others = [name for name in events.columns if name not in ("items", "product", "category")]
    listed = several.select(*others, _item=several["items"].unnest())
    listed = listed.select(*others, product=listed._item.product, category=listed._item.category).distinct()
    return single.select(*others, "product", "category").union(listed)


def lines(base: Base) -> ir.Table:
    """One row for each product of each order; orders that list no items have one line without a product.

    Columns: those that tell the order (`customer`, `subject`, `us`, `day`, `log_partition`, `log_offset`, `channel`,
    `utm_campaign`), `product` and `category` ("" if not known), `quantity`, `cost` (of all of them, null if not known),
    and in whole minor units `revenue`, `refunded` and `net`. The lines of an order add up to the order exactly: what
    was paid is divided by price times quantity (by quantity, if a price is missing), what was paid back goes to the
    products that a refund lists, the rest to what is left of all.
    """
    sold = _divided(base.orders.mutate(_paid=base.orders.revenue), "_paid").rename(revenue="_part")
    listed = base.refunds.filter(lambda t: (t.subject != "") & (t["items"].length() > 0))
    back = (
        _divided(listed.mutate(_paid=listed.refunded), "_paid")
        .group_by("customer", "subject", "product")
        .agg(_named=lambda t: t._part.sum())
    )
    first = ibis.window(group_by=[*_EVENT, "product"], order_by="category")
    sold = sold.mutate(_first=ibis.row_number().over(first))
    joined = sold.left_join(back, ["customer", "subject", "product"])
    table = joined.select(
        *[sold[name] for name in sold.columns if name != "_first"],
        _named=ibis.ifelse((sold._first == 0) & (sold.subject != ""), back._named, ibis.null("int64")).fill_null(0),
    )
    table = table.mutate(
        _rest=table.refunded - table._named.sum().over(ibis.window(group_by=_EVENT)),
        _left=ibis.greatest(table.revenue - table._named, ibis.literal(0)).cast("float64"),
    )
    table = _shared(table, "_rest", "_left")
    return (
        table.mutate(refunded=table._named + table._part)
        .mutate(net=lambda t: t.revenue - t.refunded)
        .drop("_named", "_rest", "_left", "_part")
    )


def _divided(events: ir.Table, amount: str) -> ir.Table:
    """The products of events, each once, with its part of an amount of the event."""
    kept = [*_KEPT, "refunded", amount]
    known = events.filter(events["items"].length() > 0)
    items = known.select(*kept, _item=known["items"].unnest())
    items = items.select(
        *kept,
        product=items._item.product.fill_null(""),
        category=items._item.category.fill_null(""),
        quantity=items._item.quantity.fill_null(1.0),
        _worth=items._item.price * items._item.quantity.fill_null(1.0),
        _cost=items._item.cost * items._item.quantity.fill_null(1.0),
    )
    unlisted = events.filter((events["items"].length() == 0) | events["items"].isnull())
    items = items.union(
        unlisted.select(
            *kept,
            product=unlisted.product.fill_null(""),
            category=unlisted.category.fill_null(""),
            quantity=unlisted.quantity.fill_null(1.0),
            _worth=ibis.literal(1.0),
            _cost=unlisted.cost.cast("float64"),
        )
    )
    each = items.group_by([*kept, "product", "category"]).agg(
        quantity=items.quantity.sum(),
        _worth=items._worth.sum(),
        _unpriced=items._worth.isnull().ifelse(1, 0).sum(),
        _cost=items._cost.sum(),
        _uncosted=items._cost.isnull().ifelse(1, 0).sum(),
    )
    order = ibis.window(group_by=_EVENT)
    priced = (each._unpriced.sum().over(order) == 0) & (each._worth.sum().over(order) > 0)
    each = each.mutate(
        _weight=ibis.ifelse(priced, each._worth, each.quantity),
        cost=ibis.ifelse(each._uncosted == 0, (each._cost + 0.5).floor().cast("int64"), ibis.null("int64")),
    ).drop("_worth", "_unpriced", "_cost", "_uncosted")
    return _shared(each, amount, "_weight").drop("_weight", amount)


def _shared(table: ir.Table, amount: str, weight: str) -> ir.Table:
    """Adds `_part`, a whole number: an event's amount, divided among its rows by weight, so that the parts add up."""
    whole = ibis.window(group_by=_EVENT)
    order = ["product", "category"]
    upto = ibis.window(group_by=_EVENT, order_by=order, preceding=None, following=0)
    before = ibis.window(group_by=_EVENT, order_by=order, preceding=(None, 1))
    # Where nothing has a weight each has the same.
    table = table.mutate(_even=table[weight].sum().over(whole) <= 0)
    table = table.mutate(_weighs=ibis.ifelse(table._even, 1.0, table[weight]))
    table = table.mutate(
        _sum=table._weighs.sum().over(whole),
        _upto=table._weighs.sum().over(upto),
        _before=table._weighs.sum().over(before).fill_null(0.0),
    )
    end, start = (
        (table[amount] * table[name] / table._sum + 0.5).floor().cast("int64") for name in ("_upto", "_before")
    )
    return table.mutate(_part=end - start).drop("_even", "_weighs", "_sum", "_upto", "_before")
