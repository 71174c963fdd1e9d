"""What the members of a segment have more often than others: a portrait of it, by lifts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.comparison import by_shares
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Words
from analysis.parameters import Parameters
from analysis.relations.lines import by_product
from analysis.relations.staged import STAGES
from analysis.statistics import adjusted
from models.conditions.client import DEVICES
from models.segments.builtin import BUILTIN

__all__ = ["SEGMENT_TRAITS"]

_WORDS = Words(
    (
        "country", "region", "plan", "born in the decade from", "device", "channel", "bought category",
        "bought product", "stage", *STAGES, *DEVICES, *(rule.name for rule in BUILTIN), "{0}, {1}: {2}", "{0}: {1}",
    )
)  # fmt: skip
_LEAST = 5  # with a feature, and without
_TOP = 40  # values of a feature that are compared, the commonest


class Asked(Parameters):
    """Of which segment."""

    of: str = Field("", description="The segment to look at; all of them unless said.")
    every: bool = Field(False, description="Also what members do not have more or less often beyond chance.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer, feature and value of it, in each segment; in the segment "" is everybody."""
    people = base.people
    born = (people.birth_year / 10).floor().cast("int64") * 10
    features = {
        "country": people.country, "region": people.region, "plan": people.plan, "stage": people.stage,
        "born in the decade from": born.cast("string"),
    }  # fmt: skip
    tables = [people.select("customer", feature=ibis.literal(""), value=ibis.literal(""))]
    tables += [
        people.select("customer", feature=ibis.literal(name), value=value).filter(lambda t: t.value.fill_null("") != "")
        for name, value in features.items()
    ]
    done = base.within(base.facts)
    for name in ("device", "channel"):
        used = done.filter(done[name].fill_null("") != "")
        tables.append(used.select("customer", feature=ibis.literal(name), value=used[name]).distinct())
    bought = base.within(base.of("purchase")).select("customer", "log_offset", "product", "category", "items")
    bought = by_product(bought)
    for name in ("category", "product"):
        with_it = bought.filter(bought[name].fill_null("") != "")
        tables.append(
            with_it.select("customer", feature=ibis.literal(f"bought {name}"), value=with_it[name]).distinct()
        )
    has = ibis.union(*tables)
    often = has.group_by("feature", "value").agg(there=has.count())
    most = ibis.window(group_by="feature", order_by=[ibis.desc("there"), "value"])
    often = often.mutate(_rank=ibis.row_number().over(most)).filter(lambda t: t._rank < _TOP)
    has = has.semi_join(often, ["feature", "value"])
    inside = people.filter(people.segments.length() > 0)
    inside = inside.select("customer", segment=inside.segments.unnest())
    if asked.of:
        inside = inside.filter(inside.segment == asked.of)
    joined = has.inner_join(inside, "customer")
    theirs = joined.select(segment=inside.segment, feature=has.feature, value=has["value"], customer=has.customer)
    return theirs.union(has.select("feature", "value", "customer", segment=ibis.literal("")).select(*theirs.columns))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Each value against the same among those outside; q-values over all that were compared."""
    every = {(row["feature"], row["value"]): row["customers"] for row in rows if row["segment"] == ""}
    sizes = {row["segment"]: row["customers"] for row in rows if row["feature"] == ""}
    compared, p_values = [], []
    for row in rows:
        size, whole = sizes.get(row["segment"], 0), sizes.get("", 0)
        part, others = row["customers"], every.get((row["feature"], row["value"]), 0) - row["customers"]
        enough = min(size, whole - size) >= base.frame.few and min(part + others, whole - part - others) >= _LEAST
        if not row["segment"] or not row["feature"] or not enough:
            continue
        found = by_shares(part, size, others, whole - size, base.frame.confidence)
        row |= {"of": size, "share": found.one, "others": found.other, "lift": found.lift}
        row |= {"lift_low": found.lift_low, "lift_high": found.lift_high}
        compared.append(row)
        p_values.append(1.0 if found.p is None else found.p)
    for row, q in zip(compared, adjusted(p_values), strict=True):
        row["q"], row["compared"] = q, len(compared)
        feature = f"{row['feature']}: {row['value']}"
        row["what"] = feature if asked.of else f"{row['segment']}, {feature}"
    found_ones = [row for row in compared if asked.every or row["q"] <= 0.05]
    return sorted(found_ones, key=lambda row: (row["segment"], -(row["lift"] or 1e9), row["feature"], row["value"]))


SEGMENT_TRAITS = Analysis(
    name="segment_traits",
    without=("grain", "by", "product", "category", "channel", "campaign"),
    room="marketing",
    title=Text("Portraits of segments", "分群画像"),
    question=Text("What do members of a segment have more often than others?", "分群成员比其他人更常具备什么？"),
    how=Text(
        "Members of a segment, as of the last day that is over, against all other customers: by country, region, plan, "
        "stage and decade of birth as known now, and by devices and channels used and products and categories bought "
        f"in the period. Of each feature the {_TOP} commonest values are compared, where there are 30 customers on "
        "each "
        f"side, {_LEAST} with and {_LEAST} without it. Lift is the share of members over that of the others, with the "
        "interval of its logarithm; shown is what differs with q of 0.05 at most (Benjamini and Hochberg, over all "
        "that were compared; score test, or Fisher's). Traits that the segment's own condition asks for stand out by "
        "themselves. It goes with being a member; it need not be why.",
        "分群成员（截至最近一个已结束的日子）与其他所有客户相比：按当前所知的国家、地区、套餐、阶段、出生年代，以及此期"
        f"间使用的设备与渠道、购买的商品与品类。每项特征比较最常见的 {_TOP} 个取值，两侧各满 30 位客户、"
        f"具备与不具备者各满 {_LEAST} 位。提升度为成员占比与其他人占比之比，附其对数区间；"
        "显示 q 不超过 0.05 的差异（Benjamini–Hochberg，覆盖全部比较；得分检验或 Fisher 检验）。"
        "分群条件本身所问的属性自然突出。此为相伴关系，未必是原因。",
    ),
    parameters=Asked,
    needs=(Need("*"), Need("purchase", ("items",), ("bought product", "bought category"))),
    members=_members,
    once=True,
    dimensions=(
        Column("segment", Text("Segment", "分群"), "text", "dimension", words=_WORDS),
        Column("feature", Text("Feature", "特征"), "text", "dimension", words=_WORDS),
        Column("value", Text("Value", "取值"), "text", "dimension", words=_WORDS),
    ),
    measures=(Customers("customers", Text("Members with it", "具备的成员")),),
    columns=(
        Column("of", Text("Members", "成员"), "customers", "note"),
        Column("share", Text("Of members", "占成员"), "share"),
        Column("others", Text("Of others", "占其他人"), "share"),
        Column("lift", Text("Lift", "提升度"), "factor"),
        Column("lift_low", Text("lowest", "下限"), "factor", "note"),
        Column("lift_high", Text("highest", "上限"), "factor", "note"),
        Column("q", Text("q", "q 值"), "number", "note"),
        Column("compared", Text("Compared", "比较数"), "count", "note"),
        Column("what", Text("What", "内容"), "text", "note", words=_WORDS),
    ),
    finish=_finish,
    chart=Chart("forest", x="lift", y="what", low="lift_low", high="lift_high"),
)
