"""Candidates: for each product who is likely to buy it next, why, and what that would bring."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Ratio, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.products.next_product import Asked as AskedNext
from analysis.products.next_product import followed
from analysis.products.products import Level
from analysis.ratios import quantile_of_normal
from analysis.relations.lines import by_product
from analysis.relations.lives import lives
from analysis.relations.tiers import next_tiers, pays_in_time

__all__ = ["CANDIDATES"]

_DUE = 0.8  # of the time between two purchases, from which on somebody may buy again
_GAPS = 30  # observed, before their median is a product's cycle


class Asked(Parameters):
    """Of products or categories, and whom not to ask again."""

    level: Level = Field("product", description="Products or categories.")
    days: int = Field(90, ge=1, le=366, description="Days within which a purchase follows another.")
    contacts: int = Field(2, ge=0, description="Contacts of the last seven days from which on nobody is asked again.")
    each: int = Field(3, ge=1, le=20, description="Products that are proposed to one customer, at most.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each product and customer who may buy it next, by the likeliest reason."""
    orders = base.orders.filter(base.orders.kept)
    kept = by_product(orders.select("customer", "day", "log_partition", "log_offset", "items", "product", "category"))
    kept = kept.select("customer", "day", what=kept[asked.level].fill_null("")).filter(lambda t: t.what != "")
    days = kept.distinct()
    owned = days.group_by("customer", "what").agg(last=days.day.max())
    both = _following(base, asked, owned).union(_due_again(base, asked, days, owned))
    if asked.level == "product":
        both = both.union(_better(base, days))
    both = both.semi_join(_reachable(base, asked), "customer")
    likeliest = ibis.window(group_by=["customer", "product"], order_by=[ibis.desc("chance"), "reason"])
    both = both.mutate(_rank=ibis.row_number().over(likeliest)).filter(lambda t: t._rank == 0).drop("_rank")
    worth = _worth(base, asked)
    joined = both.inner_join(worth, "product").select(both, worth.margin)
    joined = joined.mutate(expected=(joined.chance * joined.margin + 0.5).floor().cast("int64"))
    joined = joined.filter(joined.expected > 0)
    best = ibis.window(group_by="customer", order_by=[ibis.desc("expected"), "product"])
    return joined.mutate(_rank=ibis.row_number().over(best)).filter(lambda t: t._rank < asked.each).drop("_rank")


def _following(base: Base, asked: Asked, owned: ir.Table) -> ir.Table:
    """Who owns something that another product follows beyond chance, and does not own that."""
    given = AskedNext(level=asked.level, days=asked.days)
    each = followed(base, given)
    sums = each.group_by("a", "b").agg(n=each.count(), weight=each.weight.sum())
    # Rows with "" tell of all: how many bought a; how usual b is; how many there are.
    table = sums.mutate(
        of=ibis.ifelse(sums.b == "", sums.n, 0).max().over(ibis.window(group_by="a")),
        usual=ibis.ifelse(sums.a == "", sums.weight, 0.0).max().over(ibis.window(group_by="b")),
        every=ibis.ifelse((sums.a == "") & (sums.b == ""), sums.n, 0).max().over(ibis.window()),
    )
    table = table.filter((table.a != "") & (table.b != "") & (table.usual > 0))
    n, of, weight, all_ = (table[name].cast("float64") for name in ("n", "of", "usual", "every"))
    error = ibis.greatest(1 / n - 1 / of + 1 / weight - 1 / all_, ibis.literal(0.0)).sqrt()
    width = quantile_of_normal(base.frame.confidence)
    low = ((n / of) / (weight / all_)).ln() - width * error
    lifted = table.filter(low > 0).select("a", "b", chance=table.n / table.of)
    joined = owned.inner_join(lifted, owned.what == lifted.a)
    found = joined.select("customer", product=lifted.b, reason=ibis.literal("bought ").concat(lifted.a),
                          chance=lifted.chance)  # fmt: skip
    theirs = owned.select("customer", product="what")
    return found.anti_join(theirs, ["customer", "product"])


def _due_again(base: Base, asked: Asked, days: ir.Table, owned: ir.Table) -> ir.Table:
    """Whose last purchase of a product lies most of its cycle back: the catalogue's, or the median gap of others."""
    theirs = ibis.window(group_by=["customer", "what"], order_by="day")
    gaps = days.mutate(gap=days.day.lead().over(theirs).delta(days.day, unit="day"))
    cycles = gaps.group_by("what").agg(
        seen=gaps.gap.count(), median=gaps.gap.cast("float64").quantile(0.5), there=gaps.count()
    )
    said = base.catalogue.filter(base.catalogue.cycle_days.notnull())
    said = said.group_by(product=said[asked.level]).agg(cycle=said.cycle_days.mean())
    joined = cycles.left_join(said, cycles.what == said.product)
    known = joined.select(
        cycles.what, chance=cycles.seen / cycles.there,
        cycle=said.cycle.fill_null(ibis.ifelse(cycles.seen >= _GAPS, cycles.median, ibis.null("float64"))),
    )  # fmt: skip
    known = known.filter(known.cycle.notnull())
    rows = owned.inner_join(known, "what")
    waited = ibis.literal(base.today, "date").delta(owned["last"], unit="day")
    due = rows.filter(waited >= known.cycle * _DUE)
    return due.select("customer", product="what", reason=ibis.literal("due again"), chance="chance")


