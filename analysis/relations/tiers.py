"""The next tier of what customers keep buying: the better product of a category, by the plan's catalogue."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base

__all__ = ["next_tiers", "pays_in_time"]

_TIMES = 2  # days with a purchase of one tier, from which on the next one is proposed
_IN_TIME = 0.95  # of the invoices that are due, paid by then

_TIER = ("category", "tier")


def next_tiers(base: Base, days: ir.Table) -> ir.Table:
    """Who kept a tier of a category on two days and never a higher one.

    Columns: `customer`; `product`, the cheapest of the next tier; `category`; `chance`, the share of those who had come
    as far before and went on to any higher tier.

    Args:
        base: knows the catalogue.
        days: `customer`, `day`, `what`: on which days they kept which product, each once.
    """
    known = base.catalogue
    known = known.filter(known.tier.notnull() & (known.category.fill_null("") != ""))
    known = known.select("product", "category", "tier", "price")
    bought = days.inner_join(known, days.what == known.product).select("customer", *_TIER, "day").distinct()
    order = ibis.window(group_by=["customer", *_TIER], order_by="day")
    bought = bought.mutate(_nth=ibis.row_number().over(order) + 1)
    often = (bought._nth == _TIMES).ifelse(bought.day, ibis.null("date"))
    each = bought.group_by("customer", *_TIER).agg(first=bought.day.min(), often=often.min())
    above = ibis.window(group_by=["customer", "category"], order_by=ibis.desc("tier"), preceding=(None, 1))
    each = each.mutate(higher=each["first"].min().over(above))
    came = each.filter(each.often.notnull())
    came_first = came.filter(came.higher.isnull() | (came.higher > came.often))
    chances = came_first.group_by(*_TIER).agg(
        chance=came_first.higher.notnull().ifelse(1, 0).sum().cast("float64") / came_first.count()
    )
    return (
        came.filter(came.higher.isnull())
        .inner_join(_offers(known), list(_TIER))
        .inner_join(chances, list(_TIER))
        .select("customer", "product", "category", "chance")
    )


def _offers(known: ir.Table) -> ir.Table:
    """For each tier of a category the cheapest product of the next one."""
    tiers = known.select(*_TIER).distinct()
    tiers = tiers.mutate(above=tiers.tier.lead().over(ibis.window(group_by="category", order_by="tier")))
    cheapest = ibis.window(group_by=list(_TIER), order_by=[known.price.isnull(), "price", "product"])
    first = known.mutate(_nth=ibis.row_number().over(cheapest)).filter(lambda t: t._nth == 0)
    first = first.select("product", category_="category", above_="tier")
    joined = tiers.inner_join(first, [tiers.category == first.category_, tiers.above == first.above_])
    return joined.select(*_TIER, "product")


def pays_in_time(base: Base) -> ir.Table:
    """Customers on credit terms, those with invoices that are due, with `in_time`: whether they paid 95 % by then."""
    sent = base.of("invoice")
    sent = sent.filter((sent.subject.fill_null("") != "") & sent.ends.notnull())
    due = sent.group_by("customer", "subject").agg(due=sent.ends.date().max())
    due = due.filter(due.due < ibis.date(base.today))
    paid = base.of("payment", "purchase")
    paid = paid.group_by("customer", "subject").agg(paid=paid.day.min())
    joined = due.left_join(paid, ["customer", "subject"])
    each = joined.select(joined.customer, kept=(joined.paid <= joined.due).fill_null(False).ifelse(1, 0))
    told = each.group_by("customer").agg(kept=each.kept.sum(), of=each.count())
    return told.select("customer", in_time=told.kept >= told.of * _IN_TIME)