def _better(base: Base, days: ir.Table) -> ir.Table:
    """Who has bought one tier twice and none above it; of those with invoices that are due, who pays them in time."""
    found = next_tiers(base, days)
    credit = pays_in_time(base)
    found = found.anti_join(credit.filter(~credit.in_time), "customer")
    return found.select("customer", "product", reason=ibis.literal("better ").concat(found.category), chance="chance")


def _reachable(base: Base, asked: Asked) -> ir.Table:
    """Who is still there, may be contacted, and has not been so often lately."""
    alive = lives(base)
    alive = alive.filter(alive.lost.isnull()).select("customer").distinct()
    people = base.people.filter(base.people.outreach & ~base.people.held_out).select("customer")
    contacts = base.of("contact_made")
    contacts = contacts.filter(contacts.day > ibis.date(base.today - timedelta(days=7)))
    often = contacts.group_by("customer").agg(times=contacts.count()).filter(lambda t: t.times >= asked.contacts)
    return people.semi_join(alive, "customer").anti_join(often, "customer")


def _worth(base: Base, asked: Asked) -> ir.Table:
    """What a purchase of each product brings: net less known costs, on average; the catalogue's where none is known."""
    year = base.lines.filter(lambda t: t.day > ibis.date(base.today - timedelta(days=365)))
    each = year.group_by(product=year[asked.level]).agg(net=year.net.mean(), cost=year.cost.mean())
    said = base.catalogue.filter(base.catalogue.cost.notnull())
    said = said.group_by(known=said[asked.level]).agg(usual=said.cost.mean())
    joined = each.left_join(said, each.product == said.known)
    return joined.select(each.product, margin=each.net - ibis.coalesce(each.cost, said.usual, ibis.literal(0.0)))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    for row in rows:
        row["expected"] = int(row["expected"])
    return sorted(rows, key=lambda row: (-row["expected"], row["product"], row["reason"]))


CANDIDATES = Analysis(
    name="candidates",
    without=("grain", "by"),
    room="products",
    title=Text("Candidates for a product", "商品的潜在买家"),
    question=Text("Who is likely to buy which product next, and why?", "谁可能接着买哪件商品，为什么？"),
    how=Text(
        "Of customers who are not lost, allow that somebody contacts them (`outreach`), are not held out, and were "
        "contacted less often than the cap in the last seven days by all departments together: who kept a product "
        "that another one follows beyond chance (lift of the analysis of next products, interval above 1) and has "
        "never kept that one; whose last purchase of a product lies 80 % of its cycle back, `cycle_days` of the "
        f"plan's catalogue, else the median gap between purchase days, from {_GAPS} of them; and who bought one `tier` "
        "of a category of the catalogue on two days and none above it, to whom the cheapest product of the next tier "
        "is proposed, unless they have invoices that are due and paid less than 95 % of them by then. The chance is "
        "the share of buyers who did so before. What it would bring is the mean of net less cost of its lines of "
        "365 days, costs of the catalogue where no order tells them, else none. Expected is the one times the other. "
        "Each customer is in one row a product, by the likeliest reason, and in so many rows at most. Of limits of "
        "what is used nothing is known, so they are not looked at.",
        "在未流失、允许联系（`outreach`）、不在保留组、且最近七天各部门合计联系次数低于上限的客户中：保有某商品，"
        "而另一商品"
        "超出偶然地随后被购买（“下一个商品”的提升度区间高于 1），且从未保有后者的；"
        "距上次购买某商品已过其周期 80 % 的"
        f"——周期取计划商品目录的 `cycle_days`，否则取购买日间隔中位数（至少 {_GAPS} 个）；"
        "以及在目录某类别中两日购买过同一档次（`tier`）且从未购买更高档次的，向其推荐上一档次中最便宜的商品，"
        "但有到期发票且按期付清不足 95 % 者除外。"
        "概率为以往买家中如此行动的比例。"
        "收益为 365 天内其订单行净额减成本的平均；订单未知成本时取目录成本，否则不计。期望为两者之积。"
        "每位客户对每件商品只"
        "占一行，取最可能的原因，并限定行数。用量上限未知，不予考虑。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("items", "subject")),
        Need("purchase", ("cost",), ("margin",)),
        Need("contact_made", (), ("contact cap",)),
        Need("invoice", ("subject", "ends"), ("who pays in time",)),
    ),
    members=_members,
    dimensions=(
        Column("product", Text("Product", "商品"), "text", "dimension"),
        Column(
            "reason", Text("Why", "原因"), "text", "dimension", words=Words(("due again", "bought {0}", "better {0}"))
        ),
    ),
    measures=(
        Customers("customers", Text("Candidates", "潜在买家")),
        Total("chance", Text("Purchases to expect", "预期购买数"), "number"),
        Ratio("chance_of_each", Text("Chance of each", "人均概率"), "share", part="chance", whole="customers"),
        Total("expected", Text("Expected margin", "预期毛利"), "money"),
    ),
    finish=_finish,
    chart=Chart("bars", x="product", y="expected", color="reason"),
)
